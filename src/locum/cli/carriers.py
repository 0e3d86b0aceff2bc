"""One command as a task, a pod or a function: `locum run --as`."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from locum.cli.client import CallFailed, RootClient
from locum.cli.home import Plane
from locum.cli.inside import namespaces_work
from locum.compute import carriers
from locum.compute.attachment import Attachment
from locum.compute.carriers import ADDRESSES, SECRETS, CarrierClaim, Room
from locum.compute.environment import inside, secret_places
from locum.compute.handover import ask, connect
from locum.compute.inside import Inside, enter_there
from locum.compute.launch import run
from locum.core.carriers import FOLDER, Carrier, Kind
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.core.identifiers import request_id

_NAME: Final = "locum-run"


class Place(NamedTuple):
    """The names that the user gave: of the cluster, the namespace and the service account; None for the defaults."""

    cluster: str | None
    namespace: str | None
    service_account: str | None


def carrier_of(kind: Kind, role: str, place: Place, root: RootClient, plane: Plane) -> Carrier:
    """A new carrier of the role with that name or ARN. Raises CallFailed, ConfigurationError."""
    found = root.call("iam", "get_role", RoleName=role.rpartition("/")[2])["Role"]["Arn"]
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
            cluster=place.cluster or "default",
            namespace=place.namespace or "default",
            service_account=place.service_account or "default",
            issuer=_issuer(root, place.cluster) if kind in (Kind.POD, Kind.IRSA) and place.cluster else "",
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


def run_carrier(data: Path, plane: Plane, carrier: Carrier, command: Sequence[str], network: str) -> int:
    """Run `command` as `carrier`; its exit code. `network`: see `cli.inside.run_inside`. Raises HandoverError."""
    with connect(data) as connection:
        admitted = ask(connection, {"admit": asdict(carrier)})
    if notice := admitted.get("notice"):
        click.echo(f"locum: {notice}", err=True)
    folder = data.resolve() / FOLDER / carrier.id
    try:
        room = Room.make(folder, carrier)
        credentials = admitted.get("credentials", {})
        if network == "namespace" or (network == "auto" and namespaces_work()):
            return _in_namespace(data, plane, carrier, command, room, credentials)
        return _on_loopback(data, plane, carrier, command, room, credentials)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_namespace(
    data: Path, plane: Plane, carrier: Carrier, command: Sequence[str], room: Room, credentials: dict[str, Any]
) -> int:
    environment = inside(os.environ, f"http://127.0.0.1:{plane.port}", plane.region)
    environment |= carriers.variables(carrier, None, SECRETS, credentials)
    hidden = secret_places(os.environ, Path.home(), data.resolve())
    with ExitStack() as held, Inside(plane.port, hidden, partial(carriers.listen, carrier, room)) as new:

        def begin(child: int) -> Attachment | None:
            sockets = new.sockets()
            if not sockets:
                return None
            attachment = held.enter_context(Attachment(data, CarrierClaim(carrier), sockets, child))
            attachment.attach()
            new.proceed()
            return attachment

        return run(command, environment, new.make, begin, enter=enter_there)


def _on_loopback(
    data: Path, plane: Plane, carrier: Carrier, command: Sequence[str], room: Room, credentials: dict[str, Any]
) -> int:
    sockets = [socket.create_server(("127.0.0.1", 0))] if carrier.kind in ADDRESSES else []
    if carrier.kind is Kind.ECS:  # whoever is on this machine can connect
        carrier = replace(carrier, authorization=system_entropy(32).hex())
    with Attachment(data, CarrierClaim(carrier), sockets) as attachment:
        attachment.attach()
        port = sockets[0].getsockname()[1] if sockets else None
        environment = inside(os.environ, plane.endpoint, plane.region)
        environment |= carriers.variables(carrier, port, room.tokens, credentials)
        return run(command, environment, lambda: None, lambda _child: attachment)
