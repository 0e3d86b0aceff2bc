"""`locum up`: start the plane, print its address, and serve until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import uvloop

from locum.agents.instances.changes import InstanceChanges
from locum.agents.instances.host import GRACE, InstanceHost
from locum.agents.overview import Overview
from locum.agents.questions import PlaneQuestions
from locum.cli.agent_door import AgentsOptions
from locum.cli.beginning import Beginning
from locum.cli.compose import Node
from locum.cli.console_door import no_console
from locum.cli.greeting import farewell, greeting
from locum.cli.home import PLANE_FILE, Plane, data_option, plane_text
from locum.cli.open_files import raise_open_files
from locum.cli.options import Options
from locum.cli.plane_log import plane_log
from locum.cli.ports import EVERY_ADDRESS, LOOPBACK
from locum.cli.root_account import DEFAULT_ACCOUNT
from locum.cli.saved import finish_loading
from locum.cli.service_manager import told_of
from locum.cli.state_questions import StateQuestions
from locum.cli.telemetry import json_log, start_line
from locum.cli.tls import TlsOptions
from locum.cli.tuning import tune_interpreter
from locum.cli.workers.serving import other_processes
from locum.compute.attachments import Attachments
from locum.compute.carrier_attachments import CarrierAttachments
from locum.compute.control import Control
from locum.compute.handover import SOCKET_NAME
from locum.core.clock import MovableClock
from locum.core.errors import ConfigurationError
from locum.core.instances import CONTAINER, DRIVERS, ENGINES, PAUSE, RECORD
from locum.services.verbs import Settings

if TYPE_CHECKING:
    from locum.agents.instances.processes import InstanceProcesses
    from locum.compute.containers import Container

_LONGEST_SOCKET: Final = 107
"""The limit in octets for a socket's path: unix(7), sun_path without its terminating null byte."""

_STDOUT: Final = 1
"""Its file descriptor."""

_LAST: Final = 5
"""Seconds after a second signal, when the process is ended whatever it does: alarm(2)."""

_PATIENCE: Final = 2.0
"""Seconds in which most stacks are complete."""


@click.command()
@data_option
@click.option("--port", type=click.IntRange(0, 65535), default=4566, show_default=True, help="0 picks a free one.")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on: see --exposed.")
@click.option("--exposed", is_flag=True, help=f"Let --host be {EVERY_ADDRESS}, which other machines reach.")
@click.option("--journal", metavar="URL", envvar="LOCUM_JOURNAL", show_envvar=True,
              help="Be a node of the installation in this database: postgresql://HOST/NAME.")  # fmt: skip
@click.option("--node", metavar="NAME", envvar="LOCUM_NODE", show_envvar=True,
              help="This node's name among them; one of its own by default.")  # fmt: skip
@click.option("--key-command", metavar="COMMAND", envvar="LOCUM_KEY_COMMAND", show_envvar=True,
              help="What wraps the key ring there, run as `COMMAND wrap` and `COMMAND unwrap`.")  # fmt: skip
@click.option("--public-url", metavar="URL", help="Where clients reach the plane: a load balancer's, say.")
@click.option("--account", help=f"The account that the first start makes, 12 digits; {DEFAULT_ACCOUNT} by default.")
@click.option("--region", default="us-east-1", show_default=True, help="The region that clients are told to use.")
@click.option("--observe", is_flag=True, help="Record denials and let the calls go on. Signatures are verified.")
@click.option("--backend", "backends", multiple=True, metavar="SERVICE=URL",
              help="Carry out SERVICE's calls (* for all) at this endpoint in place of moto. Repeatable.")  # fmt: skip
@click.option("--backend-access-key-id", envvar="LOCUM_BACKEND_ACCESS_KEY_ID", show_envvar=True, default="")
@click.option("--backend-secret-access-key", envvar="LOCUM_BACKEND_SECRET_ACCESS_KEY", show_envvar=True, default="",
              help="The keys for such endpoints; the environment is the better place.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N",
              help="The processes that serve the port: about as many as there are cores. Linux.")  # fmt: skip
@click.option("--serve-backend", metavar="HOST:PORT",
              help="Let other nodes have this one's backend: their --backend '*=locum://HOST:PORT'.")  # fmt: skip
@click.option("--new-backend", is_flag=True, help="Begin with an empty one in place of another node's, which is gone.")
@click.option("--credential-seconds", type=click.IntRange(2, 43200), envvar="LOCUM_CREDENTIAL_SECONDS",
              show_envvar=True, help="Lifetime of the credentials that instances get; 6 hours by default.")  # fmt: skip
@click.option("--launcher-grace", type=click.FloatRange(0), default=GRACE, show_default=True, metavar="SECONDS",
              help="How long a start waits for launchers that ran before, else their instances end.")  # fmt: skip
@click.option("--driver", type=click.Choice(DRIVERS), default=RECORD, show_default=True,
              help="Instances are records, or each is a process in a namespace, or a container.")  # fmt: skip
