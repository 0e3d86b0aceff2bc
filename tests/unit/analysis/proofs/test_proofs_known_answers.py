"""Policies with known answers: over 300 checks, written after AWS's documentation. A FAIL is shown by a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from locum.analysis.proofs import (
    TRUST_POLICY,
    Access,
    Found,
    granted_access,
    grants,
    new_access,
    public_access,
    read_policy,
)
from locum.policy import Document, PolicyKind

HERE = Path(__file__).parent
IDENTITY, RESOURCE = PolicyKind.IDENTITY, PolicyKind.RESOURCE
ANSWERS = {"P": False, "F": True}


def rows(name: str) -> list[Any]:
    found: list[Any] = yaml.safe_load((HERE / f"{name}.yaml").read_text())
    return found


def document(statements: list[dict[str, Any]], kind: PolicyKind) -> Document:
    return read_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}), kind)


def statement(effect: str, action: str, resource: str) -> dict[str, Any]:
    elements = (("Action", action), ("Resource", resource))
    named = {f"Not{name}" if text[0] == "!" else name: text.removeprefix("!") for name, text in elements}
    return {"Effect": effect, **named}


def pairs() -> Iterator[Any]:
    """New policy, existing policy, whether there is new access."""
    for key, op, values, other, others, there, back in rows("conditions"):
        first, second = (
            document([{**statement("Allow", "s3:*", "*"), "Condition": {name: {key: listed}}}], IDENTITY)
            for name, listed in ((op, values), (other, others))
        )
        yield from both(first, second, there, back, f"{key}: {op} {values}, {other} {others}")
    for new, old, there, back in rows("statements"):
        first, second = (document([statement(*each) for each in listed], IDENTITY) for listed in (new, old))
        yield from both(first, second, there, back, f"{new}, {old}")
    for principal, other, there, back in rows("principals"):
        first, second = (
            document([{"Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole"}], RESOURCE)
            for named in (principal, other)
        )
        yield from both(first, second, there, back, f"{principal}, {other}")


def both(first: Document, second: Document, there: str, back: str, name: str) -> Iterator[Any]:
    yield pytest.param(first, second, ANSWERS[there], id=name)
    yield pytest.param(second, first, ANSWERS[back], id=f"{name}, reversed")


PAIRS = list(pairs())
GRANTED = [
    pytest.param(document([statement(*each) for each in listed], IDENTITY), Access((*acts,), (*res,)), ANSWERS[answer])
    for listed, acts, res, answer in rows("access")
]
PUBLIC = [
    pytest.param(
        document(
            [{"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition}],
            PolicyKind.TRUST if kind == TRUST_POLICY else RESOURCE,
        ),
        kind,
        ANSWERS[answer],
        id=f"{kind} {principal} {action} {condition}",
    )
    for kind, principal, action, condition, answer in rows("public")
]


def test_there_are_over_300_known_answers() -> None:
    assert len(PAIRS) + len(GRANTED) + len(PUBLIC) > 300


def told(found: tuple[Found, ...], by: Document) -> None:
    for each in found:
        assert grants(by, each.request)
        assert each.statement in by.statements


@pytest.mark.parametrize(("new", "existing", "answer"), PAIRS)
def test_new_access_is_found_and_shown(new: Document, existing: Document, answer: bool) -> None:
    found = new_access(new, existing)
    assert bool(found) is answer
    told(found, new)
    assert not any(grants(existing, each.request, reference=True) for each in found)


@pytest.mark.parametrize(("policy", "access", "answer"), GRANTED)
def test_granted_access_is_found_and_shown(policy: Document, access: Access, answer: bool) -> None:
    found = granted_access(policy, access)
    assert bool(found) is answer
    told(found, policy)


@pytest.mark.parametrize(("policy", "kind", "answer"), PUBLIC)
def test_public_access_is_found_and_shown(policy: Document, kind: str, answer: bool) -> None:
    found = public_access(policy, kind)
    assert bool(found) is answer
    told(found, policy)
