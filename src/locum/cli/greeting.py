"""What `locum up` says when the plane is there, and when it has stopped."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from locum.cli.home import Plane, user_home
from locum.core.clock import MovableClock, told_time
from locum.core.extras import adding, installed
from locum.core.instances import CONTAINER, PROCESS

if TYPE_CHECKING:
    from locum.cli.options import Options

_NAME: Final = "locum"


def greeting(options: Options, plane: Plane, clock: MovableClock) -> str:
    """The lines that tell where the plane is, and what to do next."""
    end = f"Ctrl-C stops it; {_kept(options)}."
    return "\n".join((*_facts(options, plane, clock), "", *_first_steps(options), "", end))


def farewell(options: Options) -> str:
    """The line that tells that the plane has stopped."""
    beside = ", what is the node's own" if options.journal else ","
    return f"Locum has stopped; {_kept(options)}{beside} in {options.data}"


def locum_command() -> str:
    """The words by which another shell of this user calls this very `locum`, from wherever it stands."""
    own = _own_program()
    found = shutil.which(_NAME, path=os.pathsep.join(_lasting_path()))
    if own is None or (found is not None and Path(found).resolve() == own.resolve()):
        return _NAME
    return shlex.quote(str(own))


def data_flag(data: Path) -> str:
    """The option that names `data`, with a space before it; empty where commands find it without."""
    return "" if data == user_home().expanduser().absolute() else f" --data {shlex.quote(str(data))}"


def _kept(options: Options) -> str:
    but = " but the embedded backend's data" if options.ephemeral else ""
    where = " in the database" if options.journal else ""
    return f"everything{but} is kept{where}"


def _shared(options: Options) -> str:
    if not options.journal:
        return ""
    name = f" {options.node}" if options.node else ""
    return f"  (of this node{name}: the journal is in the database that it shares)"


def _lacks_moto(options: Options) -> bool:
    return "*" not in options.backends and not installed("moto")


def _facts(options: Options, plane: Plane, clock: MovableClock) -> Iterator[str]:
    tls = f" and https://localhost:{plane.tls_port}" if plane.tls_port else ""
    yield f"Locum is up: {plane.endpoint}{tls}  account {plane.account}  region {plane.region}"
    if options.mode != "enforce":
        yield "observe: what the policies deny is recorded, and goes on"
    if clock.ahead:
        yield f"the clock was moved: {told_time(clock(), clock.ahead)}"
    yield f"data: {options.data}{_shared(options)}"
    if plane.console:
        yield f"console: {plane.console}  (signed in: `{locum_command()} console{data_flag(options.data)}`)"
    made = {PROCESS: "processes", CONTAINER: "containers"}.get(options.driver)
    if made:
        yield f"instances: {made}, which run their user data"
    if plane.agents:
        yield f"agents: on {plane.agents}, with a code of `locum activate`"
    if _lacks_moto(options):
        yield f"without moto, calls that are not Locum's own are not carried out: {adding('moto')}"


def _first_steps(options: Options) -> Iterator[str]:
    locum, flag = locum_command(), data_flag(options.data)
    yield "In another shell, with the keys of the account's root user (AWS's, not the machine's):"
    yield f"  {locum} aws{flag} -- sts get-caller-identity"
    yield f'  eval "$({locum} env{flag})"     # for other clients; `aws` itself from version 2.13 or 1.29 on'
    # an instance has to see the tour's program, which keeps an object in S3
    if not options.closed and options.driver != CONTAINER and not _lacks_moto(options):
        yield f"  {locum} tour{flag}     # the whole story, step by step"


def _own_program() -> Path | None:
    """The program that was called, else that beside this interpreter."""
    called = shutil.which(sys.argv[0])
    beside = Path(sys.executable).with_name(_NAME)
    if called is not None and Path(called).name == _NAME:
        return Path(called).absolute()
    return beside if beside.is_file() else None


def _lasting_path() -> Iterator[str]:
    """The directories of PATH that other shells have as well: not that of an environment that this one activated."""
    activated = os.environ.get("VIRTUAL_ENV")
    for place in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if Path(place).is_absolute() and (activated is None or Path(place) != Path(activated) / "bin"):
            yield place
