"""States with identities in them, made without a plane: for the analyses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from locum.analysis.escalation import Escalations, Surface, Worn, escalations
from locum.core.resources import ResourceFacts
from locum.state import (
    Account,
    Group,
    InstanceProfile,
    OidcProvider,
    Policy,
    PolicyVersion,
    Role,
    State,
    User,
    change,
    put,
)
from locum.state.entities import Entity

NOW = 1_700_000_000
REGION = "us-east-1"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
Statement = dict[str, Any]


def allow(*actions: str, on: str | Sequence[str] = "*", **more: Any) -> Statement:
    """A statement that allows `actions`."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on if isinstance(on, str) else list(on), **more}


def deny(*actions: str, on: str = "*", **more: Any) -> Statement:
    """A statement that denies `actions`."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": on, **more}


def document(*statements: Statement) -> str:
    """A policy of `statements`."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*, aws: str | list[str] = "", service: str = "", federated: str = "", **more: Any) -> str:
    """A trust policy."""
    kinds = {"AWS": aws, "Service": service, "Federated": federated}
    principal = {kind: value for kind, value in kinds.items() if value}
    action = "sts:AssumeRoleWithWebIdentity" if federated else "sts:AssumeRole"
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


class Planted:
    """One account of a state that grows."""

    def __init__(self, account: str, state: State | None = None) -> None:
        self.account = account
        self.state = change(state or State(), [put(Account(account=account, created=NOW))])

    def put(self, entity: Any) -> Any:
        self.state = change(self.state, [put(entity)])
        return entity

    def user(self, name: str, *statements: Statement, **more: Any) -> User:
        inline = {"own": document(*statements)} if statements else {}
        made = User(account=self.account, name=name, id=_id("AIDA", self.account, name), created=NOW - 1,
                    **{"inline": inline, **more})  # fmt: skip
        self.put(made)
        return made

    def role(self, name: str, *statements: Statement, trust: str = "{}", **more: Any) -> Role:
        inline = {"own": document(*statements)} if statements else {}
        made = Role(account=self.account, name=name, id=_id("AROA", self.account, name), created=NOW - 1, trust=trust,
                    **{"inline": inline, **more})  # fmt: skip
        self.put(made)
        return made

    def admin_role(self, name: str = "admin", service: str = "ec2.amazonaws.com", **more: Any) -> Role:
        return self.role(name, attached=(ADMIN,), **{"trust": trust(service=service), **more})

    def profile(self, role: Role) -> InstanceProfile:
        made = InstanceProfile(account=self.account, name=role.name, id=_id("AIPA", self.account, role.name),
                               created=NOW, roles=(role.key,))  # fmt: skip
        self.put(made)
        return made

    def group(self, name: str, *statements: Statement, **more: Any) -> Group:
        inline = {"own": document(*statements)} if statements else {}
        made = Group(account=self.account, name=name, id=_id("AGPA", self.account, name), created=NOW,
                     **{"inline": inline, **more})  # fmt: skip
        self.put(made)
        return made

    def policy(self, name: str, *documents: str, default: int = 1) -> Policy:
        versions = tuple(PolicyVersion(number=n, document=text, created=NOW) for n, text in enumerate(documents, 1))
        made = Policy(account=self.account, name=name, id=_id("ANPA", self.account, name), created=NOW,
                      versions=versions, default=default, next_number=len(versions) + 1, updated=NOW)  # fmt: skip
        self.put(made)
        return made

    def provider(self, url: str, *audiences: str) -> OidcProvider:
        made = OidcProvider(account=self.account, url=url, client_ids=audiences, created=NOW)
        self.put(made)
        return made

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:iam::{self.account}:{kind}/{name}"


def _id(prefix: str, account: str, name: str) -> str:
    digits = "".join(f"{byte:x}" for byte in f"{account}{name}".encode())
    return f"{prefix}{digits.upper()}"


def found(
    state: State, *worn: Worn, facts: Mapping[str, ResourceFacts] | None = None, budget: int = 200_000
) -> Escalations:
    """The escalations in `state`."""
    return escalations(Surface(state, NOW, REGION, worn, facts or {}), budget)


def ways(escalations: Escalations) -> dict[str, list[str]]:
    """The methods of each path, by the name of who begins it."""
    return {path.source.rsplit("/", 1)[-1]: [hop.method for hop in path.hops] for path in escalations.paths}


__all__ = ["Entity", "Planted", "allow", "deny", "document", "found", "trust", "ways"]
