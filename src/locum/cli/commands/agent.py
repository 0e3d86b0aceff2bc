"""`locum agent`: make this machine or container an instance of a plane elsewhere."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from locum.compute import namespace
from locum.compute.agent_files import About, AgentFiles
from locum.compute.agent_plane import Address, AgentPlane, authority_of
from locum.core.activation import ActivationCode
from locum.core.clock import system_clock
from locum.core.errors import ConfigurationError, LocumError

if TYPE_CHECKING:
    from locum.cli.agent_serving import Sockets

_METADATA: Final = f"{namespace.METADATA_ADDRESS}:{namespace.METADATA_PORT}"
_GATEWAY_PORT: Final = 4566
_GATEWAY: Final = f"127.0.0.1:{_GATEWAY_PORT}"


def default_directory() -> Path:
    """The default directory of an agent, that of the user (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "locum-agent"


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--plane", envvar="LOCUM_PLANE", show_envvar=True, metavar="HOST:PORT",
              help="The plane's address for agents; needed once, with the code.")  # fmt: skip
@click.option("--code", envvar="LOCUM_ACTIVATION_CODE", show_envvar=True,
              help="The activation code. As an option it shows in process lists.")  # fmt: skip
@click.option("--code-file", type=click.File("r"), help="The file that has the code; - for the standard input.")
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), default=default_directory,
              envvar="LOCUM_AGENT_DIRECTORY", show_default="~/.local/share/locum-agent",
              help="Where the agent keeps its key.")  # fmt: skip
@click.option("--metadata", metavar="ADDRESS:PORT", show_default=f"{_METADATA}, else a free port of 127.0.0.1",
              help="Where to serve the metadata service.")  # fmt: skip
@click.option("--gateway", default=_GATEWAY, show_default=True, metavar="ADDRESS:PORT",
              help="Where to serve the gateway. Port 0: a free one.")  # fmt: skip
@click.option("--add-address", is_flag=True, help="Give the loopback interface 169.254.169.254 first (CAP_NET_ADMIN).")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARG]...]")
def command(
    plane: str | None, code: str | None, code_file: TextIO | None, directory: Path, metadata: str | None,
    gateway: str, add_address: bool, argv: tuple[str, ...],
) -> None:  # fmt: skip
    """Be an instance of the plane at HOST:PORT: serve its metadata service and its gateway on this machine.

    The code of `locum activate` makes a key and a certificate, once; they are kept for later starts. With COMMAND, it
    serves a network namespace with 169.254.169.254 in it, and ends with the command that runs there.
    """
    from locum.cli.agent_serving import Sockets, run_command, serve_until_signal

    files = AgentFiles(directory.expanduser().absolute())
    files.claim()
    about = _known(files, plane, code if code_file is None else code_file.read())
    if argv:
        raise SystemExit(run_command(files, about, _address(gateway, "--gateway")[1] or _GATEWAY_PORT, directory, argv))
    if add_address:
        namespace.add_metadata_address()
    sockets = Sockets(_metadata_socket(metadata), _listening(gateway, "--gateway"))
    _greet(about, sockets)
    if refusal := serve_until_signal(files, sockets):
        raise LocumError(f"this machine is not {about.instance} any more: {refusal}")


def _known(files: AgentFiles, plane: str | None, code: str | None) -> About:
    """The agent that this machine is: that of its directory, or a new one by the code. Raises LocumError."""
    if plane is not None:
        Address.parse(plane)
    about = files.about()
    shown = ActivationCode.parse(code) if code else None
    if about is not None and shown is not None and shown.instance != about.instance:
        raise ConfigurationError(f"this machine is {about.instance}: name another --directory, or remove that one")
    if about is not None and system_clock() < about.ends:
        return about if plane is None else files.at(plane)
    if shown is None or plane is None:
        missing = "was never activated" if about is None else f"was {about.instance} until its certificate ended"
        raise ConfigurationError(f"this machine {missing}: give --plane and a code of `locum activate`")
    return _activated(files, plane, shown)


def _activated(files: AgentFiles, plane: str, code: ActivationCode) -> About:
    from locum.http import agent_certificates
    from locum.http.authority import private_pem

    address = Address.parse(plane)
    authority = authority_of(address, code)
    key = agent_certificates.new_key()
    issued = AgentPlane(address, authority).activate(code, agent_certificates.request_for(key))
    about = About(plane, issued.instance, issued.region, issued.ends)
    files.keep(about, private_pem(key), issued.certificate, authority)
    return about


def _metadata_socket(given: str | None) -> socket.socket:
    """Listen where it was said, or at EC2's address, or on a free port where this machine does not have that."""
    if given is not None:
        return _listening(given, "--metadata")
    with suppress(ConfigurationError):
        return _listening(_METADATA, "--metadata")
    return _listening("127.0.0.1:0", "--metadata")


def _listening(text: str, option: str) -> socket.socket:
    try:
        return socket.create_server(_address(text, option))
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {text} ({error.strerror}); name another with {option}") from error


def _address(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise ConfigurationError(f"{option} {text!r} is no address: one reads like 127.0.0.1:8080")
    return host, int(port)


def _greet(about: About, sockets: Sockets) -> None:
    metadata, gateway = (f"{host}:{port}" for host, port in (it.getsockname() for it in sockets[:2]))
    click.echo(f"This machine is {about.instance}, of the plane at {about.plane}, until Ctrl-C. Its programs need")
    click.echo("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE")
    if metadata != _METADATA:
        click.echo(f"export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://{metadata}/")
    click.echo(f"export AWS_ENDPOINT_URL=http://{gateway} AWS_REGION={about.region} AWS_DEFAULT_REGION={about.region}")
    sys.stdout.flush()
