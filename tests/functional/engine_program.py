"""A stand-in for Docker's and Podman's command line: no images, but networks as they make them. To be run as a program.

    run --detach ... IMAGE           a process with a network of its own (`unshare`), which has the name
    run ... IMAGE COMMAND            COMMAND in the network of that process, with the variables that were given
    inspect --format ... NAME        its process id
    rm --force ... NAME...           its end

It writes down its arguments, one JSON array a line, in ENGINE_HOME. Where ENGINE_ROOTLESS is set, the networks belong
to a user namespace, as those of a rootless engine do. ENGINE_ELSEWHERE: its processes are not on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

HOME = Path(os.environ["ENGINE_HOME"])
ROOTLESS = "ENGINE_ROOTLESS" in os.environ


def parser() -> argparse.ArgumentParser:
    """Of the options that Locum may give, and of no other."""
    made = argparse.ArgumentParser()
    verbs = made.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    for flag in ("--detach", "--rm", "--interactive", "--tty"):
        run.add_argument(flag, action="store_true")
    for option in ("--network", "--name", "--label"):
        run.add_argument(option, required=True)
    run.add_argument("--env", action="append", default=[])
    run.add_argument("image")
    run.add_argument("command", nargs=argparse.REMAINDER)
    inspect = verbs.add_parser("inspect")
    inspect.add_argument("--format", choices=["{{.State.Pid}}"], required=True)
    inspect.add_argument("name")
    remove = verbs.add_parser("rm")
    for flag in ("--force", "--volumes"):
        remove.add_argument(flag, action="store_true")
    remove.add_argument("names", nargs="+")
    return made


def hold(name: str) -> None:
    """Start the process that holds a network."""
    user = ["--user", "--map-root-user"] if ROOTLESS else []
    command = ["unshare", *user, "--net", "sh", "-c", "echo there; exec sleep infinity"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    (HOME / name).write_text(str(process.pid))


def enter(network: str, name: str, variables: list[str], command: list[str]) -> None:
    """Become `command`, in the network of a container."""
    pid = (HOME / network.removeprefix("container:")).read_text()
    (HOME / name).write_text(str(os.getpid()))
    user = ["--user", "--preserve-credentials"] if ROOTLESS else []
    line = ["nsenter", "-t", pid, *user, "--net", *command]
    os.execvpe(line[0], line, {"PATH": os.environ["PATH"], **dict(pair.split("=", 1) for pair in variables)})


def main() -> None:
    """Do what the arguments say."""
    with (HOME / "calls").open("a") as calls:
        calls.write(json.dumps(sys.argv[1:]) + "\n")
    given = parser().parse_args()
    if given.verb == "inspect":
        elsewhere = "ENGINE_ELSEWHERE" in os.environ
        sys.stdout.write("0" if elsewhere else (HOME / given.name).read_text())
    elif given.verb == "rm":
        for name in given.names:
            with suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((HOME / name).read_text()), signal.SIGKILL)
            (HOME / name).unlink(missing_ok=True)
    elif given.detach:
        hold(given.name)
    else:
        enter(given.network, given.name, given.env, given.command)


if __name__ == "__main__":
    main()
