"""A stand-in for Docker's and Podman's command line: no images, but networks as they make them. To be run as a program.

    run --detach ... IMAGE           a process with a network of its own (`unshare`), which has the name
    run ... IMAGE COMMAND            COMMAND in the network of that process, with the variables that were given
    run --entrypoint ... IMAGE ...   the same in PID and mount namespaces of its own, with an empty /var/lib
    exec --interactive NAME COMMAND  COMMAND in there
    inspect --format ... NAME        its process id
    stop -t SECONDS NAME             SIGTERM to its first process, and its end so many seconds later
    rm --force ... NAME...           its end
    version

It writes down its arguments, one JSON array a line, in ENGINE_HOME. Where ENGINE_ROOTLESS is set, the networks belong
to a user namespace, as those of a rootless engine do. ENGINE_ELSEWHERE: its processes are not on this machine.
ENGINE_DEAD: there is no daemon. The image NO_SHELL has no /bin/sh.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

HOME = Path(os.environ["ENGINE_HOME"])
NO_SHELL = "no/shell:1"
ROOTLESS = "ENGINE_ROOTLESS" in os.environ
USER = ["--user", "--preserve-credentials"] if ROOTLESS else []


def parser() -> argparse.ArgumentParser:
    """Of the options that Locum may give, and of no other."""
    made = argparse.ArgumentParser()
    verbs = made.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    for flag in ("--detach", "--rm", "--interactive", "--tty"):
        run.add_argument(flag, action="store_true")
    for option in ("--network", "--name", "--label"):
        run.add_argument(option, required=True)
    run.add_argument("--user", choices=["0"])
    run.add_argument("--stop-signal", choices=["TERM"])
    run.add_argument("--entrypoint", choices=["/bin/sh"])
    run.add_argument("--env", action="append", default=[])
    run.add_argument("image")
    run.add_argument("command", nargs=argparse.REMAINDER)
    inspect = verbs.add_parser("inspect")
    inspect.add_argument("--format", choices=["{{.State.Pid}}"], required=True)
    inspect.add_argument("name")
    within = verbs.add_parser("exec")
    for flag in ("--interactive", "--tty"):
        within.add_argument(flag, action="store_true")
    within.add_argument("name")
    within.add_argument("command", nargs=argparse.REMAINDER)
    stop = verbs.add_parser("stop")
    stop.add_argument("-t", type=float, required=True)
    stop.add_argument("name")
    verbs.add_parser("version")
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


def enter(given: argparse.Namespace) -> None:
    """Become the command, in the network of a container."""
    pid = (HOME / given.network.removeprefix("container:")).read_text()
    (HOME / given.name).write_text(str(os.getpid()))
    line = ["nsenter", "-t", pid, *USER, "--net"]
    if given.entrypoint:
        own = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        line += ["unshare", *own, "sh", "-c", 'mount -t tmpfs none /var/lib; exec "$@"', "sh", given.entrypoint]
    variables = dict(pair.split("=", 1) for pair in given.env)
    line += given.command
    os.execvpe(line[0], line, {"PATH": os.environ["PATH"], **variables})


def first_of(name: str) -> int:
    """The first process of a container that has some of its own: the child of that which was started; 0: it is gone."""
    with suppress(OSError):
        pid = (HOME / name).read_text()
        return int((Path(f"/proc/{pid}/task/{pid}/children").read_text().split() or ["0"])[0])
    return 0


def join(name: str, command: list[str]) -> None:
    """Become `command`, in a container."""
    first = first_of(name)
    if not first:
        sys.exit(f"no such container: {name}")
    pairs = [pair.split("=", 1) for pair in Path(f"/proc/{first}/environ").read_text().split("\0") if pair]
    line = ["nsenter", "-t", str(first), *USER, "--net", "--mount", "--pid", *command]
    os.execvpe(line[0], line, dict(pairs))


def stop(name: str, seconds: float) -> None:
    """End the first process of a container."""
    first = first_of(name)
    if first:
        with suppress(ProcessLookupError):
            ended = os.pidfd_open(first)
            os.kill(first, signal.SIGTERM)
            if not select.select([ended], [], [], seconds)[0]:
                os.kill(first, signal.SIGKILL)


def remove(names: list[str]) -> None:
    """End containers, and forget them. As the engines do, it goes on where there is none."""
    for name in names:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((HOME / name).read_text()), signal.SIGKILL)
        (HOME / name).unlink(missing_ok=True)


def main() -> None:
    """Do what the arguments say."""
    with (HOME / "calls").open("a") as calls:
        calls.write(json.dumps(sys.argv[1:]) + "\n")
    given = parser().parse_args()
    if given.verb == "inspect":
        elsewhere = "ENGINE_ELSEWHERE" in os.environ
        sys.stdout.write("0" if elsewhere else (HOME / given.name).read_text())
    elif given.verb == "version":
        sys.exit("there is no daemon" if "ENGINE_DEAD" in os.environ else 0)
    elif given.verb == "exec":
        join(given.name, given.command)
    elif given.verb == "stop":
        stop(given.name, given.t)
    elif given.verb == "rm":
        remove(given.names)
    elif given.detach:
        hold(given.name)
    elif given.image == NO_SHELL:
        sys.exit("exec /bin/sh: no such file or directory")
    else:
        enter(given)


if __name__ == "__main__":
    main()
