"""Attacks from inside a closed environment: on the host, on other functions, and on the Runtime API."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from locum.compute.functions.functions import Functions, Invocation, InvocationResult
from locum.core.clock import system_clock
from locum.core.functions import Function
from support.functions import WAITING, Meeting, function, launch
from support.plane import needs_namespaces

pytestmark = [needs_namespaces, pytest.mark.usefixtures("directories")]

ANSWER = "def handler(event, context): return 'well'"
PATHS = """
import os

def handler(event, context):
    return [path for path in event if os.path.lexists(path)]
"""


class Host:
    """Functions in closed environments, which reach `ports`; `hidden` is a directory with a secret and a socket."""

    def __init__(self, hidden: Path, *ports: int) -> None:
        self.functions = Functions(system_clock, (hidden,), ports=lambda: ports)
        self._count = 0

    async def raw(self, made: Function, event: Any = None) -> InvocationResult:
        self._count += 1
        return await self.functions.invoke(
            launch(made), Invocation(f"request-{self._count}", made.arn, json.dumps(event).encode())
        )

    async def answer(self, main: str, event: Any = None, **changes: Any) -> Any:
        """What a handler returns; each program is a function of its own."""
        came = await self.raw(function(main, **{"arn": str(hash(main)), **changes}), event)
        assert not came.failed, came
        return json.loads(came.payload)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    (place / "keyring").write_text("secret")
    return place


def hosted(story: Callable[[Host], Awaitable[None]], secret: Path, *ports: int) -> None:
    async def run() -> None:
        host = Host(secret, *ports)
        try:
            await story(host)
        finally:
            await host.functions.close()

    asyncio.run(run())


OF_THE_INTERPRETER = {Path(place).parts[2] for place in (sys.prefix, *sys.path) if place.startswith("/tmp/")}
"""What is below /tmp as the Python that runs this is installed there."""

# -- the host ------------------------------------------------------------------------------------------------


def test_it_sees_its_package_and_its_layers_and_nothing_of_anybody(secret: Path) -> None:
    program = """
import os

def handler(event, context):
    names = "HOME LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR TMPDIR AWS_LAMBDA_RUNTIME_API".split()
    return [os.listdir("/var/task"), os.listdir("/opt"), os.listdir("/tmp"), [os.environ[name] for name in names]]
"""

    async def story(host: Host) -> None:
        places = ["/tmp", "/var/task", "/var/runtime", "/tmp", "127.0.0.1:9001"]
        package, layers, temporary, told = await host.answer(program)
        assert (package, layers, told) == (["main.py"], [], places)
        assert set(temporary) <= OF_THE_INTERPRETER

    hosted(story, secret)


def test_home_the_data_directory_and_the_control_socket_are_not_there(secret: Path, tmp_path: Path) -> None:
    control = secret / "control.sock"

    async def story(host: Host) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(control))
            places = [secret, secret / "keyring", control, tmp_path, Path(__file__), Path.home() / ".ssh"]
            places += [Path("/run"), Path("/var/lib"), Path("/etc/shadow"), Path("/home"), Path("/srv"), Path("/sys")]
            assert await host.answer(PATHS, [str(place) for place in places]) == []

    hosted(story, secret)


def test_of_the_home_directory_only_the_interpreter_is_there(secret: Path) -> None:
    program = """
import os, pathlib, sys

def handler(event, context):
    home = pathlib.Path(event)
    return [str(path) for path in home.iterdir()] if home.exists() else []
"""

    python = Path(sys.executable).resolve()
    mine = [place for place in Path.home().iterdir() if python.is_relative_to(place)]

    async def story(host: Host) -> None:
        assert set(await host.answer(program, str(Path.home()))) <= set(map(str, mine))

    hosted(story, secret)


def test_there_are_no_processes_but_its_own_and_none_whose_environment_is_somebody_elses(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_KEYRING", "of the plane")
    program = """
import pathlib

