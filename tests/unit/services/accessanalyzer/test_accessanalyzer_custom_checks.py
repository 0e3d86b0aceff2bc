"""The custom policy checks: AWS's answers, what is refused, and how one would get a PASS that is not one."""

from __future__ import annotations

import builtins
import importlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from locum.analysis.proofs import solver
from locum.core.errors import Fault
from locum.services.accessanalyzer import OPERATIONS
from locum.services.accessanalyzer.custom_checks import LARGEST
from support.one_account import Plane

IDENTITY, RESOURCE = "IDENTITY_POLICY", "RESOURCE_POLICY"
BOUND = 60.0
"""Seconds, on a busy machine; what is bounded is the work."""


@pytest.fixture
def analyzer() -> Plane:
    return Plane("accessanalyzer", OPERATIONS)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def new_access(analyzer: Plane, new: str, existing: str, kind: str = IDENTITY) -> dict[str, Any]:
    return analyzer.call("CheckNoNewAccess", newPolicyDocument=new, existingPolicyDocument=existing, policyType=kind)


def granted(analyzer: Plane, document: str, *access: dict[str, Any], kind: str = IDENTITY) -> dict[str, Any]:
    return analyzer.call("CheckAccessNotGranted", policyDocument=document, access=list(access), policyType=kind)


def public(analyzer: Plane, document: str, kind: str = "AWS::S3::Bucket") -> dict[str, Any]:
    return analyzer.call("CheckNoPublicAccess", policyDocument=document, resourceType=kind)


def test_new_access_is_told_with_its_statement(analyzer: Plane) -> None:
    places = ["arn:aws:s3:::amzn-s3-demo-bucket", "arn:aws:s3:::amzn-s3-demo-bucket/*"]
    existing = policy(allow(["s3:GetObject", "s3:ListBucket"], places))
    assert new_access(
        analyzer, policy(allow(["s3:GetObject", "s3:GetObjectAcl", "s3:ListBucket"], places)), existing
    ) == {
        "result": "FAIL",
        "message": "The modified permissions grant new access compared to your existing policy.",
        "reasons": [{"description": "New access in the statement with index: 0.", "statementIndex": 0}],
    }
    passed = new_access(analyzer, existing, existing)
    assert passed["result"] == "PASS"
    assert "reasons" not in passed


def test_each_statement_with_new_access_is_a_reason(analyzer: Plane) -> None:
    new = policy(allow("s3:*", Sid="All"), allow("s3:GetObject"), allow("sqs:*", Sid="Queues"), deny("iam:*"))
    assert [reason["statementIndex"] for reason in new_access(analyzer, new, policy(allow("s3:Get*")))["reasons"]] == [
        0,
        2,
    ]


def test_granted_access_is_told_with_its_statement(analyzer: Plane) -> None:
    principal = {"AWS": "arn:aws:iam::123456789012:user/JohnDoe"}
    statement = allow("s3:PutObject", "arn:aws:s3:::my-bucket/*", Sid="AllowJohnDoe", Principal=principal)
    reason = "One or more of the listed actions or resources in the statement with sid: AllowJohnDoe."
    assert granted(analyzer, policy(statement), {"resources": ["arn:aws:s3:::my-bucket/*"]}, kind=RESOURCE) == {
        "result": "FAIL",
        "message": "The policy document grants access to perform one or more of the listed actions or resources.",
        "reasons": [
            {
                "description": reason,
                "statementId": "AllowJohnDoe",
                "statementIndex": 0,
            }
        ],
    }
    assert granted(analyzer, policy(statement), {"actions": ["s3:GetObject"]}, kind=RESOURCE) == {
        "result": "PASS",
        "message": "The policy document does not grant access to perform the listed actions or resources.",
    }


