"""Imports: resources that are there become resources of a stack, and nothing of them is made, changed or deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess, Key
from support.plane import ACCOUNT, allow, document, fresh, trusting
from support.stacks import CAPABILITIES, Stacks, template

TRUST = json.loads(trusting(Service="ec2.amazonaws.com"))
RETAINED = {"DeletionPolicy": "Retain"}


class Bringing:
    """Imports resources into a stack of its own, `name`."""

    def __init__(self, plane: InProcess, key: Key | None = None) -> None:
        self.plane = plane
        self.name = fresh("brings")
        self.stacks = Stacks(plane, key)

    def proposed(self, body: str, *resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The change set that imports `resources`."""
        given: dict[str, Any] = {"ChangeSetType": "IMPORT", "ChangeSetName": "bring", **more}
        if resources:
            given["ResourcesToImport"] = list(resources)
        made = self.stacks.client.create_change_set(
            StackName=self.name, TemplateBody=body, Capabilities=CAPABILITIES, **given
        )
        return dict(self.stacks.client.describe_change_set(ChangeSetName=made["Id"]))

    def brought(self, body: str, *resources: dict[str, Any], **more: Any) -> str:
        """The status of the stack after the import."""
        found = self.proposed(body, *resources, **more)
        assert found["Status"] == "CREATE_COMPLETE", found["StatusReason"]
        self.stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
        return self.stacks.settled(self.name)

    def refusal(self, body: str, *resources: dict[str, Any], **more: Any) -> str:
        """The message with which the change set is refused."""
        with pytest.raises(ClientError) as refused:
            self.proposed(body, *resources, **more)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        return str(refused.value.response["Error"]["Message"])


@pytest.fixture
def bringing(plane: InProcess) -> Bringing:
    return Bringing(plane)


@pytest.fixture
def old(plane: InProcess) -> str:
    """The name of a role that no stack has."""
    name = fresh("old")
    plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return name


def role(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": name, "AssumeRolePolicyDocument": TRUST, **properties},
        **RETAINED,
    }


def importing(logical: str, kind: str, **identifier: str) -> dict[str, Any]:
    return {"ResourceType": kind, "LogicalResourceId": logical, "ResourceIdentifier": identifier}


def the_role(name: str) -> dict[str, Any]:
    return importing("Role", "AWS::IAM::Role", RoleName=name)


# -- what is imported ----------------------------------------------------------------------------------------


def test_a_role_becomes_one_of_a_new_stack(bringing: Bringing, old: str) -> None:
    found = bringing.proposed(template({"Role": role(old)}), the_role(old))
    assert found["Changes"][0]["ResourceChange"] == {
        "Action": "Import",
        "LogicalResourceId": "Role",
        "PhysicalResourceId": old,
        "ResourceType": "AWS::IAM::Role",
        "Scope": [],
        "Details": [],
    }
    stacks, name = bringing.stacks, bringing.name
    assert stacks.told(name)["StackStatus"] == "REVIEW_IN_PROGRESS"
    stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert stacks.settled(name) == "IMPORT_COMPLETE"
    assert stacks.physical(name) == {"Role": old}
    assert stacks.events(name)[1:] == [
        (name, "IMPORT_IN_PROGRESS"),
        ("Role", "IMPORT_IN_PROGRESS"),
        ("Role", "IMPORT_COMPLETE"),
        (name, "IMPORT_COMPLETE"),
    ]
    told = stacks.client.describe_change_set(ChangeSetName=found["ChangeSetId"])
    assert told["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_what_was_imported_is_updated_and_referred_to(plane: InProcess, bringing: Bringing, old: str) -> None:
    assert bringing.brought(template({"Role": role(old)}), the_role(old)) == "IMPORT_COMPLETE"
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}}
    body = template({"Role": role(old, Description="new")}, Outputs=outputs)
    assert bringing.stacks.update(bringing.name, body) == "UPDATE_COMPLETE"
    told = plane.client("iam").get_role(RoleName=old)["Role"]
    assert told["Description"] == "new"
    assert bringing.stacks.outputs(bringing.name) == {"Arn": told["Arn"]}


@pytest.mark.parametrize(
    ("kind", "make", "identifier", "properties"),
    [
        (
            "AWS::SQS::Queue",
            lambda plane, name: plane.client("sqs").create_queue(QueueName=name)["QueueUrl"],
            "QueueUrl",
            "QueueName",
        ),
        (
            "AWS::SNS::Topic",
            lambda plane, name: plane.client("sns").create_topic(Name=name)["TopicArn"],
            "TopicArn",
            "TopicName",
        ),
        (
            "AWS::Events::Rule",
            lambda plane, name: plane.client("events").put_rule(Name=name, ScheduleExpression="rate(1 day)")["RuleArn"],
            "Arn",
            "Name",
        ),
        (
            "AWS::S3::Bucket",
            lambda plane, name: plane.client("s3").create_bucket(Bucket=name)["Location"].strip("/"),
            "BucketName",
            "BucketName",
        ),
    ],
)
def test_a_resource_is_known_by_the_identifier_of_its_type(
    plane: InProcess,
    bringing: Bringing,
    kind: str,
    make: Callable[[InProcess, str], str],
    identifier: str,
    properties: str,
) -> None:
    name = fresh("there")
    found = make(plane, name)
    body = template({"Thing": {"Type": kind, "Properties": {properties: name}, **RETAINED}})
    assert bringing.brought(body, importing("Thing", kind, **{identifier: found})) == "IMPORT_COMPLETE"


def test_an_existing_stack_gets_another_resource_and_keeps_its_own(
    plane: InProcess, bringing: Bringing, old: str
) -> None:
    queue = {"Type": "AWS::SQS::Queue"}
    assert bringing.stacks.create(bringing.name, template({"Queue": queue})) == "CREATE_COMPLETE"
    before = bringing.stacks.physical(bringing.name)
    assert bringing.brought(template({"Queue": queue, "Role": role(old)}), the_role(old)) == "IMPORT_COMPLETE"
    assert bringing.stacks.physical(bringing.name) == {**before, "Role": old}


def test_the_tags_of_the_stack_are_put_on_what_it_imports(plane: InProcess, bringing: Bringing, old: str) -> None:
    tags, queue = [{"Key": "team", "Value": "blue"}], {"Type": "AWS::SQS::Queue"}
    iam = plane.client("iam")
    iam.tag_role(RoleName=old, Tags=[{"Key": "own", "Value": "1"}])
    assert bringing.stacks.create(bringing.name, template({"Queue": queue}), Tags=tags) == "CREATE_COMPLETE"
    tagged = role(old, Tags=[{"Key": "own", "Value": "1"}])
    assert bringing.brought(template({"Queue": queue, "Role": tagged}), the_role(old)) == "IMPORT_COMPLETE"
    assert [it for it in bringing.stacks.events(bringing.name) if it[0] == "Role"] == [
        ("Role", "IMPORT_IN_PROGRESS"),
        ("Role", "IMPORT_COMPLETE"),
        ("Role", "UPDATE_IN_PROGRESS"),
        ("Role", "UPDATE_COMPLETE"),
    ]
    found = iam.list_role_tags(RoleName=old)["Tags"]
    assert {it["Key"]: it["Value"] for it in found} == {"team": "blue", "own": "1"}
    client = bringing.stacks.client
    told = client.detect_stack_resource_drift(StackName=bringing.name, LogicalResourceId="Role")["StackResourceDrift"]
    assert told["StackResourceDriftStatus"] == "IN_SYNC"


def test_an_import_whose_tags_are_refused_is_rolled_back(plane: InProcess, bringing: Bringing, old: str) -> None:
    tags, queue = [{"Key": "team", "Value": "blue"}], {"Type": "AWS::SQS::Queue"}
    assert bringing.stacks.create(bringing.name, template({"Queue": queue}), Tags=tags) == "CREATE_COMPLETE"
    found = bringing.proposed(template({"Queue": queue, "Role": role(old)}), the_role(old))
    key = plane.user(fresh("mason"), allow(["cloudformation:*", "iam:Get*", "iam:List*"]))
    Stacks(plane, key).client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert bringing.stacks.settled(bringing.name) == "IMPORT_ROLLBACK_COMPLETE"
    assert "iam:TagRole" in bringing.stacks.reason(bringing.name, "Role", "UPDATE_FAILED")
    assert set(bringing.stacks.physical(bringing.name)) == {"Queue"}


def test_a_difference_from_the_template_is_no_hindrance_and_told_as_drift(
    plane: InProcess, bringing: Bringing, old: str
) -> None:
    body = template({"Role": role(old, MaxSessionDuration=7200)})
    assert bringing.brought(body, the_role(old)) == "IMPORT_COMPLETE"
    client = bringing.stacks.client
    told = client.detect_stack_resource_drift(StackName=bringing.name, LogicalResourceId="Role")["StackResourceDrift"]
    assert [it["PropertyPath"] for it in told["PropertyDifferences"]] == ["/MaxSessionDuration"]


def test_the_summary_of_a_template_names_the_identifiers(bringing: Bringing) -> None:
    body = template({"Role": role("any"), "Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}})
    told = bringing.stacks.client.get_template_summary(TemplateBody=body)
    assert told["ResourceIdentifierSummaries"] == [
        {"ResourceType": "AWS::IAM::Role", "LogicalResourceIds": ["Role"], "ResourceIdentifiers": ["RoleName"]},
        {"ResourceType": "AWS::CloudFormation::WaitConditionHandle", "LogicalResourceIds": ["Wait"]},
    ]


# -- what is refused -----------------------------------------------------------------------------------------


def test_what_is_wrong_with_an_import_is_told_in_awss_words(bringing: Bringing, old: str) -> None:
    body, queue = template({"Role": role(old)}), {"Type": "AWS::SQS::Queue", "Properties": {}, **RETAINED}
    assert bringing.refusal(body) == "Must Provide at least one resource to import"
    assert bringing.refusal(body, the_role(old), the_role(old)) == (
        "Every resource to import must have unique LogicalResourceId"
    )
    assert bringing.refusal(body, importing("Other", "AWS::IAM::Role", RoleName=old)) == (
        "The logical resource ids [Other] provided in ResourceToImport do not exist in the template."
    )
    assert bringing.refusal(body, importing("Role", "AWS::IAM::Role", Arn=old)) == (
        "Invalid resource identifier for resource type AWS::IAM::Role. Expected [RoleName]"
    )
    assert bringing.refusal(body, importing("Role", "AWS::SQS::Queue", QueueUrl="x")).startswith(
        "Resource type of [Role] passed in ResourceToImport does not match with resource type defined in the template."
    )
    assert bringing.refusal(template({"Role": role(old), "Queue": queue}), the_role(old)) == (
        "Resources [Queue] is missing from ResourceToImport list"
    )
    unguarded = {name: value for name, value in role(old).items() if name != "DeletionPolicy"}
    assert bringing.refusal(template({"Role": unguarded}), the_role(old)) == (
        "The following resources to import [Role] must have DeletionPolicy attribute specified in the template."
    )
    assert bringing.refusal(body, the_role(old), Tags=[{"Key": "a", "Value": "b"}]) == (
        "As part of the import operation, you cannot modify or add [Tags]"
    )
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle", **RETAINED}
    wait = importing("Wait", "AWS::CloudFormation::WaitConditionHandle", Id="x")
    assert bringing.refusal(template({"Wait": handle}), wait) == (
        "ResourceTypes [AWS::CloudFormation::WaitConditionHandle] are not supported for Import"
    )
    with pytest.raises(ClientError, match="does not exist"):
        bringing.stacks.told(bringing.name)


def test_an_import_changes_nothing_else(bringing: Bringing, old: str) -> None:
    queue: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}}
    assert bringing.stacks.create(bringing.name, template({"Queue": queue})) == "CREATE_COMPLETE"
    told = (
        "You have modified resources [Queue] in your template that are not being imported. Update, create or delete "
        "operations cannot be executed during import operations."
    )
    changed = {**queue, "Properties": {"DelaySeconds": 2}}
    assert bringing.refusal(template({"Queue": changed, "Role": role(old)}), the_role(old)) == told
    assert bringing.refusal(template({"Role": role(old)}), the_role(old)) == told


def test_what_is_not_there_fails_the_change_set(bringing: Bringing) -> None:
    found = bringing.proposed(template({"Role": role("nobody")}), the_role("nobody"))
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "nobody" in found["StatusReason"]


def test_attack_the_resource_of_another_stack_is_not_taken_over(plane: InProcess, bringing: Bringing, old: str) -> None:
    assert bringing.brought(template({"Role": role(old)}), the_role(old)) == "IMPORT_COMPLETE"
    other = Bringing(plane)
    found = other.proposed(template({"Role": role(old)}), the_role(old))
    holder = bringing.stacks.told(bringing.name)["StackId"]
    assert (found["Status"], found["StatusReason"]) == ("FAILED", f"{old} already exists in stack {holder}")


def test_attack_one_resource_does_not_become_two_of_a_stack(bringing: Bringing, old: str) -> None:
    body = template({"Role": role(old), "Again": role(old)})
    found = bringing.proposed(body, the_role(old), importing("Again", "AWS::IAM::Role", RoleName=old))
    assert found["Status"] == "FAILED"
    assert f"{old} already exists in stack" in found["StatusReason"]


