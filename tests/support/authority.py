"""A little world for tests of authorization: accounts, users, roles, documents; and who may do what in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from locum import authz
from locum.core.principal import Caller, Principal, PrincipalKind, Session
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import AnyEntity, Policy, PolicyVersion, Role, State, User, change, put

HOME = "111122223333"
AWAY = "444455556666"
NOW = 1_790_000_000.0
REGION = "eu-west-1"


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trusting(principal: str | dict[str, str], *actions: str, **more: Any) -> str:
    named = principal if isinstance(principal, dict) else {"AWS": principal}
    return document(
        {"Effect": "Allow", "Principal": named, "Action": list(actions or ("sts:AssumeRole",)), **more},
    )


def unique(prefix: str, name: str) -> str:
    return (prefix + name.upper()).ljust(21, "X")


def _inline(statements: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    return {"inline": {"own": document(*statements)}} if statements else {}


def user(name: str = "ann", *statements: Mapping[str, Any], **fields: Any) -> User:
    given: dict[str, Any] = {"account": HOME, "id": unique("AIDA", name), "created": 1, **fields}
    return User(name=name, **_inline(statements), **given)


def role(name: str = "app", *statements: Mapping[str, Any], **fields: Any) -> Role:
    given: dict[str, Any] = {
        "account": HOME,
        "id": unique("AROA", name),
        "created": 1,
        "trust": trusting({"Service": "ec2.amazonaws.com"}),
        **fields,
    }
    return Role(name=name, **_inline(statements), **given)


def policy(name: str, *statements: Mapping[str, Any], account: str = HOME) -> Policy:
    version = PolicyVersion(number=1, document=document(*statements), created=1)
    return Policy(account=account, name=name, id=f"ANPA{name.upper()}", created=1, updated=1, versions=(version,))


def as_user(entity: User, session: Session | None = None) -> Caller:
    return Caller(Principal.user(entity.account, entity.arn, entity.id, entity.name), "AKIAEXAMPLE", session)


def session_of(entity: Role, name: str = "s1", **fields: Any) -> Session:
    given: dict[str, Any] = {
        "kind": PrincipalKind.ROLE_SESSION,
        "account": entity.account,
        "issuer_arn": entity.arn,
        "issuer_id": entity.id,
        "issued_at": int(NOW) - 60,
        "expires_at": int(NOW) + 3600,
        **fields,
    }
    return Session(name=name, **given)


def as_role(entity: Role, name: str = "s1", **fields: Any) -> Caller:
    return Caller(
        Principal.role_session(entity.arn, entity.id, name), "ASIAEXAMPLE", session_of(entity, name, **fields)
    )


def as_root(account: str = HOME) -> Caller:
    return Caller(Principal.root(account), "AKIAROOT")


@dataclass
class World:
    """A state, and what a backend would know."""

    state: State = field(default_factory=State)
    facts: dict[str, ResourceFacts] = field(default_factory=dict)

    def having(self, *entities: AnyEntity) -> World:
        self.state = change(self.state, [put(entity) for entity in entities])
        return self

    def call(self, caller: Caller, operation: str, params: Mapping[str, Any], **more: Any) -> authz.Call:
        service, name = operation.split(":")
        return authz.Call(service=service, operation=name, params=params, caller=caller, region=REGION, now=NOW, **more)

    def plan(self, caller: Caller, operation: str, **params: Any) -> list[tuple[str, str]]:
        found = authz.plan(self.state, self.call(caller, operation, params))
        return [(check.action, str(check.resource)) for check in found.checks]

    def ask(
        self, caller: Caller, operation: str, circumstances: Mapping[str, Any] | None = None, **params: Any
    ) -> authz.Authorization:
        call = self.call(caller, operation, params, **(circumstances or {}))
        return authz.decide(self.state, call, authz.plan(self.state, call), self.known)

    def allows(self, caller: Caller, operation: str, **params: Any) -> bool:
        return self.ask(caller, operation, **params).allowed

    def refusal(self, caller: Caller, operation: str, **params: Any) -> str:
        """What the client is told."""
        verdict = self.ask(caller, operation, **params)
        assert not verdict.allowed
        return verdict.fault().message

    def known(self, arn: str) -> ResourceFacts:
        return self.facts.get(arn.partition("/")[0] if ":s3:::" in arn else arn, UNKNOWN)
