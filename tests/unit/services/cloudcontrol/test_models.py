"""Models of resources: what is shown, what may be given, and what patches make of them (RFC 6902)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudcontrol import models
from locum.services.cloudformation.identifiers import Identified
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Found

QUEUE = "AWS::SQS::Queue"
DATABASE = "AWS::RDS::DBInstance"
USER = "AWS::IAM::User"


def patched(model: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    return models.patched(model, json.dumps(operations))


def test_each_operation_of_a_patch_is_applied_to_what_the_one_before_left() -> None:
    before = {"Tags": [{"Key": "a", "Value": "1"}], "DelaySeconds": 1}
    after = patched(
        before,
        {"op": "test", "path": "/DelaySeconds", "value": 1},
        {"op": "replace", "path": "/DelaySeconds", "value": 2},
        {"op": "copy", "from": "/Tags/0", "path": "/Tags/-"},
        {"op": "replace", "path": "/Tags/1/Key", "value": "b"},
        {"op": "move", "from": "/DelaySeconds", "path": "/VisibilityTimeout"},
        {"op": "remove", "path": "/Tags/0"},
    )
    assert after == {"Tags": [{"Key": "b", "Value": "1"}], "VisibilityTimeout": 2}
    assert before == {"Tags": [{"Key": "a", "Value": "1"}], "DelaySeconds": 1}


def test_a_path_may_begin_without_a_slash() -> None:
    assert patched({}, {"op": "add", "path": "RetentionInDays", "value": 90}) == {"RetentionInDays": 90}


def test_a_patch_that_makes_no_object_is_refused() -> None:
    with pytest.raises(Fault, match="a model is an object"):
        patched({}, {"op": "replace", "path": "", "value": "text"})


def test_copies_of_copies_are_limited() -> None:
    with pytest.raises(Fault, match="longer than"):
        patched({"Tags": ["x"]}, *[{"op": "copy", "from": "/Tags", "path": "/Tags/-"}] * 60)
    for count in (70, 300, 2000):
        with pytest.raises(Fault, match="Invalid patch document"):
            patched({}, *[{"op": "copy", "from": "", "path": "/Inner"}] * count)


def test_a_model_is_shown_with_what_can_only_be_read_and_without_what_can_only_be_written() -> None:
    properties = {"UserName": "u", "LoginProfile": {"Password": "kept", "PasswordResetRequired": True}}
    found = Found(properties, {"Arn": "arn:aws:iam::000000000000:user/u", "Other": 1})
    assert models.shown(USER, found, Identified("u", "u", {"UserName": "u"})) == {
        "UserName": "u",
        "LoginProfile": {"PasswordResetRequired": True},
        "Arn": "arn:aws:iam::000000000000:user/u",
    }


def test_what_the_schema_does_not_know_is_not_shown() -> None:
    found = Found({"UserName": "u", "Inner": 1}, {"Strange.Part": 2})
    assert models.shown(USER, found, Identified("u", "u", {"UserName": "u", "Of.Part": "x"})) == {"UserName": "u"}


def test_an_attribute_of_a_part_is_shown_in_it() -> None:
    found = Found({"DBInstanceIdentifier": "d", "MasterUserPassword": "kept"}, {"Endpoint.Address": "here"})
    told = models.shown(DATABASE, found, Identified("d", "d", {"DBInstanceIdentifier": "d"}))
    assert told == {"DBInstanceIdentifier": "d", "Endpoint": {"Address": "here"}}


@pytest.mark.parametrize(
    ("before", "after", "code", "listed"),
    [
        ({"Arn": "a"}, {"Arn": "b"}, "ValidationException", "readOnlyProperties [/properties/Arn]"),
        ({"Arn": "a"}, {}, "ValidationException", "readOnlyProperties [/properties/Arn]"),
        (
            {"QueueName": "a"},
            {"QueueName": "b"},
            "NotUpdatableException",
            "createOnlyProperties [/properties/QueueName",
        ),
        ({"QueueName": "a"}, {}, "NotUpdatableException", "createOnlyProperties [/properties/QueueName]"),
        ({}, {"Strange": 1}, "ValidationException", "Model validation failed (#: extraneous key [Strange] is not"),
    ],
)
def test_what_cannot_be_changed_is_refused(
    before: dict[str, Any], after: dict[str, Any], code: str, listed: str
) -> None:
    with pytest.raises(Fault) as caught:
        models.check_changes(QUEUE, PROVIDERS[QUEUE], before, after)
    assert (caught.value.code, listed in caught.value.message) == (code, True)


@pytest.mark.parametrize("tags", [5, "Tags", None, [5], [{"Value": "v"}], {"k": "v"}])
def test_tags_of_another_form_are_refused(tags: Any) -> None:
    with pytest.raises(Fault, match=r"Model validation failed \(#/Tags"):
        models.check_new(QUEUE, {"Tags": tags})


def test_what_can_only_be_read_is_not_given_and_what_is_required_is() -> None:
    with pytest.raises(Fault, match=r"required key \[AssumeRolePolicyDocument\] not found"):
        models.check_new("AWS::IAM::Role", {})
    with pytest.raises(Fault, match=r"readOnlyProperties \[/properties/Arn\] cannot be specified"):
        models.check_new("AWS::IAM::Role", {"AssumeRolePolicyDocument": {}, "Arn": "a"})
