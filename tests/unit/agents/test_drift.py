"""Drift detection: what is told of stacks whose resources were changed, or deleted, behind their backs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.state import StackDrift
from support.inprocess import InProcess
from support.plane import allow, document, fresh, refused, trusting
from support.stacks import Stacks, template

TRUST = json.loads(trusting(Service="ec2.amazonaws.com"))
REF = {"Ref": "Role"}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 40}}
WAIT = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


class Drifting:
    """Detects the drift of stacks."""

    def __init__(self, plane: InProcess, stacks: Stacks) -> None:
        self._plane = plane
        self.client = stacks.client

    def detect(self, name: str, **more: Any) -> dict[str, Any]:
        """What is told of a detection that is over."""
        found = self.client.detect_stack_drift(StackName=name, **more)["StackDriftDetectionId"]
        self._plane.settle_drifts()
        told = self.client.describe_stack_drift_detection_status(StackDriftDetectionId=found)
        return dict(told)

    def detect_all(self) -> None:
        """Do all that is under way."""
        self._plane.settle_drifts()

    def drifts(self, name: str, **more: Any) -> dict[str, dict[str, Any]]:
        """What is told of the resources, by their logical ids."""
        found = self.client.describe_stack_resource_drifts(StackName=name, **more)["StackResourceDrifts"]
        return {it["LogicalResourceId"]: it for it in found}

    def differences(self, name: str, logical: str) -> dict[str, tuple[str, str, str]]:
        """The differences of a resource by their paths: the type, the expected and the actual value."""
        found = self.drifts(name)[logical]["PropertyDifferences"]
        return {it["PropertyPath"]: (it["DifferenceType"], it["ExpectedValue"], it["ActualValue"]) for it in found}


def role(**properties: Any) -> dict[str, Any]:
    read = {"PolicyName": "read", "PolicyDocument": json.loads(document(allow("s3:GetObject")))}
    given = {"Description": "the shop", "Policies": [read], "Tags": [{"Key": "team", "Value": "blue"}]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, **given, **properties}}


@pytest.fixture
def drifting(plane: InProcess, stacks: Stacks) -> Drifting:
    return Drifting(plane, stacks)


def test_a_stack_that_nobody_touched_is_in_sync(stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("untouched")
    tags = [{"Key": "cost", "Value": "7"}]
    body = template({"Role": role(), "Queue": QUEUE, "Wait": WAIT})
    assert stacks.create(name, body, Tags=tags) == "CREATE_COMPLETE"
    assert stacks.told(name)["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    told = drifting.detect(name)
    assert told["DetectionStatus"] == "DETECTION_COMPLETE"
    assert (told["StackDriftStatus"], told["DriftedStackResourceCount"]) == ("IN_SYNC", 0)
    statuses = {logical: it["StackResourceDriftStatus"] for logical, it in drifting.drifts(name).items()}
    assert statuses == {"Role": "IN_SYNC", "Queue": "IN_SYNC"}
    assert stacks.told(name)["DriftInformation"]["StackDriftStatus"] == "IN_SYNC"
    found = stacks.client.list_stack_resources(StackName=name)["StackResourceSummaries"]
    assert {it["LogicalResourceId"]: it["DriftInformation"]["StackResourceDriftStatus"] for it in found} == {
        **statuses,
        "Wait": "NOT_CHECKED",
    }


# -- what was changed ----------------------------------------------------------------------------------------


def test_what_was_changed_behind_its_back_is_told_by_its_path(
    plane: InProcess, stacks: Stacks, drifting: Drifting
) -> None:
    name = fresh("changed")
    assert stacks.create(name, template({"Role": role(), "Queue": QUEUE})) == "CREATE_COMPLETE"
    made = stacks.physical(name)
    iam = plane.client("iam")
    iam.update_role(RoleName=made["Role"], Description="mine now")
    iam.put_role_policy(RoleName=made["Role"], PolicyName="more", PolicyDocument=document(allow("iam:*")))
    iam.tag_role(RoleName=made["Role"], Tags=[{"Key": "team", "Value": "red"}])
    plane.client("sqs").set_queue_attributes(QueueUrl=made["Queue"], Attributes={"VisibilityTimeout": "41"})
    told = drifting.detect(name)
    assert (told["StackDriftStatus"], told["DriftedStackResourceCount"]) == ("DRIFTED", 2)
    found = drifting.differences(name, "Role")
    assert found["/Description"] == ("NOT_EQUAL", "the shop", "mine now")
    assert found["/Tags/0/Value"] == ("NOT_EQUAL", "blue", "red")
    (added,) = [actual for kind, _, actual in found.values() if kind == "ADD"]
    assert json.loads(added)["PolicyName"] == "more"
    assert drifting.differences(name, "Queue") == {"/VisibilityTimeout": ("NOT_EQUAL", "40", "41")}
    it = drifting.drifts(name)["Queue"]
    assert json.loads(it["ExpectedProperties"]) == {"VisibilityTimeout": 40}
    assert json.loads(it["ActualProperties"]) == {"VisibilityTimeout": 41}


def test_what_was_removed_is_told(plane: InProcess, stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("removed")
    assert stacks.create(name, template({"Role": role()})) == "CREATE_COMPLETE"
    plane.client("iam").delete_role_policy(RoleName=stacks.physical(name)["Role"], PolicyName="read")
    drifting.detect(name)
    assert drifting.differences(name, "Role")["/Policies"][0] == "REMOVE"


def test_what_was_deleted_is_told(plane: InProcess, stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("deleted")
    assert stacks.create(name, template({"Role": role(), "Queue": QUEUE})) == "CREATE_COMPLETE"
    plane.client("sqs").delete_queue(QueueUrl=stacks.physical(name)["Queue"])
    assert drifting.detect(name)["StackDriftStatus"] == "DRIFTED"
    it = drifting.drifts(name, StackResourceDriftStatusFilters=["DELETED"])
    assert list(it) == ["Queue"]
    assert "ExpectedProperties" not in it["Queue"]
    assert "ActualProperties" not in it["Queue"]


def test_a_property_that_the_template_does_not_have_is_not_compared(
    plane: InProcess, stacks: Stacks, drifting: Drifting
) -> None:
    name = fresh("more")
    assert stacks.create(name, template({"Queue": QUEUE})) == "CREATE_COMPLETE"
    attributes = {"DelaySeconds": "9"}
    plane.client("sqs").set_queue_attributes(QueueUrl=stacks.physical(name)["Queue"], Attributes=attributes)
    assert drifting.detect(name)["StackDriftStatus"] == "IN_SYNC"


def test_what_other_resources_of_the_stack_add_is_no_drift_and_what_others_add_is(
    plane: InProcess, stacks: Stacks, drifting: Drifting
) -> None:
    name = fresh("neighbours")
    policy = {"PolicyName": "beside", "PolicyDocument": json.loads(document(allow("sqs:*"))), "Roles": [REF]}
    managed = {"PolicyDocument": json.loads(document(allow("sns:*"))), "Roles": [REF]}
    body = template(
        {
            "Role": role(ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
            "Policy": {"Type": "AWS::IAM::Policy", "Properties": policy},
            "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": managed},
        }
    )
    assert stacks.create(name, body) == "CREATE_COMPLETE"
    assert drifting.detect(name)["StackDriftStatus"] == "IN_SYNC"
    other = plane.client("iam").create_policy(PolicyName=fresh("p"), PolicyDocument=document(allow("*")))["Policy"]
    plane.client("iam").attach_role_policy(RoleName=stacks.physical(name)["Role"], PolicyArn=other["Arn"])
    drifting.detect(name)
    assert drifting.differences(name, "Role") == {"/ManagedPolicyArns/1": ("ADD", "null", other["Arn"])}


def test_a_check_of_one_resource_tells_at_once_and_counts_for_the_stack(
    plane: InProcess, stacks: Stacks, drifting: Drifting
) -> None:
    name = fresh("one")
    assert stacks.create(name, template({"Role": role(), "Wait": WAIT})) == "CREATE_COMPLETE"
    physical = stacks.physical(name)["Role"]
    iam = plane.client("iam")
    iam.update_role(RoleName=physical, Description="mine now")
    check = stacks.client.detect_stack_resource_drift
    assert check(StackName=name, LogicalResourceId="Role")["StackResourceDrift"]["StackResourceDriftStatus"] == (
        "MODIFIED"
    )
    assert stacks.told(name)["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    iam.update_role(RoleName=physical, Description="the shop")
    check(StackName=name, LogicalResourceId="Role")
    assert stacks.told(name)["DriftInformation"]["StackDriftStatus"] == "IN_SYNC"
    with pytest.raises(ClientError, match="not supported"):
        check(StackName=name, LogicalResourceId="Wait")
    with pytest.raises(ClientError, match="does not exist"):
        check(StackName=name, LogicalResourceId="Nobody")


def test_a_detection_of_some_resources_leaves_the_others_unchecked(stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("some")
    assert stacks.create(name, template({"Role": role(), "Queue": QUEUE})) == "CREATE_COMPLETE"
    drifting.detect(name, LogicalResourceIds=["Queue"])
    assert list(drifting.drifts(name)) == ["Queue"]
    with pytest.raises(ClientError, match="does not exist"):
        drifting.detect(name, LogicalResourceIds=["Nobody"])


def test_drifts_are_told_page_by_page(stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("pages")
    assert stacks.create(name, template({f"Queue{number}": QUEUE for number in range(3)})) == "CREATE_COMPLETE"
    drifting.detect(name)
    first = stacks.client.describe_stack_resource_drifts(StackName=name, MaxResults=2)
    rest = stacks.client.describe_stack_resource_drifts(StackName=name, NextToken=first["NextToken"])
    found = [it["LogicalResourceId"] for page in (first, rest) for it in page["StackResourceDrifts"]]
    assert found == ["Queue0", "Queue1", "Queue2"]


# -- when, and by whom ---------------------------------------------------------------------------------------


def test_a_stack_that_is_under_way_or_gone_is_not_checked(stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("busy")
    stacks.client.create_stack(StackName=name, TemplateBody=template({"Queue": QUEUE}))
    with pytest.raises(ClientError, match="CREATE_IN_PROGRESS"):
        stacks.client.detect_stack_drift(StackName=name)
    stacks.settled(name)
    stacks.client.detect_stack_drift(StackName=name)
    with pytest.raises(ClientError, match="Drift detection is already in progress for stack"):
        stacks.client.detect_stack_drift(StackName=name)
    drifting.detect_all()
    stacks.delete(name)
    with pytest.raises(ClientError, match="does not exist"):
        stacks.client.detect_stack_drift(StackName=name)


def test_attack_who_may_not_read_a_resource_is_told_nothing_of_it(plane: InProcess, stacks: Stacks) -> None:
    name = fresh("unread")
    assert stacks.create(name, template({"Role": role(), "Queue": QUEUE})) == "CREATE_COMPLETE"
    key = plane.user(fresh("guard"), allow("cloudformation:*"), allow("sqs:*"))
    drifting = Drifting(plane, Stacks(plane, key))
    told = drifting.detect(name)
    assert (told["DetectionStatus"], told["DetectionStatusReason"], told["StackDriftStatus"]) == (
        "DETECTION_FAILED",
        "Failed to detect drift on resources [Role]",
        "UNKNOWN",
    )
    it = drifting.drifts(name)["Role"]
    assert it["StackResourceDriftStatus"] == "UNKNOWN"
    assert "not authorized to perform: iam:GetRole" in it["DriftStatusReason"]
    assert "ActualProperties" not in it
    with pytest.raises(ClientError, match="iam:GetRole"):
        drifting.client.detect_stack_resource_drift(StackName=name, LogicalResourceId="Role")


def test_what_the_role_of_the_stack_may_read_is_read(plane: InProcess, stacks: Stacks) -> None:
    name, maker = fresh("roled"), fresh("maker")
    iam = plane.client("iam")
    trust = trusting(Service="cloudformation.amazonaws.com")
    arn = iam.create_role(RoleName=maker, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=maker, PolicyName="all", PolicyDocument=document(allow("*")))
    assert stacks.create(name, template({"Role": role()}), RoleARN=arn) == "CREATE_COMPLETE"
    key = plane.user(fresh("guard"), allow("cloudformation:*"))
    assert Drifting(plane, Stacks(plane, key)).detect(name)["StackDriftStatus"] == "IN_SYNC"


def test_a_permission_for_one_stack_is_one_for_its_drift(plane: InProcess, stacks: Stacks) -> None:
    name, other = fresh("mine"), fresh("other")
    for each in (name, other):
        assert stacks.create(each, template({"Queue": QUEUE})) == "CREATE_COMPLETE"
    actions = ["DetectStackDrift", "DetectStackResourceDrift", "DescribeStackResourceDrifts"]
    arn = stacks.told(name)["StackId"]
    key = plane.user(
        fresh("guard"),
        allow([f"cloudformation:{action}" for action in actions], arn),
        allow("cloudformation:DescribeStackDriftDetectionStatus"),
        allow("sqs:*"),
    )
    drifting = Drifting(plane, Stacks(plane, key))
    assert drifting.detect(name)["StackDriftStatus"] == "IN_SYNC"
    assert list(drifting.drifts(name)) == ["Queue"]
    for call, more in (
        (drifting.client.detect_stack_drift, {}),
        (drifting.client.detect_stack_resource_drift, {"LogicalResourceId": "Queue"}),
        (drifting.client.describe_stack_resource_drifts, {}),
    ):
        assert refused(call, StackName=other, **more).code == "AccessDenied"


def test_attack_the_detection_of_another_account_is_not_told(plane: InProcess, stacks: Stacks) -> None:
    name = fresh("theirs")
    assert stacks.create(name, template({"Queue": QUEUE})) == "CREATE_COMPLETE"
    found = stacks.client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
    plane.settle_drifts()
    other = plane.client("cloudformation", plane.account("222222222222"))
    with pytest.raises(ClientError, match="does not exist"):
        other.describe_stack_drift_detection_status(StackDriftDetectionId=found)


# -- secrets -------------------------------------------------------------------------------------------------

SECRET = "hunter2-hunter2"


def test_attack_a_secret_is_not_shown_as_drift(plane: InProcess, stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("secret")
    given = {"Value": {"Fn::Sub": "key=${Secret}"}, "Type": "String"}
    body = template(
        {
            "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": given},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "k", "Value": {"Ref": "Secret"}}]}},
        },
        Parameters={"Secret": {"Type": "String", "NoEcho": True}},
    )
    parameters = [{"ParameterKey": "Secret", "ParameterValue": SECRET}]
    assert stacks.create(name, body, Parameters=parameters) == "CREATE_COMPLETE"
    assert drifting.detect(name)["StackDriftStatus"] == "IN_SYNC"
    parameter = stacks.physical(name)["Parameter"]
    plane.client("ssm").put_parameter(Name=parameter, Value=f"key={SECRET}!", Overwrite=True)
    assert drifting.detect(name)["StackDriftStatus"] == "DRIFTED"
    told = drifting.drifts(name)
    assert SECRET not in json.dumps(told, default=str)
    assert drifting.differences(name, "Parameter") == {"/Value": ("NOT_EQUAL", "****", "****")}
    assert json.loads(told["Queue"]["ExpectedProperties"]) == {"Tags": "****"}


def test_attack_a_secret_by_way_of_an_attribute_or_a_store_is_not_shown(
    plane: InProcess, stacks: Stacks, drifting: Drifting
) -> None:
    name, store = fresh("laundered"), fresh("store")
    plane.client("secretsmanager").create_secret(Name=store, SecretString=SECRET)

    def queue(value: Any) -> dict[str, Any]:
        return {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "k", "Value": value}]}}

    body = template(
        {
            "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Secret"}}},
            "ByAttribute": queue({"Fn::GetAtt": ["Parameter", "Value"]}),
            "BySub": queue({"Fn::Sub": "${Parameter.Value}"}),
            "ByJoin": queue({"Fn::Join": ["", ["x", {"Ref": "Secret"}]]}),
            "ByReference": queue(f"{{{{resolve:secretsmanager:{store}}}}}"),
            "ByParameter": queue({"Ref": "Reference"}),
            "User": {"Type": "AWS::IAM::User"},
            "Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "User"}}},
            "ByKey": queue({"Fn::GetAtt": ["Key", "SecretAccessKey"]}),
        },
        Parameters={
            "Secret": {"Type": "String", "NoEcho": True},
            "Reference": {"Type": "String", "Default": f"{{{{resolve:secretsmanager:{store}}}}}"},
        },
    )
    parameters = [{"ParameterKey": "Secret", "ParameterValue": SECRET}]
    assert stacks.create(name, body, Parameters=parameters) == "CREATE_COMPLETE"
    assert drifting.detect(name)["StackDriftStatus"] == "IN_SYNC"
    told = drifting.drifts(name)
    for logical in ("ByAttribute", "BySub", "ByJoin", "ByReference", "ByParameter", "ByKey"):
        assert json.loads(told[logical]["ExpectedProperties"]) == {"Tags": "****"}, logical
        assert json.loads(told[logical]["ActualProperties"]) == {"Tags": "****"}, logical
    assert SECRET not in json.dumps(told, default=str)


# -- restarts ------------------------------------------------------------------------------------------------


def test_a_detection_goes_on_after_a_restart(tmp_path: Path) -> None:
    plane = InProcess(tmp_path / "data")
    try:
        stacks = Stacks(plane)
        assert stacks.create("shop", template({"Role": role()})) == "CREATE_COMPLETE"
        found = stacks.client.detect_stack_drift(StackName="shop")["StackDriftDetectionId"]
        plane.close()
        plane.start()
        plane.settle_drifts()
        client = plane.client("cloudformation")
        told = client.describe_stack_drift_detection_status(StackDriftDetectionId=found)
        assert (told["DetectionStatus"], told["StackDriftStatus"]) == ("DETECTION_COMPLETE", "IN_SYNC")
    finally:
        plane.close()


def test_a_detection_of_a_stack_that_is_deleted_meanwhile_ends(
    plane: InProcess, stacks: Stacks, drifting: Drifting
) -> None:
    name = fresh("meanwhile")
    assert stacks.create(name, template({"Queue": QUEUE})) == "CREATE_COMPLETE"
    stacks.client.detect_stack_drift(StackName=name)
    assert stacks.delete(name) == "DELETE_COMPLETE"
    drifting.detect_all()


def test_attack_detections_without_end_leave_ten(plane: InProcess, stacks: Stacks, drifting: Drifting) -> None:
    name = fresh("endless")
    assert stacks.create(name, template({"Wait": WAIT})) == "CREATE_COMPLETE"
    for _ in range(12):
        drifting.detect(name)
    kept = [it for it in plane.node.ledger.state.every(StackDrift) if it.stack in stacks.told(name)["StackId"]]
    assert len(kept) == 10
