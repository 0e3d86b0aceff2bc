"""The metadata service of one account, over a node in memory, with a clock that is set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from locum.audit import History
from locum.backends import Backend
from locum.backends.lazy import LazyBackend
from locum.calls import Backends, Calls, OwnService, Recorder, Runtime
from locum.core.clock import MovableClock
from locum.core.errors import Fault, StorageError
from locum.credentials import KeyRing
from locum.imds import MetadataService
from locum.imds.credentials import RoleCredentials
from locum.imds.service import TOKEN, TOKEN_TTL, Answer
from locum.imds.throttle import Throttle
from locum.services import sts
from locum.services.verbs import DEFAULTS, Outcome, Settings
from locum.state import AnyEntity, Event, Instance, InstanceProfile, MetadataOptions, ProfileAssociation, State, put
from locum.store import AuditRow, Ledger
from locum.store.memory import MemoryJournal
from support.inprocess import InProcess
from support.one_account import ACCOUNT, NOW, Entropy, profile, role

T = TypeVar("T")

_OPEN: list[Metadata] = []


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    """For modules that make a `Metadata`: each of them is closed after the test."""
    yield
    while _OPEN:
        _OPEN.pop().close()


INSTANCE = "i-0123456789abcdef0"
OTHER_INSTANCE = "i-0fedcba9876543210"


def instance(identity: str = INSTANCE, **fields: Any) -> Instance:
    """A running instance."""
    given: dict[str, Any] = {
        "account": ACCOUNT,
        "region": "us-east-1",
        "reservation": "r-0123456789abcdef0",
        "state_changed": 1,
        "launched": int(NOW) - 60,
        "zone": "us-east-1a",
        "private_ip": "172.31.0.10",
        "mac": "0a:ff:ac:1f:00:0a",
        "attributes": {"ImageId": "ami-1"},
        **fields,
    }
    return Instance(id=identity, **given)


def association(attached: InstanceProfile, identity: str = "iip-assoc-1", to: str = INSTANCE) -> ProfileAssociation:
    """The bond of `attached` and an instance."""
    return ProfileAssociation(
        account=ACCOUNT,
        id=identity,
        region="us-east-1",
        instance=to,
        profile=attached.key,
        profile_id=attached.id,
        profile_arn=attached.arn,
        since=1,
    )


class Read:
    """The metadata of one instance of a plane in this process, read with tokens."""

    def __init__(self, plane: InProcess, instance: str, build: str = "latest") -> None:
        self._plane = plane
        self._instance = instance
        self._build = build

    def answer(self, path: str) -> Answer:
        """The answer to GET /BUILD/`path`."""
        minted = self._ask("PUT", "/latest/api/token", {TOKEN_TTL: b"60"})
        return self._ask("GET", f"/{self._build}/{path}", {TOKEN: minted.body})

    def __call__(self, path: str) -> str:
        """The text at `path`."""
        answer = self.answer(path)
        assert answer.status == 200, path
        return answer.body.decode()

    def _ask(self, method: str, path: str, headers: dict[bytes, bytes]) -> Answer:
        metadata, account = self._plane.node.metadata, self._plane.node.account
        return self._plane.run(metadata.answer(account, self._instance, method, path, headers))


class _Refusing(MemoryJournal):
    """A journal that can be told to fail."""

    failing = False

    def record(self, rows: Sequence[AuditRow]) -> None:
        if self.failing:
            raise StorageError("the disk is gone")
        super().record(rows)


def _no_backend() -> Backend:
    raise AssertionError("a backend is asked")


class Metadata:
    """The metadata service over a node in memory. `get` and `ask` ask as a program inside the instance does."""

    def __init__(
        self,
        entities: tuple[AnyEntity, ...] = (instance(),),
        settings: Settings = DEFAULTS,
        throttle: Throttle | None = None,
    ) -> None:
        self.now: float = NOW
        self.clock = MovableClock(lambda: self.now)
        entropy = Entropy()
        self.keyring = KeyRing.generate(entropy)
        self.journal = _Refusing()
        self.ledger = Ledger.open(self.journal, lambda: self.now)
        backends = Backends(LazyBackend(_no_backend), {})  # no call of STS asks one
        self.runtime = Runtime(
            ledger=self.ledger,
            history=History(self.journal),
            usage=self.journal,
            keyring=self.keyring,
            clock=self.clock,
            entropy=entropy,
            settings=settings,
            services={"sts": OwnService(sts.OPERATIONS, lambda _operation, _params: True)},
            backends=backends,
        )
        self.calls = Calls(self.runtime, Recorder(self.ledger, entropy, "enforce"))
        credentials = RoleCredentials(self.calls.make)
        self.service = MetadataService(
            lambda: self.state, self.keyring, self.clock, entropy, credentials, throttle=throttle
        )
        self._runner = asyncio.Runner()
        _OPEN.append(self)
        self.having(*entities)

    @classmethod
    def with_profile(cls, **fields: Any) -> Metadata:
        """Of an instance with the profile `web`, which holds the role `app`; it answers without tokens."""
        attached = profile("web", "app")
        optional = instance(metadata=MetadataOptions(tokens="optional"))
        return cls((optional, role("app"), role("spare"), attached, association(attached)), **fields)

    @property
    def state(self) -> State:
        """The current state."""
        return self.ledger.state

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the event loop of the node."""
        return self._runner.run(work)

    def lose_storage(self) -> None:
        """Have the disk fail, and the ledger notice."""
        self.journal.failing = True

        async def record() -> None:
            self.ledger.record(AuditRow(0.0, ACCOUNT, "", "", "", "", "", "", "", True, False, True, (), b""))
            await self.ledger.flush()

        with suppress(Fault):
            self.run(record())

    def close(self) -> None:
        """Let go of threads and the event loop."""
        with suppress(Fault):
            self.run(self.ledger.close())
        self._runner.close()

    @property
    def delivered(self) -> list[tuple[float, bool]]:
        """When EC2 assumed a role, and whether it could: what the records say, oldest first."""
        found = self.run(self.ledger.read(lambda: self.runtime.history.latest(1000)))
        return [(record.at, not record.error_code) for record in reversed(found)]

    def having(self, *entities: AnyEntity) -> None:
        """Put entities there."""
        self.becoming(*(put(entity) for entity in entities))

    def becoming(self, *events: Event) -> None:
        """Have `events` happen."""
        self.run(self.ledger.transact(lambda _state: Outcome({}, events), lambda _outcome: ()))

    def altered(self, **fields: Any) -> None:
        """Change the instance."""
        found = self.state.get(Instance, ACCOUNT, INSTANCE)
        assert found is not None
        self.having(replace(found, **fields))

    def options(self, **fields: Any) -> None:
        """Change the instance's metadata options."""
        found = self.state.get(Instance, ACCOUNT, INSTANCE)
        assert found is not None
        self.altered(metadata=replace(found.metadata, **fields))

    def ask(
        self, method: str, path: str, headers: dict[bytes, bytes] | None = None, of: str = INSTANCE
    ) -> Answer:  # fmt: skip
        """The answer to a request on the socket of the instance `of`."""
        return self.run(self.service.answer(ACCOUNT, of, method, path, headers or {}))

    def get(self, path: str, token: str | None = None, of: str = INSTANCE) -> Answer:
        """GET /latest/`path`."""
        return self.ask("GET", f"/latest/{path}", {} if token is None else {TOKEN: token.encode()}, of)

    def text(self, path: str) -> str:
        """What is at /latest/`path`."""
        answer = self.get(path, self.token())
        assert answer.status == 200, path
        return answer.body.decode()

    def lines(self, path: str) -> list[str]:
        """The listing at /latest/`path`."""
        return self.text(path).split("\n")

    def token(self, ttl: int = 60, of: str = INSTANCE) -> str:
        """A session token."""
        answer = self.ask("PUT", "/latest/api/token", {TOKEN_TTL: b"%d" % ttl}, of)
        assert answer.status == 200
        return answer.body.decode()

    def credentials(self, named: str = "app", token: str | None = None) -> dict[str, Any]:
        """The document below iam/security-credentials/."""
        answer = self.get(f"meta-data/iam/security-credentials/{named}", token)
        assert answer.status == 200
        document: dict[str, Any] = json.loads(answer.body)
        return document
