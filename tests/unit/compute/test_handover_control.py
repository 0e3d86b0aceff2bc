"""The control socket: who may talk to it, what it understands, and what ends with a launcher."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from locum.compute import control, handover
from locum.compute.attachments import Attachments
from locum.compute.control import Asked, Control
from locum.compute.handover import Entrance, HandoverError, InstanceEnded, ask, connect
from locum.core.errors import ConfigurationError, Fault

T = TypeVar("T")
INSTANCE = "i-0123456789abcdef0"


@dataclass
class Host:
    """Serves nothing, and remembers what it was asked to do."""

    metadata: dict[socket.socket, tuple[str, str]] = field(default_factory=dict)
    gateways: list[socket.socket] = field(default_factory=list)
    hosts: list[socket.socket] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)
    terminated: list[tuple[str, str]] = field(default_factory=list)
    shut: list[tuple[str, str]] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    inside: list[tuple[str, str, int]] = field(default_factory=list)
    failing: str = ""
    boot: int = 3
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve_metadata(self, sock: socket.socket, account: str, instance: str) -> None:
        self.metadata[sock] = (account, instance)

    async def serve_gateway(self, sock: socket.socket) -> None:
        self.gateways.append(sock)

    async def serve_aws_hosts(self, sock: socket.socket) -> None:
        self.hosts.append(sock)

    async def stop(self, sock: socket.socket) -> None:
        self.metadata.pop(sock, None)
        if sock in self.gateways:
            self.gateways.remove(sock)
        sock.close()
        async with self.changed:
            self.changed.notify_all()

    def refusal(self, account: str, instance: str, boot: int = -1, driver: str = "") -> str | None:
        if driver not in ("", "process"):
            return "this plane has another driver"
        if instance == INSTANCE and boot not in (-1, self.boot):
            return "it was started again"
        return None if (account, instance) == ("111122223333", INSTANCE) else f"there is no instance {instance}"

    def boot_of(self, account: str, instance: str) -> int:
        return self.boot

    async def hold(self, account: str, instance: str) -> None:
        if self.failing:
            raise Fault("ServiceUnavailable", self.failing, 503)
        self.held.append((account, instance))
        self.expected.discard(instance)
        async with self.changed:
            self.changed.notify_all()

    async def ended(self, account: str, instance: str) -> None:
        self.terminated.append((account, instance))
        async with self.changed:
            self.changed.notify_all()
        if self.failing:
            raise Fault("OperationNotPermitted", self.failing)

    async def shut_down(self, account: str, instance: str) -> None:
        if self.failing:
            raise Fault("OperationNotPermitted", self.failing)
        self.shut.append((account, instance))

    def attached(self, account: str, instance: str, entrance: Entrance) -> None:
        self.inside.append((account, instance, entrance.pid))

    def detached(self, account: str, instance: str, entrance: Entrance) -> None:
        if (account, instance, entrance.pid) in self.inside:
            self.inside.remove((account, instance, entrance.pid))

    async def returned(self, instance: str) -> None:
        await self.until(lambda: instance not in self.expected)

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait for what a launcher brings about."""
        async with self.changed:
            await self.changed.wait_for(met)


