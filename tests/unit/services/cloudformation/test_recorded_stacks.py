"""Stacks, their resources and events, held against recordings of AWS's answers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import refused
from support.stacks import Stacks, template


def parameter(value: Any = "x", **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **more}


@pytest.fixture(scope="module")
def stacks(plane: InProcess) -> Stacks:
    return Stacks(plane)


def events_of(stacks: Stacks, name: str, logical: str = "") -> list[dict[str, Any]]:
    """The events of a stack, or of a resource of it, oldest first."""
    found = stacks.client.describe_stack_events(StackName=name)["StackEvents"]
    return [dict(it) for it in reversed(found) if logical in ("", it["LogicalResourceId"])]


# -- what is told of a stack ----------------------------------------------------------------------------------


def test_a_stack_is_told_with_these_members(stacks: Stacks) -> None:
    stacks.client.create_stack(StackName="members", TemplateBody=template({"Made": parameter()}))
    assert stacks.settled("members") == "CREATE_COMPLETE"
    told = stacks.told("members")
    assert set(told) == {
        *("CreationTime", "DisableRollback", "DriftInformation", "EnableTerminationProtection", "NotificationARNs"),
        *("RollbackConfiguration", "StackId", "StackName", "StackStatus", "Tags"),
    }
    assert (told["DisableRollback"], told["EnableTerminationProtection"], told["Tags"]) == (False, False, [])
    assert told["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    assert told["RollbackConfiguration"] == {}


def test_a_deleted_stack_is_told_by_its_id_alone(stacks: Stacks) -> None:
    body = template({"Made": parameter()})
    stacks.create("deleted", body)
    first = stacks.told("deleted")["StackId"]
    fault = refused(stacks.client.create_stack, StackName="deleted", TemplateBody=body)
    assert (fault.code, fault.message) == ("AlreadyExistsException", "Stack [deleted] already exists")
    assert stacks.delete("deleted") == "DELETE_COMPLETE"
    told = stacks.told(first)
    assert {"EnableTerminationProtection", "ChangeSetId", "StackStatusReason"}.isdisjoint(told)
    assert told["DeletionTime"] >= told["CreationTime"]
    fault = refused(stacks.client.describe_stacks, StackName="deleted")
    assert (fault.code, fault.message) == ("ValidationError", "Stack with id deleted does not exist")
    fault = refused(stacks.client.describe_stack_events, StackName="deleted")
    assert fault.message == "Stack [deleted] does not exist"
    stacks.create("deleted", body)
    assert stacks.told("deleted")["StackId"] != first
    assert stacks.told(first)["StackStatus"] == "DELETE_COMPLETE"
    assert {it["StackId"] for it in events_of(stacks, first)} == {first}
    assert first not in {it["StackId"] for it in events_of(stacks, "deleted")}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("describe_stacks", "Stack with id nowhere does not exist"),
        ("describe_stack_events", "Stack [nowhere] does not exist"),
        ("get_template", "Stack with id nowhere does not exist"),
        ("get_template_summary", "Stack [nowhere] does not exist"),
    ],
)
def test_a_stack_that_is_not_there_is_named_as_the_call_names_it(stacks: Stacks, call: str, message: str) -> None:
    fault = refused(getattr(stacks.client, call), StackName="nowhere")
    assert (fault.code, fault.status, fault.message) == ("ValidationError", 400, message)


def test_a_resource_that_is_not_there_is_named_with_the_stack_as_given(stacks: Stacks) -> None:
    stacks.create("named", template({"Made": parameter()}))
    describe, arn = stacks.client.describe_stack_resource, stacks.told("named")["StackId"]
    for name in ("named", arn):
        fault = refused(describe, StackName=name, LogicalResourceId="Other")
        assert fault.message == f"Resource Other does not exist for stack {name}"
    fault = refused(describe, StackName="nowhere", LogicalResourceId="Other")
    assert fault.message == "Stack 'nowhere' does not exist"


def test_resources_are_told_in_the_order_of_their_names_and_one_with_its_metadata(stacks: Stacks) -> None:
    """Metadata is not redacted, whatever it is made of."""
    body = template(
        {
            "Later": parameter(),
            "First": parameter({"Ref": "Later"}, Metadata={"Held": {"Ref": "Secret"}}),
        },
        Parameters={"Secret": {"Type": "String", "NoEcho": True}},
    )
    stacks.create("metadata", body, Parameters=[{"ParameterKey": "Secret", "ParameterValue": "told"}])
    assert list(stacks.physical("metadata")) == ["First", "Later"]
    summaries = stacks.client.list_stack_resources(StackName="metadata")["StackResourceSummaries"]
    assert [it["LogicalResourceId"] for it in summaries] == ["First", "Later"]
    told = {
        name: stacks.client.describe_stack_resource(StackName="metadata", LogicalResourceId=name)["StackResourceDetail"]
        for name in ("First", "Later")
    }
    assert {name: json.loads(it["Metadata"]) for name, it in told.items()} == {"First": {"Held": "told"}, "Later": {}}
    assert told["Later"]["DriftInformation"] == {"StackResourceDriftStatus": "NOT_CHECKED"}
    assert stacks.told("metadata")["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}]


def test_the_physical_id_of_a_parameter_begins_with_cfn(stacks: Stacks) -> None:
    stacks.create("generated", template({"Made": parameter()}))
    assert re.fullmatch(r"CFN-Made-[A-Za-z0-9]{12}", stacks.physical("generated")["Made"])


# -- events ---------------------------------------------------------------------------------------------------


def test_the_events_of_a_creation_tell_the_properties(stacks: Stacks) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "told-by-events", "FifoTopic": False}}
    stacks.create("created", template({"Topic": topic}))
    own = [(it["ResourceStatus"], it.get("ResourceStatusReason")) for it in events_of(stacks, "created", "created")]
    assert own == [("CREATE_IN_PROGRESS", "User Initiated"), ("CREATE_COMPLETE", None)]
    assert all("ResourceProperties" not in it for it in events_of(stacks, "created", "created"))
    begun, initiated, complete = events_of(stacks, "created", "Topic")
    arn = stacks.physical("created")["Topic"]
    assert [it["PhysicalResourceId"] for it in (begun, initiated, complete)] == ["", arn, arn]
    assert initiated["ResourceStatusReason"] == "Resource creation Initiated"
    assert {"ResourceStatusReason", "ClientRequestToken"}.isdisjoint(begun)
    for it in (begun, initiated, complete):
        assert json.loads(it["ResourceProperties"]) == {"TopicName": "told-by-events", "FifoTopic": "false"}
        assert re.fullmatch(rf"Topic-{it['ResourceStatus']}-\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z", it["EventId"])
    assert len({it["EventId"] for it in events_of(stacks, "created")}) == 5


def test_the_events_of_a_clean_up_tell_no_properties(stacks: Stacks) -> None:
    named = [
        template({"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}}) for name in ("old", "new")
    ]
    stacks.create("cleaned", named[0])
    assert stacks.update("cleaned", named[1]) == "UPDATE_COMPLETE"
    replaced, initiated, complete, deleting, deleted = events_of(stacks, "cleaned", "Topic")[3:]
    assert replaced["ResourceStatusReason"] == (
        "Requested update requires the creation of a new physical resource; hence creating one."
    )
    assert initiated["ResourceStatusReason"] == "Resource creation Initiated"
    ids = [it["PhysicalResourceId"].rpartition(":")[2] for it in (replaced, initiated, complete, deleting, deleted)]
    assert ids == ["old", "new", "new", "old", "old"]
    assert json.loads(replaced["ResourceProperties"]) == {"TopicName": "new"}
    for it in (deleting, deleted):
        assert "ResourceProperties" not in it
        assert re.fullmatch(r"Topic-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", it["EventId"])
    statuses = [it["ResourceStatus"] for it in events_of(stacks, "cleaned", "cleaned")][2:]
    assert statuses == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


@pytest.mark.parametrize("order", ["ABC", "CBA", "BCA"])
def test_resources_are_made_and_deleted_in_the_order_of_references(stacks: Stacks, order: str) -> None:
    defined = {"A": parameter("root"), "B": parameter({"Ref": "A"}), "C": parameter({"Ref": "B"})}
    name = f"order-{order}"
    stacks.create(name, template({logical: defined[logical] for logical in order}))
    arn, made = stacks.told(name)["StackId"], stacks.physical(name)
    stacks.delete(name)
    complete = [it for it in events_of(stacks, arn) if it["ResourceStatus"].endswith("_COMPLETE")]
    own = [it for it in complete if it["LogicalResourceId"] in order]
    assert [(it["LogicalResourceId"], it["ResourceStatus"]) for it in own] == [
        *((logical, "CREATE_COMPLETE") for logical in "ABC"),
        *((logical, "DELETE_COMPLETE") for logical in "CBA"),
    ]
    values = [json.loads(it["ResourceProperties"])["Value"] for it in own]
    assert values == ["root", made["A"], made["B"], made["B"], made["A"], "root"]


def test_what_is_retained_is_skipped(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("retains", template({"Made": parameter(DeletionPolicy="Retain")}))
    arn, made = stacks.told("retains")["StackId"], stacks.physical("retains")["Made"]
    assert stacks.delete("retains") == "DELETE_COMPLETE"
    assert events_of(stacks, arn, "Made")[-1]["ResourceStatus"] == "DELETE_SKIPPED"
    assert plane.client("ssm").get_parameter(Name=made)["Parameter"]["Value"] == "x"


def test_a_property_that_is_missing_fails_the_resource(stacks: Stacks) -> None:
    body = template({"Made": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": "x"}}})
    assert stacks.create("incomplete", body) == "ROLLBACK_COMPLETE"
    (failed,) = [it for it in events_of(stacks, "incomplete", "Made") if it["ResourceStatus"] == "CREATE_FAILED"]
    assert failed["ResourceStatusReason"] == "Property validation failure: [The property {/Type} is required]"
    assert (failed["PhysicalResourceId"], json.loads(failed["ResourceProperties"])) == ("", {"Value": "x"})
    told = stacks.told("incomplete")
    assert "DeletionTime" in told
    assert told["EnableTerminationProtection"] is False


def test_a_rollback_that_fails_and_a_deletion_that_leaves_something(plane: InProcess, stacks: Stacks) -> None:
    """The reason ends with a blank; what the deletion is told to retain is skipped."""
    iam = plane.client("iam")
    body = template(
        {
            "Group": {"Type": "AWS::IAM::Group", "Properties": {"GroupName": "blocked"}},
            "Wrong": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": "x"}, "DependsOn": "Group"},
        }
    )
    stacks.client.create_stack(
        StackName="blocked", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], OnFailure="DO_NOTHING"
    )
    assert stacks.settled("blocked") == "CREATE_FAILED"
    assert stacks.told("blocked")["StackStatusReason"] == "The following resource(s) failed to create: [Wrong]. "
    iam.create_user(UserName="blocks")
    iam.add_user_to_group(GroupName="blocked", UserName="blocks")
    stacks.client.rollback_stack(StackName="blocked")
    assert stacks.settled("blocked") == "ROLLBACK_FAILED"
    told, reason = stacks.told("blocked"), "The following resource(s) failed to delete: [Group]. "
    assert told["StackStatusReason"] == reason
    assert "DeletionTime" in told
    assert stacks.delete("blocked") == "DELETE_FAILED"
    told = stacks.told("blocked")
    assert (told["StackStatusReason"], told["EnableTerminationProtection"]) == (reason, False)
    assert stacks.delete("blocked", RetainResources=["Group"]) == "DELETE_COMPLETE"
    assert events_of(stacks, told["StackId"], "Group")[-1]["ResourceStatus"] == "DELETE_SKIPPED"
    assert iam.get_group(GroupName="blocked")["Users"]


# -- updates --------------------------------------------------------------------------------------------------


def test_an_update_without_capabilities_keeps_those_of_the_stack(stacks: Stacks) -> None:
    made = stacks.client.create_change_set(
        StackName="kept",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template({"Made": parameter("a")}),
        Capabilities=["CAPABILITY_IAM"],
    )
    stacks.client.execute_change_set(ChangeSetName=made["Id"])
    assert stacks.settled("kept") == "CREATE_COMPLETE"
    told = stacks.told("kept")
    assert (told["ChangeSetId"], told["Capabilities"]) == (made["Id"], ["CAPABILITY_IAM"])
    assert "LastUpdatedTime" in told
    stacks.client.update_stack(StackName="kept", TemplateBody=template({"Made": parameter("b")}))
    assert stacks.settled("kept") == "UPDATE_COMPLETE"
    told = stacks.told("kept")
    assert ("ChangeSetId" in told, told["Capabilities"]) == (False, ["CAPABILITY_IAM"])


def test_an_update_is_refused_for_what_it_says(stacks: Stacks) -> None:
    body = template({"Made": parameter()})
    stacks.create("refuses", body)
    update = stacks.client.update_stack
    assert refused(update, StackName="refuses", TemplateBody=body).message == "No updates are to be performed."
    assert refused(update, StackName="refuses").message == "Either Template URL or Template Body must be specified."
    role = "arn:aws:iam::000000000000:role/of-nobody"
    fault = refused(update, StackName="refuses", TemplateBody=body, RoleARN=role)
    assert fault.message == f"Role {role} is invalid or cannot be assumed"
    fault = refused(update, StackName="nowhere", TemplateBody=body)
    assert fault.message == "Stack [nowhere] does not exist"


@pytest.mark.parametrize(
    ("allowed", "passes"),
    [("AWS::EC2:*", False), ("AWS::EC2::*", False), ("AWS::SSM::*", True), ("AWS::*", True), ("AWS::SSM::Par", False)],
)
def test_resource_types_are_those_that_the_call_allows(stacks: Stacks, allowed: str, passes: bool) -> None:
    create = {"StackName": f"types-{passes}-{len(allowed)}", "TemplateBody": template({"Made": parameter()})}
    if passes:
        stacks.client.create_stack(ResourceTypes=[allowed], **create)
        return
    assert refused(stacks.client.create_stack, ResourceTypes=[allowed], **create).message == (
        f"Resource type AWS::SSM::Parameter is not allowed by parameter ResourceTypes [{allowed}]"
    )


# -- creations that fail --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "status", "statuses"),
    [
        ("ROLLBACK", "ROLLBACK_COMPLETE", ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]),
        ("DELETE", "DELETE_COMPLETE", ["CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]),
        ("DO_NOTHING", "CREATE_FAILED", ["CREATE_IN_PROGRESS", "CREATE_FAILED"]),
    ],
)
def test_a_creation_that_fails_ends_as_the_call_says(
    stacks: Stacks, choice: str, status: str, statuses: list[str]
) -> None:
    name = f"fails-{choice.lower().replace('_', '-')}"
    body = template({"Wrong": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": "x"}}})
    arn = stacks.client.create_stack(StackName=name, TemplateBody=body, OnFailure=choice)["StackId"]
    assert stacks.settled(arn) == status
    assert [it["ResourceStatus"] for it in events_of(stacks, arn, name)] == statuses
    told = stacks.told(arn)
    failed = "The following resource(s) failed to create: [Wrong]. "
    reason = {"ROLLBACK": failed + "Rollback requested by user.", "DELETE": failed + "Delete requested by user."}
    assert events_of(stacks, arn, name)[1]["ResourceStatusReason"] == reason.get(choice, failed)
    assert told.get("StackStatusReason") == (failed if choice == "DO_NOTHING" else None)
    assert ("DeletionTime" in told, told["DisableRollback"]) == (choice != "DO_NOTHING", choice == "DO_NOTHING")


def test_the_token_of_a_call_is_in_every_event(stacks: Stacks) -> None:
    body = template({"Made": parameter()})
    arn = stacks.client.create_stack(StackName="token", TemplateBody=body, ClientRequestToken="given")["StackId"]
    assert (
        stacks.client.create_stack(StackName="token", TemplateBody=body, ClientRequestToken="given")["StackId"] == arn
    )
    stacks.settled("token")
    assert {it["ClientRequestToken"] for it in events_of(stacks, "token")} == {"given"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"DeletionMode": "FORCE_DELETE_STACK"},
            (
                "You can activate DeletionMode FORCE_DELETE_STACK in a delete stack operation only when the stack is "
                "in the DELETE_FAILED state."
            ),
        ),
        (
            {"RetainResources": ["Made"]},
            (
                "When you delete a stack, specify which resources to retain only when the stack is in the "
                "DELETE_FAILED state."
            ),
        ),
    ],
)
def test_a_deletion_leaves_nothing_out_before_it_failed(stacks: Stacks, more: dict[str, Any], told: str) -> None:
    name = f"whole-{len(told)}"
    made = {"Made": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    assert stacks.create(name, template(made)) == "CREATE_COMPLETE"
    stack = stacks.told(name)["StackId"]
    fault = refused(stacks.client.delete_stack, StackName=name, **more)
    assert (fault.code, fault.message) == ("ValidationError", f"Invalid operation on stack [{stack}]. {told}")


def test_what_is_deleted_already_cannot_be_left_out(plane: InProcess, stacks: Stacks) -> None:
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "not-empty-when-deleted"}},
        "Queue": {"Type": "AWS::SQS::Queue"},
    }
    assert stacks.create("left-out", template(resources)) == "CREATE_COMPLETE"
    stack = stacks.told("left-out")["StackId"]
    plane.client("s3").put_object(Bucket="not-empty-when-deleted", Key="k", Body=b"x")
    assert stacks.delete("left-out") == "DELETE_FAILED"
    fault = refused(stacks.client.delete_stack, StackName="left-out", RetainResources=["Queue"])
    assert fault.code == "ValidationError"
    assert fault.message == (
        "The specified resources to retain must be in a valid state. Do not specify resources that are in the "
        "DELETE_COMPLETE state."
    )
    stacks.client.delete_stack(StackName="left-out", RetainResources=["Bucket"])
    assert stacks.settled(stack) == "DELETE_COMPLETE"
    assert ("Bucket", "DELETE_SKIPPED") in stacks.events(stack)


def test_an_embedded_stack_that_is_not_created_tells_why(plane: InProcess, stacks: Stacks) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="embedded-templates")
    value = {"Fn::ImportValue": "nowhere"}
    made = {"Made": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}}
    s3.put_object(Bucket="embedded-templates", Key="t.json", Body=template(made).encode())
    properties = {"TemplateURL": "https://embedded-templates.s3.amazonaws.com/t.json"}
    body = template({"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": properties}})
    assert stacks.create("embedding", body) == "ROLLBACK_COMPLETE"
    reason = stacks.reason("embedding", "Inner", "CREATE_FAILED")
    assert reason.startswith("Embedded stack arn:aws:cloudformation:")
    assert reason.endswith(" was not successfully created: No export named nowhere found")


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        ({}, "ROLLBACK_COMPLETE", ". Rollback requested by user."),
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", ""),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", ". Delete requested by user."),
    ],
)
def test_an_export_of_another_stack_fails_a_creation(
    stacks: Stacks, more: dict[str, Any], status: str, told: str
) -> None:
    made = {"Made": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    body = template(made, Outputs={"Told": {"Value": "x", "Export": {"Name": "exported-once"}}})
    if not any(it["StackName"] == "exports-once" for it in stacks.client.describe_stacks()["Stacks"]):
        assert stacks.create("exports-once", body) == "CREATE_COMPLETE"
    name = f"exports-again-{status.replace('_', '-').lower()}"
    stack = stacks.client.create_stack(StackName=name, TemplateBody=body, **more)["StackId"]
    assert stacks.settled(stack) == status
    under_way = {"ROLLBACK_COMPLETE": "ROLLBACK_IN_PROGRESS", "DELETE_COMPLETE": "DELETE_IN_PROGRESS"}
    reason = stacks.reason(stack, name, under_way.get(status, status))
    assert reason == f"Export with name exported-once is already exported by stack exports-once{told}"
