"""States of a few accounts, made of entities, for questions about who can do what."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from locum.analysis.asked import asked
from locum.analysis.openly import Answer
from locum.analysis.who_can import WhoCan, who_can
from locum.authz import FactsOf
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import Account, Group, Member, Organization, OrganizationPolicy, Policy, Role, State, User, change, put
from locum.state.entities import PolicyVersion
from locum.state.events import AnyEntity

ONE, TWO, OUTSIDE = "111111111111", "222222222222", "333333333333"
"""Accounts of the plane: the first is a member of an organization where there is one, OUTSIDE in none."""

NOT_HERE = "999999999999"
BUCKET = "arn:aws:s3:::bkt"
ORGANIZATION = "o-small"

Statement = dict[str, Any]


def document(*statements: Statement) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> Statement:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Statement:
    """A Deny statement."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trusting(principal: Any, *actions: str, **more: Any) -> str:
    """A trust policy."""
    listed = list(actions or ("sts:AssumeRole",))
    return document({"Effect": "Allow", "Principal": principal, "Action": listed, **more})


def unique(prefix: str, account: str, name: str) -> str:
    """The unique id of a user or role."""
    return f"{prefix}{account[:4]}{''.join(filter(str.isalnum, name)).upper()}"


def role(name: str, *statements: Statement, account: str = ONE, trust: str = "", **more: Any) -> Role:
    """A role with one inline policy."""
    trust = trust or trusting({"Service": "ec2.amazonaws.com"})
    inline = {"own": document(*statements)} if statements else {}
    return Role(
        account=account, name=name, id=unique("AROA", account, name), created=0, trust=trust, inline=inline, **more
    )


def user(name: str, *statements: Statement, account: str = ONE, **more: Any) -> User:
    """A user with one inline policy."""
    inline = {"own": document(*statements)} if statements else {}
    return User(account=account, name=name, id=unique("AIDA", account, name), created=0, inline=inline, **more)


def group(name: str, *statements: Statement, account: str = ONE) -> Group:
    """A group with one inline policy."""
    return Group(account=account, name=name, id=f"AGPA{name}", created=0, inline={"of-group": document(*statements)})


def managed(name: str, *statements: Statement, account: str = ONE) -> Policy:
    """A managed policy, for boundaries."""
    version = PolicyVersion(number=1, document=document(*statements), created=0)
    return Policy(account=account, name=name, id=f"ANPA{name}", created=0, updated=0, versions=(version,))


def organized(scp: str, rcp: str = "", *, management: str = TWO, member: str = ONE) -> list[AnyEntity]:
    """An organization of two accounts, with policies attached to the member beside those that allow everything."""
    kinds = {"SERVICE_CONTROL_POLICY": scp, "RESOURCE_CONTROL_POLICY": rcp}
    policies = [
        OrganizationPolicy(account=management, id=f"p-{kind[:3]}", type=kind, name=f"own {kind[:3]}", content=text)
        for kind, text in kinds.items()
        if text
    ]
    attached = ("p-FullAWSAccess", *(policy.id for policy in policies))

    def joined(account: str, policies: tuple[str, ...]) -> Member:
        return Member(
            account=management, id=account, parent="r-1", name="m", email="m@example.com", joined=0, policies=policies
        )

    return [
        Organization(account=management, id=ORGANIZATION, root="r-1", created=0, policy_types=tuple(kinds)),
        joined(management, attached[:1]),
        joined(member, attached),
        *policies,
    ]


def world(*entities: AnyEntity) -> State:
    """The state of `entities`, with the accounts."""
    accounts = [Account(account=account, created=0) for account in (ONE, TWO, OUTSIDE)]
    return change(State(), [put(entity) for entity in (*accounts, *entities)])


def bucket(*statements: Statement, **more: Any) -> FactsOf:
    """What is known of a bucket of account ONE, with this policy."""
    facts = ResourceFacts(ONE, document(*statements) if statements else None, **more)
    return lambda arn: facts if arn.startswith(BUCKET) else UNKNOWN


def found(
    state: State,
    action: str,
    resource: str,
    facts: FactsOf = lambda _arn: UNKNOWN,
    given: Iterable[tuple[str, str]] = (),
    absent: Iterable[str] = (),
) -> WhoCan:
    """Who can."""
    return who_can(state, asked(action, resource, given, absent, "us-east-1", 1_800_000_000), facts)


def verdicts(of: WhoCan) -> dict[str, str]:
    """The verdicts by principal."""
    return {one.principal: one.answer.verdict for one in of.found}


def answer_for(of: WhoCan, principal: str) -> Answer:
    """The answer for one principal."""
    return next(one.answer for one in of.found if one.principal == principal)
