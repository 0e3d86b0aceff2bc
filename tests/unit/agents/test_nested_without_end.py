"""Templates that nest themselves: they end where that is seen, and nothing of them is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from locum.state import Stack
from support.plane import ACCOUNT, fresh
from support.waiting_stacks import Crafts, crafts, template


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("nested")) as made:
        yield made


class Bucket:
    """A bucket of templates that refer to one another."""

    def __init__(self, there: Crafts) -> None:
        self._there, self._name = there, fresh("templates")
        self.s3 = there.plane.client("s3")
        self.s3.create_bucket(Bucket=self._name)

    def nested(self, key: str, **parameters: Any) -> dict[str, Any]:
        endpoint = self._there.plane.node.runtime.settings.endpoint
        properties = {"TemplateURL": f"{endpoint}/{self._name}/{key}", "Parameters": parameters}
        return {"Type": "AWS::CloudFormation::Stack", "Properties": properties}

    def put(self, key: str, body: str) -> str:
        self.s3.put_object(Bucket=self._name, Key=key, Body=body.encode())
        return body


def stacks(there: Crafts) -> list[Stack]:
    return list(there.plane.node.runtime.ledger.state.table(Stack, ACCOUNT).values())


def test_a_template_that_nests_itself_is_seen_at_once(there: Crafts) -> None:
    bucket, before = Bucket(there), len(stacks(there))
    bucket.put("self", template({"Inner": bucket.nested("self")}))
    stack = there.create({"Inner": bucket.nested("self")})
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert len(stacks(there)) - before <= 4
    inner = [reason for it in stacks(there) for reason in there.reasons(it.arn, "Inner")]
    assert any("The template nests itself" in reason for reason in inner)
    assert not [it for it in stacks(there) if it.parent and it.status != "DELETE_COMPLETE"]


def test_so_are_two_that_nest_one_another(there: Crafts) -> None:
    bucket, before = Bucket(there), len(stacks(there))
    bucket.put("one", template({"Two": bucket.nested("two")}))
    bucket.put("two", template({"One": bucket.nested("one")}))
    stack = there.create({"One": bucket.nested("one")})
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert len(stacks(there)) - before <= 6


def test_one_that_gives_itself_other_parameters_each_time_is_ended_by_its_depth(
    there: Crafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locum.services.cloudformation.nesting.DEEPEST", 4)
    bucket, before = Bucket(there), len(stacks(there))
    body: dict[str, Any] = {"Inner": bucket.nested("longer", Text={"Fn::Sub": "${Text}x"})}
    whole = template(body)[:-1] + ', "Parameters": {"Text": {"Type": "String", "Default": "x"}}}'
    bucket.put("longer", whole)
    stack = there.create({"Inner": bucket.nested("longer", Text="x")})
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert len(stacks(there)) - before <= 8


def test_many_resources_of_stacks_within_one_another_are_ended_by_their_number(
    there: Crafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locum.services.cloudformation.nesting.MOST_RESOURCES", 6)
    bucket = Bucket(there)
    topics = {f"Topic{number}": {"Type": "AWS::SNS::Topic", "Properties": {}} for number in range(3)}
    bucket.put("three", template(topics))
    chained = {"One": bucket.nested("three")}
    chained |= {
        name: {**bucket.nested("three"), "DependsOn": after} for name, after in (("Two", "One"), ("Xyz", "Two"))
    }
    stack = there.create(chained)
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert any("more than 6 resources" in reason for reason in there.reasons(stack, "Xyz"))


def test_a_template_may_nest_itself_as_often_as_its_parameters_say(there: Crafts) -> None:
    bucket = Bucket(there)
    counted = {
        "Parameters": {"Left": {"Type": "CommaDelimitedList"}},
        "Conditions": {"More": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": [",", {"Ref": "Left"}]}, "last"]}]}},
        "Resources": {
            "Inner": {**bucket.nested("counted", Left="last"), "Condition": "More"},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
        },
    }
    bucket.put("counted", json.dumps(counted))
    stack = there.create({"Inner": bucket.nested("counted", Left="first,last")})
    assert there.status(stack) == "CREATE_COMPLETE"