@click.option("--container-image", metavar="IMAGE", help="The image of those containers. It has /bin/sh.")
@click.option("--engine", type=click.Choice(ENGINES), help="Whose containers; the first that is installed.")
@click.option("--pause-image", metavar="IMAGE", help=f"The image that holds their networks; {PAUSE} by default.")
@click.option("--closed", is_flag=True, help="Show the processes of such instances no files but a read-only system.")
@click.option("--imds-rate", type=click.FloatRange(1), metavar="N",
              help="Metadata requests that an instance may make in a second, else 429. Default: no limit.")  # fmt: skip
@click.option("--history-events", type=click.IntRange(10_000), default=1_000_000, show_default=True, metavar="N",
              help="The events that the event history keeps at most, for 90 days; 1.4 KB each.")  # fmt: skip
@click.option("--drain", type=click.FloatRange(0, 3600), default=0.0, metavar="SECONDS",
              help="How long to go on answering after SIGTERM, while load balancers hear of it.")  # fmt: skip
@click.option("--no-rate-limits", "rate_limits", is_flag=True, flag_value=False, default=True,
              help="Answer LookupEvents as often as it is asked; AWS answers twice a second.")  # fmt: skip
@click.option("--function-port", "function_ports", type=click.IntRange(1, 65535), multiple=True, metavar="PORT",
              help="A port of this machine that functions reach at 127.0.0.1, a database's. Repeatable.")  # fmt: skip
@click.option("--early-answers", is_flag=True, envvar="LOCUM_EARLY_ANSWERS", show_envvar=True,
              help="Answer what backends changed before its record is durable: a crash can lose it.")  # fmt: skip
@click.option("--tls", is_flag=True, help="Serve TLS, too, with an authority of this installation or given files.")
@click.option("--tls-port", type=click.IntRange(0, 65535), default=4443, show_default=True, help="0 picks a free one.")
@click.option("--tls-certificate", type=click.Path(dir_okay=False, path_type=Path), help="A certificate chain in PEM.")
@click.option("--tls-key", type=click.Path(dir_okay=False, path_type=Path), help="Its key in PEM.")
@click.option("--agents", is_flag=True, help="Let other machines be instances: serve `locum agent`, over TLS.")
@click.option("--agents-host", default="127.0.0.1", show_default=True, help="The address for that: of this machine.")
@click.option("--agents-port", type=click.IntRange(0, 65535), default=4568, show_default=True,
              help="The port; 0 picks a free one.")  # fmt: skip
@click.option("--console/--no-console", default=True, help="Serve the console, on an origin of its own.")
@click.option("--console-port", type=click.IntRange(0, 65535), help="Its port; 4567, or a free one if that is taken.")
@click.option("--init", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Before it says that it is up, carry out what is in DIR, as `locum init` does.")  # fmt: skip
@click.option("--init-keep-going", is_flag=True, help="Start also where something in DIR fails.")
@click.option("--ephemeral", is_flag=True, help="Keep nothing of what the embedded backend holds, and read none of it.")
@click.option("--archive", metavar="URL", envvar="LOCUM_ARCHIVE", show_envvar=True,
              help="Archive records in this bucket: s3://BUCKET/PREFIX. none: keep none for it.")  # fmt: skip
@click.option("--archive-endpoint", metavar="URL", default="", envvar="LOCUM_ARCHIVE_ENDPOINT", show_envvar=True,
              help="The endpoint of its store, where it is not AWS's.")  # fmt: skip
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="The form of what is said, each request's line among it.")  # fmt: skip
@click.option("--traces", metavar="URL", help="Export a span of each call by OTLP: http://127.0.0.1:4318/v1/traces.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors; else each request has a line.")
def command(data: Path, quiet: bool, init: Path | None, init_keep_going: bool, **given: Any) -> None:
    """Start the plane: every AWS service on one port, and the metadata service of every instance."""
    beginning = None if init is None else Beginning.of(init, keep_going=init_keep_going)
    options = _options(data.expanduser().absolute(), access_log=None if quiet else _STDOUT, **given)
    if options.driver != RECORD or options.closed:
        from locum.cli.drivers import check_driver  # late, as most planes have records alone

        check_driver(options.driver, closed=options.closed, container=options.container)
    if len(os.fsencode(options.data / SOCKET_NAME)) > _LONGEST_SOCKET:
        raise ConfigurationError(
            f"{options.data} is too long a path: that of the socket in it may have {_LONGEST_SOCKET} octets; "
            "choose another --data"
        )
    finish_loading(options.data)
    raise_open_files()
    uvloop.run(serve(options, None if quiet else _greet, beginning))
    if not quiet:
        click.echo(farewell(options), err=True)


