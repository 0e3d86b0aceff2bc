"""Stacks: every resource is a call that is decided on, in the order of dependencies, and nothing half made is left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import ACCOUNT, allow, document, refused, trusting
from support.stacks import CAPABILITIES, Stacks, template

TRUSTS_EC2 = json.loads(trusting(Service="ec2.amazonaws.com"))
TRUSTS_STACKS = trusting(Service="cloudformation.amazonaws.com")


def role(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUSTS_EC2, **properties}}


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


NOT_DONE = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": {}, "Roles": ["nobody"]}}


@pytest.fixture
def image(plane: InProcess) -> str:
    return str(plane.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


def names_of_roles(plane: InProcess) -> set[str]:
    return {it["RoleName"] for it in plane.client("iam").list_roles()["Roles"]}


# -- a stack, and what it made -------------------------------------------------------------------------------


def test_a_role_its_profile_and_an_instance_that_wears_it(plane: InProcess, stacks: Stacks, image: str) -> None:
    body = template(
        {
            "Instance": {
                "Type": "AWS::EC2::Instance",
                "Properties": {"ImageId": image, "IamInstanceProfile": {"Ref": "Profile"}},
            },
            "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
            "Role": role(),
        },
        Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    )
    assert stacks.create("worn", body, Tags=[{"Key": "team", "Value": "blue"}]) == "CREATE_COMPLETE"
    made = stacks.physical("worn")
    assert made["Role"].startswith("worn-Role-")
    found = plane.client("iam").get_instance_profile(InstanceProfileName=made["Profile"])["InstanceProfile"]
    assert [it["RoleName"] for it in found["Roles"]] == [made["Role"]]
    assert stacks.outputs("worn") == {"Arn": found["Roles"][0]["Arn"]}
    (reservation,) = plane.client("ec2").describe_instances(InstanceIds=[made["Instance"]])["Reservations"]
    (instance,) = reservation["Instances"]
    assert instance["IamInstanceProfile"]["Arn"] == found["Arn"]
    assert {"Key": "team", "Value": "blue"} in instance["Tags"]
    begun = [name for name, status in stacks.events("worn") if status == "CREATE_COMPLETE"]
    assert begun == ["Role", "Profile", "Instance", "worn"]
    arn = stacks.told("worn")["StackId"]
    assert stacks.delete("worn") == "DELETE_COMPLETE"
    gone = [name for name, status in stacks.events(arn) if status == "DELETE_COMPLETE"]
    assert gone == ["Instance", "Profile", "Role", "worn"]
    assert made["Role"] not in names_of_roles(plane)


def test_an_update_that_renames_a_role_replaces_it_and_what_refers_to_it_follows(
    plane: InProcess, stacks: Stacks
) -> None:
    profile = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}}
    assert stacks.create("renamed", template({"Role": role(), "Profile": profile})) == "CREATE_COMPLETE"
    before = stacks.physical("renamed")
    body = template({"Role": role(RoleName="with-a-name"), "Profile": profile})
    assert stacks.update("renamed", body) == "UPDATE_COMPLETE"
    after = stacks.physical("renamed")
    assert (after["Role"], after["Profile"]) == ("with-a-name", before["Profile"])
    assert before["Role"] not in names_of_roles(plane)
    found = plane.client("iam").get_instance_profile(InstanceProfileName=after["Profile"])["InstanceProfile"]
    assert [it["RoleName"] for it in found["Roles"]] == ["with-a-name"]
    other = template({"Role": role(RoleName="with-a-name", Path="/elsewhere/"), "Profile": profile})
    assert stacks.update("renamed", other) == "UPDATE_ROLLBACK_COMPLETE"
    assert "when a custom-named resource requires replacing" in stacks.reason("renamed", "Role", "UPDATE_FAILED")
    assert stacks.delete("renamed") != "DELETE_FAILED"


def test_an_update_that_changes_nothing_is_refused(stacks: Stacks) -> None:
    body = template({"Queue": queue(DelaySeconds=1)})
    stacks.create("unchanged", body)
    fault = refused(stacks.client.update_stack, StackName="unchanged", TemplateBody=body)
    assert (fault.code, fault.message) == ("ValidationError", "No updates are to be performed.")


def test_what_a_template_does_not_have_any_more_is_deleted_after_the_update(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("smaller", template({"Role": role(), "Queue": queue()}))
    name = stacks.physical("smaller")["Role"]
    assert stacks.update("smaller", template({"Queue": queue()})) == "UPDATE_COMPLETE"
    assert name not in names_of_roles(plane)
    statuses = [status for _, status in stacks.events("smaller")]
    assert statuses[-4:] == [
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
        "UPDATE_COMPLETE",
    ]


def test_the_ref_of_a_queue_is_a_url_of_the_plane(plane: InProcess, stacks: Stacks) -> None:
    assert stacks.create("queued", template({"Queue": queue(QueueName="queued")})) == "CREATE_COMPLETE"
    url = stacks.physical("queued")["Queue"]
    assert url == f"{plane.node.runtime.settings.endpoint}/{ACCOUNT}/queued"


def test_no_update_changes_the_type_of_a_resource(stacks: Stacks) -> None:
    stacks.create("typed", template({"Thing": queue()}))
    given = {"StackName": "typed", "TemplateBody": template({"Thing": {"Type": "AWS::SNS::Topic"}})}
    for operation, more in (
        (stacks.client.update_stack, {}),
        (stacks.client.create_change_set, {"ChangeSetName": "c"}),
    ):
        fault = refused(operation, **given, **more)
        assert fault.message.startswith("Update of resource type is not permitted.")


# -- permissions ---------------------------------------------------------------------------------------------


def test_who_may_only_use_cloudformation_makes_nothing(plane: InProcess) -> None:
    key = plane.user("only-stacks", {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
    stacks = Stacks(plane, key)
    before = names_of_roles(plane)
    assert stacks.create("nothing", template({"Role": role()})) == "ROLLBACK_COMPLETE"
    reason = stacks.reason("nothing", "Role", "CREATE_FAILED")
    assert f"User: arn:aws:iam::{ACCOUNT}:user/only-stacks is not authorized to perform: iam:CreateRole" in reason
    assert "HandlerErrorCode: AccessDenied" in reason
    assert names_of_roles(plane) == before
    request = reason.partition("Request ID: ")[2].partition(")")[0]
    (event,) = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateRole"}], MaxResults=1
    )["Events"]
    record = json.loads(event["CloudTrailEvent"])
    assert (record["requestID"], record["errorCode"]) == (request, "AccessDenied")
    assert record["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"


def test_a_stack_does_what_its_role_may_and_the_role_must_be_passed(plane: InProcess) -> None:
    iam = plane.client("iam")
    arn = iam.create_role(RoleName="for-stacks", AssumeRolePolicyDocument=TRUSTS_STACKS)["Role"]["Arn"]
    iam.put_role_policy(RoleName="for-stacks", PolicyName="p", PolicyDocument=document(allow("iam:*")))
    stacks = Stacks(plane, plane.user("passing", {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}))
    given: dict[str, Any] = {
        "StackName": "by-role",
        "TemplateBody": template({"Role": role()}),
        "Capabilities": CAPABILITIES,
    }
    fault = refused(stacks.client.create_stack, RoleARN=arn, **given)
    assert (fault.code, "iam:PassRole" in fault.message) == ("AccessDenied", True)
    iam.put_user_policy(UserName="passing", PolicyName="pass", PolicyDocument=document(allow("iam:PassRole", arn)))
    assert stacks.create("by-role", given["TemplateBody"], RoleARN=arn) == "CREATE_COMPLETE"
    assert stacks.create("beyond-role", template({"Queue": queue()}), RoleARN=arn) == "ROLLBACK_COMPLETE"
    reason = stacks.reason("beyond-role", "Queue", "CREATE_FAILED")
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/for-stacks/AWSCloudFormation is not authorized" in reason
    assert stacks.delete("by-role") == "DELETE_COMPLETE"  # the role stays the stack's


def test_a_template_with_roles_takes_a_capability(stacks: Stacks) -> None:
    body = template({"Role": role(RoleName="named")})
    fault = refused(stacks.client.create_stack, StackName="incapable", TemplateBody=body)
    assert (fault.code, fault.message) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    )


# -- failures ------------------------------------------------------------------------------------------------


def test_a_creation_that_fails_deletes_what_it_made(plane: InProcess, stacks: Stacks) -> None:
    body = template({"Role": role(), "Policy": {**NOT_DONE, "DependsOn": "Role"}})
    before = names_of_roles(plane)
    assert stacks.create("failing", body) == "ROLLBACK_COMPLETE"
    assert names_of_roles(plane) == before
    expected = "The following resource(s) failed to create: [Policy]. Rollback requested by user."
    assert stacks.reason("failing", "failing", "ROLLBACK_IN_PROGRESS") == expected
    fault = refused(stacks.client.update_stack, StackName="failing", TemplateBody=body)
    assert "is in ROLLBACK_COMPLETE state and can not be updated." in fault.message


@pytest.mark.parametrize(("on_failure", "status"), [("DO_NOTHING", "CREATE_FAILED"), ("DELETE", "DELETE_COMPLETE")])
def test_a_creation_that_fails_does_what_was_asked_for(
    plane: InProcess, stacks: Stacks, on_failure: str, status: str
) -> None:
    name = f"fails-{on_failure.lower().replace('_', '-')}"
    body = template({"Role": role(RoleName=name), "Policy": {**NOT_DONE, "DependsOn": "Role"}})
    made = stacks.client.create_stack(
        StackName=name, TemplateBody=body, Capabilities=CAPABILITIES, OnFailure=on_failure
    )
    assert stacks.settled(made["StackId"]) == status
    assert (name in names_of_roles(plane)) == (on_failure == "DO_NOTHING")


def test_an_update_that_fails_leaves_everything_as_it_was(plane: InProcess, stacks: Stacks) -> None:
    before = template({"Role": role(Description="old"), "Replaced": role(), "Queue": queue(DelaySeconds=1)})
    stacks.create("back", before)
    made = stacks.physical("back")
    after = template(
        {
            "Role": role(Description="new"),
            "Replaced": role(Path="/other/"),
            "Queue": queue(DelaySeconds=2),
            "New": queue(QueueName="new-in-back"),
            "Policy": {**NOT_DONE, "DependsOn": ["Role", "Replaced", "Queue", "New"]},
        }
    )
    assert stacks.update("back", after) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.physical("back") == made
    iam, sqs = plane.client("iam"), plane.client("sqs")
    assert iam.get_role(RoleName=made["Role"])["Role"]["Description"] == "old"
    assert {it for it in names_of_roles(plane) if it.startswith("back-")} == {made["Role"], made["Replaced"]}
    found = sqs.get_queue_attributes(QueueUrl=made["Queue"], AttributeNames=["DelaySeconds"])["Attributes"]
    assert found == {"DelaySeconds": "1"}
    assert refused(sqs.get_queue_url, QueueName="new-in-back").code.endswith("NonExistentQueue")
    assert stacks.delete("back") == "DELETE_COMPLETE"


def test_what_cannot_be_deleted_fails_the_deletion_and_can_be_retained(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("held", template({"Role": role()}))
    name = stacks.physical("held")["Role"]
    iam = plane.client("iam")
    profile = iam.create_instance_profile(InstanceProfileName="holds")["InstanceProfile"]["InstanceProfileName"]
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)
    assert stacks.delete("held") == "DELETE_FAILED"
    assert "Cannot delete entity, must remove roles from instance profile" in stacks.reason(
        "held", "Role", "DELETE_FAILED"
    )
    assert stacks.delete("held", RetainResources=["Role"]) == "DELETE_COMPLETE"
    assert name in names_of_roles(plane)


def test_what_two_failed_updates_replaced_comes_back_and_nothing_else_is_left(plane: InProcess, stacks: Stacks) -> None:
    def body(path: str, *, fails: bool) -> str:
        policy = {"Policy": {**NOT_DONE, "DependsOn": "Role"}} if fails else {}
        return template({"Role": role(Path=path), **policy})

    stacks.create("twice", body("/", fails=False))
    first = stacks.physical("twice")["Role"]
    for path in ("/a/", "/b/"):
        assert stacks.update("twice", body(path, fails=True), DisableRollback=True) == "UPDATE_FAILED"
    stacks.client.rollback_stack(StackName="twice")
    assert stacks.settled("twice") == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.physical("twice") == {"Role": first}
    assert {it for it in names_of_roles(plane) if it.startswith("twice-")} == {first}
    for path in ("/a/", "/b/"):
        assert stacks.update("twice", body(path, fails=True), DisableRollback=True) == "UPDATE_FAILED"
    assert stacks.delete("twice") == "DELETE_COMPLETE"
    assert not {it for it in names_of_roles(plane) if it.startswith("twice-")}


# -- what is kept, shared and hidden -------------------------------------------------------------------------


def test_a_retained_resource_outlives_its_stack(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("kept", template({"Role": {**role(RoleName="outlives"), "DeletionPolicy": "Retain"}}))
    assert stacks.delete("kept") == "DELETE_COMPLETE"
    assert "outlives" in names_of_roles(plane)


def test_a_stack_whose_export_is_imported_stays(stacks: Stacks) -> None:
    export = {"Url": {"Value": {"Ref": "Queue"}, "Export": {"Name": "the-url"}}}
    stacks.create("exporting", template({"Queue": queue()}, Outputs=export))
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Fn::ImportValue": "the-url"}},
    }
    assert stacks.create("importing", template({"Parameter": parameter})) == "CREATE_COMPLETE"
    assert stacks.client.list_imports(ExportName="the-url")["Imports"] == ["importing"]
    assert stacks.delete("exporting") == "CREATE_COMPLETE"
    assert stacks.create("again", template({"Queue": queue()}, Outputs=export)) == "ROLLBACK_COMPLETE"
    other = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "own"}}
    assert stacks.update("importing", template({"Parameter": other})) == "UPDATE_COMPLETE"
    assert "is not imported by any stack" in refused(stacks.client.list_imports, ExportName="the-url").message
    assert stacks.delete("exporting") == "DELETE_COMPLETE"


def test_a_parameter_without_echo_is_told_nowhere(plane: InProcess, stacks: Stacks) -> None:
    secret = "hush-4711-hush"
    body = template(
        {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Secret"}}}},
        Parameters={"Secret": {"Type": "String", "NoEcho": True}},
        Outputs={"Told": {"Value": {"Ref": "Secret"}, "Export": {"Name": "told"}}},
    )
    given = [{"ParameterKey": "Secret", "ParameterValue": secret}]
    assert stacks.create("silent", body, Parameters=given) == "CREATE_COMPLETE"
    assert stacks.told("silent")["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}]
    name = stacks.physical("silent")["Parameter"]
    assert plane.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == secret
    kept = [entity for table in plane.node.runtime.ledger.state.tables.values() for entity in table.values()]
    assert secret not in repr(kept)
    journal = b"".join(path.read_bytes() for path in plane.node.options.data.glob("locum.db*"))
    assert secret.encode() not in journal


def test_a_protected_stack_is_not_deleted(stacks: Stacks) -> None:
    stacks.create("protected", template({"Queue": queue()}), EnableTerminationProtection=True)
    fault = refused(stacks.client.delete_stack, StackName="protected")
    assert fault.message == "Stack [protected] cannot be deleted while TerminationProtection is enabled"
    stacks.client.update_termination_protection(StackName="protected", EnableTerminationProtection=False)
    assert stacks.delete("protected") == "DELETE_COMPLETE"


def test_a_deleted_stack_is_told_of_for_ninety_days_and_forgotten_then(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("past", template({"Queue": queue()}))
    arn = stacks.told("past")["StackId"]
    clock = plane.node.runtime.clock
    assert stacks.delete("past") == "DELETE_COMPLETE"
    try:
        for days, there in ((89, True), (91, False)):
            clock.move(days * 86_400.0)
            plane.settle_stacks()
            told = [it["StackId"] for it in stacks.client.list_stacks()["StackSummaries"]]
            assert (arn in told) == there
        assert "does not exist" in refused(stacks.client.describe_stack_events, StackName=arn).message
        kept = [it for tables in plane.node.runtime.ledger.state.tables.values() for it in tables.values()]
        assert arn.rpartition("/")[2] not in repr(kept)
    finally:
        clock.move(0.0)


# -- change sets ---------------------------------------------------------------------------------------------


def test_a_change_set_tells_what_an_update_replaces_and_does_it(stacks: Stacks) -> None:
    client, body = stacks.client, template({"Role": role(), "Queue": queue()})
    given = {"StackName": "changed", "TemplateBody": body, "Capabilities": CAPABILITIES}
    made = client.create_change_set(ChangeSetName="first", ChangeSetType="CREATE", **given)
    assert stacks.told("changed")["StackStatus"] == "REVIEW_IN_PROGRESS"
    client.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    client.execute_change_set(ChangeSetName=made["Id"])
    assert stacks.settled("changed") == "CREATE_COMPLETE"
    after = template({"Role": role(Path="/other/"), "New": queue()})
    second = client.create_change_set(ChangeSetName="second", **{**given, "TemplateBody": after})
    changes = client.describe_change_set(ChangeSetName=second["Id"])["Changes"]
    told = {it["ResourceChange"]["LogicalResourceId"]: it["ResourceChange"] for it in changes}
    assert {name: it["Action"] for name, it in told.items()} == {"Role": "Modify", "New": "Add", "Queue": "Remove"}
    assert told["Role"]["Replacement"] == "True"
    (detail,) = told["Role"]["Details"]
    assert detail["Target"] == {"Attribute": "Properties", "Name": "Path", "RequiresRecreation": "Always"}
    client.execute_change_set(ChangeSetName="second", StackName="changed")
    assert stacks.settled("changed") == "UPDATE_COMPLETE"
    assert set(stacks.physical("changed")) == {"Role", "New"}
    third = client.create_change_set(ChangeSetName="third", **{**given, "TemplateBody": after})
    found = client.describe_change_set(ChangeSetName=third["Id"])
    assert (found["Status"], found["StatusReason"].startswith("The submitted information didn't contain changes.")) == (
        "FAILED",
        True,
    )
