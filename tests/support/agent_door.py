"""A plane in this process with a listener for agents, and whoever connects to it: by real TLS, from a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from locum.cli.agent_door import AgentsOptions
from locum.cli.root_account import DEFAULT_ACCOUNT
from locum.compute.agent_plane import Address, AgentPlane, Answer, Issued
from locum.core.activation import GATEWAY, METADATA, ActivationCode
from locum.core.clock import system_clock, system_entropy
from locum.core.identifiers import OWN_IMAGE
from locum.http import agent_certificates, authority
from locum.http.authority import private_pem
from locum.state import Agent, Instance
from support.inprocess import InProcess

T = TypeVar("T")
TTL = {"x-aws-ec2-metadata-token-ttl-seconds": "60"}


class AgentHouse:
    """The plane, by a clock that tests turn: `now`. TLS itself goes by the machine's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = system_clock()
        self._reached: list[AgentPlane] = []
        self.plane = InProcess(folder / "plane", lambda: self.now, agents=AgentsOptions(port=0))

    def restart(self) -> None:
        """The plane ends and begins again, at another port."""
        self.close()
        self.plane.start()

    def close(self) -> None:
        """End it all."""
        while self._reached:
            self._reached.pop().close()
        self.plane.run(self._left())
        self.plane.close()

    async def _left(self) -> None:
        """Have the plane forget everybody who went: TLS would wait for their last word."""
        shared = self.plane.node.listeners._shared
        for connection in [] if shared is None else list(shared.connections):
            connection.transport.abort()
        for _ in range(10):
            await asyncio.sleep(0)

    def _reaching(self, identity: Path | None) -> AgentPlane:
        plane = AgentPlane(self.address, self.authority.certificate.decode(), identity)
        self._reached.append(plane)
        return plane

    @property
    def address(self) -> Address:
        """The address of the listener."""
        agents = self.plane.node.agents
        assert agents is not None
        return Address.parse(agents.address)

    @property
    def authority(self) -> authority.Issued:
        """The authority of the installation, with its private key."""
        data = self.folder / "plane"
        files = data / "tls-authority.pem", data / "tls-authority-key.pem"
        return authority.Issued(*(file.read_bytes() for file in files))

    def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """What `work`, which connects to the plane, returns: in a thread, while the plane serves."""
        return self.plane.run(asyncio.to_thread(work, *arguments))

    def launched(self, **parameters: Any) -> str:
        """The id of a new instance."""
        answer = self.plane.client("ec2").run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1, **parameters)
        return str(answer["Instances"][0]["InstanceId"])

    def instance(self, instance: str) -> Instance:
        """The instance, as the state has it."""
        found = self.plane.node.ledger.state.get(Instance, DEFAULT_ACCOUNT, instance)
        assert found is not None
        return found

    def agent(self, instance: str) -> Agent:
        """What the state has of the instance's agent."""
        return self.instance(instance).agent

    def code(self, instance: str, seconds: int = 3600) -> ActivationCode:
        """An activation code of `instance`."""
        agents = self.plane.node.agents
        assert agents is not None
        return ActivationCode.parse(self.plane.run(agents.activate(DEFAULT_ACCOUNT, instance, seconds)))

    def nobody(self) -> AgentPlane:
        """The plane, as it is reached without a certificate."""
        return self._reaching(None)

    def shows(self, key: bytes, certificate: str, name: str = "somebody") -> AgentPlane:
        """The plane, as it is reached with a certificate and its key, both in PEM."""
        file = self.folder / f"{name}.pem"
        file.write_bytes(key + certificate.encode())
        return self._reaching(file)

    def enrol(self, code: ActivationCode, key: Any = None) -> Issued:
        """Use a code."""
        request = agent_certificates.request_for(key or agent_certificates.new_key())
        return self.run(self.nobody().activate, code, request)

    def joined(self, instance: str) -> Joined:
        """An agent of `instance`."""
        key = agent_certificates.new_key()
        return Joined(self, instance, private_pem(key), self.enrol(self.code(instance), key).certificate)

    def issued(self, arn: str, key: Any, serial: str, now: float | None = None) -> str:
        """A certificate that the authority signs, whether the plane knows of it or not."""
        request = agent_certificates.request_for(key)
        public = agent_certificates.requested_key(request)
        at = system_clock() if now is None else now
        return agent_certificates.issue(self.authority, public, arn, serial, at).decode()


class Joined:
    """An agent, that asks the plane what it likes."""

    def __init__(self, house: AgentHouse, instance: str, key: bytes, certificate: str) -> None:
        self.house = house
        self.instance = instance
        self.key = key
        self.certificate = certificate
        self.plane = house.shows(key, certificate, f"{instance}-{system_entropy(4).hex()}")

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, protocol: str = METADATA) -> Answer:
        """The answer to a request of the metadata service."""
        return self.house.run(self.plane.ask, protocol, method, target, headers or {})

    def token(self) -> str:
        """A session token."""
        answer = self.ask("PUT", "/latest/api/token", TTL)
        assert answer.status == 200
        return answer.body.decode()

    def metadata(self, path: str, token: str | None = None) -> Answer:
        """The answer to GET /latest/meta-data/`path`."""
        return self.ask("GET", f"/latest/meta-data/{path}", {"x-aws-ec2-metadata-token": token or self.token()})

    def health(self) -> Answer:
        """The answer of the gateway to a request without a signature."""
        return self.ask("GET", "/_locum/health", protocol=GATEWAY)

    def renewed(self) -> Joined:
        """The agent after a renewal."""
        issued = self.house.run(self.plane.renew)
        return Joined(self.house, self.instance, self.key, issued.certificate)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AgentHouse]:
    """One of a test's own."""
    made = AgentHouse(tmp_path)
    yield made
    made.close()
