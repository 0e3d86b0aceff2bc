"""The launcher's end: its sockets are handed to every plane that comes, and to nobody else."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from locum.compute import attachment
from locum.compute.attachment import Attachment, Claim
from locum.compute.handover import SOCKET_NAME, HandoverError, PlaneAway, answer_in, message_in, receive_descriptors
from support.processes import SECONDS

CLAIM = Claim("i-0123456789abcdef0", "111122223333", ephemeral=True)
REFUSAL = b'{"error": "it is stopped"}\n'
ENDED = b'{"error": "it is stopped", "ended": true}\n'


class Plane:
    """A plane's control socket, led by the test: it takes what launchers send, and answers what it is told to."""

    def __init__(self, data: Path) -> None:
        self._path = data / SOCKET_NAME
        self._path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.settimeout(SECONDS)
        self._server.bind(str(self._path))
        self._server.listen()
        self.connections: list[socket.socket] = []

    def attached(self, answer: bytes = b'{"ok": true}\n', boot: int = -1) -> list[socket.socket]:
        """Take an attachment, give the answer; its sockets."""
        connection, _ = self._server.accept()
        connection.settimeout(SECONDS)
        self.connections.append(connection)
        octets, descriptors = receive_descriptors(connection)
        assert octets, "the launcher has hung up"
        assert message_in(octets, descriptors) == {**CLAIM.message(4711), "boot": boot, "serving": []}
        connection.sendall(answer)
        return [socket.socket(fileno=descriptor) for descriptor in descriptors]

    def hung_up_on(self) -> bool:
        """Whether the next launcher goes without a word."""
        connection, _ = self._server.accept()
        with connection:
            connection.settimeout(SECONDS)
            return connection.recv(1) == b""

    def gone(self) -> None:
        """It ends, as a process does: everything that it had is closed, and the socket's file stays."""
        for closing in (self._server, *self.connections):
            closing.close()
        self.connections.clear()


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    yield plane
    plane.gone()


