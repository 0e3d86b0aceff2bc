"""What a denial's encoded message holds, and that it can always be decoded."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from typing import Any

import pytest

from locum import authz
from locum.calls.denial_messages import details, refusal
from locum.core.principal import Caller
from locum.credentials import KeyRing
from locum.services.sts import LONGEST_MESSAGE, OPERATIONS
from locum.services.verbs import Context
from locum.state import State
from support.authority import HOME, NOW, World, allow, as_user, deny, document, policy, user

MARK = ". Encoded authorization failure message: "
INSTANCE = "i-0123456789abcdef0"
ARN = f"arn:aws:ec2:eu-west-1:{HOME}:instance/{INSTANCE}"


class Counting:
    """Entropy that is never the same twice in a run, and agrees from run to run."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def __call__(self, size: int) -> bytes:
        return hashlib.shake_256(str(next(self._numbers)).encode()).digest(size)


ENTROPY = Counting()
RING = KeyRing.generate(ENTROPY)


def denied(*statements: dict[str, Any], **fields: Any) -> authz.Authorization:
    ann = user("ann", *statements, **fields)
    world = World().having(ann)
    return world.ask(as_user(ann), "ec2:TerminateInstances", InstanceIds=[INSTANCE])


def decoded(verdict: authz.Authorization, caller: Caller) -> dict[str, Any]:
    message = refusal(verdict, RING, ENTROPY).message.partition(MARK)[2]
    assert 0 < len(message) <= LONGEST_MESSAGE
    context = Context(State(), NOW, ENTROPY, RING, caller, "eu-west-1")
    answer = OPERATIONS["DecodeAuthorizationMessage"].verb(context, {"EncodedMessage": message}).answer
    found: dict[str, Any] = json.loads(answer["DecodedMessage"])
    return found


def test_the_message_is_added_to_what_the_client_is_told_anyway() -> None:
    verdict = denied()
    plain, fault = verdict.fault(), refusal(verdict, RING, ENTROPY)
    assert fault.message.startswith(plain.message + MARK)
    assert (fault.code, fault.status) == (plain.code, plain.status)
    assert decoded(verdict, verdict.call.caller)["context"]["action"] == "ec2:TerminateInstances"


def test_nothing_is_added_where_no_policy_was_asked_or_the_service_has_no_such_message() -> None:
    ann = user("ann")
    gone = World().ask(as_user(ann), "ec2:TerminateInstances", InstanceIds=[INSTANCE])
    other = World().having(ann).ask(as_user(ann), "iam:ListUsers")
    for verdict in (gone, other):
        assert refusal(verdict, RING, ENTROPY).message == verdict.fault().message


def test_the_caller_the_action_the_resource_and_the_keys_are_told() -> None:
    verdict = denied()
    assert verdict.failing is not None
    found = details(verdict.failing)
    assert found["context"]["principal"] == {
        "id": verdict.call.caller.principal.user_id,
        "arn": verdict.call.caller.principal.arn,
    }
    assert (found["context"]["action"], found["context"]["resource"]) == ("ec2:TerminateInstances", ARN)
    assert {"key": "aws:requestedregion", "values": {"items": [{"value": "eu-west-1"}]}} in (
        found["context"]["conditions"]["items"]
    )
    assert found["matchedStatements"] == {"items": []}


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (deny("ec2:*"), {"actions": ["ec2:*"], "resources": ["*"]}),
        (
            {"Effect": "Deny", "NotAction": ["iam:*", "s3:*"], "NotResource": "arn:aws:s3:::b"},
            {"actions": [], "notActions": ["iam:*", "s3:*"], "resources": [], "notResources": ["arn:aws:s3:::b"]},
        ),
    ],
)
def test_a_statement_that_denies_is_told_element_by_element(
    statement: dict[str, Any], told: dict[str, list[str]]
) -> None:
    verdict = denied(allow("*"), statement)
    assert verdict.failing is not None
    (item,) = details(verdict.failing)["matchedStatements"]["items"]
    assert item["effect"] == "DENY"
    values = {name: [value["value"] for value in item[name]["items"]] for name in told}
    assert values == told


def test_a_message_that_would_be_too_long_leaves_out_what_is_long() -> None:
    """PasswordDigests do not compress: such statements alone are longer than a message may be."""
    resources = [
        f"arn:aws:ec2:*:*:instance/i-{hashlib.sha512(str(number).encode()).hexdigest()}" for number in range(250)
    ]
    limit = policy("limit", deny("ec2:*", [*resources, "*"]))
    ann = user("ann", allow("*"), attached=(limit.arn,))
    verdict = World().having(ann, limit).ask(as_user(ann), "ec2:TerminateInstances", InstanceIds=[INSTANCE])
    found = decoded(verdict, verdict.call.caller)
    assert found["explicitDeny"]
    assert found["matchedStatements"] == {"items": []}
    assert found["context"]["conditions"]["items"]


def test_nothing_of_the_details_can_be_read_from_the_message() -> None:
    message = refusal(denied(), RING, ENTROPY).message.partition(MARK)[2]
    sealed = base64.urlsafe_b64decode(message + "=" * (-len(message) % 4))
    for secret in (b"TerminateInstances", b"explicitDeny", HOME.encode(), document().encode()):
        assert secret not in sealed
