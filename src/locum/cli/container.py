"""`locum run --container`: a command in a container of Docker or Podman that is the instance."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from locum.cli.home import Plane
from locum.cli.inside import View
from locum.compute.attachment import Attachment, Claim
from locum.compute.containers import Container, ContainerNetwork
from locum.compute.environment import inside
from locum.compute.launch import run
from locum.core.errors import ConfigurationError
from locum.core.instances import ENGINES, PAUSE


def container_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a container."""
    options = (
        click.option("--container", "image", metavar="IMAGE", help="The image of a container that is the instance."),
        click.option("--engine", type=click.Choice(ENGINES), help="Whose container; the first that is installed."),
        click.option("--pause-image", metavar="IMAGE", help=f"The image that holds its network; {PAUSE} by default."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def container_of(
    image: str | None, engine: str | None, pause_image: str | None, network: str, view: View
) -> Container | None:
    """The container that the options name, or None. Raises ConfigurationError."""
    if image is None:
        if engine or pause_image:
            raise ConfigurationError("--engine and --pause-image are for --container")
        return None
    if network == "loopback":
        raise ConfigurationError("a container has a network of its own: --container excludes --network loopback")
    if view != View():
        text = "a container has files of its own: --container excludes --closed, --share, --root and --aws-hosts"
        raise ConfigurationError(text)
    found = Container(image, engine or "", pause_image or PAUSE)
    found.program()
    return found


def run_in_container(
    data: Path, plane: Plane, instance: str, container: Container, command: Sequence[str], *, ephemeral: bool
) -> int:
    """Run `command` in a container that is `instance`; its exit code. Raises HandoverError, ContainerFailed.

    Without a command, it is that of the image.
    """
    environment = inside({}, f"http://127.0.0.1:{plane.port}", plane.region)
    claim = Claim(instance, plane.account, ephemeral)
    with (
        ContainerNetwork(container, instance) as network,
        Attachment(data, claim, network.sockets(plane.port)) as attachment,
    ):
        attachment.attach()
        line = network.line(command, environment, terminal=sys.stdin.isatty() and sys.stdout.isatty())
        return run(line, os.environ, lambda: None, lambda _child: attachment)  # which is the engine's own environment