@contextmanager
def kept(data: Path, plane: Plane, count: int = 2) -> Iterator[list[tuple[str, int]]]:
    """A launcher that is attached to `plane`, kept in a thread until the block ends; where its sockets listen."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ended, end = os.pipe()
    with Attachment(data, CLAIM, sockets, 4711) as launcher:
        taking = _beside(plane.attached)
        launcher.attach()
        for sock in taking():
            sock.close()
        keeping = _beside(lambda: launcher.keep(ended))
        try:
            yield [sock.getsockname() for sock in sockets]
        finally:
            os.close(end)
            keeping()
            os.close(ended)


def _beside(work: Callable[[], Any]) -> Callable[[], Any]:
    """`work` in a thread of its own; what is answered waits for its outcome."""
    outcome: list[Any] = []
    thread = threading.Thread(target=lambda: outcome.append(work()), daemon=True)
    thread.start()

    def joined() -> Any:
        thread.join(SECONDS)
        assert outcome, "it did not end, or it failed"
        return outcome[0]

    return joined


def is_reset(where: tuple[str, int]) -> bool:
    """Whether a client that connects there is sent away."""
    try:
        with socket.create_connection(where, timeout=SECONDS) as client:
            client.recv(1)
    except ConnectionResetError:
        return True
    return False


@pytest.mark.parametrize("count", [1, 2])
def test_the_same_sockets_are_handed_to_every_plane_that_comes(tmp_path: Path, plane: Plane, count: int) -> None:
    with kept(tmp_path, plane, count) as listening:
        for _ in range(3):
            plane.gone()
            plane = Plane(tmp_path)
            sockets = plane.attached()
            assert [sock.getsockname() for sock in sockets] == listening
            for sock in sockets:
                sock.close()
        plane.gone()


def test_what_a_client_asks_while_the_plane_is_away_the_next_plane_answers(tmp_path: Path, plane: Plane) -> None:
    with kept(tmp_path, plane) as (metadata, _):
        plane.gone()
        with socket.create_connection(metadata, timeout=SECONDS) as client:
            client.sendall(b"asked")
            following = Plane(tmp_path)
            sockets = following.attached()
            sockets[0].settimeout(SECONDS)
            accepted, _ = sockets[0].accept()
            assert accepted.recv(5) == b"asked"
            for closing in (accepted, *sockets):
                closing.close()
        following.gone()


def test_who_waits_for_a_plane_that_does_not_come_is_sent_away(
    tmp_path: Path, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachment, "PATIENCE", 0)
    with kept(tmp_path, plane) as listening:
        plane.gone()
        assert [is_reset(where) for where in listening] == [True, True]


def test_another_user_s_plane_is_given_nothing(tmp_path: Path, plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    with kept(tmp_path, plane):
        monkeypatch.setattr(attachment, "peer_user", lambda _connection: 12345)
        plane.gone()
        stranger = Plane(tmp_path)
        assert stranger.hung_up_on()
        assert stranger.hung_up_on()
    stranger.gone()


def test_a_refusal_is_told_once_and_the_plane_is_asked_again(
    tmp_path: Path, plane: Plane, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(attachment, "REFUSED", 0.0)
    with kept(tmp_path, plane):
        plane.gone()
        following = Plane(tmp_path)
        for _ in range(3):
            for sock in following.attached(REFUSAL):
                sock.close()
        for sock in following.attached():
            sock.close()
        following.gone()
    said = capfd.readouterr().err
    assert said == f"locum: nothing answers inside {CLAIM.instance} any more: it is stopped\n"


def test_nobody_waits_for_a_plane_that_has_refused(tmp_path: Path, plane: Plane) -> None:
    with kept(tmp_path, plane) as listening:
        plane.gone()
        following = Plane(tmp_path)
        for sock in following.attached(REFUSAL):
            sock.close()
        following.gone()
        assert [is_reset(where) for where in listening] == [True, True]


def test_a_plane_that_takes_the_sockets_and_does_not_answer_keeps_nobody_from_ending(
    tmp_path: Path, plane: Plane
) -> None:
    with kept(tmp_path, plane):
        plane.gone()
        silent = Plane(tmp_path)
        for sock in silent.attached(b""):
            sock.close()
    silent.gone()


@pytest.mark.parametrize("at_once", [True, False], ids=["with the answer", "later"])
def test_the_end_of_the_instance_is_heard_once_and_no_plane_looked_for_then(
    tmp_path: Path, plane: Plane, capfd: pytest.CaptureFixture[str], *, at_once: bool
) -> None:
    ended, end = os.pipe()
    heard: list[str] = []

    def hear() -> None:
        heard.append("ended")
        plane.gone()
        os.close(end)

    with Attachment(tmp_path, CLAIM, [socket.create_server(("127.0.0.1", 0))], 4711) as launcher:
        taking = _beside(lambda: plane.attached(b'{"ok": true, "boot": 7}\n' + (ENDED * 2 if at_once else b"")))
        launcher.attach()
        for sock in taking():
            sock.close()
        if not at_once:
            plane.connections[0].sendall(ENDED)
        launcher.keep(ended, hear)
    os.close(ended)
    assert heard == ["ended"]
    assert capfd.readouterr().err == f"locum: what runs in {CLAIM.instance} is ended: it is stopped\n"


def test_a_launcher_whose_instance_has_ended_meanwhile_ends_what_runs(tmp_path: Path, plane: Plane) -> None:
    ended, end = os.pipe()
    with Attachment(tmp_path, CLAIM, [socket.create_server(("127.0.0.1", 0))], 4711) as launcher:
        taking = _beside(lambda: plane.attached(b'{"ok": true, "boot": 7}\n'))
        launcher.attach()
        for sock in taking():
            sock.close()
        plane.gone()
        following = Plane(tmp_path)
        taking = _beside(lambda: following.attached(ENDED, boot=7))
        launcher.keep(ended, lambda: os.close(end))
        for sock in taking():
            sock.close()
        following.gone()
    os.close(ended)


def test_a_launcher_ends_while_the_plane_is_away(tmp_path: Path, plane: Plane) -> None:
    with kept(tmp_path, plane):
        plane.gone()


def test_the_first_plane_has_to_be_there_and_to_agree(tmp_path: Path, plane: Plane) -> None:
    (tmp_path / "elsewhere").mkdir()
    with Attachment(tmp_path / "elsewhere", CLAIM, []) as launcher, pytest.raises(PlaneAway):
        launcher.attach()
    with Attachment(tmp_path, CLAIM, [socket.create_server(("127.0.0.1", 0))], 4711) as launcher:
        refusing = _beside(lambda: plane.attached(REFUSAL))
        with pytest.raises(HandoverError, match="it is stopped"):
            launcher.attach()
        for sock in refusing():
            sock.close()


@pytest.mark.parametrize("line", [b"", b'{"ok": true}', b'{"er'])
def test_an_answer_that_is_cut_short_is_none(line: bytes) -> None:
    with pytest.raises(PlaneAway):
        answer_in(line)