class House:
    """A control socket on an event loop, and launchers that talk to it from a thread."""

    def __init__(self, data: Path, runner: asyncio.Runner) -> None:
        self.data, self._runner = data, runner
        self.host = Host()
        self.attachments = Attachments(self.host)
        self.control = Control(data, {**self.attachments.questions, "policies": self._repeat})
        self.run(self.control.open())

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._runner.get_loop()

    async def _repeat(self, asked: Asked) -> dict[str, Any]:
        if self.host.failing:
            raise ConfigurationError(self.host.failing)
        return asked.message

    def run(self, work: Awaitable[T]) -> T:
        async def waited() -> T:
            return await work

        return self._runner.run(waited())

    def ask(self, lifeline: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> dict[str, Any]:
        return self.run(asyncio.to_thread(ask, lifeline, message, descriptors))

    def refused(self, lifeline: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> str:
        with pytest.raises(HandoverError) as caught:
            self.ask(lifeline, message, descriptors)
        return str(caught.value)

    def attach(self, lifeline: socket.socket, *, ephemeral: bool = False, pid: int = 0) -> dict[str, Any]:
        with listening() as one, listening() as other:
            return self.ask(lifeline, attaching(ephemeral=ephemeral, pid=pid), [one.fileno(), other.fileno()])


def attaching(**more: Any) -> dict[str, Any]:
    return {"attach": INSTANCE, "account": "111122223333", **more}


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with asyncio.Runner() as runner:
        house = House(tmp_path, runner)
        yield house
        house.run(house.control.close())


@pytest.fixture
def lifeline(house: House) -> Iterator[socket.socket]:
    with connect(house.data) as connection:
        house.ask(connection, {"where": INSTANCE})
        yield connection


def test_commands_connect_again_once_there_is_a_descriptor(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[socket.socket] = []
    usual = house.loop.sock_accept

    async def accept(sock: socket.socket) -> Any:
        if not failed:
            failed.append(sock)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return await usual(sock)

    monkeypatch.setattr(house.loop, "sock_accept", accept)
    monkeypatch.setattr(control, "AGAIN", 0.0)
    for _ in range(2):
        with connect(house.data) as connection:
            assert house.ask(connection, {"where": INSTANCE})["pid"] == 0
    assert failed


def test_only_its_owner_may_connect(house: House) -> None:
    mode = (house.data / handover.SOCKET_NAME).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_the_user_at_the_other_end_is_who_the_kernel_says(lifeline: socket.socket) -> None:
    assert handover.peer_user(lifeline) == os.geteuid()


def test_another_user_is_hung_up_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.compute.control.peer_user", lambda _connection: 12345)
    with connect(house.data) as stranger:
        assert house.refused(stranger, {"where": INSTANCE}) == "Locum closed the connection"


def test_where_nothing_runs_the_launcher_is_told_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(HandoverError, match=r"no Locum is running on .*: start one with `locum up`"):
        connect(tmp_path)


def test_a_socket_file_left_behind_is_no_obstacle(house: House) -> None:
    left = house.data / "elsewhere"
    left.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(left / handover.SOCKET_NAME))
    second = Control(left, Attachments(house.host).questions)
    house.run(second.open())
    with connect(left) as connection:
        assert house.ask(connection, {"where": INSTANCE})["pid"] == 0
    house.run(second.close())
    assert not (left / handover.SOCKET_NAME).exists()


def test_a_directory_whose_name_is_too_long_for_a_socket_is_a_clear_error(house: House) -> None:
    long = house.data / ("x" * 120)
    long.mkdir()
    with pytest.raises(ConfigurationError, match="choose another --data"):
        house.run(Control(long, {}).open())


def test_an_attachment_brings_its_sockets(house: House, lifeline: socket.socket) -> None:
    with listening() as metadata, listening() as gateway:
        names = metadata.getsockname(), gateway.getsockname()
        house.ask(lifeline, attaching(pid=4711), [metadata.fileno(), gateway.fileno()])
    ((served, whose),) = house.host.metadata.items()
    assert (served.getsockname(), house.host.gateways[0].getsockname()) == names
    assert whose == ("111122223333", INSTANCE)
    with connect(house.data) as other:
        assert house.ask(other, {"where": INSTANCE})["pid"] == 4711
        assert house.ask(other, {"where": "i-2"})["pid"] == 0


def test_the_third_socket_is_the_metadata_service_s_too(house: House, lifeline: socket.socket) -> None:
    with listening() as metadata, listening() as gateway, listening() as other:
        names = [metadata.getsockname(), other.getsockname()]
        house.ask(lifeline, attaching(), [metadata.fileno(), gateway.fileno(), other.fileno()])
        gateways = [gateway.getsockname()]
    assert [sock.getsockname() for sock in house.host.metadata] == names
    assert [sock.getsockname() for sock in house.host.gateways] == gateways


def test_one_socket_is_the_metadata_service_s_beside_the_plane_s_own_gateway(
    house: House, lifeline: socket.socket
) -> None:
    with listening() as metadata:
        house.ask(lifeline, attaching(), [metadata.fileno()])
        ((served, whose),) = house.host.metadata.items()
        assert (served.getsockname(), whose) == (metadata.getsockname(), ("111122223333", INSTANCE))
    assert house.host.gateways == []
    assert house.ask(lifeline, {"where": INSTANCE})["pid"] == 0


def test_descriptors_that_are_handed_over_are_inherited_by_nothing_that_is_executed(
    house: House, lifeline: socket.socket
) -> None:
    house.attach(lifeline)
    assert not any(sock.get_inheritable() for sock in [*house.host.metadata, *house.host.gateways])


def test_a_closed_lifeline_ends_the_sockets(house: House) -> None:
    lifeline = connect(house.data)
    house.attach(lifeline, pid=4711)
    served = [*house.host.metadata, *house.host.gateways]
    lifeline.close()
    house.run(house.host.until(lambda: not house.host.metadata and not house.host.gateways))
    assert [sock.fileno() for sock in served] == [-1, -1]
    assert house.host.terminated == []
    with connect(house.data) as other:
        assert house.ask(other, {"where": INSTANCE})["pid"] == 0


def test_a_closed_lifeline_ends_an_ephemeral_instance(house: House) -> None:
    lifeline = connect(house.data)
    house.attach(lifeline, ephemeral=True)
    lifeline.close()
    house.run(house.host.until(lambda: bool(house.host.terminated)))
    assert house.host.terminated == [("111122223333", INSTANCE)]
    assert not house.host.metadata


def test_the_end_of_the_plane_stops_the_service_and_ends_no_instance(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        house = House(tmp_path, runner)
        with connect(house.data) as lifeline:
            house.attach(lifeline, ephemeral=True)
            served = [*house.host.metadata, *house.host.gateways]
            house.run(house.control.close())
            assert gone(lifeline)
        assert [sock.fileno() for sock in served] == [-1, -1]
        assert house.host.terminated == []


def test_an_ephemeral_instance_is_known_as_one_before_its_launcher_is_answered(
    house: House, lifeline: socket.socket
) -> None:
    house.attach(lifeline)
    assert house.host.held == []
    house.attach(lifeline, ephemeral=True)
    assert house.host.held == [("111122223333", INSTANCE)]


def test_a_launcher_whose_instance_cannot_be_held_is_refused_and_served_on_nothing(
    house: House, lifeline: socket.socket
) -> None:
    house.host.failing = "storage has failed"
    before = descriptors()
    with listening() as one, listening() as other:
        told = house.refused(lifeline, attaching(ephemeral=True), [one.fileno(), other.fileno()])
    assert "storage has failed" in told
    assert house.host.metadata == {}
    lifeline.close()
    house.run(house.host.until(lambda: bool(house.host.terminated)))
    assert descriptors() == before - 2  # neither end of the lifeline, nor the sockets


def test_the_end_of_what_ran_is_told_and_answered(house: House, lifeline: socket.socket) -> None:
    assert house.ask(lifeline, {"end": INSTANCE, "account": "111122223333"}) == {"ok": True}
    assert house.host.terminated == [("111122223333", INSTANCE)]
    house.host.failing = "it is protected"
    assert "it is protected" in house.refused(lifeline, {"end": INSTANCE, "account": "111122223333"})


def test_who_asks_where_an_instance_runs_waits_for_a_launcher_that_is_expected_back(house: House) -> None:
    house.host.expected.add(INSTANCE)

    async def asked_before_it_is_back() -> dict[str, Any]:
        with connect(house.data) as visitor, connect(house.data) as launcher, listening() as one, listening() as other:
            where = asyncio.create_task(asyncio.to_thread(ask, visitor, {"where": INSTANCE}))
            await asyncio.to_thread(ask, launcher, {"where": "i-2"})  # which is answered at once
            back = attaching(ephemeral=True, pid=4711)
            await asyncio.to_thread(ask, launcher, back, [one.fileno(), other.fileno()])
            return await where

    assert house.run(asked_before_it_is_back())["pid"] == 4711


def test_the_latest_attachment_of_an_instance_is_the_one_that_others_join(house: House) -> None:
    with connect(house.data) as first:
        house.attach(first, pid=1)
        with connect(house.data) as second:
            house.attach(second, pid=2)
            assert house.ask(first, {"where": INSTANCE})["pid"] == 2
        house.run(house.host.until(lambda: len(house.host.metadata) == 1))
        assert house.ask(first, {"where": INSTANCE})["pid"] == 1


def test_an_attachment_is_told_which_start_of_the_instance_it_is_of(house: House, lifeline: socket.socket) -> None:
    assert house.attach(lifeline)["boot"] == 3
    with listening() as one, pytest.raises(InstanceEnded, match="started again"):
        house.ask(lifeline, attaching(boot=2), [one.fileno()])
    with listening() as one:
        assert house.ask(lifeline, attaching(boot=3), [one.fileno()])["boot"] == 3


def test_every_launcher_of_an_instance_that_has_ended_is_told_once(house: House, lifeline: socket.socket) -> None:
    with connect(house.data) as other:
        house.attach(lifeline, pid=1)
        house.attach(other, pid=2)
        house.host.boot += 1
        house.run(reviewed(house, "i-2"))
        for _ in range(2):
            house.run(reviewed(house, INSTANCE))
        for connection in (lifeline, other):
            assert json.loads(connection.recv(4096)) == {"error": "it was started again", "ended": True}
        assert house.ask(lifeline, {"where": INSTANCE})["pid"] == 0  # nobody goes in any more
        house.run(reviewed(house, None))
        house.attach(other, pid=4)  # of the next start
        assert house.ask(lifeline, {"where": INSTANCE})["pid"] == 4


def test_a_launcher_that_reads_nothing_keeps_nobody_waiting(house: House, lifeline: socket.socket) -> None:
    house.attach(lifeline)
    house.host.boot += 1
    lifeline.close()
    house.run(reviewed(house, None))


def test_a_shutdown_from_inside_is_told_and_answered(house: House, lifeline: socket.socket) -> None:
    assert house.ask(lifeline, {"shutdown": INSTANCE, "account": "111122223333"}) == {"ok": True}
    assert house.host.shut == [("111122223333", INSTANCE)]
    house.host.failing = "it is protected"
    assert "it is protected" in house.refused(lifeline, {"shutdown": INSTANCE, "account": "111122223333"})


def test_a_launcher_of_another_driver_is_to_end(house: House, lifeline: socket.socket) -> None:
    with listening() as one, pytest.raises(InstanceEnded, match="another driver"):
        house.ask(lifeline, attaching(driver="else"), [one.fileno()])
    with listening() as one:
        assert house.ask(lifeline, attaching(driver="process"), [one.fileno()])["ok"]


async def reviewed(house: House, instance: str | None) -> None:
    house.attachments.review(instance)


def test_what_the_host_refuses_gets_the_reason_and_its_sockets_are_closed(
    house: House, lifeline: socket.socket
) -> None:
    before = descriptors()
    with listening() as one, listening() as other:
        message = {"attach": "i-2", "account": "111122223333"}
        assert house.refused(lifeline, message, [one.fileno(), other.fileno()]) == "there is no instance i-2"
    assert descriptors() == before


def test_an_attachment_without_sockets_is_refused(house: House, lifeline: socket.socket) -> None:
    told = "an attachment brings 1 to 8 listening sockets, and what each is for"
    assert house.refused(lifeline, attaching()) == told


@pytest.mark.parametrize("kinds", [["metadata"], ["metadata", "gateway", "gateway-tls"]])
def test_sockets_and_what_they_are_for_are_as_many(house: House, lifeline: socket.socket, kinds: list[str]) -> None:
    with listening() as one, listening() as other:
        told = house.refused(lifeline, attaching(serving=kinds), [one.fileno(), other.fileno()])
    assert told.startswith("an attachment brings")


def test_each_socket_serves_what_it_is_said_to_be_for(house: House, lifeline: socket.socket) -> None:
    with listening() as one, listening() as other:
        ports = one.getsockname(), other.getsockname()
        house.ask(lifeline, attaching(serving=["gateway-tls", "metadata"]), [one.fileno(), other.fileno()])
    assert [sock.getsockname() for sock in (*house.host.hosts, *house.host.metadata)] == list(ports)
    assert house.host.gateways == []


def test_a_launcher_is_told_what_is_served_in_an_instance(house: House, lifeline: socket.socket) -> None:
    house.attach(lifeline, pid=4711)
    assert house.ask(lifeline, {"where": INSTANCE})["serving"] == ["metadata", "gateway"]


def test_descriptors_that_are_no_listening_sockets_are_refused_and_closed(
    house: House, lifeline: socket.socket
) -> None:
    before = descriptors()
    with listening() as one, Path("/dev/null").open() as other, socket.socket() as idle:
        good, file, deaf = one.fileno(), other.fileno(), idle.fileno()
        for pair in ([good, file], [file, good], [good, deaf]):
            told = house.refused(lifeline, attaching(), pair)
            assert told == "the descriptors are to be those of listening sockets"
    assert descriptors() == before


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"attach": 1},
        {"attach": INSTANCE, "pid": "4711"},
        {"attach": INSTANCE, "ephemeral": 1},
        {"attach": INSTANCE, "serving": ["a wish"]},
        {"where": None, "account": []},
        {"port": INSTANCE, "account": "111122223333"},
        {"shutdown": True},
        {"where": INSTANCE, "unknown": 1},
    ],
)
def test_a_message_that_the_protocol_does_not_have_is_refused(
    house: House, lifeline: socket.socket, message: dict[str, Any]
) -> None:
    before = descriptors()
    with listening() as one, listening() as other:
        told = house.refused(lifeline, message, [one.fileno(), other.fileno()])
    assert told.startswith("a message that is none: ")
    assert descriptors() == before
    assert house.ask(lifeline, {"where": INSTANCE})["ok"]


