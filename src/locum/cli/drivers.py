"""The drivers of `locum up --driver` that make instances real, loaded where one is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from locum.agents.instances.processes import InstanceProcesses
from locum.cli.compose import Node
from locum.cli.inside import namespaces_work
from locum.compute.closed import check_bubblewrap, closed
from locum.compute.containers import Container
from locum.compute.environment import inside, secret_places
from locum.compute.launcher import Launch
from locum.compute.process_driver import ProcessDriver
from locum.core.errors import ConfigurationError
from locum.core.instances import CONTAINER, PAUSE, PROCESS
from locum.state import Instance

_KEPT: Final = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER")
"""The variables of the host that instances have."""


def driver_container(driver: str, image: str | None, engine: str | None, pause_image: str | None) -> Container | None:
    """The container that instances of the driver `container` are; None with another. Raises ConfigurationError."""
    if driver != CONTAINER:
        if image or engine or pause_image:
            raise ConfigurationError("--container-image, --engine and --pause-image take --driver container")
        return None
    if not image:
        raise ConfigurationError("--driver container takes --container-image, the image that instances are")
    return Container(image, engine or "", pause_image or PAUSE)


def check_driver(driver: str, *, closed: bool, container: Container | None = None) -> None:
    """Raises ConfigurationError where this machine cannot do what `driver` does, or cannot close its file systems."""
    if closed and driver != PROCESS:
        raise ConfigurationError("--closed takes --driver process")
    if closed:
        check_bubblewrap()
    if container is not None:
        container.check()
    if driver == PROCESS and not namespaces_work():
        raise ConfigurationError(
            "--driver process takes user, network and PID namespaces, which this machine does not let this user make"
        )


def instance_processes(node: Node, port: int, is_attached: Callable[[str], bool]) -> InstanceProcesses:
    """The driver `process` or `container` of `node`, whose gateway is at `port`."""
    data, container = node.options.data, node.options.container
    hidden = [data, *(place for place in secret_places(os.environ, Path.home(), data) if place != data)]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"PATH": _search_path()}
    within = closed(data, Path.home()) if node.options.closed else []

    def launch_of(it: Instance) -> Launch:
        return Launch(
            data=str(data),
            instance=it.id,
            account=it.account,
            boot=it.boots,
            port=port,
            hidden=tuple(map(str, hidden)),
            environment=inside(kept if container is None else {}, f"http://127.0.0.1:{port}", it.region),
            user_data=it.user_data,
            within=within,
            container=container or (),
        )

    driver = ProcessDriver(environment=None if container is None else os.environ)  # which is the engine's own
    return InstanceProcesses(
        node.ledger, node.runtime.clock.wall, data, driver, launch_of, is_attached, node.runtime.node
    )


def _search_path() -> str:
    return os.environ.get("PATH", os.defpath)
