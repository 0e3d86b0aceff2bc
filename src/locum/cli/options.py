"""The options of `locum up`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from locum.agents.instances.host import GRACE
from locum.calls import Mode
from locum.cli.agent_door import AgentsOptions
from locum.cli.ports import check_host, check_url, node_address
from locum.cli.telemetry import LogFormat
from locum.cli.tls import TlsOptions
from locum.core.errors import ConfigurationError
from locum.core.identifiers import ACCOUNT_ID, REGION
from locum.core.instances import RECORD
from locum.services.verbs import Settings

if TYPE_CHECKING:
    from locum.compute.containers import Container

_NODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `locum up`.

    `account` is that of the root user; None: the one that the installation has. `backends` maps a service, or `*`, to
    an endpoint URL, which gets requests signed with `backend_keys` (access key id, secret). `launcher_grace`: seconds
    that a start waits for launchers (`agents.instances.host`). `early_answers`: see `calls.runtime`. `imds_rate`: the
    metadata requests that an instance may make in a second, None: any number. `history_events`: those that the event
    history keeps at most. `function_ports`: ports of the loopback address that functions reach, beside the gateway.
    `driver` is what makes instances real, with `closed` file systems, or as each a `container`. `access_log` is the
    file descriptor for a line about each request, in `log_format`; None: there are none. `exposed`: the gateway's
    `host` may be every address of this machine. `traces` is the URL that spans are exported to. `console`: serve one,
    at `console_port`; None: the usual one, or a free one where that is taken. `ephemeral`: the embedded backend's data
    is in memory alone. `drain`: for so many seconds a node that is to end goes on answering. What is not `durable` is
    for a run of tests: nothing is kept from a failure of the machine.
    `journal` is the URL of a database, which any number of nodes have in common; None: it is in `data`. Then `node` is
    this one's name (None: one that it keeps there), and `key_command` wraps the key ring (`cli.wrapped_keyring`).
    `workers` is the number of processes that serve the gateway. `serve_backend` is the address (HOST:PORT) at which
    other nodes reach this one's embedded backend; None: they do not; `new_backend`: it takes the place of another
    node's, which is gone. `public_url` is where clients reach the plane, by
    way of a load balancer say; None: at its own port.
    `archive` is where records are archived, at `archive_endpoint` (`cli.archiving`).
    Raises ConfigurationError where an account, a region, a host or a URL cannot be one.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 4566
    account: str | None = None
    mode: Mode = "enforce"
    settings: Settings = field(default_factory=Settings)
    backends: Mapping[str, str] = field(default_factory=dict)
    backend_keys: tuple[str, str] = ("", "")
    launcher_grace: float = GRACE
    early_answers: bool = False
    tls: TlsOptions | None = None
    agents: AgentsOptions | None = None
    imds_rate: float | None = None
    history_events: int = 1_000_000
    function_ports: tuple[int, ...] = ()
    driver: str = RECORD
    closed: bool = False
    container: Container | None = None
    access_log: int | None = None
    log_format: LogFormat = "text"
    exposed: bool = False
    traces: str | None = None
    console: bool = False
    console_port: int | None = None
    ephemeral: bool = False
    durable: bool = True
    drain: float = 0.0
    journal: str | None = None
    node: str | None = None
    key_command: str | None = None
    public_url: str | None = None
    workers: int = 1
    serve_backend: str | None = None
    new_backend: bool = False
    archive: str | None = None
    archive_endpoint: str = ""

    def __post_init__(self) -> None:
        if self.account is not None and not ACCOUNT_ID.fullmatch(self.account):
            raise ConfigurationError(f"--account {self.account!r} is no account id: it takes 12 digits")
        check_host(self.host, exposed=self.exposed)
        if self.node is not None and not _NODE.fullmatch(self.node):
            raise ConfigurationError(f"--node {self.node!r} is no name: letters, digits, dots, dashes and underscores")
        if self.journal is not None and sys.platform != "linux":
            raise ConfigurationError("--journal takes Linux: by a clock of its own nodes tell how old their state is")
        if self.workers > 1 and sys.platform != "linux":
            raise ConfigurationError(
                "--workers takes Linux: elsewhere processes do not share the connections to a port"
            )
        if self.serve_backend is not None:
            node_address(self.serve_backend, f"--serve-backend {self.serve_backend}")
        if self.serve_backend is not None and urlsplit(self.backends.get("*", "")).scheme == "locum":
            raise ConfigurationError("--serve-backend is for the node that has the backend, which another one has here")
        if self.public_url is not None:
            check_url(self.public_url)
        if not REGION.fullmatch(self.settings.region):
            raise ConfigurationError(f"--region {self.settings.region!r} is no region: one reads like eu-west-1")
