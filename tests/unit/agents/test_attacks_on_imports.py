"""Attacks by an import: on what is secret in a template."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.plane import fresh
from support.waiting_stacks import Crafts, crafts

RETAINED = {"DeletionPolicy": "Retain"}
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
