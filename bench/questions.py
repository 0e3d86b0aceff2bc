"""The rows of questions about policies: who can do something, among ten thousand roles."""

from __future__ import annotations

import json
import time
from typing import Any

from bench.report import Row
from locum.analysis.asked import asked
from locum.analysis.who_can import who_can
from locum.core.resources import ResourceFacts
from locum.state import Account, Role, State, change, put

ACCOUNT = "111111111111"
ROLES = 10_000
LIMIT = 1_000.0  # milliseconds
_ROUNDS = 5
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)


def rows() -> list[Row]:
    """The rows, in milliseconds: the best of several rounds, once the policies are compiled."""
    return [
        Row(f"who-can, {work}", "the limit", "ms", _best(roles), LIMIT, 1, cost=True)
        for work, roles in (("10,000 alike", _alike()), ("10,000 unlike", _unlike()))
    ]


def _best(roles: list[Role]) -> float:
    state = change(State(), [put(Account(account=ACCOUNT, created=0)), *map(put, roles)])
    question = asked("s3:GetObject", "arn:aws:s3:::team/7/k", [], [], "us-east-1", 0)
    facts = ResourceFacts(ACCOUNT, _document(_statement("Deny", "*", Principal="*", Condition=_condition("false"))))
    taken = []
    for _ in range(_ROUNDS + 1):
        begin = time.perf_counter()
        found = who_can(state, question, lambda _arn: facts)
        taken.append(time.perf_counter() - begin)
    if not found.found:
        raise RuntimeError("nobody can")
    return min(taken[1:]) * 1_000


def _alike() -> list[Role]:
    document = _document(_statement("Allow", "arn:aws:s3:::team/*", Condition=_condition("true")))
    return [_role(number, document) for number in range(ROLES)]


def _unlike() -> list[Role]:
    """Roles of which each has the permission on a prefix of its own, and one in ten on all."""
    documents = (
        _document(_statement("Allow", "arn:aws:s3:::team/*" if number % 10 == 0 else f"arn:aws:s3:::team/{number}/*"))
        for number in range(ROLES)
    )
    return [_role(number, document) for number, document in enumerate(documents)]


def _role(number: int, document: str) -> Role:
    name = f"role-{number}"
    return Role(account=ACCOUNT, name=name, id=f"AROA{number}", created=0, trust=_TRUST, inline={"own": document})


def _condition(secure: str) -> dict[str, dict[str, str]]:
    return {"Bool": {"aws:SecureTransport": secure}}


def _statement(effect: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:Get*", "Resource": resource, **more}


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
