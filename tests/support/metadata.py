"""The metadata service of one account, with a clock that is set and a record of what was delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.credentials import KeyRing
from locum.imds import MetadataService
from locum.imds.credentials import RoleCredentials
from locum.imds.service import TOKEN, TOKEN_TTL, Answer
from locum.services.sts import AttachedProfile, InstanceCredentials
from locum.services.verbs import Settings
from locum.state import AnyEntity, Instance, InstanceProfile, MetadataOptions, ProfileAssociation, State, change, put
from support.one_account import ACCOUNT, NOW, Entropy, profile, role

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


@dataclass
class Metadata:
    """`get` and `put` ask as a program inside the instance does."""

    entities: tuple[AnyEntity, ...] = (instance(),)
    settings: Settings = field(default_factory=Settings)
    now: float = NOW
    delivered: list[tuple[AttachedProfile, InstanceCredentials, float]] = field(default_factory=list)
    failing: bool = False

    def __post_init__(self) -> None:
        self.state = change(State(), [put(entity) for entity in self.entities])
        entropy = Entropy()
        self.keyring = KeyRing.generate(entropy)
        credentials = RoleCredentials(self.keyring, entropy, self.settings, self._issued)
        self.service = MetadataService(lambda: self.state, self.keyring, lambda: self.now, entropy, credentials)

    @classmethod
    def wearing(cls, **fields: Any) -> Metadata:
        """An instance that wears the profile `web` with the role `app`, and answers without tokens."""
        attached = profile("web", "app")
        optional = instance(metadata=MetadataOptions(tokens="optional"))
        return cls((optional, role("app"), role("spare"), attached, association(attached)), **fields)

    def _issued(
        self, _instance: Instance, attached: AttachedProfile, credentials: InstanceCredentials, now: float
    ) -> None:
        if self.failing:
            raise Fault("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503)
        self.delivered.append((attached, credentials, now))

    def having(self, *entities: AnyEntity) -> None:
        """Put entities there."""
        self.state = change(self.state, [put(entity) for entity in entities])

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
        return self.service.answer(ACCOUNT, of, method, path, headers or {})

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
