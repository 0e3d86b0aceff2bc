"""Machines that are instances by `locum agent`, each with a home of its own, on loopback."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from locum.cli.home import PLANE_FILE
from locum.compute.environment import inside as environment_inside
from support.inside import PROGRAM, Inside, led
from support.plane import LOCUM, RunningPlane
from support.processes import SECONDS, finished, group, line_of

_EXPORT = re.compile(r"(AWS_[A-Z0-9_]+)=(\S+)")


class Machine:
    """A machine with a running agent. `exports` is what the agent says that programs there need to know."""

    def __init__(self, process: subprocess.Popen[str], home: Path, errors: Path) -> None:
        self.process = process
        self.home = home
        self._errors = errors
        first = line_of(process)
        assert first.startswith("This machine is i-"), self.complaints
        self.instance = first.split()[3].rstrip(",")
        self.exports: dict[str, str] = {}
        while "AWS_REGION" not in self.exports:
            line = line_of(process)
            assert line, self.complaints
            self.exports |= dict(_EXPORT.findall(line))

    @property
    def complaints(self) -> str:
        """What it has said on its standard error."""
        return self._errors.read_text()

    @property
    def metadata_port(self) -> int:
        """The port of the metadata service."""
        return int(self.exports["AWS_EC2_METADATA_SERVICE_ENDPOINT"].rstrip("/").rpartition(":")[2])

    @property
    def gateway_port(self) -> int:
        """The port of the gateway."""
        return int(self.exports["AWS_ENDPOINT_URL"].rpartition(":")[2])

    def ended(self) -> int:
        """Its exit code, once it ends."""
        return self.process.wait(SECONDS)

    @contextmanager
    def inside(self) -> Iterator[Inside]:
        """A program on this machine that knows nothing but what an SDK finds."""
        given, region = self.exports, self.exports["AWS_REGION"]
        own = {"PATH": "/usr/bin:/bin", "HOME": str(self.home)}
        metadata = given.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        environment = environment_inside(own, given["AWS_ENDPOINT_URL"], region, metadata)
        with led([sys.executable, str(PROGRAM)], environment) as process:
            yield Inside(process)


def address(plane: RunningPlane) -> str:
    """The plane's address for agents."""
    found: str = json.loads((plane.data / PLANE_FILE).read_text())["agents"]
    return found


def activated(plane: RunningPlane, *flags: str) -> str:
    """An activation code of a new instance, or of the one that `flags` name."""
    done = plane.locum("activate", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def agent_line(plane: RunningPlane, home: Path, *flags: str) -> list[str]:
    """`locum agent` on the machine whose home is `home`."""
    ports = ["--metadata", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]
    return [LOCUM, "agent", "--plane", address(plane), "--directory", str(home / "agent"), *ports, *flags]


@contextmanager
def machine(plane: RunningPlane, home: Path, code: str = "", *flags: str) -> Iterator[Machine]:
    """A machine whose agent runs for as long as the block does. Without a code, it has one from before."""
    home.mkdir(exist_ok=True)
    errors = home / "errors.log"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)} | ({"LOCUM_ACTIVATION_CODE": code} if code else {})
    pipe = subprocess.PIPE
    with (
        errors.open("ab") as said,
        group(agent_line(plane, home, *flags), env=environment, stdout=pipe, stderr=said) as process,
    ):
        yield Machine(process, home, errors)


def refused_agent(plane: RunningPlane, home: Path, code: str, *flags: str) -> str:
    """What an agent says that ends because it is refused."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)} | ({"LOCUM_ACTIVATION_CODE": code} if code else {})
    done = finished(agent_line(plane, home, *flags), env=environment)
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr
