"""Stack sets: each stack is made in its account by the role there, which the role of the administrator enters."""

from __future__ import annotations

import pytest

from support.inprocess import InProcess, Key
from support.plane import ACCOUNT, allow, document, refused
from support.stack_sets import ADMINISTRATION, StackSets, administration_role, execution_role
from support.stacks import Stacks, template

NEAR, FAR = "111100001111", "222200002222"
WEST = "eu-west-1"
BODY = template({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-a-set"}}})


@pytest.fixture(scope="module")
def roles(plane: InProcess) -> dict[str, Key]:
    """The administration role, two accounts with execution roles, and their keys."""
    by = administration_role(plane)
    keys = {account: plane.account(account) for account in (NEAR, FAR)}
    for key in keys.values():
        execution_role(plane, key, by)
    return keys


@pytest.fixture
def sets(plane: InProcess, roles: dict[str, Key]) -> StackSets:
    return StackSets(plane)


def test_a_stack_in_each_account_and_region(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    identifier = sets.make("everywhere", BODY, Description="a queue")
    assert identifier.startswith("everywhere:")
    assert sets.place("everywhere", [NEAR, FAR], ["us-east-1", WEST]) == "SUCCEEDED"
    found = sets.instances("everywhere")
    assert sorted(found) == [(NEAR, WEST), (NEAR, "us-east-1"), (FAR, WEST), (FAR, "us-east-1")]
    assert {it["Status"] for it in found.values()} == {"CURRENT"}
    stack = found[FAR, WEST]["StackId"]
    there = plane.client("cloudformation", roles[FAR], WEST).describe_stacks(StackName=stack)["Stacks"][0]
    assert (there["StackStatus"], there["StackName"][:20]) == ("CREATE_COMPLETE", "StackSet-everywhere-")
    assert plane.client("sqs", roles[FAR], WEST).get_queue_url(QueueName="of-a-set")["QueueUrl"]
    assert refused(sets.client.delete_stack_set, StackSetName="everywhere").code == "StackSetNotEmptyException"
    assert sets.take("everywhere", [NEAR, FAR], ["us-east-1", WEST]) == "SUCCEEDED"
    assert sets.instances("everywhere") == {}
    assert Stacks(plane, roles[NEAR]).client.describe_stacks()["Stacks"] == []
    sets.client.delete_stack_set(StackSetName="everywhere")
    assert refused(sets.client.describe_stack_set, StackSetName="everywhere").code == "StackSetNotFoundException"


def test_an_update_of_the_set_is_one_of_all_its_stacks(
    plane: InProcess, sets: StackSets, roles: dict[str, Key]
) -> None:
    sets.make("changed", BODY)
    assert sets.place("changed", [NEAR]) == "SUCCEEDED"
    more = template({"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "of-a-changed-set"}}})
    assert sets.change("changed", TemplateBody=more) == "SUCCEEDED"
    topics = plane.client("sns", roles[NEAR]).list_topics()["Topics"]
    assert [it["TopicArn"].rpartition(":")[2] for it in topics] == ["of-a-changed-set"]
    assert sets.take("changed", [NEAR]) == "SUCCEEDED"
    assert ACCOUNT not in {account for account, _ in sets.instances("changed")}


def test_parameters_that_an_instance_has_of_its_own(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "overridden", "DisplayName": {"Ref": "Name"}}}
    body = template({"Topic": topic}, Parameters={"Name": {"Type": "String", "AllowedValues": ["one", "two", "three"]}})

    def value(name: str) -> list[dict[str, str]]:
        return [{"ParameterKey": "Name", "ParameterValue": name}]

    def shown(account: str) -> str:
        arn = f"arn:aws:sns:us-east-1:{account}:overridden"
        return str(plane.client("sns", roles[account]).get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"])

    sets.make("overridden", body, Parameters=value("one"))
    assert sets.place("overridden", [NEAR]) == "SUCCEEDED"
    assert sets.place("overridden", [FAR], ParameterOverrides=value("two")) == "SUCCEEDED"
    assert (shown(NEAR), shown(FAR)) == ("one", "two")
    assert sets.change("overridden", UsePreviousTemplate=True, Parameters=value("three")) == "SUCCEEDED"
    assert (shown(NEAR), shown(FAR)) == ("three", "two")
    wanted = {"StackSetName": "overridden", "Accounts": [FAR], "Regions": ["us-east-1"]}
    for unknown in ([{"ParameterKey": "Other", "ParameterValue": "x"}], value("four")):
        fault = refused(sets.client.update_stack_instances, ParameterOverrides=unknown, **wanted)
        assert fault.code == "ValidationError"
    back = sets.client.update_stack_instances(ParameterOverrides=[], **wanted)["OperationId"]
    assert sets.settled("overridden", back) == "SUCCEEDED"
    assert shown(FAR) == "three"
    fault = refused(sets.client.update_stack_instances, **wanted | {"Accounts": ["999900009999"]})
    assert fault.code == "StackInstanceNotFoundException"
    assert sets.take("overridden", [NEAR, FAR]) == "SUCCEEDED"


def test_an_update_of_some_instances_leaves_the_others_outdated(sets: StackSets, roles: dict[str, Key]) -> None:
    sets.make("partly", BODY)
    assert sets.place("partly", [NEAR, FAR]) == "SUCCEEDED"
    other = template({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-another-set"}}})
    assert sets.change("partly", TemplateBody=other, Accounts=[NEAR], Regions=["us-east-1"]) == "SUCCEEDED"
    found = sets.instances("partly")
    assert [found[account, "us-east-1"]["Status"] for account in (NEAR, FAR)] == ["CURRENT", "OUTDATED"]
    assert sets.change("partly", UsePreviousTemplate=True) == "SUCCEEDED"
    assert {it["Status"] for it in sets.instances("partly").values()} == {"CURRENT"}
    assert sets.take("partly", [NEAR, FAR]) == "SUCCEEDED"


def test_a_template_that_only_a_bucket_holds(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="templates-of-sets")
    long = template({"Queue": {"Type": "AWS::SQS::Queue"}}, Metadata={"Long": "x" * 100_000})
    s3.put_object(Bucket="templates-of-sets", Key="long.json", Body=long.encode())
    url = "https://templates-of-sets.s3.amazonaws.com/long.json"
    sets.client.create_stack_set(StackSetName="long", TemplateURL=url)
    assert sets.place("long", [NEAR]) == "SUCCEEDED"
    assert sets.take("long", [NEAR]) == "SUCCEEDED"
    reader = StackSets(plane, plane.user("reads-no-bucket", allow("cloudformation:*")))
    fault = refused(reader.client.create_stack_set, StackSetName="longer", TemplateURL=url)
    assert (fault.code, fault.message.startswith("S3 error: ")) == ("ValidationError", True)
    s3.put_object(Bucket="templates-of-sets", Key="accounts.csv", Body=f"{NEAR},{FAR}\n".encode())
    targets = {"AccountsUrl": "https://templates-of-sets.s3.amazonaws.com/accounts.csv"}
    made = sets.client.create_stack_instances(StackSetName="long", DeploymentTargets=targets, Regions=["us-east-1"])
    assert sets.settled("long", made["OperationId"]) == "SUCCEEDED"
    assert sorted(sets.instances("long")) == [(NEAR, "us-east-1"), (FAR, "us-east-1")]
    assert sets.take("long", [NEAR, FAR]) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"Accounts": [NEAR], "Regions": []}, "region"),
        ({"Accounts": [NEAR], "Regions": ["nowhere"]}, "Invalid regions"),
        ({"Accounts": ["12"], "Regions": [WEST]}, "regular expression pattern"),
        ({"Regions": [WEST]}, "either Accounts or DeploymentTargets"),
        (
            {"DeploymentTargets": {"OrganizationalUnitIds": ["r-abcd"]}, "Regions": [WEST]},
            "SELF_MANAGED permission model",
        ),
        (
            {
                "Accounts": [NEAR],
                "Regions": [WEST],
                "OperationPreferences": {"MaxConcurrentCount": 1, "MaxConcurrentPercentage": 1},
            },
            "MaxConcurrentCount or MaxConcurrentPercentage",
        ),
        (
            {"Accounts": [NEAR], "Regions": [WEST], "OperationPreferences": {"RegionOrder": ["us-west-2"]}},
            "RegionOrder",
        ),
    ],
)
def test_what_no_operation_can_be_about_is_refused(sets: StackSets, params: dict[str, object], told: str) -> None:
    if "strict" not in {it["StackSetName"] for it in sets.client.list_stack_sets()["Summaries"]}:
        sets.make("strict", BODY)
    fault = refused(sets.client.create_stack_instances, StackSetName="strict", **params)
    assert (fault.code, told in fault.message) == ("ValidationError", True), fault.message
    assert sets.instances("strict") == {}


def test_what_a_set_takes_is_acknowledged(sets: StackSets) -> None:
    body = template({"User": {"Type": "AWS::IAM::User"}})
    fault = refused(sets.client.create_stack_set, StackSetName="unacknowledged", TemplateBody=body)
    assert fault.code == "InsufficientCapabilitiesException"
    body = template({}, Transform="AWS::LanguageExtensions")
    fault = refused(sets.client.create_stack_set, StackSetName="unacknowledged", TemplateBody=body)
    assert fault.message == "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    for missing in ({"TemplateBody": template({}, Parameters={"P": {"Type": "String"}})}, {}, {"TemplateBody": "{"}):
        fault = refused(sets.client.create_stack_set, StackSetName="unacknowledged", **missing)
        assert fault.code == "ValidationError"


def test_a_deleted_set_is_listed_for_ninety_days(plane: InProcess, sets: StackSets) -> None:
    identifier = sets.make("listed", BODY)
    assert sets.client.get_template_summary(StackSetName="listed")["ResourceTypes"] == ["AWS::SQS::Queue"]
    sets.client.delete_stack_set(StackSetName=identifier)
    sets.client.delete_stack_set(StackSetName="listed")

    def deleted() -> set[str]:
        return {it["StackSetId"] for it in sets.client.list_stack_sets(Status="DELETED")["Summaries"]}

    assert identifier in deleted()
    for name in ("listed", identifier):
        assert refused(sets.client.describe_stack_set, StackSetName=name).code == "StackSetNotFoundException"
    sets.make("listed", BODY)
    clock = plane.node.runtime.clock
    clock.move(clock.ahead + 91 * 86_400)
    plane.settle_stack_sets()
    assert identifier not in deleted()


# -- drift --------------------------------------------------------------------------------------------------


def checked(sets: StackSets, name: str) -> tuple[str, str]:
    """Detect the drift of a set: the id of the operation, and its status once it has ended."""
    made: str = sets.client.detect_stack_set_drift(StackSetName=name)["OperationId"]
    return made, sets.settled(name, made)


def test_what_an_account_changes_by_hand_is_drift(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    body = template(
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "drifting", "VisibilityTimeout": 40}}}
    )
    sets.make("drifting", body)
    assert sets.client.describe_stack_set(StackSetName="drifting")["StackSet"]["StackSetDriftDetectionDetails"] == {
        "DriftStatus": "NOT_CHECKED"
    }
    assert sets.place("drifting", [NEAR, FAR]) == "SUCCEEDED"
    sqs = plane.client("sqs", roles[FAR])
    url = sqs.get_queue_url(QueueName="drifting")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "50"})
    operation, status = checked(sets, "drifting")
    assert status == "SUCCEEDED"
    details = sets.client.describe_stack_set(StackSetName="drifting")["StackSet"]["StackSetDriftDetectionDetails"]
    counts = {name: value for name, value in details.items() if name != "LastDriftCheckTimestamp"}
    assert counts == {
        "DriftStatus": "DRIFTED",
        "DriftDetectionStatus": "COMPLETED",
        "TotalStackInstancesCount": 2,
        "DriftedStackInstancesCount": 1,
        "InSyncStackInstancesCount": 1,
        "InProgressStackInstancesCount": 0,
        "FailedStackInstancesCount": 0,
    }
    told = sets.client.describe_stack_set_operation(StackSetName="drifting", OperationId=operation)["StackSetOperation"]
    assert (told["Action"], told["StackSetDriftDetectionDetails"]) == ("DETECT_DRIFT", details)
    found = sets.instances("drifting", Filters=[{"Name": "DRIFT_STATUS", "Values": "DRIFTED"}])
    assert {place: (it["Status"], it["DriftStatus"]) for place, it in found.items()} == {
        (FAR, "us-east-1"): ("CURRENT", "DRIFTED")
    }
    asked = {"StackSetName": "drifting", "OperationId": operation, "StackInstanceRegion": "us-east-1"}
    (drift,) = sets.client.list_stack_instance_resource_drifts(StackInstanceAccount=FAR, **asked)["Summaries"]
    assert (drift["LogicalResourceId"], drift["StackResourceDriftStatus"]) == ("Queue", "MODIFIED")
    assert [it["PropertyPath"] for it in drift["PropertyDifferences"]] == ["/VisibilityTimeout"]
    (same,) = sets.client.list_stack_instance_resource_drifts(StackInstanceAccount=NEAR, **asked)["Summaries"]
    assert same["StackResourceDriftStatus"] == "IN_SYNC"
    for missing, code in (
        ({"StackInstanceAccount": "999900009999"}, "StackInstanceNotFoundException"),
        ({"StackInstanceAccount": FAR, "OperationId": "other"}, "OperationNotFoundException"),
    ):
        assert refused(sets.client.list_stack_instance_resource_drifts, **asked | missing).code == code
    assert sets.take("drifting", [NEAR, FAR]) == "SUCCEEDED"


