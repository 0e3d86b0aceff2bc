"""The parts of every process that serves the gateway: of a node, and of its workers, alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from locum.audit import History
from locum.calls import Backends, Calls, Runtime
from locum.cli.open_files import open_files
from locum.cli.options import Options
from locum.cli.own_services import own_services
from locum.cli.storage import Storage
from locum.core.clock import Entropy, MovableClock
from locum.gateway.access_log import AccessLog
from locum.gateway.issuerkeys import FOLDER, IssuerKeys
from locum.gateway.pipeline import Pipeline
from locum.gateway.strangers import Strangers
from locum.http.listener import Listeners
from locum.http.patience import PATIENCE, Patience
from locum.services.verbs import Settings
from locum.store import Ledger

if TYPE_CHECKING:
    from locum.gateway.tracing import Tracing


def new_listeners() -> Listeners:
    """Listeners that take as many connections as this process may have files open, and leave some."""
    return Listeners(Patience(connections=min(PATIENCE.connections, open_files() // 2)))


def runtime_of(
    options: Options,
    storage: Storage,
    ledger: Ledger,
    backends: Backends,
    clock: MovableClock,
    entropy: Entropy,
    name: str,
) -> Runtime:
    """The runtime of a process, whose effects have its `name`. Where it is reached is not known yet (`reached_at`)."""
    return Runtime(
        ledger=ledger,
        history=History(storage.journal),
        usage=storage.journal,
        keyring=storage.keyring,
        clock=clock,
        entropy=entropy,
        settings=replace(
            options.settings,
            node=storage.node,
            public_url=options.public_url or "",
            instances_at_backend=not backends.of("ec2", "RunInstances").forgets,
        ),
        services=own_services(),
        backends=backends,
        mode=options.mode,
        early_answers=options.early_answers,
        node=name,
    )


def reached_at(settings: Settings, port: int, tls_port: int) -> Settings:
    """The settings of a plane that is reached at these ports (0: not over TLS)."""
    return replace(settings, endpoint=f"http://127.0.0.1:{port}", tls_port=tls_port)


def pipeline_of(
    runtime: Runtime, calls: Calls, options: Options, access_log: AccessLog | None, tracing: Tracing | None
) -> Pipeline:
    """The pipeline of a process, one of as many as the options say."""
    strangers = Strangers(processes=options.workers)
    return Pipeline(
        runtime, calls, IssuerKeys(options.data / FOLDER), strangers, access_log=access_log, tracing=tracing
    )
