"""`locum run`: run a command inside a new instance with an instance profile."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from locum.cli.carrier_options import Named, carrier_options, check
from locum.cli.client import RootClient
from locum.cli.completing import names_of
from locum.cli.container import container_of, container_options, run_in_container
from locum.cli.home import data_option, read_plane
from locum.cli.inside import View, aws_hosts_option, network_option, run_inside
from locum.compute import handover
from locum.compute.handover import HandoverError, PlaneAway
from locum.core.carriers import Kind
from locum.core.clock import system_entropy
from locum.core.identifiers import EPHEMERAL_LAUNCH, OWN_IMAGE, request_id

_DIRECTORY: Final = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(context_settings={"ignore_unknown_options": True})
@data_option
@network_option
@aws_hosts_option
@carrier_options
@container_options
@click.option("--profile", shell_complete=names_of("profiles"), help="The name of the instance profile of an instance.")
@click.option("--keep", is_flag=True, help="Leave the instance running when the command has ended.")
@click.option("--imdsv1", is_flag=True, help="Let metadata be read without a token (HttpTokens=optional).")
@click.option("--user-data", type=click.File("rb"), help="A file to be the instance's user data.")
@click.option("--closed", is_flag=True, help="Show the command no files of the host but a read-only system.")
@click.option("--share", "shared", multiple=True, type=_DIRECTORY, help="A directory that is there with --closed.")
@click.option("--root", type=_DIRECTORY, help="The directory that is / for the command, which is root there.")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
def command(
    data: Path, network: str, aws_hosts: bool, kind: str, profile: str | None, keep: bool, imdsv1: bool,
    user_data: BinaryIO | None, closed: bool, shared: tuple[Path, ...], root: Path | None, image: str | None,
    engine: str | None, pause_image: str | None, argv: tuple[str, ...], **of_carrier: Any,
) -> None:  # fmt: skip
    """Launch an instance with the profile PROFILE and run COMMAND inside it, or as another carrier of a role.

    The command finds credentials where it would on AWS, and nowhere else: an instance in the metadata service, a task
    and a pod at the endpoint that variables name, a pod with IRSA by its token, a function in variables, a machine
    with a certificate by a credential_process.
    The exit code is the command's. The instance is terminated afterwards, unless --keep.
    """
    named, view = Named(**of_carrier), View(closed, root, shared, aws_hosts)
    of_instance = {
        "--profile": profile, "--keep": keep, "--imdsv1": imdsv1, "--user-data": user_data, "--closed": closed,
        "--share": shared, "--root": root, "--aws-hosts": aws_hosts, "--container": image,
    }  # fmt: skip
    check(kind, named, of_instance)
    container = container_of(image, engine, pause_image, network, view)
    if container is None and not argv:
        raise click.UsageError("Missing argument '-- COMMAND [ARG]...'.")
    view.within(data)
    plane = read_plane(data)
    client = RootClient(data, plane)
    if kind != "ec2":
        carriers = import_module("locum.cli.carriers")  # late: an instance does not need it
        carrier = carriers.carrier_of(Kind(kind), named, client, plane)
        raise SystemExit(carriers.run_carrier(data, plane, carrier, argv, network, named))
    instance = _launched(client, profile, keep=keep, imdsv1=imdsv1, user_data=user_data)
    attached = False
    try:
        if container is not None:
            code = run_in_container(data, plane, instance, container, argv, ephemeral=not keep)
        else:
            code = run_inside(data, plane, instance, argv, network=network, ephemeral=not keep, view=view)
        attached = True
    finally:
        _finish(data, plane.account, instance, keep=keep, attached=attached)
    raise SystemExit(code)


def _launched(
    client: RootClient, profile: str | None, *, keep: bool, imdsv1: bool, user_data: BinaryIO | None
) -> str:  # fmt: skip
    """The id of a new instance."""
    parameters: dict[str, object] = {
        "ImageId": OWN_IMAGE,
        "MinCount": 1,
        "MaxCount": 1,
        "MetadataOptions": {"HttpTokens": "optional" if imdsv1 else "required"},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "locum-run"}]}],
    }
    if not keep:
        parameters["ClientToken"] = f"{EPHEMERAL_LAUNCH}{request_id(system_entropy)}"
    if profile is not None:
        parameters["IamInstanceProfile"] = {"Name": profile}
    if user_data is not None:
        parameters["UserData"] = user_data.read()
    return str(client.call("ec2", "run_instances", **parameters)["Instances"][0]["InstanceId"])


def _finish(data: Path, account: str, instance: str, *, keep: bool, attached: bool) -> None:
    """Terminate the instance, or report that it keeps running. The exit code is the command's even without the plane.

    The plane terminates an `attached` instance in any case; with the request, it is done when this returns.
    """
    if keep:
        click.echo(f"locum: {instance} keeps running", err=True)
        return
    try:
        handover.asked(data, {"end": instance, "account": account})
    except PlaneAway as away:
        then = ". It will be when the plane starts again" if attached else ""
        click.echo(f"locum: {instance} was not terminated: {away}{then}", err=True)
    except HandoverError as refusal:
        click.echo(f"locum: {instance} was not terminated: {refusal}", err=True)