def handler(event, context):
    read = []
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            read.append((place / "environ").read_text())
        except OSError:
            pass
    ids = sorted(int(place.name) for place in pathlib.Path("/proc").glob("[0-9]*"))
    return [ids, ["of the plane" in text for text in read]]
"""

    async def story(host: Host) -> None:
        assert await host.answer(program) == [[1, 2], [False]]

    hosted(story, secret)


def test_nothing_of_it_can_be_written_but_tmp_which_has_a_size(secret: Path) -> None:
    program = """
import errno, os

def handler(event, context):
    met = []
    for place in ("/", "/var/task", "/opt", "/usr/lib", "/var/runtime", "/etc", "/dev", os.path.dirname(os.__file__)):
        try:
            open(f"{place}/written", "wb").close()
            met.append(place)
        except OSError as error:
            met.append(errno.errorcode[error.errno])
    try:
        with open("/tmp/large", "wb") as file:
            for _ in range(3):
                file.write(bytes(1 << 20))
    except OSError as error:
        met.append(errno.errorcode[error.errno])
    return met
"""

    async def story(host: Host) -> None:
        assert await host.answer(program, storage=2) == ["EROFS"] * 8 + ["ENOSPC"]

    hosted(story, secret)


def test_no_namespace_of_its_own_gives_it_more(secret: Path) -> None:
    program = """
import ctypes, errno, os

libc = ctypes.CDLL(None, use_errno=True)

def tried(function, *arguments):
    return 0 if getattr(libc, function)(*arguments) == 0 else errno.errorcode[ctypes.get_errno()]

def handler(event, context):
    place = event.encode()
    met = [tried("mount", b"none", b"/usr", None, 0x1020, None), tried("umount2", b"/usr", 2), tried("chroot", b".")]
    if tried("unshare", 0x10020000) == 0:  # a user and mounts
        for name, text in (("setgroups", "deny"), ("uid_map", f"{os.getuid()} {os.getuid()} 1")):
            try:
                open(f"/proc/self/{name}", "w").write(text)
            except OSError:
                pass
        met += [tried("mount", b"none", b"/usr", None, 0x1020, None), tried("umount2", b"/usr", 2)]
        tried("umount2", b"/proc", 2)
    return [[it for it in met if it == 0], os.path.exists(place), os.access("/usr", os.W_OK)]
"""

    async def story(host: Host) -> None:
        assert await host.answer(program, str(secret)) == [[], False, False]

    hosted(story, secret)


# -- other functions, and the network ------------------------------------------------------------------------


def test_another_functions_files_are_not_there(secret: Path, directories: Path) -> None:
    writer = "def handler(event, context): open('/tmp/mine', 'w').write('mine')"

    def home() -> Path:
        (found,) = directories.glob("locum-function-*")
        assert (found / "task" / "main.py").exists()
        return found

    async def story(host: Host) -> None:
        await host.answer(writer)
        places = [home(), home() / "task", directories, Path("/tmp/mine")]
        assert await host.answer(PATHS, [str(place) for place in places]) == []

    hosted(story, secret)


def test_neither_the_hosts_ports_are_there_nor_anothers_runtime_api(secret: Path, place: Meeting) -> None:
    program = """
import http.client, socket

def handler(event, context):
    met = []
    for address in event:
        try:
            socket.create_connection(tuple(address), timeout=5).close()
            met.append(address)
        except OSError:
            pass
    api = http.client.HTTPConnection("127.0.0.1", 9001)
    api.request("POST", "/2018-06-01/runtime/invocation/request-1/response", "stolen")
    return [met, api.getresponse().status]