@pytest.mark.parametrize(
    "octets", [b"\n", b"nonsense\n", b"[1]\n", b'{"where":', b"\xff\xfe\n", b'{"a":"' + b"x" * 9000]
)
def test_who_does_not_speak_the_protocol_is_hung_up_on(house: House, octets: bytes) -> None:
    before = descriptors()
    with listening() as one, connect(house.data) as stranger:
        socket.send_fds(stranger, [octets], [one.fileno()])
        assert house.run(asyncio.to_thread(gone, stranger))
    with connect(house.data) as lifeline:
        assert house.ask(lifeline, {"where": INSTANCE})["ok"]
        assert descriptors() == before + 2  # both ends of the lifeline


def gone(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_failure_behind_the_socket_is_told_and_the_conversation_goes_on(
    house: House, lifeline: socket.socket
) -> None:
    house.host.failing = "storage has failed"
    assert "storage has failed" in house.refused(lifeline, {"policies": {}})
    assert house.ask(lifeline, {"where": INSTANCE})["ok"]


def test_a_refusal_is_one_line_of_json(house: House, lifeline: socket.socket) -> None:
    lifeline.sendall(b"{}\n")
    line = house.run(asyncio.to_thread(lifeline.recv, 4096))
    assert line.endswith(b"\n")
    assert set(json.loads(line)) == {"error"}


def test_a_question_may_be_as_long_as_policies_are(house: House, lifeline: socket.socket) -> None:
    question = {"documents": ["x" * 6_144] * 20}
    assert house.ask(lifeline, {"policies": question}) == {"ok": True, "policies": question}
    assert house.ask(lifeline, {"where": INSTANCE})["pid"] == 0


def test_a_question_that_cannot_be_answered_gets_the_reason(house: House, lifeline: socket.socket) -> None:
    house.host.failing = "there is no such user"
    assert house.refused(lifeline, {"policies": {}}) == "there is no such user"


def test_a_question_without_an_end_is_hung_up_on(house: House) -> None:
    async def endless() -> bytes:
        with connect(house.data) as connection:
            connection.setblocking(False)
            loop = asyncio.get_running_loop()
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(connection, b'{"policies":')
                for _ in range(40):
                    await loop.sock_sendall(connection, b"x" * (1 << 16))
            with contextlib.suppress(ConnectionError):
                return await loop.sock_recv(connection, 1)
        return b""

    assert house.run(endless()) == b""