@pytest.mark.parametrize("kind", ["AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::S3::Bucket"])
def test_attack_the_resource_of_another_account_is_none_though_it_may_be_read(
    plane: InProcess, bringing: Bringing, kind: str
) -> None:
    name, theirs = fresh("theirs"), plane.account("222222222222")
    everyone = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "*", "Resource": "*"}
    if kind == "AWS::SNS::Topic":
        sns = plane.client("sns", theirs)
        found = sns.create_topic(Name=name)["TopicArn"]
        allowing = document({**everyone, "Action": "sns:GetTopicAttributes", "Resource": found})
        sns.set_topic_attributes(TopicArn=found, AttributeName="Policy", AttributeValue=allowing)
        assert plane.client("sns").get_topic_attributes(TopicArn=found)
        identifier, properties = {"TopicArn": found}, {"TopicName": name}
    elif kind == "AWS::SQS::Queue":
        sqs = plane.client("sqs", theirs)
        found = sqs.create_queue(QueueName=name, Attributes={"Policy": document(everyone)})["QueueUrl"]
        identifier, properties = {"QueueUrl": found}, {"QueueName": name}
    else:
        s3 = plane.client("s3", theirs)
        s3.create_bucket(Bucket=name)
        resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        s3.put_bucket_policy(Bucket=name, Policy=document({**everyone, "Action": "s3:*", "Resource": resources}))
        assert plane.client("s3").head_bucket(Bucket=name)
        identifier, properties = {"BucketName": name}, {"BucketName": name}
    body = template({"Thing": {"Type": kind, "Properties": properties, **RETAINED}})
    assert bringing.proposed(body, importing("Thing", kind, **identifier))["Status"] == "FAILED"


