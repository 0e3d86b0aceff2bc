"""Attacks by an import: on what is secret in a template, and on stacks that become nested ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.nested_stacks import RETAINED, TOPIC, Bucket, Nesting, entry, nested, queue
from support.plane import allow, fresh
from support.waiting_stacks import Crafts, crafts, template

SECRET = "Sealed-in-an-import"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("attacked")) as plane:
        yield plane


def brought(there: Crafts, body: str, entries: list[dict[str, Any]], stack: str = "", **more: Any) -> str:
    """The ARN of a stack that has imported what the entries name."""
    client = there.cloudformation
    found = client.create_change_set(
        StackName=stack or fresh("brings"),
        ChangeSetName=fresh("brings"),
        ChangeSetType="IMPORT",
        TemplateBody=body,
        ResourcesToImport=entries,
        **more,
    )
    told = client.describe_change_set(ChangeSetName=found["Id"])
    assert told["Status"] == "CREATE_COMPLETE", told["StatusReason"]
    client.execute_change_set(ChangeSetName=found["Id"])
    assert there.status(found["StackId"]) == "IMPORT_COMPLETE"
    return str(found["StackId"])


@pytest.mark.parametrize("kind", ["NoEcho", "secretsmanager", "ssm"])
def test_attack_a_secret_in_an_import_is_told_by_no_event_and_no_notification(there: Crafts, kind: str) -> None:
    plane, name = there.plane, fresh("imported")
    plane.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    plane.client("secretsmanager").create_secret(Name=f"s-{name}", SecretString=SECRET)
    plane.client("ssm").put_parameter(Name=f"s-{name}", Value=SECRET, Type="String")
    value: Any = {
        "NoEcho": {"Ref": "Word"},
        "secretsmanager": f"{{{{resolve:secretsmanager:s-{name}}}}}",
        "ssm": f"{{{{resolve:ssm:s-{name}}}}}",
    }[kind]
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}}
    word = {"Word": {"Type": "String", "NoEcho": True, "Default": SECRET}}
    body = json.dumps({"Parameters": word, "Resources": {"Parameter": {**parameter, **RETAINED}}})
    entry = {"ResourceType": "AWS::SSM::Parameter", "LogicalResourceId": "Parameter"}
    entries = [{**entry, "ResourceIdentifier": {"Name": name}}]
    stack = brought(there, body, entries, NotificationARNs=[there.topic])
    events = json.dumps(there.cloudformation.describe_stack_events(StackName=stack)["StackEvents"], default=str)
    assert (SECRET in events, name in events) == (False, True)
    while "IMPORT_COMPLETE" not in (message := there.message()) or "Resource import completed" not in message:
        assert SECRET not in message
    assert (SECRET in message, name in message) == (False, True)


READS = ["cloudformation:*ChangeSet", "cloudformation:Describe*", "cloudformation:GetTemplate", "s3:GetObject"]


def test_attack_a_protected_stack_does_not_lose_its_protection_by_being_nested(there: Crafts) -> None:
    nesting = Nesting(there, EnableTerminationProtection=True)
    key = there.plane.user(fresh("user"), allow([*READS, "cloudformation:DeleteStack", "sqs:*"]))
    told = f"Stack [{nesting.inner.split('/')[1]}] cannot be nested while TerminationProtection is enabled"
    found = nesting.proposed(there.plane.client("cloudformation", key))
    assert (found["Status"], found["StatusReason"]) == ("FAILED", told)
    off = {"StackName": nesting.inner, "EnableTerminationProtection": False}
    there.cloudformation.update_termination_protection(**off)
    found = nesting.proposed()
    there.cloudformation.update_termination_protection(**off | {"EnableTerminationProtection": True})
    there.cloudformation.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert there.status(nesting.outer) == "IMPORT_ROLLBACK_COMPLETE"
    assert told in there.reasons(nesting.outer, "Inner")[1]
    assert there.described(nesting.inner)["EnableTerminationProtection"]


def test_attack_who_may_not_delete_a_stack_does_not_have_the_one_around_it_delete_it(there: Crafts) -> None:
    nesting = Nesting(there)
    assert nesting.executed() == "IMPORT_COMPLETE"
    there.update(nesting.outer, {"Topic": TOPIC, "Inner": nested(nesting.url)})
    assert there.status(nesting.outer) == "UPDATE_COMPLETE"
    mine = allow(["cloudformation:*", "sns:*"], nesting.outer), allow(["sns:*", "sqs:*", "s3:*"])
    client = there.plane.client("cloudformation", there.plane.user(fresh("user"), *mine))
    client.delete_stack(StackName=nesting.outer)
    assert there.status(nesting.outer) == "DELETE_FAILED"
    assert there.status(nesting.inner) == "CREATE_COMPLETE"


def test_attack_a_stack_is_not_nested_in_two_others_that_ask_for_it_at_once(there: Crafts) -> None:
    first, second = Nesting(there), Nesting(there)
    second.inner = first.inner
    proposed = first.proposed(), second.proposed()
    for found in proposed:
        there.cloudformation.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert sorted([there.status(first.outer), there.status(second.outer)]) == [
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    ]
    around = next(it.outer for it in (first, second) if there.status(it.outer) == "IMPORT_COMPLETE")
    assert there.described(first.inner)["ParentId"] == around


def released(there: Crafts) -> Nesting:
    """A stack that was nested, and that the one around it retained."""
    nesting = Nesting(there)
    assert nesting.executed() == "IMPORT_COMPLETE"
    there.update(nesting.outer, {"Topic": TOPIC})
    assert there.status(nesting.outer) == "UPDATE_COMPLETE"
    assert there.described(nesting.inner)["ParentId"] == nesting.outer
    return nesting


def test_attack_a_stack_that_retained_another_one_is_not_nested_in_that(there: Crafts) -> None:
    nesting, bucket = released(there), Bucket(there)
    url = bucket.put("outer", {"Topic": TOPIC})
    found = there.cloudformation.create_change_set(
        StackName=nesting.inner,
        ChangeSetName=fresh("nests"),
        ChangeSetType="IMPORT",
        TemplateBody=template({"Queue": queue(1), "Outer": {**nested(url), **RETAINED}}),
        ResourcesToImport=[entry("Outer", nesting.outer)],
    )
    told = there.cloudformation.describe_change_set(ChangeSetName=found["Id"])
    assert told["StatusReason"] == "Stacks cannot be imported into a child stack."


def test_a_stack_that_was_retained_is_nested_again_and_so_is_the_one_that_had_it(there: Crafts) -> None:
    nesting, other = released(there), Nesting(there)
    other.inner = nesting.inner
    assert other.executed() == "IMPORT_COMPLETE"
    assert there.described(nesting.inner)["ParentId"] == other.outer
    last = Nesting(there)
    last.inner = nesting.outer
    last.bucket.put("inner", {"Topic": TOPIC})
    assert last.executed() == "IMPORT_COMPLETE"


def test_a_stack_that_outlives_its_root_is_protected_by_itself(there: Crafts) -> None:
    nesting, client = released(there), there.cloudformation
    on = {"StackName": nesting.inner, "EnableTerminationProtection": True}
    with pytest.raises(ClientError):
        client.update_termination_protection(**on)
    client.delete_stack(StackName=nesting.outer)
    assert there.status(nesting.outer) == "DELETE_COMPLETE"
    client.update_termination_protection(**on)
    assert there.described(nesting.inner)["EnableTerminationProtection"]
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        client.delete_stack(StackName=nesting.inner)