def test_drift_is_detected_with_the_permissions_of_the_execution_role(
    plane: InProcess, sets: StackSets, roles: dict[str, Key]
) -> None:
    by = f"arn:aws:iam::{ACCOUNT}:role/{ADMINISTRATION}"
    execution_role(plane, roles[NEAR], by, allow("*"), name="Blind")
    sets.make("unseen", BODY, ExecutionRoleName="Blind")
    assert sets.place("unseen", [NEAR]) == "SUCCEEDED"
    iam = plane.client("iam", roles[NEAR])
    iam.put_role_policy(RoleName="Blind", PolicyName="acts", PolicyDocument=document(allow("cloudformation:*")))
    operation, status = checked(sets, "unseen")
    assert status == "FAILED"
    reason = "Failed to detect drift on resources [Queue]"
    assert sets.results("unseen", operation)[NEAR, "us-east-1"] == ("FAILED", reason)
    iam.put_role_policy(RoleName="Blind", PolicyName="acts", PolicyDocument=document(allow("sqs:*")))
    operation, status = checked(sets, "unseen")
    assert "cloudformation:DetectStackDrift" in sets.results("unseen", operation)[NEAR, "us-east-1"][1]
    found = sets.instances("unseen")[NEAR, "us-east-1"]
    assert (found["Status"], found["StackInstanceStatus"]["DetailedStatus"]) == ("CURRENT", "SUCCEEDED")
    iam.put_role_policy(RoleName="Blind", PolicyName="acts", PolicyDocument=document(allow("*")))
    assert sets.take("unseen", [NEAR]) == "SUCCEEDED"