def test_public_access_is_told_with_its_statement(analyzer: Plane) -> None:
    statement = {"Sid": "Bob", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"]}
    assert public(analyzer, policy(statement)) == {
        "result": "FAIL",
        "message": "The resource policy grants public access for the given resource type.",
        "reasons": [
            {
                "description": "Public access granted in the following statement with sid: Bob.",
                "statementId": "Bob",
                "statementIndex": 0,
            }
        ],
    }
    closed = {**statement, "Principal": {"AWS": "arn:aws:iam::111122223333:user/JohnDoe"}}
    assert public(analyzer, policy(closed)) == {
        "result": "PASS",
        "message": "The resource policy does not grant public access for the given resource type.",
    }


@pytest.mark.parametrize(
    "access",
    [
        [],
        [{}],
        [{"actions": ["GetObject"]}],
        [{"resources": ["*"]}],
        [{"resources": ["arn:aws:s3:*:*:b"]}],
        [{"resources": ["my-bucket"]}],
    ],
)
def test_access_that_is_none_is_refused(analyzer: Plane, access: list[dict[str, Any]]) -> None:
    with pytest.raises(Fault) as caught:
        granted(analyzer, policy(allow("s3:*")), *access)
    assert (caught.value.code, caught.value.status) == ("InvalidParameterException", 400)


@pytest.mark.parametrize("document", ["", "{", "{}", policy({"Effect": "Allow", "Action": "s3:*"}), "[" * 100_000])
def test_what_is_no_policy_is_refused(analyzer: Plane, document: str) -> None:
    with pytest.raises(Fault, match="is not valid") as caught:
        new_access(analyzer, document, policy(allow("*")))
    assert (caught.value.code, caught.value.status) == ("InvalidParameterException", 400)


def undecided(caught: pytest.ExceptionInfo[Fault]) -> None:
    assert (caught.value.code, caught.value.status) == ("UnprocessableEntityException", 422)


def test_without_the_solver_there_is_no_answer(analyzer: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    solver._library.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(Fault, match=r"locum\[analyze\]") as caught:
        new_access(analyzer, policy(allow("*")), policy(allow("*")))
    undecided(caught)
    monkeypatch.undo()
    assert builtins.bool(solver._library())


def test_attack_a_document_without_end_is_refused(analyzer: Plane) -> None:
    with pytest.raises(Fault, match="can have at most"):
        new_access(analyzer, policy(allow("s3:*")) + " " * LARGEST, policy(allow("*")))


def test_attack_patterns_that_take_too_long_do_not_pass(analyzer: Plane) -> None:
    started = time.monotonic()
    new = policy(allow("s3:*", "arn:aws:s3:::*x" + "?" * 60))
    with pytest.raises(Fault, match="too complex") as caught:
        new_access(analyzer, new, policy(allow("s3:*", "arn:aws:s3:::*y" + "?" * 60)))
    undecided(caught)
    assert time.monotonic() - started < BOUND


def test_attack_thousands_of_conditions_are_decided(analyzer: Plane) -> None:
    keys = {f"aws:RequestTag/k{number}": f"v{number}" for number in range(2000)}
    new = policy(allow("s3:*", Condition={"StringEquals": keys}))
    wider = policy(allow("s3:*", Condition={"StringLike": dict.fromkeys(keys, "v*")}))
    other = policy(allow("s3:*", Condition={"StringEquals": {**keys, "aws:RequestTag/k7": "other"}}))
    assert new_access(analyzer, new, wider)["result"] == "PASS"
    assert new_access(analyzer, new, other)["result"] == "FAIL"


def test_attack_checks_at_once_do_not_mix(analyzer: Plane) -> None:
    def check(number: int) -> str:
        new, existing = (
            policy(allow(f"s3:Get{end}*", f"arn:aws:s3:::b{number}/*")) for end in ("A", "AB"[: number % 2])
        )
        return str(new_access(analyzer, new, existing)["result"])

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(check, range(40))) == ["PASS"] * 40


def test_attack_an_action_in_another_case_is_the_same_action(analyzer: Plane) -> None:
    assert granted(analyzer, policy(allow("S3:gEtObJeCt")), {"actions": ["s3:GetObject"]})["result"] == "FAIL"


def test_attack_a_deny_that_a_missing_key_gets_round_does_not_pass(analyzer: Plane) -> None:
    guarded = policy(allow("s3:*"), deny("s3:*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-2"}}))
    existing = policy(allow("s3:*", Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-2"}}))
    assert new_access(analyzer, guarded, existing)["result"] == "PASS"
    named = policy(allow("s3:*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}))
    assert new_access(analyzer, guarded, named)["result"] == "FAIL"


def test_attack_for_all_values_without_the_key_is_new_access(analyzer: Plane) -> None:
    new = policy(allow("s3:*", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}))
    existing = policy(allow("s3:*", Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}))
    assert new_access(analyzer, new, existing)["result"] == "FAIL"


def test_attack_a_text_that_looks_like_a_mark_is_refused(analyzer: Plane) -> None:
    new = policy(allow("s3:*", "arn:aws:s3:::b/@")).replace("@", "\ue000")
    with pytest.raises(Fault, match="private use") as caught:
        new_access(analyzer, new, policy(allow("*")))
    undecided(caught)


@pytest.mark.parametrize(
    ("new", "existing"),
    [
        (  # numbers and texts at once
            allow("s3:*", Condition={"NumericLessThan": {"s3:max-keys": "10"}, "StringLike": {"s3:max-keys": "0*7"}}),
            allow("s3:*", Condition={"StringLike": {"s3:max-keys": "x*"}}),
        ),
        (  # a part of an account
            allow("s3:*", Condition={"StringLike": {"aws:PrincipalAccount": "1111*"}}),
            allow("s3:*", Condition={"StringLike": {"aws:PrincipalAccount": "11*"}}),
        ),
        (  # a key beside itself
            allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/a": "${aws:PrincipalTag/a}"}}),
            allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/a": "x"}}),
        ),
        (  # case beyond ASCII
            allow("s3:*", Condition={"StringEqualsIgnoreCase": {"aws:PrincipalTag/a": "stra\u00dfe"}}),
            allow("s3:*", Condition={"StringEqualsIgnoreCase": {"aws:PrincipalTag/a": "STRASSE"}}),
        ),
    ],
)
def test_attack_what_cannot_be_analyzed_does_not_pass(
    analyzer: Plane, new: dict[str, Any], existing: dict[str, Any]
) -> None:
    with pytest.raises(Fault) as caught:
        new_access(analyzer, policy(new), policy(existing))
    undecided(caught)


def test_attack_an_unknown_operator_is_refused(analyzer: Plane) -> None:
    unknown = policy(allow("*", Condition={"StringSortOfEquals": {"aws:PrincipalOrgID": "o-1"}}))
    for new, existing in ((unknown, policy(allow("*"))), (policy(allow("*")), unknown)):
        with pytest.raises(Fault, match="is not valid"):
            new_access(analyzer, new, existing)
