"""An agent beside a plane in this process: its certificate is renewed, and its clients notice nothing of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.compute.agent import AGAIN, CONNECTIONS, Agent
from locum.compute.agent_files import About, AgentFiles
from locum.core.clock import DAY, system_clock
from locum.http import agent_certificates
from locum.http.authority import private_pem
from support.agent_door import AgentHouse

HEALTH = b"GET /_locum/health HTTP/1.1\r\nHost: x\r\n\r\n"


class Work:
    """A plane and the files of an agent, activated."""

    def __init__(self, folder: Path) -> None:
        self.house = AgentHouse(folder)
        self.instance = self.house.launched()
        key = agent_certificates.new_key()
        issued = self.house.enrol(self.house.code(self.instance), key)
        self.files = AgentFiles(folder / "agent")
        address = self.house.address
        about = About(f"{address.host}:{address.port}", self.instance, issued.region, issued.ends)
        self.files.keep(about, private_pem(key), issued.certificate, self.house.authority.certificate.decode())
        self.now = system_clock()

    def agent(self) -> Agent:
        """To be called on the event loop."""
        return Agent(self.files, lambda: self.now, patience=0)

    def run(self, work: Callable[[Agent], Awaitable[Any]]) -> Any:
        """What `work` returns, of an agent on the plane's event loop."""

        async def all_of_it() -> Any:
            agent = self.agent()
            try:
                return await work(agent)
            finally:
                agent.close()

        return self.house.plane.run(all_of_it())


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    work = Work(tmp_path)
    yield work
    work.house.close()


async def gateway(agent: Agent) -> tuple[asyncio.Server, int]:
    """The agent's gateway on a port of its own."""
    sock = socket.create_server(("127.0.0.1", 0))
    return await asyncio.start_server(agent.gateway, sock=sock), int(sock.getsockname()[1])


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The next answer: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
    return head + await reader.readexactly(length)


def test_a_certificate_is_renewed_when_half_of_its_time_is_over(work: Work) -> None:
    before = work.house.agent(work.instance)

    async def renewed(agent: Agent) -> float:
        return await agent.renew()

    pause = work.run(renewed)
    after = work.house.agent(work.instance)
    assert 0.4 * DAY < pause <= 0.5 * DAY
    assert after.renewal not in ("", before.certificate)
    about = work.files.about()
    assert about is not None
    assert about.ends > work.now + 0.9 * DAY


def test_a_client_of_the_gateway_does_not_meet_a_renewal(work: Work) -> None:
    async def talked(agent: Agent) -> list[bytes]:
        server, port = await gateway(agent)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = []
        for renew in (False, True, False):
            if renew:
                await agent.renew()
                await asyncio.to_thread(agent.plane.ask, "locum-imds/1", "GET", "/", {})  # the new one is in use
            if reader.at_eof():
                break
            writer.write(HEALTH)
            answers.append(await answered(reader))
            if b"connection: close" in answers[-1].lower():
                break
        writer.close()
        server.close()
        return answers

    answers = work.run(talked)
    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 2
    assert [b"connection: close" in answer.lower() for answer in answers] == [False, True]


def test_an_agent_whose_certificate_has_ended_while_the_plane_was_away_ends(work: Work) -> None:
    work.house.close()
    work.now += DAY + 1

    async def tried() -> str:
        agent = work.agent()
        assert await agent.renew() == AGAIN
        return await agent.refusal

    assert "has ended: activate the instance again" in asyncio.run(tried())
    work.house.plane.start()


def test_a_plane_that_is_away_for_a_while_ends_no_agent(work: Work) -> None:
    work.house.close()

    async def tried() -> bool:
        agent = work.agent()
        assert await agent.renew() == AGAIN
        return agent.refusal.done()

    assert not asyncio.run(tried())
    work.house.plane.start()


def test_why_metadata_requests_fail_is_told_once(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    work.house.close()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def nothing() -> Any:
        raise AssertionError("a body is read")

    async def asked() -> None:
        agent = work.agent()
        scope = {"type": "http", "method": "GET", "raw_path": b"/latest/", "query_string": b"", "headers": []}
        for _ in range(3):
            await agent.metadata(scope | {"state": {"limit_hops": lambda hops: None}}, nothing, send)

    asyncio.run(asked())
    assert [message["status"] for message in sent if "status" in message] == [503, 503, 503]
    (told,) = caplog.messages
    assert told.startswith("the metadata service answers 503: the plane at 127.0.0.1:")
    work.house.plane.start()


def test_the_machines_clock_and_not_the_planes_decides_on_certificates(work: Work) -> None:
    work.house.plane.node.runtime.clock.move(30.0 * DAY)

    async def asked(agent: Agent) -> int:
        await agent.renew()
        answer = await asyncio.to_thread(agent.plane.ask, "locum-imds/1", "GET", "/latest/meta-data/", {})
        return answer.status

    assert work.run(asked) == 401, "a token is needed, the agent is known"
    assert work.house.code(work.instance, seconds=60)


def test_connections_beyond_the_limit_are_closed_and_others_go_on(work: Work) -> None:
    async def tried(agent: Agent) -> tuple[bytes, bytes]:
        server, port = await gateway(agent)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEALTH)
        first = await answered(reader)
        agent.connections += CONNECTIONS
        more, its_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            beyond = await more.read()
        except ConnectionResetError:
            beyond = b""
        its_writer.close()
        writer.close()
        server.close()
        return first[:15], beyond

    assert work.run(tried) == (b"HTTP/1.1 200 OK", b"")


def test_the_key_stays_the_same_and_nothing_is_half_written(work: Work) -> None:
    before = work.files.identity.read_bytes()

    async def renewed(agent: Agent) -> float:
        return await agent.renew()

    work.run(renewed)
    after = work.files.identity.read_bytes()
    end = b"-----END PRIVATE KEY-----\n"
    assert before.partition(end)[0] == after.partition(end)[0]
    assert before != after
    assert not [file for file in work.files.identity.parent.iterdir() if file.name.endswith(".new")]
