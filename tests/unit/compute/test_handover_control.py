"""The control socket: who may talk to it, and what it understands."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from locum.compute import control, handover
from locum.compute.attachments import Attachments
from locum.compute.control import Control
from locum.compute.handover import HandoverError, connect
from locum.core.errors import ConfigurationError
from support.control_house import INSTANCE, House, descriptors, gone, house, lifeline, listening

__all__ = ["house", "lifeline"]


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
