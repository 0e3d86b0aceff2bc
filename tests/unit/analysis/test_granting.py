"""What policies grant beside what was used, action by action."""

from __future__ import annotations

import json
from typing import Any

from locum.analysis import Comparison, Held, Permission, compare, write
from locum.authz import service_reference as reference

QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
SENT = Permission("sqs:SendMessage", QUEUE, "queue")


def compared(*statements: dict[str, Any]) -> Comparison:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return compare([Held("own", document)], write([SENT]))


def statement(effect: str, action: str | list[str], resource: str = QUEUE, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def test_actions_that_are_granted_and_not_used_are_listed() -> None:
    found = compared(statement("Allow", ["sqs:SendMessage", "SQS:receive*", "sns:Publish"]))
    assert found.unused == {"own": {"sns": ("Publish",), "sqs": ("ReceiveMessage",)}}
    assert found.wider == ()


def test_a_star_is_all_actions_of_all_services() -> None:
    unused = compared(statement("Allow", "*")).unused["own"]
    assert unused.keys() == {prefix for prefix in reference.services() if reference.action_names(prefix)}
    assert set(unused["sqs"]) == set(reference.action_names("sqs")) - {"SendMessage"}


def test_all_but_some_actions_are_listed() -> None:
    allow = {"Effect": "Allow", "NotAction": ["iam:*", "sqs:*"], "Resource": "*"}
    unused = compared(allow).unused["own"]
    assert "s3" in unused
    assert not unused.keys() & {"iam", "sqs"}


def test_what_is_denied_everywhere_is_not_granted() -> None:
    deny = statement("Deny", "sqs:Purge*", "*")
    unused = compared(statement("Allow", "sqs:*"), deny).unused["own"]["sqs"]
    assert "PurgeQueue" not in unused
    conditional = {**deny, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}
    assert "PurgeQueue" in compared(statement("Allow", "sqs:*"), conditional).unused["own"]["sqs"]


def test_a_used_action_on_more_than_it_was_used_on_is_named() -> None:
    (wider,) = compared(statement("Allow", "sqs:SendMessage", "arn:aws:sqs:*:*:*", Sid="Send")).wider
    assert (wider.statement, wider.action) == ("own#Send", "sqs:SendMessage")
    assert (wider.resources, wider.used) == (("arn:aws:sqs:*:*:*",), (QUEUE,))


def test_a_condition_that_the_uses_allow_and_the_statement_lacks_is_named() -> None:
    role = "arn:aws:iam::000000000000:role/web"
    used = Permission("iam:PassRole", role, "role", (("iam:passedtoservice", "ec2.amazonaws.com"),))
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement("Allow", "iam:PassRole", role)]})
    (wider,) = compare([Held("own", document)], write([used])).wider
    assert (wider.resources, wider.unconditional) == ((), ("iam:PassedToService",))


def test_actions_of_a_service_that_the_reference_lacks_are_told() -> None:
    assert compared(statement("Allow", ["nowhere:Do", "sqs:SendMessage"])).unlisted == {"own": ("nowhere:Do",)}


def test_a_policy_that_cannot_be_read_is_told() -> None:
    assert compare([Held("broken", "{")], write([SENT])).unreadable == ("broken",)
