"""A new inside: the launcher is given its sockets, and the command that runs there is given none of the launcher's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.plane import needs_namespaces
from support.processes import python

pytestmark = needs_namespaces

LAUNCH = """
import json, os, socket, sys
from locum.compute.inside import Inside, enter_there
from locum.compute.launch import run

PORT, COMMAND = int(sys.argv[1]), sys.argv[2:]
lifeline, _ = socket.socketpair()

def report(**told):
    sys.stderr.write(json.dumps(told) + "\\n")

with Inside(PORT, []) as new:
    def begin(child):
        sockets = new.sockets()
        report(listening=[sock.getsockname() for sock in sockets])
        report(inheritable=[sock.get_inheritable() for sock in sockets])
        if sockets:
            report(executed=os.readlink(f"/proc/{child}/exe") != os.readlink("/proc/self/exe"))
            new.proceed()

    report(code=run(COMMAND, os.environ, new.make, begin, enter=enter_there))
"""


def launched(port: int, *command: str) -> tuple[str, dict[str, Any]]:
    """What the command said, and what the launcher did."""
    done = python(LAUNCH, str(port), *command)
    told: dict[str, Any] = {}
    for line in done.stderr.splitlines():
        if line.startswith("{"):
            told |= json.loads(line)
    return done.stdout, told


def test_the_launcher_gets_the_sockets_before_the_command_is_executed() -> None:
    said, told = launched(4566, "sh", "-c", "echo said; exit 7")
    assert said == "said\n"
    metadata, gateway, *over_ipv6 = told.pop("listening")
    assert (metadata, gateway) == (["169.254.169.254", 80], ["127.0.0.1", 4566])
    assert over_ipv6 in ([], [["fd00:ec2::254", 80, 0, 0]])  # a machine may have no IPv6
    assert told == {
        "inheritable": [False] * (2 + len(over_ipv6)),
        "executed": False,
        "code": 7,
    }


@pytest.mark.parametrize("kind", ["socket:", "pipe:"])
def test_the_command_inherits_neither_the_sockets_nor_a_way_to_the_launcher(kind: str) -> None:
    said, _ = launched(4566, "sh", "-c", "ls -l /proc/$$/fd")
    descriptors = [line for line in said.splitlines() if kind in line]
    assert len(descriptors) == (2 if kind == "pipe:" else 0)  # its own output and errors


def test_where_the_inside_cannot_be_made_there_are_no_sockets_and_no_command() -> None:
    said, told = launched(1 << 16, "echo", "said")  # no port
    assert (said, told["listening"], told["code"]) == ("", [], 126)
