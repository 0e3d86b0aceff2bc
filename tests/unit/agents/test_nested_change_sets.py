"""Change sets with nested stacks: what each says is made, and nobody sees or does more by them than by the stacks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import Key
from support.nested_stacks import Bucket, delay_in, made, nested, pair, queue
from support.plane import allow, document, fresh, trusting
from support.waiting_stacks import Crafts, crafts

NO_CHANGES = "didn't contain changes"
KNOWN_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
ROOT_ONLY = "Only executable from the root change set."
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": json.loads(trusting(Service="ec2.amazonaws.com"))},
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("sets")) as made:
        yield made


class Sets:
    """The change sets of a caller."""

    def __init__(self, there: Crafts, key: Key | None = None) -> None:
        self._there = there
        self.client = there.plane.client("cloudformation", key)

    def create(self, stack: str, resources: Mapping[str, Any], kind: str = "UPDATE", **more: Any) -> dict[str, Any]:
        """What DescribeChangeSet tells of a new change set with nested stacks."""
        sections = {name: more.pop(name) for name in ("Parameters_", "Outputs_") if name in more}
        body = {"Resources": resources, **{name.rstrip("_"): value for name, value in sections.items()}}
        made = self.client.create_change_set(
            StackName=stack,
            ChangeSetName=fresh("set"),
            ChangeSetType=kind,
            TemplateBody=json.dumps(body),
            IncludeNestedStacks=True,
            **more,
        )
        return self.told(made["Id"])

    def told(self, arn: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_change_set(ChangeSetName=arn, **more)
        return found

    def below(self, told: Mapping[str, Any], logical: str) -> dict[str, Any]:
        """What is told of the change set of a nested stack."""
        return self.told(changes(told)[logical]["ChangeSetId"])


def changes(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = [change["ResourceChange"] for change in told["Changes"]]
    return {it["LogicalResourceId"]: it for it in found}


def status_of(there: Crafts, stack: str) -> str:
    return str(there.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_an_update_does_what_the_change_sets_say_whatever_is_at_the_url_by_then(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    sets = Sets(there)
    bucket.put("inner", {"Queue": queue(2)})
    root = sets.create(outer, {"Inner": nested(url)})
    assert (root["Status"], root["ExecutionStatus"], root["IncludeNestedStacks"]) == (
        "CREATE_COMPLETE",
        "AVAILABLE",
        True,
    )
    assert "ParentChangeSetId" not in root
    change = changes(root)["Inner"]
    assert (change["Action"], change["Replacement"], change["PhysicalResourceId"]) == ("Modify", "False", inner)
    assert change["Details"][0]["ChangeSource"] == "Automatic"
    child = sets.told(change["ChangeSetId"])
    assert (child["Status"], child["ExecutionStatus"], child["StatusReason"]) == (
        "CREATE_COMPLETE",
        "UNAVAILABLE",
        ROOT_ONLY,
    )
    assert child["ParentChangeSetId"] == child["RootChangeSetId"] == root["ChangeSetId"]
    assert child["StackId"] == inner
    assert changes(child)["Queue"]["Details"][0]["Target"]["Name"] == "DelaySeconds"
    (summary,) = sets.client.list_change_sets(StackName=inner)["Summaries"]
    assert summary["ParentChangeSetId"] == root["ChangeSetId"]
    bucket.put("inner", {"Queue": queue(9), "Role": ROLE})
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(outer) == there.status(inner) == "UPDATE_COMPLETE"
    assert delay_in(there, inner) == "2"
    assert sets.told(child["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert sets.told(root["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_new_stacks_are_under_review_and_are_the_ones_that_are_made(there: Crafts) -> None:
    bucket, sets, name = Bucket(there), Sets(there), fresh("stack")
    innermost = bucket.put("innermost", {"Queue": queue(1)})
    url = bucket.put("middle", {"Inner": nested(innermost)})
    root = sets.create(name, {"Middle": nested(url)}, "CREATE")
    middle = sets.below(root, "Middle")
    inner = sets.below(middle, "Inner")
    assert inner["ParentChangeSetId"] == middle["ChangeSetId"]
    assert inner["RootChangeSetId"] == root["ChangeSetId"]
    assert changes(inner)["Queue"]["Action"] == "Add"
    for told in (root, middle, inner):
        assert status_of(there, told["StackId"]) == "REVIEW_IN_PROGRESS"
    found = sets.client.describe_stacks(StackName=inner["StackId"])["Stacks"][0]
    assert (found["ParentId"], found["RootId"]) == (middle["StackId"], root["StackId"])
    bucket.put("innermost", {"Queue": queue(9)})
    bucket.put("middle", {})
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(root["StackId"]) == "CREATE_COMPLETE"
    assert there.resource(root["StackId"], "Middle").physical == middle["StackId"]
    assert there.resource(middle["StackId"], "Inner").physical == inner["StackId"]
    assert delay_in(there, inner["StackId"]) == "1"
    assert sets.told(inner["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    sets.client.delete_stack(StackName=root["StackId"])
    assert there.status(root["StackId"]) == there.status(inner["StackId"]) == "DELETE_COMPLETE"


def test_a_restart_before_the_execution_and_in_the_middle_of_it_makes_the_same_stacks(there: Crafts) -> None:
    bucket, sets, name = Bucket(there), Sets(there), fresh("stack")
    url = bucket.put("inner", {"Thing": there.custom()})
    root = sets.create(name, {"Inner": nested(url)}, "CREATE")
    inner = sets.below(root, "Inner")["StackId"]
    bucket.s3.delete_object(Bucket=bucket.name, Key="inner")
    there.restart()
    there.cloudformation.execute_change_set(ChangeSetName=root["ChangeSetId"])
    asking = there.asked()
    assert asking.told["StackId"] == inner
    there.waits(inner, "Thing")
    there.restart()
    there.answer(asking)
    assert there.status(root["StackId"]) == there.status(inner) == "CREATE_COMPLETE"


def test_the_change_sets_of_nested_stacks_are_executed_and_deleted_with_the_root_alone(there: Crafts) -> None:
    bucket, sets, name = Bucket(there), Sets(there), fresh("stack")
    innermost = bucket.put("innermost", {"Queue": queue(1)})
    url = bucket.put("middle", {"Inner": nested(innermost)})
    root = sets.create(name, {"Middle": nested(url)}, "CREATE")
    middle = sets.below(root, "Middle")
    inner = sets.below(middle, "Inner")
    for one in (middle, inner):
        with pytest.raises(ClientError) as caught:
            sets.client.execute_change_set(ChangeSetName=one["ChangeSetId"])
        assert code_of(caught) == "InvalidChangeSetStatus"
        with pytest.raises(ClientError) as caught:
            sets.client.delete_change_set(ChangeSetName=one["ChangeSetId"])
        assert code_of(caught) == "InvalidChangeSetStatus"
    sets.client.delete_change_set(ChangeSetName=root["ChangeSetId"])
    for one in (root, middle, inner):
        with pytest.raises(ClientError) as caught:
            sets.told(one["ChangeSetId"])
        assert code_of(caught) == "ChangeSetNotFound"
    assert status_of(there, middle["StackId"]) == status_of(there, inner["StackId"]) == "DELETE_COMPLETE"
    assert status_of(there, root["StackId"]) == "REVIEW_IN_PROGRESS"


def test_other_change_sets_and_the_stack_itself_take_their_nested_ones_with_them(there: Crafts) -> None:
    bucket, sets, name = Bucket(there), Sets(there), fresh("stack")
    url = bucket.put("inner", {"Queue": queue(1)})
    first = sets.create(name, {"Inner": nested(url)}, "CREATE")
    second = sets.create(name, {"Other": nested(url)}, "CREATE")
    left = sets.below(first, "Inner")["StackId"]
    sets.client.execute_change_set(ChangeSetName=second["ChangeSetId"])
    assert there.status(first["StackId"]) == "CREATE_COMPLETE"
    assert status_of(there, left) == "DELETE_COMPLETE"
    reviewed = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    left = sets.below(reviewed, "Inner")["StackId"]
    sets.client.delete_stack(StackName=reviewed["StackId"])
    assert status_of(there, left) == "DELETE_COMPLETE"


def test_a_nested_change_set_that_fails_fails_the_root_and_the_others_are_made(there: Crafts) -> None:
    bucket, sets, name = Bucket(there), Sets(there), fresh("stack")
    bad = bucket.put("bad", {"Strange": {"Type": "AWS::No::Such"}})
    good = bucket.put("good", {"Queue": queue(1)})
    root = sets.create(name, {"Bad": nested(bad), "Good": nested(good)}, "CREATE")
    failed = sets.below(root, "Bad")
    assert failed["Status"] == "FAILED"
    assert "Unrecognized resource types" in failed["StatusReason"]
    assert sets.below(root, "Good")["Status"] == "CREATE_COMPLETE"
    told = f"Nested change set {failed['ChangeSetId']} was not successfully created: Currently in FAILED."
    assert (root["Status"], root["ExecutionStatus"], root["StatusReason"]) == ("FAILED", "UNAVAILABLE", told)
    with pytest.raises(ClientError) as caught:
        sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert code_of(caught) == "InvalidChangeSetStatus"


def test_without_changes_anywhere_the_root_fails_and_what_has_none_is_left_alone(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    url, other = bucket.put("inner", {"Queue": queue(1)}), bucket.put("other", {"Queue": queue(1)})
    both = {"Inner": nested(url), "Other": nested(other)}
    outer = made(there, both)
    root = sets.create(outer, both)
    assert root["Status"] == "FAILED"
    assert NO_CHANGES in root["StatusReason"]
    bucket.put("inner", {"Queue": queue(2)})
    root = sets.create(outer, both)
    assert list(changes(root)) == ["Inner"]
    bucket.put("other", {"Queue": queue(9)})
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(outer) == "UPDATE_COMPLETE"
    assert delay_in(there, there.resource(outer, "Inner").physical) == "2"
    assert delay_in(there, there.resource(outer, "Other").physical) == "1"


def test_a_change_deep_within_is_found_and_made(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    innermost = bucket.put("innermost", {"Queue": queue(1)})
    url = bucket.put("middle", {"Inner": nested(innermost)})
    outer = made(there, {"Middle": nested(url)})
    middle = there.resource(outer, "Middle").physical
    bucket.put("innermost", {"Queue": queue(2)})
    root = sets.create(outer, {"Middle": nested(url)})
    inner = sets.below(sets.below(root, "Middle"), "Inner")
    assert changes(inner)["Queue"]["Action"] == "Modify"
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(outer) == there.status(middle) == "UPDATE_COMPLETE"
    assert delay_in(there, inner["StackId"]) == "2"


def test_an_execution_that_fails_takes_all_of_it_back(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    sets = Sets(there)
    bucket.put("inner", {"Queue": queue(2)})
    root = sets.create(outer, {"Inner": nested(url), "Thing": {**there.custom(), "DependsOn": "Inner"}})
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    there.answer(there.asked(), "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"
    for one in (root, sets.below(root, "Inner")):
        assert sets.told(one["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_FAILED"


def test_values_that_are_not_known_yet_are_taken_when_it_is_executed(there: Crafts) -> None:
    bucket, sets, name = Bucket(there), Sets(there), fresh("stack")
    number = {"Parameters": {"Seconds": {"Type": "Number", "MaxValue": 900}}}
    first = bucket.put("first", {"Queue": queue(1)}, Outputs={"Seconds": {"Value": "7"}})
    second = bucket.put("second", {"Queue": queue({"Ref": "Seconds"})}, **number)
    seconds = {"Fn::GetAtt": ["First", "Outputs.Seconds"]}
    body = {"First": nested(first), "Second": nested(second, Parameters={"Seconds": seconds})}
    root = sets.create(name, body, "CREATE")
    assert root["Status"] == "CREATE_COMPLETE"
    told = sets.below(root, "Second")
    assert told["Parameters"] == [{"ParameterKey": "Seconds", "ParameterValue": KNOWN_LATER}]
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(root["StackId"]) == "CREATE_COMPLETE"
    assert delay_in(there, told["StackId"]) == "7"


@pytest.mark.parametrize("hidden", [True, False])
def test_secrets_that_are_handed_to_nested_stacks_are_not_shown(there: Crafts, *, hidden: bool) -> None:
    bucket, sets, name, secret = Bucket(there), Sets(there), fresh("stack"), fresh("secret-word")
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Word"}}}
    own = {"Parameters": {"Word": {"Type": "String", "NoEcho": hidden}}}
    url = bucket.put("inner", {"Kept": parameter}, **own)
    root = sets.create(
        name,
        {"Inner": nested(url, Parameters={"Word": {"Fn::Sub": "${Word}!"}})},
        "CREATE",
        Parameters_={"Word": {"Type": "String", "NoEcho": True}},
        Parameters=[{"ParameterKey": "Word", "ParameterValue": secret}],
    )
    child = changes(root)["Inner"]["ChangeSetId"]
    for arn in (root["ChangeSetId"], child):
        for values in (True, False):
            assert secret not in repr(sets.told(arn, IncludePropertyValues=values))
    shown = "****" if hidden else KNOWN_LATER
    assert sets.told(child)["Parameters"] == [{"ParameterKey": "Word", "ParameterValue": shown}]
    assert not [it for it in there.plane.records(50) if secret in repr(it.parameters)]
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(root["StackId"]) == "CREATE_COMPLETE"
    kept = there.resource(sets.told(child)["StackId"], "Kept").physical
    assert there.plane.client("ssm").get_parameter(Name=kept)["Parameter"]["Value"] == f"{secret}!"


def test_it_is_made_with_the_permissions_of_the_caller_for_each_stack(there: Crafts) -> None:
    bucket, name = Bucket(there), fresh("stack")
    url = bucket.put("inner", {"Queue": queue(1)})
    may = allow(["cloudformation:*"], f"arn:aws:cloudformation:*:*:stack/{name}/*")
    sees = allow(["cloudformation:DescribeChangeSet"])
    only_root = Sets(there, there.plane.user(fresh("user"), may, sees, allow("s3:*")))
    root = only_root.create(name, {"Inner": nested(url)}, "CREATE")
    assert root["Status"] == "FAILED"
    assert "not authorized to perform: cloudformation:CreateChangeSet" in root["StatusReason"]
    names = [it["StackName"] for it in there.cloudformation.describe_stacks()["Stacks"]]
    assert not [it for it in names if it.startswith(f"{name}-")]
    blind = Sets(there, there.plane.user(fresh("user"), allow("cloudformation:*")))
    root = blind.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    assert root["Status"] == "FAILED"
    assert "S3 error" in blind.below(root, "Inner")["StatusReason"]


def test_it_is_made_with_the_permissions_of_the_role_that_is_passed(there: Crafts) -> None:
    bucket, iam, role = Bucket(there), there.plane.client("iam"), fresh("role")
    url = bucket.put("inner", {"Queue": queue(1)})
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting(Service="cloudformation.amazonaws.com"))
    arn = f"arn:aws:iam::000000000000:role/{role}"
    may = document(allow(["cloudformation:*", "sqs:*"]))
    iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=may)
    sets = Sets(there)
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE", RoleARN=arn)
    assert "S3 error" in sets.below(root, "Inner")["StatusReason"]
    iam.put_role_policy(RoleName=role, PolicyName="reads", PolicyDocument=document(allow("s3:GetObject")))
    user = there.plane.user(fresh("user"), allow(["cloudformation:*", "iam:PassRole"]))
    sets = Sets(there, user)
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE", RoleARN=arn)
    assert root["Status"] == "CREATE_COMPLETE"
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(root["StackId"]) == "CREATE_COMPLETE"


def test_what_a_nested_stack_does_to_iam_is_acknowledged_with_the_root(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    url = bucket.put("inner", {"Role": ROLE})
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    assert sets.below(root, "Inner")["StatusReason"] == "Requires capabilities : [CAPABILITY_IAM]"
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE", Capabilities=["CAPABILITY_IAM"])
    assert root["Status"] == "CREATE_COMPLETE"


def test_a_template_that_nests_itself_ends(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    url = f"https://{bucket.name}.s3.amazonaws.com/self"
    bucket.put("self", {"Inner": nested(url)})
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    assert root["Status"] == "FAILED"
    topic = {"Type": "AWS::SNS::Topic"}
    given = {"Given": {"Type": "String"}}
    bucket.put("self", {"Topic": topic, "Inner": nested(url, Parameters={"Given": {"Ref": "Topic"}})}, Parameters=given)
    root = sets.create(fresh("stack"), {"Inner": nested(url, Parameters={"Given": "x"})}, "CREATE")
    assert root["Status"] == "FAILED"


def test_another_account_has_nothing_to_do_with_them(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    url = bucket.put("inner", {"Queue": queue(1)})
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    child = changes(root)["Inner"]["ChangeSetId"]
    stranger = there.plane.client("cloudformation", there.plane.account("222222222222"))
    for call in (stranger.describe_change_set, stranger.execute_change_set, stranger.delete_change_set):
        with pytest.raises(ClientError) as caught:
            call(ChangeSetName=child)
        assert code_of(caught) in ("ChangeSetNotFound", "AccessDenied")
    with pytest.raises(ClientError):
        stranger.delete_change_set(ChangeSetName=root["ChangeSetId"])
    theirs = Sets(there, there.plane.account("222222222222"))
    told = theirs.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    assert "S3 error" in theirs.below(told, "Inner")["StatusReason"]
    assert sets.told(child)["Status"] == "CREATE_COMPLETE"


def test_nobody_takes_the_place_of_a_stack_under_review(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    url = bucket.put("inner", {"Queue": queue(1)})
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    inner = sets.below(root, "Inner")
    body = json.dumps({"Resources": {"Queue": queue(9)}})
    with pytest.raises(ClientError) as caught:
        sets.client.create_stack(StackName=inner["StackName"], TemplateBody=body)
    assert code_of(caught) == "AlreadyExistsException"
    given = {"StackName": inner["StackName"], "TemplateBody": body, "ChangeSetName": "mine"}
    with pytest.raises(ClientError, match="already exists"):
        sets.client.create_change_set(ChangeSetType="CREATE", **given)
    sets.client.delete_stack(StackName=inner["StackId"])
    with pytest.raises(ClientError) as caught:
        sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert code_of(caught) == "ChangeSetNotFound"


def test_what_was_made_of_a_nested_stack_meanwhile_is_not_overwritten(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    sets = Sets(there)
    bucket.put("inner", {"Queue": queue(2)})
    root = sets.create(outer, {"Inner": nested(url)})
    there.update(inner, {"Queue": queue(5)})
    assert there.status(inner) == "UPDATE_COMPLETE"
    with pytest.raises(ClientError, match="out of date"):
        sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert delay_in(there, inner) == "5"


def test_what_transforms_made_when_it_was_created_is_what_is_executed(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    bucket.s3.put_object(Bucket=bucket.name, Key="part", Body=json.dumps({"DelaySeconds": 1}).encode())
    include = {"Name": "AWS::Include", "Parameters": {"Location": f"s3://{bucket.name}/part"}}
    url = bucket.put("inner", {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Fn::Transform": include}}})
    refused = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE")
    told = "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    assert sets.below(refused, "Inner")["StatusReason"] == told
    expand = {"Capabilities": ["CAPABILITY_AUTO_EXPAND"]}
    root = sets.create(fresh("stack"), {"Inner": nested(url)}, "CREATE", **expand)
    bucket.s3.put_object(Bucket=bucket.name, Key="part", Body=json.dumps({"DelaySeconds": 9}).encode())
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(root["StackId"]) == "CREATE_COMPLETE"
    assert delay_in(there, sets.below(root, "Inner")["StackId"]) == "1"


def test_conditions_parameters_and_tags_reach_nested_stacks_as_they_will(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    seconds = {"Parameters": {"Seconds": {"Type": "Number"}}}
    url = bucket.put("inner", {"Queue": queue({"Ref": "Seconds"})}, **seconds)
    outer = made(there, {"Inner": nested(url, Parameters={"Seconds": 1})})
    tags = [{"Key": "team", "Value": "blue"}]
    root = sets.create(outer, {"Inner": nested(url, Parameters={"Seconds": 2})}, Tags=tags)
    child = sets.below(root, "Inner")
    assert child["Parameters"] == [{"ParameterKey": "Seconds", "ParameterValue": "2"}]
    assert child["Tags"] == tags
    details = changes(child)["Queue"]["Details"]
    assert ("ParameterReference", "Seconds") in [(it["ChangeSource"], it.get("CausingEntity")) for it in details]
    assert changes(root)["Inner"]["Details"][0]["Target"]["Name"] == "Parameters"
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(outer) == "UPDATE_COMPLETE"
    assert delay_in(there, child["StackId"]) == "2"


def test_a_nested_stack_that_is_added_and_one_that_goes(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    url = bucket.put("inner", {"Queue": queue(1)})
    outer = made(there, {"Goes": nested(url), "Stays": nested(url)})
    gone = there.resource(outer, "Goes").physical
    root = sets.create(outer, {"Stays": nested(url), "Comes": nested(url)})
    assert {name: it["Action"] for name, it in changes(root).items()} == {"Comes": "Add", "Goes": "Remove"}
    new = sets.below(root, "Comes")["StackId"]
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    assert there.status(outer) == "UPDATE_COMPLETE"
    assert there.status(new) == "CREATE_COMPLETE"
    assert there.status(gone) == "DELETE_COMPLETE"
    assert there.resource(outer, "Comes").physical == new


def test_more_nested_stacks_than_a_tree_may_have_are_refused(there: Crafts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.services.cloudformation.nested_changes.MOST", 2)
    bucket, sets, name = Bucket(there), Sets(there), fresh("stack")
    url = bucket.put("inner", {"Queue": queue(1)})
    root = sets.create(name, {f"Inner{number}": nested(url) for number in range(3)}, "CREATE")
    assert root["Status"] == "FAILED"
    assert "more than 2 nested stacks" in root["StatusReason"]
    names = [it["StackName"] for it in there.cloudformation.describe_stacks()["Stacks"]]
    assert [it for it in names if it.startswith(name)] == [name]


def test_a_restart_in_the_middle_of_a_nested_update_executes_it_once(there: Crafts) -> None:
    bucket, sets = Bucket(there), Sets(there)
    url = bucket.put("inner", {"Thing": there.custom(Of="one")})
    outer = there.create({"Inner": nested(url)})
    there.answer(there.asked())
    assert there.status(outer) == "CREATE_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    bucket.put("inner", {"Thing": there.custom(Of="two")})
    root = sets.create(outer, {"Inner": nested(url)})
    sets.client.execute_change_set(ChangeSetName=root["ChangeSetId"])
    asking = there.asked()
    there.waits(inner, "Thing")
    bucket.put("inner", {"Thing": there.custom(Of="three")})
    there.restart()
    there.answer(asking)
    assert there.status(outer) == there.status(inner) == "UPDATE_COMPLETE"
    told = [it.split(" ")[0] for it in there.reasons(inner, inner.split("/")[1])]
    assert told.count("UPDATE_IN_PROGRESS") == 1
    assert not there.is_asked()


def test_what_secrets_manager_keeps_is_not_shown_of_a_nested_stack(there: Crafts) -> None:
    bucket, sets, secret, word = Bucket(there), Sets(there), fresh("secret"), fresh("word")
    there.plane.client("secretsmanager").create_secret(Name=secret, SecretString=word)
    url = bucket.put("inner", {"Queue": queue(1)}, Parameters={"Word": {"Type": "String"}})
    reference = f"{{{{resolve:secretsmanager:{secret}:SecretString}}}}"
    root = sets.create(fresh("stack"), {"Inner": nested(url, Parameters={"Word": reference})}, "CREATE")
    child = sets.below(root, "Inner")
    assert root["Status"] == "CREATE_COMPLETE"
    assert child["Parameters"] == [{"ParameterKey": "Word", "ParameterValue": KNOWN_LATER}]
    for arn in (root["ChangeSetId"], child["ChangeSetId"]):
        assert word not in repr(sets.told(arn, IncludePropertyValues=True))


def test_what_a_nested_stack_may_not_make_within_it_fails_it_and_makes_nothing(there: Crafts) -> None:
    bucket, name = Bucket(there), fresh("stack")
    innermost = bucket.put("innermost", {"Queue": queue(1)})
    url = bucket.put("middle", {"Inner": nested(innermost)})
    refused = {
        "Effect": "Deny",
        "Action": "cloudformation:CreateChangeSet",
        "Resource": f"arn:aws:cloudformation:*:*:stack/{name}-Middle-????????????-Inner-*",
    }
    sets = Sets(there, there.plane.user(fresh("user"), allow(["cloudformation:*", "s3:*"]), refused))
    root = sets.create(name, {"Middle": nested(url)}, "CREATE")
    assert root["StatusReason"].startswith("Nested change set ")
    middle = sets.below(root, "Middle")
    assert "not authorized to perform: cloudformation:CreateChangeSet" in middle["StatusReason"]
    names = [it["StackName"] for it in there.cloudformation.describe_stacks()["Stacks"]]
    assert not [it for it in names if "-Inner-" in it and it.startswith(name)]
