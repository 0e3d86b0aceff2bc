"""What a principal can do, after its boundary, the SCPs of its account and its own denials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from locum.analysis.arn_forms import can_be_of, forms_of
from locum.analysis.candidates import by_name
from locum.analysis.what_can import Granted, doer, what_can
from locum.core.errors import ConfigurationError
from locum.state import State
from support.small_worlds import ONE, TWO, allow, deny, document, group, managed, organized, role, trusting, user, world

NOW = 1_800_000_000.0


def rows(state: State, name: str, *services: str, given: Iterable[tuple[str, str]] = ()) -> list[Granted]:
    return what_can(state, doer(state, by_name(state, ONE, name, NOW), given, (), NOW), services, "us-east-1", NOW)


def granted(state: State, name: str, *services: str, **more: Any) -> dict[str, tuple[tuple[str, ...], str]]:
    """The resources and the verdict by action, of actions with one row."""
    found = rows(state, name, *services, **more)
    return {f"{row.service}:{action}": (row.resources, row.answer.verdict) for row in found for action in row.actions}


def test_actions_are_told_with_their_resources_by_service_and_level() -> None:
    state = world(role("app", allow(["s3:GetObject*", "s3:ListBucket"], ["arn:aws:s3:::b", "arn:aws:s3:::b/*"])))
    found = rows(state, "app", "s3")
    assert [(row.level, row.resources) for row in found] == [
        ("List", ("arn:aws:s3:::b",)),
        ("Read", ("arn:aws:s3:::b/*",)),
    ]
    assert found[0].actions == ("ListBucket",)
    assert "GetObject" in found[1].actions
    assert found[1].of > len(found[1].actions)
    assert granted(state, "app", "sqs") == {}


def test_groups_boundaries_scps_and_denials_are_counted_in() -> None:
    limit = managed("limit", allow(["s3:Get*", "sqs:*"]))
    state = world(
        limit,
        group("staff", allow("s3:*")),
        user("ann", allow(["sqs:*", "iam:*"]), deny("sqs:Purge*"), groups=("staff",), boundary=limit.arn),
        *organized(document(deny("s3:GetObject"))),
    )
    found = granted(state, "ann")
    assert {action.partition(":")[0] for action in found} == {"s3", "sqs", "sts"}
    assert "s3:GetObjectTagging" in found
    assert "sqs:SendMessage" in found
    assert not {"s3:GetObject", "s3:PutObject", "sqs:PurgeQueue", "iam:ListUsers"} & found.keys()


def test_conditions_are_told_and_given_keys_decide() -> None:
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    state = world(
        role("app", allow("sqs:SendMessage", Condition=inside), deny("sqs:*", f"arn:aws:sqs:*:{ONE}:secret-*"))
    )
    ((row),) = rows(state, "app", "sqs")
    assert row.answer.keys == ("aws:SourceIp",)
    assert [clause.conditions[0].operator for clause in row.answer.unless] == ["Resource"]
    assert granted(state, "app", "sqs", given=[("aws:SourceIp", "192.168.0.1")]) == {}
    ((row),) = rows(state, "app", "sqs", given=[("aws:SourceIp", "10.0.0.1")])
    assert (row.answer.when, row.answer.verdict) == ((), "conditional")


def test_what_a_boundary_allows_only_on_some_is_told_as_a_condition_on_the_resource() -> None:
    limit = managed("limit", allow("s3:*", "arn:aws:s3:::team-*"))
    state = world(limit, role("app", allow("s3:ListBucket"), boundary=limit.arn))
    ((row),) = rows(state, "app", "s3")
    (((clause,),),) = row.answer.when
    assert clause.type == "permissions boundary"
    assert clause.conditions[0].values == ("arn:aws:s3:::team-*",)


def test_the_root_user_can_do_everything_that_scps_leave() -> None:
    state = world(*organized(document(deny("s3:*"))))
    member = granted(state, f"arn:aws:iam::{ONE}:root", "s3", "sqs", "sts")
    assert "sqs:DeleteQueue" in member
    assert "s3:ListBucket" not in member
    assert "sts:AssumeRole" not in member  # roles may not be assumed by root accounts
    assert "s3:ListBucket" in granted(state, f"arn:aws:iam::{TWO}:root", "s3")


def test_actions_without_resources_need_all_and_get_no_less() -> None:
    narrow = world(role("app", allow("sqs:*", f"arn:aws:sqs:us-east-1:{ONE}:mine")))
    found = granted(narrow, "app", "sqs")
    assert "sqs:ListQueues" not in found or found["sqs:ListQueues"][0] != ("*",)
    assert found["sqs:SendMessage"] == ((f"arn:aws:sqs:us-east-1:{ONE}:mine",), "allowed")


def test_attack_policy_variables_have_the_principals_values() -> None:
    home = allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*")
    trust = trusting({"AWS": ONE}, "sts:AssumeRole", "sts:TagSession")
    team = allow("s3:GetObject", "arn:aws:s3:::b/${aws:PrincipalTag/team}/*")
    state = world(user("ann", home), role("app", home), role("tagged", team, trust=trust))
    assert granted(state, "ann", "s3") == {"s3:GetObject": (("arn:aws:s3:::b/ann/*",), "allowed")}
    assert granted(state, "app", "s3") == {}
    assert granted(state, "tagged", "s3")["s3:GetObject"] == (
        ("arn:aws:s3:::b/${aws:PrincipalTag/team}/*",),
        "conditional",
    )


def test_attack_not_action_and_not_resource() -> None:
    state = world(
        role("app", {"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}),
        role("but", {"Effect": "Allow", "Action": "sqs:SendMessage", "NotResource": f"arn:aws:sqs:*:{ONE}:secret"}),
    )
    found = granted(state, "app", "iam", "sqs")
    assert found["sqs:SendMessage"] == (("*",), "allowed")
    assert not any(action.startswith("iam:") for action in found)
    ((row),) = rows(state, "but", "sqs")
    assert row.answer.verdict == "conditional"


def test_attack_names_differ_in_case_and_services_that_are_none_are_refused() -> None:
    state = world(role("app", allow("SQS:sendmessage")))
    assert "sqs:SendMessage" in granted(state, "APP", "SQS")
    with pytest.raises(ConfigurationError, match="no service sq"):
        granted(state, "app", "sq")
    with pytest.raises(ConfigurationError, match="no user and no role"):
        granted(state, f"arn:aws:iam::{ONE}:role/APP", "sqs")
    both = world(role("x"), user("x"))
    with pytest.raises(ConfigurationError, match="a user and a role"):
        granted(both, "x")


@pytest.mark.parametrize(
    ("pattern", "possible"),
    [
        ("*", True),
        ("arn:aws:s3:::b", True),
        ("arn:aws:s3:::b*", True),
        ("arn:aws:s3:::?/*", False),
        ("arn:aws:s3:::b/k", False),
        ("arn:aws:s3", True),
        ("arn:aws:sqs:*:*:b", False),
        ("arn:aws:s3:us-east-1::b", False),
    ],
)
def test_patterns_that_match_no_bucket_are_none_of_a_bucket(pattern: str, possible: bool) -> None:
    assert can_be_of(pattern, forms_of("s3", ("bucket",))) is possible


def test_attack_patterns_of_many_stars_take_no_time() -> None:
    assert not can_be_of("arn:aws:s3:::" + "*a" * 400 + "/", forms_of("s3", ("bucket",)))