# -- stacks that are there ----------------------------------------------------------------------------------


def named_topic(name: str) -> str:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "DisplayName": {"Ref": "Shown"}}}
    return template({"Topic": topic}, Parameters={"Shown": {"Type": "String", "Default": "one"}})


def imported(sets: StackSets, name: str, *stacks: str) -> str:
    """Import stacks into a set, and answer the status of the operation once it has ended."""
    made = sets.client.import_stacks_to_stack_set(StackSetName=name, StackIds=list(stacks))
    return sets.settled(name, made["OperationId"])


def test_a_stack_that_is_there_becomes_one_of_a_set(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    near, far = Stacks(plane, roles[NEAR]), Stacks(plane, roles[FAR])
    other = [{"ParameterKey": "Shown", "ParameterValue": "two"}]
    assert near.create("here", named_topic("imported"), Parameters=other) == "CREATE_COMPLETE"
    assert far.create("there", named_topic("another")) == "CREATE_COMPLETE"
    stack = near.told("here")["StackId"]
    sets.make("importing", named_topic("imported"))
    assert imported(sets, "importing", stack) == "SUCCEEDED"
    asked = {"StackSetName": "importing", "StackInstanceAccount": NEAR, "StackInstanceRegion": "us-east-1"}
    found = sets.client.describe_stack_instance(**asked)["StackInstance"]
    assert (found["StackId"], found["Status"], found["ParameterOverrides"]) == (stack, "CURRENT", other)
    assert imported(sets, "importing", far.told("there")["StackId"]) == "FAILED"
    reason = sets.results("importing")[FAR, "us-east-1"][1]
    assert reason == "The template of the stack is not that of the stack set"
    assert sets.instances("importing")[FAR, "us-east-1"]["StackInstanceStatus"] == {"DetailedStatus": "FAILED_IMPORT"}
    sets.make("second", named_topic("imported"))
    fault = refused(sets.client.import_stacks_to_stack_set, StackSetName="second", StackIds=[stack])
    assert fault.message == f"Stack {stack} belongs to a stack set"
    assert sets.take("importing", [FAR], RetainStacks=True) == "SUCCEEDED"
    assert far.told("there")["StackStatus"] == "CREATE_COMPLETE"
    assert sets.take("importing", [NEAR]) == "SUCCEEDED"
    assert near.told(stack)["StackStatus"] == "DELETE_COMPLETE"


def test_no_stack_is_imported_that_its_account_does_not_show(plane: InProcess, sets: StackSets) -> None:
    key = plane.account("777700007777")
    own = Stacks(plane, key)
    assert own.create("private", BODY) == "CREATE_COMPLETE"
    stack = own.told("private")["StackId"]
    sets.make("curious", BODY)
    assert imported(sets, "curious", stack) == "FAILED"
    assert sets.results("curious")["777700007777", "us-east-1"][1].startswith("Account 777700007777 should have ")
    fault = refused(sets.client.create_stack_set, StackSetName="copied", StackId=stack)
    assert fault.code in ("AccessDenied", "ValidationError")
    for strange in ("arn:aws:cloudformation:us-east-1:777700007777:stack/private", "private", "arn:aws:s3:::private"):
        fault = refused(sets.client.import_stacks_to_stack_set, StackSetName="curious", StackIds=[strange])
        assert fault.code == "StackNotFoundException"


def test_a_set_of_the_template_of_a_stack(plane: InProcess, sets: StackSets) -> None:
    stacks = Stacks(plane)
    assert stacks.create("template-of", BODY) == "CREATE_COMPLETE"
    stack = stacks.told("template-of")["StackId"]
    sets.client.create_stack_set(StackSetName="of-its-template", StackId=stack)
    assert sets.client.describe_stack_set(StackSetName="of-its-template")["StackSet"]["TemplateBody"] == BODY
    without = StackSets(plane, plane.user("shows-nothing", allow("cloudformation:CreateStackSet")))
    fault = refused(without.client.create_stack_set, StackSetName="taken", StackId=stack)
    assert (fault.code, "cloudformation:GetTemplate" in fault.message) == ("AccessDenied", True)
    assert stacks.delete("template-of") == "DELETE_COMPLETE"


# -- as a resource ------------------------------------------------------------------------------------------


def of_a_stack(regions: list[str], accounts: list[str], **more: object) -> str:
    group = {"DeploymentTargets": {"Accounts": accounts}, "Regions": regions}
    properties = {
        "StackSetName": "of-a-stack",
        "PermissionModel": "SELF_MANAGED",
        "TemplateBody": BODY,
        "StackInstancesGroup": [group],
        **more,
    }
    return template({"Set": {"Type": "AWS::CloudFormation::StackSet", "Properties": properties}})


def test_a_stack_with_a_stack_set(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    stacks = Stacks(plane)
    assert stacks.create("with-a-set", of_a_stack(["us-east-1"], [NEAR])) == "CREATE_COMPLETE"
    identifier = stacks.physical("with-a-set")["Set"]
    assert sets.client.describe_stack_set(StackSetName="of-a-stack")["StackSet"]["StackSetId"] == identifier
    assert sorted(sets.instances("of-a-stack")) == [(NEAR, "us-east-1")]

    def drift() -> str:
        stacks.client.detect_stack_drift(StackName="with-a-set")
        plane.settle_drifts()
        return str(stacks.told("with-a-set")["DriftInformation"]["StackDriftStatus"])

    assert drift() == "IN_SYNC"
    by_hand = template({"Topic": {"Type": "AWS::SNS::Topic"}})
    assert sets.change("of-a-stack", TemplateBody=by_hand) == "SUCCEEDED"
    assert drift() == "DRIFTED"
    more = of_a_stack(["us-east-1"], [FAR], Description="moved")
    assert stacks.update("with-a-set", more) == "UPDATE_COMPLETE"
    assert sorted(sets.instances("of-a-stack")) == [(FAR, "us-east-1")]
    assert stacks.update("with-a-set", of_a_stack(["us-east-1"], ["999900009999"])) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Account 999900009999 should have" in stacks.reason("with-a-set", "Set", "UPDATE_FAILED")
    assert sorted(sets.instances("of-a-stack")) == [(FAR, "us-east-1")]
    assert stacks.delete("with-a-set") == "DELETE_COMPLETE"
    assert refused(sets.client.describe_stack_set, StackSetName="of-a-stack").code == "StackSetNotFoundException"
