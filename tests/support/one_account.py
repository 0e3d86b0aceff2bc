"""A plane without its wires: one state, one caller, verbs called by name and their events applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from locum.core.calls import Ask
from locum.core.principal import Caller, Principal, Session
from locum.credentials import KeyRing
from locum.services.asking import Answers, Reply, Unanswered
from locum.services.verbs import Context, EventHistory, Operation, Outcome, Params, Settings
from locum.state import AnyEntity, InstanceProfile, Policy, PolicyVersion, Role, State, User, change, put
from support.aws_shapes import misfits

ACCOUNT = "111122223333"
OTHER = "444455556666"
NOW = 1_790_000_000.0
TRUSTS_EC2 = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
USER = Principal.user(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAANN", "ann")


@dataclass
class Entropy:
    """Bytes that differ from call to call and agree from run to run."""

    calls: int = 0

    def __call__(self, size: int) -> bytes:
        self.calls += 1
        return hashlib.shake_128(str(self.calls).encode()).digest(size)


@dataclass
class Plane:
    """`call` runs a verb, holds its answer against botocore's model, and applies its events."""

    service: str
    operations: Mapping[str, Operation]
    state: State = field(default_factory=State)
    now: float = NOW
    caller: Caller = field(default_factory=lambda: Caller(USER, "AKIAEXAMPLE"))
    region: str = "us-east-1"
    settings: Settings = field(default_factory=Settings)
    entropy: Entropy = field(default_factory=Entropy)
    keyring: KeyRing = field(default_factory=lambda: KeyRing.generate(Entropy()))
    history: EventHistory | None = None
    reply: Callable[[Ask], Reply] | None = None

    def context(self) -> Context:
        """The context of a call made now."""
        return Context(
            self.state,
            self.now,
            self.entropy,
            self.keyring,
            self.caller,
            self.region,
            self.settings,
            self.history,
        )

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """The answer of the operation. Raises Fault, and then nothing has changed."""
        entry = self.operations[operation].of(params)
        outcome = self._outcome(entry, params)
        assert misfits(self.service, operation, outcome.answer) == []
        assert entry.writes or not outcome.events
        self.state = change(self.state, outcome.events)
        return outcome.answer

    def _outcome(self, entry: Operation, params: Params) -> Outcome:
        """What comes of a verb; its asks are answered by `reply`."""
        answers = Answers()
        while True:
            try:
                return entry.verb(self.context()._replace(answers=answers), params)
            except Unanswered as unanswered:
                if self.reply is None or not entry.asks:
                    raise
                answers.add(unanswered, self.reply(unanswered.ask))

    def having(self, *entities: AnyEntity) -> None:
        """Puts entities there."""
        self.state = change(self.state, [put(entity) for entity in entities])

    def signed_by(self, principal: Principal, session: Session | None = None) -> None:
        """Calls are made by `principal` from now on."""
        self.caller = replace(self.caller, principal=principal, session=session)


def user(name: str = "ann") -> User:
    """A user."""
    return User(account=ACCOUNT, name=name, id=f"AIDA{name.upper()}", created=1)


def role(name: str = "app", **fields: Any) -> Role:
    """A role that trusts EC2."""
    given: dict[str, Any] = {"account": ACCOUNT, "id": f"AROA{name.upper()}", "trust": TRUSTS_EC2, **fields}
    return Role(name=name, created=1, **given)


def profile(name: str = "web", *roles: str, **fields: Any) -> InstanceProfile:
    """An instance profile that holds `roles`."""
    given: dict[str, Any] = {"account": ACCOUNT, "id": f"AIPA{name.upper()}", **fields}
    return InstanceProfile(name=name, created=1, roles=roles, **given)


def managed_policy(name: str = "readers") -> Policy:
    """A customer managed policy."""
    version = PolicyVersion(number=1, document=ALLOW_ALL, created=1)
    return Policy(account=ACCOUNT, name=name, id=f"ANPA{name.upper()}", created=1, updated=1, versions=(version,))
