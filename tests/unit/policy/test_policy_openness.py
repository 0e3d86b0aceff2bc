"""Requests of which something is not known: how statements are taken that may match or not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum import policy
from locum.core.partial_arn import with_missing
from locum.core.principal import ContextValue, Principal
from locum.policy import Open, Policies, PolicyKind, Request, Source, Verdict

ME = "111111111111"
ANN = Principal.user(ME, f"arn:aws:iam::{ME}:user/ann", "AIDAEXAMPLE", "ann")


class Context(dict[str, ContextValue]):
    """Condition keys, of which `open_keys` are not known."""

    def __init__(self, known: dict[str, ContextValue], *open_keys: str) -> None:
        super().__init__(known)
        self._open = open_keys

    def get(self, key: str, default: Any = None) -> Any:
        if key in self._open:
            raise Open(key)
        return super().get(key, default)


def verdict(
    presumed: policy.Presumed | None, *statements: dict[str, Any], resource: str = "arn:aws:s3:::b/k", **known: str
) -> Verdict:
    """The verdict, where aws:Referer and aws:PrincipalTag/x are open."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    compiled = policy.compile(policy.parse(text, PolicyKind.IDENTITY), Source(PolicyKind.IDENTITY))
    context = Context(dict(known), "aws:referer", "aws:principaltag/x")
    request = Request(ANN, "s3:GetObject", resource, ME, context, presumed=presumed)
    return policy.evaluate(request, Policies(identity=(compiled,))).verdict


def best(_source: Source, _number: int, allows: bool) -> bool:
    return allows


def worst(_source: Source, _number: int, allows: bool) -> bool:
    return not allows


def statement(effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:*", "Resource": "*", **more}


REFERER = {"StringEquals": {"aws:Referer": "x"}}
ALLOW, EXPLICIT, IMPLICIT = Verdict.ALLOW, Verdict.EXPLICIT_DENY, Verdict.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("statements", "at_best", "at_worst"),
    [
        ([statement(Condition=REFERER)], ALLOW, IMPLICIT),
        ([statement(), statement("Deny", Condition=REFERER)], ALLOW, EXPLICIT),
        ([statement(Condition={**REFERER, "Bool": {"aws:SecureTransport": "true"}})], IMPLICIT, IMPLICIT),
        ([statement(Condition={**REFERER, "Bool": {"aws:SecureTransport": "false"}})], ALLOW, IMPLICIT),
        ([statement(Resource=["arn:aws:s3:::b/${aws:PrincipalTag/x}"])], ALLOW, IMPLICIT),
        ([statement(Resource=["arn:aws:s3:::c/${aws:PrincipalTag/x}"])], IMPLICIT, IMPLICIT),
        ([statement(Resource=["arn:aws:s3:::b/${aws:PrincipalTag/x}", "arn:aws:s3:::b/${aws:kind}"])], ALLOW, ALLOW),
        ([statement(), statement("Deny", Resource="arn:aws:s3:::b/${aws:PrincipalTag/x}")], ALLOW, EXPLICIT),
        ([statement(Condition={"StringEquals": {"aws:SecureTransport": "${aws:PrincipalTag/x}"}})], ALLOW, IMPLICIT),
    ],
)
def test_what_is_open_is_presumed_and_what_is_known_to_fail_is_not(
    statements: list[dict[str, Any]], at_best: Verdict, at_worst: Verdict
) -> None:
    known = {"aws:securetransport": "false", "aws:kind": "k"}
    assert verdict(best, *statements, **known) is at_best
    assert verdict(worst, *statements, **known) is at_worst


@pytest.mark.parametrize(
    ("listed", "at_best", "at_worst"),
    [
        (["arn:aws:s3:::c/*"], ALLOW, ALLOW),
        (["arn:aws:s3:::b/*"], IMPLICIT, IMPLICIT),
        (["arn:aws:s3:::b/${aws:PrincipalTag/x}"], ALLOW, IMPLICIT),
        (["arn:aws:s3:::c/${aws:PrincipalTag/x}"], ALLOW, ALLOW),
        (["arn:aws:s3:::b/${aws:PrincipalTag/x}", "arn:aws:s3:::b/*"], IMPLICIT, IMPLICIT),
        (["arn:aws:s3:::b/${aws:never}"], IMPLICIT, IMPLICIT),  # as of a request of which all is known
    ],
)
def test_not_resource_is_the_converse(listed: list[str], at_best: Verdict, at_worst: Verdict) -> None:
    made = {"Effect": "Allow", "Action": "s3:*", "NotResource": listed}
    assert verdict(best, made) is at_best
    assert verdict(worst, made) is at_worst


@pytest.mark.parametrize(
    ("resource", "at_best", "at_worst"),
    [
        ("arn:aws:s3:::b/*", ALLOW, ALLOW),
        ("arn:aws:s3:::b/k", ALLOW, IMPLICIT),
        ("arn:aws:s3:::c/*", IMPLICIT, IMPLICIT),
    ],
)
def test_a_resource_known_in_part_matches_wholly_in_part_or_not(
    resource: str, at_best: Verdict, at_worst: Verdict
) -> None:
    part = with_missing("arn:aws:s3:::b/*")
    assert verdict(best, statement(Resource=resource), resource=part) is at_best
    assert verdict(worst, statement(Resource=resource), resource=part) is at_worst
    assert verdict(None, statement(Resource=resource), resource=part) is at_worst


def test_attack_an_open_key_without_a_presumption_never_allows() -> None:
    """Whoever leaves a key open by mistake gets no permission by it; a Deny is not known to hit."""
    assert verdict(None, statement(Condition=REFERER)) is IMPLICIT