def _options(
    data: Path, *, region: str, observe: bool, credential_seconds: int | None, rate_limits: bool,
    backends: tuple[str, ...], backend_access_key_id: str, backend_secret_access_key: str,
    tls: bool, tls_port: int, tls_certificate: Path | None, tls_key: Path | None,
    agents: bool, agents_host: str, agents_port: int,
    driver: str, container_image: str | None, engine: str | None, pause_image: str | None, **fields: Any,
) -> Options:  # fmt: skip
    """The options of the command line. `fields` are those that `Options` has under the same names."""
    return Options(
        data=data,
        mode="observe" if observe else "enforce",
        settings=Settings(region, credential_seconds, patience=_PATIENCE, rate_limits=rate_limits),
        backends=dict(_pair(backend) for backend in backends),
        backend_keys=(backend_access_key_id, backend_secret_access_key),
        tls=TlsOptions(tls_port, tls_certificate, tls_key) if tls else None,
        agents=AgentsOptions(agents_host, agents_port) if agents else None,
        driver=driver,
        container=_container(driver, container_image, engine, pause_image),
        **fields,
    )


def _container(driver: str, image: str | None, engine: str | None, pause_image: str | None) -> Container | None:
    """The container that instances are; None where they are none. Raises ConfigurationError."""
    if driver != CONTAINER and not (image or engine or pause_image):
        return None
    from locum.cli.drivers import driver_container  # late, as most planes have records alone

    return driver_container(driver, image, engine, pause_image)


def _pair(text: str) -> tuple[str, str]:
    service, equals, url = text.partition("=")
    if not service or not equals or not url:
        raise ConfigurationError(f"--backend {text!r} reads like s3=http://127.0.0.1:9000")
    return service, url


async def serve(
    options: Options, greet: Callable[[Options, Plane, MovableClock], None] | None, beginning: Beginning | None = None
) -> None:
    """Run a plane until SIGTERM or SIGINT. `greet` is called once it answers, and `beginning` is carried out before.

    A second signal has it wait for nobody; what is answered is durable, so that it may be ended at any time.
    """
    node, stop = Node(options), asyncio.Event()

    def signalled() -> None:
        if stop.is_set():
            node.hurry()
            signal.alarm(_LAST)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signalled)
    host = InstanceHost(
        *(node.runtime, node.calls, node.listeners, node.gateway, node.metadata.app),
        *(options.launcher_grace, options.driver, node.managed, node.aws_hosts),
    )
    async with AsyncExitStack() as left:
        left.enter_context(json_log() if options.log_format == "json" else plane_log(options.data))
        left.push_async_callback(node.close)
        left.push_async_callback(host.close)
        port = await node.open()
        host.open()
        node.carriers.open(options.launcher_grace)
        await left.enter_async_context(_instances(node, host, port))
        left.callback((options.data / PLANE_FILE).unlink, missing_ok=True)
        plane = _announce(node, port)
        await left.enter_async_context(other_processes(node, port))
        tune_interpreter()
        if beginning is not None:
            await beginning.carry_out(options.data, stop, quiet=greet is None)
        node.started()
        if greet is not None and not stop.is_set():
            greet(options, plane, node.runtime.clock)
        await left.enter_async_context(told_of())
        await stop.wait()
        await node.drain()


@asynccontextmanager
async def _instances(node: Node, host: InstanceHost, port: int) -> AsyncIterator[None]:
    """Serve launchers, tell them when their instances end, and have the driver start others."""
    processes: InstanceProcesses | None = None

    def attached(_instance: str) -> None:
        if processes is not None:
            processes.wake()

    attachments = Attachments(host, attached)
    activate = None if node.agents is None else node.agents.activate
    own = PlaneQuestions(node.runtime, node.aws_hosts.authority, activate, node.audits, node.calls.assume)
    carriers = CarrierAttachments(node.carriers)
    console = {"console": no_console} if node.console is None else node.console.questions
    overview = Overview(lambda: node.ledger.state, node.carriers, lambda: node.functions)
    asked = {**attachments.questions, **carriers.questions, **own.questions, **overview.questions, **console}
    control = Control(node.options.data, {**asked, **StateQuestions(node).questions})
    changes = InstanceChanges(node.ledger, attachments.review)
    await control.open()
    changes.start()
    if node.options.driver != RECORD:
        from locum.cli.drivers import instance_processes

        processes = instance_processes(node, port, attachments.is_attached)
        host.ready = processes.ready
        processes.start()
    try:
        yield
    finally:
        if processes is not None:
            await processes.close()
            _tell_of(attachments.number(node.options.driver))
        await changes.close()
        await control.close()
        await own.close()
        await node.carriers.close()


def _tell_of(instances: int) -> None:
    """Tell the user, who may think that all has ended."""
    if instances:
        what = "1 instance goes on" if instances == 1 else f"{instances} instances go on"
        click.echo(f"locum: {what} until the next start: with --driver record it ends them", err=True)


def _announce(node: Node, port: int) -> Plane:
    options = node.options
    place = f"http://127.0.0.1:{port}", port, options.settings.region, node.account, os.getpid()
    agents = "" if node.agents is None else node.agents.address
    plane = Plane(*place, node.tls_port or 0, agents, "" if node.console is None else node.console.url)
    node.directory.write(PLANE_FILE, plane_text(plane))
    return plane


def _greet(options: Options, plane: Plane, clock: MovableClock) -> None:
    if options.log_format == "json":
        click.echo(start_line(plane, options.data, clock.wall()))
        return
    click.echo(greeting(options, plane, clock))