"""

    async def story(host: Host) -> None:
        ours = [address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
        first = asyncio.create_task(host.raw(function(WAITING, environment=place.environment)))
        visitor = await asyncio.to_thread(place.next)
        addresses = [[address, port] for address in ("127.0.0.1", *ours) for port in (place.port + 1, 22)]
        addresses += [["169.254.169.254", 80], ["8.8.8.8", 53]]
        assert await host.answer(program, addresses) == [[], 400]
        visitor.release("mine")
        assert (await first).payload == b'"mine"'

    hosted(story, secret, place.port)


def test_what_the_host_lets_it_reach_it_reaches(secret: Path, place: Meeting) -> None:
    async def story(host: Host) -> None:
        first = asyncio.create_task(host.raw(function(WAITING, environment=place.environment)))
        visitor = await asyncio.to_thread(place.next)
        visitor.release("reached")
        assert (await first).payload == b'"reached"'

    hosted(story, secret, place.port)


def test_what_has_left_its_session_ends_with_the_environment(secret: Path, place: Meeting) -> None:
    program = """
import os, subprocess, sys

STAYING = '''
import os, socket, time
with socket.create_connection(("127.0.0.1", int(os.environ["MEETING"]))) as caller:
    caller.sendall(f"{os.getpid()} {os.environ['HOME']}\\\\n".encode())
    time.sleep(600)
'''

def handler(event, context):
    subprocess.Popen([sys.executable, "-c", STAYING], start_new_session=True)
"""

    async def story(host: Host) -> None:
        await host.raw(function(program, environment=place.environment))
        visitor = await asyncio.to_thread(place.next)
        await host.functions.close()
        assert await asyncio.to_thread(visitor.gone)

    hosted(story, secret, place.port)


# -- the Runtime API -----------------------------------------------------------------------------------------


def test_an_answer_after_the_timeout_is_nobodys(secret: Path) -> None:
    program = """
import time

def handler(event, context):
    if event:
        time.sleep(600)
    return "well"
"""

    async def story(host: Host) -> None:
        made = function(program, timeout=1)
        came = await host.raw(made, 1)
        assert json.loads(came.payload)["errorType"] == "Sandbox.Timedout"
        assert (await host.raw(made, 0)).payload == b'"well"'

    hosted(story, secret)


ENDLESS = """
import os, socket

def handler(event, context):
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    with socket.create_connection((host, int(port))) as sock:
        try:
            sock.sendall(event["head"].encode())
            for _ in range(4000):
                sock.sendall(event["again"].encode())
        except OSError:
            pass
        try:
            return sock.recv(100).split()[1].decode()
        except (OSError, IndexError):
            return ""
"""
_POST = "POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("head", "again", "statuses"),
    [
        ("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n", f"a: {'b' * 100}\r\n", {"400", ""}),
        (f"{_POST}Transfer-Encoding: chunked\r\n\r\n", f"800\r\n{'x' * 2048}\r\n", {"413", ""}),
        (f"{_POST}Content-Length: 999999999\r\n\r\n", "x" * 2048, {"413", ""}),
    ],
)
def test_headers_and_bodies_without_end_are_cut_off(head: str, again: str, statuses: set[str], secret: Path) -> None:
    async def story(host: Host) -> None:
        assert await host.answer(ENDLESS, {"head": head, "again": again}) in statuses
        assert await host.answer(ANSWER) == "well"

    hosted(story, secret)


def test_a_thousand_connections_are_the_loss_of_who_opens_them_alone(secret: Path) -> None:
    program = """
import os, socket

def handler(event, context):
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    kept = []
    try:
        while len(kept) < 1000:
            kept.append(socket.create_connection((host, int(port)), timeout=1))
    except OSError:
        pass
    return len(kept)
"""

    async def story(host: Host) -> None:
        await host.raw(function(program, arn="another"))  # which may have lost its own connection, too
        assert await host.answer(ANSWER) == "well"

    hosted(story, secret)


def test_a_bomb_of_processes_stays_within_its_environment(secret: Path) -> None:
    program = """
import os, time

def handler(event, context):
    while True:
        if os.fork() == 0:
            time.sleep(600)
"""

    async def story(host: Host) -> None:
        came = await host.raw(function(program, arn="bomb"))
        assert json.loads(came.payload)["errorType"] in ("BlockingIOError", "Runtime.ExitError")  # EAGAIN, or killed
        assert await host.answer(ANSWER) == "well"

    hosted(story, secret)
