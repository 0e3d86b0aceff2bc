"""One command as a task, a pod or a function: `locum run --as`."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import click

from locum.cli.carrier_options import Named
from locum.cli.client import CallFailed, RootClient
from locum.cli.home import Plane
from locum.cli.inside import namespaces_work
from locum.compute import carriers, handover
from locum.compute.attachment import Attachment
from locum.compute.carriers import ADDRESSES, SECRETS, CarrierClaim, Room
from locum.compute.environment import inside, secret_places
from locum.compute.inside import Inside, enter_there
from locum.compute.launch import run
from locum.core.carriers import FOLDER, Carrier, Kind
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.core.identifiers import request_id

_NAME: Final = "locum-run"


def carrier_of(kind: Kind, named: Named, root: RootClient, plane: Plane) -> Carrier:
    """A new carrier of the role that the user named. Raises CallFailed, ConfigurationError."""
    found = root.call("iam", "get_role", RoleName=(named.role or "").rpartition("/")[2])["Role"]["Arn"]
    number = request_id(system_entropy)
    of_task = kind is Kind.ECS
    try:
        return Carrier(
            kind=kind,
            id=number.replace("-", "") if of_task else number,
            account=plane.account,
            region=plane.region,
            role=found,
            name=_NAME,
            cluster=named.cluster or "default",
            namespace=named.namespace or "default",
            service_account=named.service_account or "default",
            issuer=_issuer(root, named.cluster) if kind in (Kind.POD, Kind.IRSA) and named.cluster else "",
            secret=request_id(system_entropy) if of_task else "",
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _issuer(root: RootClient, cluster: str) -> str:
    """The issuer of a cluster that EKS has; empty where it has none of that name."""
    try:
        described: dict[str, Any] = root.call("eks", "describe_cluster", name=cluster)["cluster"]
    except CallFailed:
        return ""
    return str(described.get("identity", {}).get("oidc", {}).get("issuer", ""))


class _Start(NamedTuple):
    """The parameters of a carrier's start: its directories, the credentials of a function, and further variables."""

    carrier: Carrier
    room: Room
    credentials: dict[str, Any]
    more: dict[str, str]

    def environment(self, endpoint: str, plane: Plane, port: int | None, secrets: Path) -> dict[str, str]:
        """Its variables; `endpoint` is the gateway's, for the others see `compute.carriers.variables`."""
        own = carriers.variables(self.carrier, port, secrets, self.credentials)
        return inside(os.environ, endpoint, plane.region) | own | self.more


def run_carrier(data: Path, plane: Plane, carrier: Carrier, command: Sequence[str], network: str, named: Named) -> int:
    """Run `command` as `carrier`; its exit code. `network`: see `cli.inside.run_inside`. Raises HandoverError."""
    admitted = handover.asked(data, {"admit": asdict(carrier)})
    if notice := admitted.get("notice"):
        click.echo(f"locum: {notice}", err=True)
    folder = data.resolve() / FOLDER / carrier.id
    try:
        with TemporaryDirectory(prefix="locum-") as temporary:
            more = _of_anywhere(Path(temporary), carrier, named) if carrier.kind is Kind.ANYWHERE else {}
            start = _Start(carrier, Room.make(folder, carrier), admitted.get("credentials", {}), more)
            if network == "namespace" or (network == "auto" and namespaces_work()):
                return _in_namespace(data, plane, start, command)
            return _on_loopback(data, plane, start, command)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _of_anywhere(folder: Path, carrier: Carrier, named: Named) -> dict[str, str]:
    """The variables that have SDKs run `locum credential-process`: a configuration file that names it, in `folder`."""
    options = {
        "--trust-anchor-arn": named.trust_anchor_arn,
        "--profile-arn": named.profile_arn,
        "--role-arn": carrier.role,
        "--certificate": None if named.certificate is None else named.certificate.absolute(),
        "--private-key": None if named.private_key is None else named.private_key.absolute(),
        "--intermediates": None if named.intermediates is None else named.intermediates.absolute(),
    }
    line = [sys.executable, "-c", "from locum.cli.main import main; main()", "credential-process"]
    line += [text for name, value in options.items() if value is not None for text in (name, str(value))]
    file = folder / "config"
    file.write_text(f"[default]\ncredential_process = {shlex.join(line)}\n")
    return {"AWS_CONFIG_FILE": str(file)}


def _in_namespace(data: Path, plane: Plane, start: _Start, command: Sequence[str]) -> int:
    environment = start.environment(f"http://127.0.0.1:{plane.port}", plane, None, SECRETS)
    hidden = secret_places(os.environ, Path.home(), data.resolve())
    listen = partial(carriers.listen, start.carrier, start.room)
    with ExitStack() as held, Inside(plane.port, hidden, listen) as new:

        def begin(child: int) -> Attachment | None:
            sockets = new.sockets()
            if not sockets:
                return None
            attachment = held.enter_context(Attachment(data, CarrierClaim(start.carrier), sockets, child))
            attachment.attach()
            new.proceed()
            return attachment

        return run(command, environment, new.make, begin, enter=enter_there)


def _on_loopback(data: Path, plane: Plane, start: _Start, command: Sequence[str]) -> int:
    carrier = start.carrier
    sockets = [socket.create_server(("127.0.0.1", 0))] if carrier.kind in ADDRESSES else []
    if carrier.kind is Kind.ECS:  # whoever is on this machine can connect
        carrier = replace(carrier, authorization=system_entropy(32).hex())
        start = start._replace(carrier=carrier)
    with Attachment(data, CarrierClaim(carrier), sockets) as attachment:
        attachment.attach()
        port = sockets[0].getsockname()[1] if sockets else None
        environment = start.environment(plane.endpoint, plane, port, start.room.tokens)
        return run(command, environment, lambda: None, lambda _child: attachment)
