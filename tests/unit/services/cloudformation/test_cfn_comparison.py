"""How properties that were read are compared with those of a template: what differs is told, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.services.cloudformation.comparison import compared
from locum.services.cloudformation.providers.base import Found

ACCOUNT = "123456789012"
ROLE = "AWS::IAM::Role"
QUEUE = "AWS::SQS::Queue"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*"}]}


def differences(kind: str, given: dict[str, Any], read: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    """The paths and types of the differences."""
    tags = more.pop("tags", {})
    found = compared(kind, {"properties": given, "tags": tags}, Found(read, **more), ACCOUNT)
    return [("/".join(it.path), it.type) for it in found.differences]


@pytest.mark.parametrize(
    ("kind", "name", "given", "read"),
    [
        (QUEUE, "DelaySeconds", "5", 5),
        (QUEUE, "DelaySeconds", 5, "5"),
        (QUEUE, "SqsManagedSseEnabled", "True", True),
        (QUEUE, "RedrivePolicy", {"maxReceiveCount": 3}, json.dumps({"maxReceiveCount": 3})),
        (ROLE, "AssumeRolePolicyDocument", json.dumps(DOCUMENT), DOCUMENT),
        (ROLE, "ManagedPolicyArns", ["arn:a", "arn:b"], ["arn:b", "arn:a"]),
        (ROLE, "ManagedPolicyArns", [], None),
        (ROLE, "Description", "", None),
        (QUEUE, "KmsMasterKeyId", "alias/x", f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/x"),
        ("AWS::EC2::SecurityGroupIngress", "IpProtocol", "TCP", "tcp"),
    ],
)
def test_what_says_the_same_is_no_difference(kind: str, name: str, given: Any, read: Any) -> None:
    shown = {} if read is None else {name: read}
    assert differences(kind, {name: given}, shown, unset=frozenset({name})) == []


def test_attack_the_key_of_another_account_is_not_the_one_of_that_name() -> None:
    other = "arn:aws:kms:us-east-1:999999999999:alias/x"
    assert differences(QUEUE, {"KmsMasterKeyId": "alias/x"}, {"KmsMasterKeyId": other}) == [
        ("KmsMasterKeyId", "NOT_EQUAL")
    ]


def test_attack_a_statement_that_is_added_or_widened_is_a_difference() -> None:
    given = {"AssumeRolePolicyDocument": DOCUMENT}
    more = {**DOCUMENT, "Statement": [*DOCUMENT["Statement"], {"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    assert differences(ROLE, given, {"AssumeRolePolicyDocument": more}) == [
        ("AssumeRolePolicyDocument/Statement/1", "ADD")
    ]
    guarded = {**DOCUMENT["Statement"][0], "Condition": {"Bool": {"aws:SecureTransport": "true"}}}  # type: ignore[dict-item]
    with_condition = {**DOCUMENT, "Statement": [guarded]}
    shown = {"AssumeRolePolicyDocument": DOCUMENT}
    assert differences(ROLE, {"AssumeRolePolicyDocument": with_condition}, shown) == [
        ("AssumeRolePolicyDocument/Statement/0/Condition", "REMOVE")
    ]
    shown = {"AssumeRolePolicyDocument": with_condition}
    assert differences(ROLE, given, shown) == [("AssumeRolePolicyDocument/Statement/0/Condition", "ADD")]


def test_only_what_the_template_has_and_the_service_shows_is_compared() -> None:
    assert differences(QUEUE, {"DelaySeconds": 1}, {"DelaySeconds": 1, "VisibilityTimeout": 9}) == []
    assert differences(QUEUE, {"VisibilityTimeout": 1}, {}) == []


def test_what_is_known_not_to_be_set_is_removed() -> None:
    assert differences(ROLE, {"Description": "x"}, {}, unset=frozenset({"Description"})) == [("Description", "REMOVE")]


def test_tags_of_the_stack_are_expected_where_a_resource_has_tags() -> None:
    tag, team = {"Key": "k", "Value": "v"}, {"Key": "team", "Value": "blue"}
    tags = {"team": "blue", "aws:cloudformation:stack-name": "shop"}
    assert differences(ROLE, {"Tags": [tag]}, {"Tags": [team, tag]}, tags=tags) == []
    assert differences(ROLE, {"Tags": [tag]}, {"Tags": [tag]}, tags=tags) == [("Tags/1", "REMOVE")]
    assert differences(ROLE, {}, {"Tags": [team, tag]}, tags=tags) == []


def test_what_a_service_never_shows_is_not_compared() -> None:
    user = "AWS::IAM::User"
    assert differences(user, {"LoginProfile": {"Password": "x"}}, {"LoginProfile": {}}) == []


def test_attack_long_lists_are_compared_in_time() -> None:
    given = [f"arn:aws:iam::{ACCOUNT}:policy/p{number}" for number in range(3000)]
    assert differences(ROLE, {"ManagedPolicyArns": given}, {"ManagedPolicyArns": given}) == []