def test_attack_two_imports_of_one_resource_at_once_bring_it_into_one_stack(
    plane: InProcess, bringing: Bringing, old: str
) -> None:
    other = Bringing(plane)
    body = template({"Role": role(old)})
    found = [one.proposed(body, the_role(old))["ChangeSetId"] for one in (bringing, other)]
    for change_set in found:
        bringing.stacks.client.execute_change_set(ChangeSetName=change_set)
    statuses = {one.stacks.settled(one.name) for one in (bringing, other)}
    assert statuses == {"IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
    assert plane.client("iam").get_role(RoleName=old)


def test_attack_an_import_that_fails_leaves_the_resource_where_it_is(
    plane: InProcess, bringing: Bringing, old: str
) -> None:
    gone = fresh("gone")
    iam = plane.client("iam")
    iam.create_role(RoleName=gone, AssumeRolePolicyDocument=json.dumps(TRUST))
    body = template({"Role": role(old), "Gone": {**role(gone), "DependsOn": "Role"}})
    found = bringing.proposed(body, the_role(old), importing("Gone", "AWS::IAM::Role", RoleName=gone))
    iam.delete_role(RoleName=gone)
    bringing.stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert bringing.stacks.settled(bringing.name) == "IMPORT_ROLLBACK_COMPLETE"
    assert ("Gone", "IMPORT_FAILED") in bringing.stacks.events(bringing.name)
    assert bringing.stacks.physical(bringing.name) == {}
    assert bringing.stacks.delete(bringing.name) == "DELETE_COMPLETE"
    assert iam.get_role(RoleName=old)["Role"]["RoleName"] == old


# -- who may ---------------------------------------------------------------------------------------------------


def test_attack_who_may_not_read_a_resource_imports_none(plane: InProcess, old: str) -> None:
    key = plane.user(fresh("mason"), allow("cloudformation:*"))
    found = Bringing(plane, key).proposed(template({"Role": role(old)}), the_role(old))
    assert found["Status"] == "FAILED"
    assert "not authorized to perform: iam:GetRole" in found["StatusReason"]


def test_attack_who_executes_a_change_set_of_another_imports_what_he_may_read(
    plane: InProcess, bringing: Bringing, old: str
) -> None:
    found = bringing.proposed(template({"Role": role(old)}), the_role(old))
    key = plane.user(fresh("mason"), allow("cloudformation:*"))
    Stacks(plane, key).client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert bringing.stacks.settled(bringing.name) == "IMPORT_ROLLBACK_COMPLETE"
    assert "iam:GetRole" in bringing.stacks.reason(bringing.name, "Role", "IMPORT_FAILED")
    assert bringing.stacks.physical(bringing.name) == {}


def test_attack_the_kinds_that_may_be_imported_are_decided_on(plane: InProcess, old: str) -> None:
    only: Any = {"ForAllValues:StringEquals": {"cloudformation:ImportResourceTypes": ["AWS::SQS::Queue"]}}
    key = plane.user(fresh("mason"), allow("cloudformation:*", **only), allow("iam:*"))
    with pytest.raises(ClientError) as denied:
        Bringing(plane, key).proposed(template({"Role": role(old)}), the_role(old))
    assert denied.value.response["Error"]["Code"] == "AccessDenied"


def test_attack_an_import_does_not_give_a_stack_another_role(plane: InProcess, bringing: Bringing, old: str) -> None:
    trust = trusting(Service="cloudformation.amazonaws.com")
    maker = plane.client("iam").create_role(RoleName=fresh("maker"), AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert bringing.refusal(template({"Role": role(old)}), the_role(old), RoleARN=maker) == (
        "As part of the import operation, you cannot modify or add [RoleArn]"
    )


# -- restarts ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own_plane(tmp_path: Path) -> Iterator[InProcess]:
    """A plane that a test may stop."""
    plane = InProcess(tmp_path / "data")
    yield plane
    plane.close()


def test_an_import_goes_on_after_a_restart(own_plane: InProcess) -> None:
    own_plane.client("iam").create_role(RoleName="old", AssumeRolePolicyDocument=json.dumps(TRUST))
    bringing = Bringing(own_plane)
    found = bringing.proposed(template({"Role": role("old")}), the_role("old"))
    bringing.stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    own_plane.close()
    own_plane.start()
    again = Stacks(own_plane)
    assert again.settled(bringing.name) == "IMPORT_COMPLETE"
    assert again.physical(bringing.name) == {"Role": "old"}


# -- what is there already ---------------------------------------------------------------------------------------


def existing(bringing: Bringing, body: str) -> dict[str, Any]:
    return bringing.proposed(body, ChangeSetType="CREATE", ImportExistingResources=True)


def test_a_creation_imports_what_is_there_already(plane: InProcess, bringing: Bringing, old: str) -> None:
    name = fresh("new")
    body = template({"Role": role(old), "New": role(name)})
    found = existing(bringing, body)
    actions = {it["ResourceChange"]["LogicalResourceId"]: it["ResourceChange"]["Action"] for it in found["Changes"]}
    assert actions == {"Role": "Import", "New": "Add"}
    bringing.stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert bringing.stacks.settled(bringing.name) == "CREATE_COMPLETE"
    assert bringing.stacks.physical(bringing.name) == {"Role": old, "New": name}


def test_an_update_imports_what_is_there_already_and_lets_go_of_it_where_it_fails(
    plane: InProcess, bringing: Bringing, old: str
) -> None:
    queue = {"Type": "AWS::SQS::Queue"}
    assert bringing.stacks.create(bringing.name, template({"Queue": queue})) == "CREATE_COMPLETE"
    broken = {
        "Type": "AWS::IAM::Policy",
        "DependsOn": "Role",
        "Properties": {"PolicyName": "p", "PolicyDocument": {}, "Roles": ["nobody"]},
    }
    for more, status in (({"Broken": broken}, "UPDATE_ROLLBACK_COMPLETE"), ({}, "UPDATE_COMPLETE")):
        body = template({"Queue": queue, "Role": role(old), **more})
        name = fresh("bring")
        found = bringing.proposed(body, ChangeSetType="UPDATE", ImportExistingResources=True, ChangeSetName=name)
        bringing.stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
        assert bringing.stacks.settled(bringing.name) == status
        assert plane.client("iam").get_role(RoleName=old)
        assert ("Role" in bringing.stacks.physical(bringing.name)) == (status == "UPDATE_COMPLETE")


def test_what_is_imported_with_a_creation_must_be_retained(bringing: Bringing, old: str) -> None:
    found = existing(bringing, template({"Role": {**role(old), "DeletionPolicy": "Delete"}}))
    assert found["Status"] == "FAILED"
    assert f"The affected resources are Role ({{RoleName={old}}})" in found["StatusReason"]


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_attack_a_creation_that_fails_does_not_delete_what_it_imported(
    plane: InProcess, bringing: Bringing, old: str, policy: str
) -> None:
    broken = {
        "Type": "AWS::IAM::Policy",
        "DependsOn": "Role",
        "Properties": {"PolicyName": "p", "PolicyDocument": {}, "Roles": ["nobody"]},
    }
    found = existing(bringing, template({"Role": {**role(old), "DeletionPolicy": policy}, "Broken": broken}))
    bringing.stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert bringing.stacks.settled(bringing.name) == "ROLLBACK_COMPLETE"
    assert plane.client("iam").get_role(RoleName=old)["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/{old}"
