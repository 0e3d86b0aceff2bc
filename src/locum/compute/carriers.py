"""The inside of a task, a pod or a function that is no instance: its addresses, its tokens, its variables."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.compute import namespace
from locum.compute.handover import Message
from locum.core.carriers import TOKENS, Carrier, Kind

ADDRESSES: Final = {Kind.ECS: ("169.254.170.2",), Kind.POD: ("169.254.170.23", "fd00:ec2::23")}
"""The addresses of the endpoints, at port 80. Those of IRSA and Lambda have none."""

SECRETS: Final = Path("/var/run/secrets")
"""The place where Kubernetes lays the tokens of service accounts."""


class CarrierClaim(NamedTuple):
    """The carrier that a launcher attaches."""

    carrier: Carrier

    @property
    def instance(self) -> str:
        return f"{self.carrier.kind.value} {self.carrier.id}"

    @property
    def driver(self) -> str:
        return ""

    def message(self, pid: int) -> Message:
        return {"carry": asdict(self.carrier), "pid": pid}


class Room(NamedTuple):
    """The directories of a carrier below the data directory: its tokens', and an empty one."""

    tokens: Path
    scratch: Path

    @classmethod
    def make(cls, folder: Path, carrier: Carrier) -> Room:
        """Make them in `folder`, which is the carrier's own. Raises OSError."""
        room = cls(folder / "secrets", folder / "scratch")
        room.scratch.mkdir(mode=0o700, parents=True)
        folder.chmod(0o700)
        place = room.tokens / TOKENS[carrier.kind].file if carrier.kind in TOKENS else room.tokens / "none"
        place.parent.mkdir(mode=0o700, parents=True)
        return room


def listen(carrier: Carrier, room: Room, gateway_port: int) -> list[socket.socket | None]:
    """Inside: lay the tokens where a pod has them, and make the sockets of the gateway and the endpoint."""
    if carrier.kind in TOKENS:
        parent = SECRETS.parent.resolve()
        namespace.lay_beside(parent, SECRETS.name, room.tokens, room.scratch)
    made: list[socket.socket | None] = [socket.create_server(("127.0.0.1", gateway_port))]
    for number, address in enumerate(ADDRESSES.get(carrier.kind, ()), 1):
        namespace.add_address(address, number)
        six = ":" in address
        made.append(namespace.listen_on_6(address) if six else socket.create_server((address, 80)))
    return made


def variables(carrier: Carrier, port: int | None, secrets: Path, credentials: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the service sets for `carrier`, which SDKs find its credentials by.

    `port` is that of its endpoint on 127.0.0.1; None where it is at the address of its own. `secrets` is the directory
    of its tokens, `credentials` are a function's, as STS answers them.
    """
    where = f"http://127.0.0.1:{port}" if port is not None else f"http://{ADDRESSES.get(carrier.kind, ('',))[0]}"
    if carrier.kind is Kind.ECS:
        return _of_task(carrier, where)
    if carrier.kind is Kind.LAMBDA:
        return _of_function(carrier, credentials)
    if carrier.kind is Kind.ANYWHERE:
        return {}
    file = str(secrets / TOKENS[carrier.kind].file)
    region = {"AWS_STS_REGIONAL_ENDPOINTS": "regional"}
    if carrier.kind is Kind.POD:
        full = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{where}/v1/credentials"}
        return {**region, **full, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file}
    session = f"{carrier.name}-{carrier.id}"[:64]
    role = {"AWS_ROLE_ARN": carrier.role, "AWS_ROLE_SESSION_NAME": session}
    return {**region, **role, "AWS_WEB_IDENTITY_TOKEN_FILE": file}


def _of_task(carrier: Carrier, where: str) -> dict[str, str]:
    """ECS Developer Guide, "Task IAM role" and "Task metadata endpoint version 4"."""
    path = f"/v2/credentials/{carrier.secret}"
    found = {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE", "ECS_CONTAINER_METADATA_URI_V4": f"{where}/v4/{carrier.id}"}
    if not carrier.authorization:
        return found | {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": path}
    token = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": carrier.authorization}
    return found | token | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{where}{path}"}


def _of_function(carrier: Carrier, credentials: Mapping[str, Any]) -> dict[str, str]:
    """Lambda Developer Guide, "Defined runtime environment variables": those that need no runtime."""
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_NAME": carrier.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{carrier.name}",
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }
