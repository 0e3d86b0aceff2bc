"""Stack policies: what an update may not do to a resource it does not, and what it has done by then is undone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import allow, refused
from support.stacks import CAPABILITIES, Stacks, template

EVERYTHING = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
INVALID = ("ValidationError", "Error validating stack policy: Invalid stack policy")


def denying(*actions: str, resource: str = "*", **more: Mapping[str, Any]) -> str:
    """A policy that allows everything but `actions`."""
    denied = {"Effect": "Deny", "Action": list(actions), "Principal": "*", "Resource": resource, **more}
    return policy(EVERYTHING, denied)


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Statement": statements})


def topic(name: str = "", **properties: Any) -> dict[str, Any]:
    named = {"TopicName": name} if name else {}
    return {"Type": "AWS::SNS::Topic", "Properties": {**named, **properties}}


def queue(delay: int = 0) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": delay}}


def test_what_a_policy_denies_is_not_changed_and_the_update_is_rolled_back(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("guarded", template({"Queue": queue()}), StackPolicyBody=denying("Update:Modify"))
    assert stacks.update("guarded", template({"Queue": queue(3)})) == "UPDATE_ROLLBACK_COMPLETE"
    told = stacks.reason("guarded", "Queue", "UPDATE_FAILED")
    assert told == "Action denied by stack policy: Statement [#1] does not allow [Update:Modify] for resource [*];"
    url = stacks.physical("guarded")["Queue"]
    found = plane.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]
    assert found == {"DelaySeconds": "0"}
    reason = stacks.reason("guarded", "guarded", "UPDATE_ROLLBACK_IN_PROGRESS")
    assert reason == "The following resource(s) failed to update: [Queue]. "


def test_what_no_statement_allows_is_denied_once_there_is_a_policy(stacks: Stacks) -> None:
    other = {**EVERYTHING, "Resource": "LogicalResourceId/Other"}
    stacks.create("closed", template({"Queue": queue(), "Other": queue()}), StackPolicyBody=policy(other))
    assert stacks.update("closed", template({"Queue": queue(3), "Other": queue()})) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.reason("closed", "Queue", "UPDATE_FAILED") == "Action not allowed by stack policy"
    assert stacks.update("closed", template({"Queue": queue(), "Other": queue(3)})) == "UPDATE_COMPLETE"


def test_a_replacement_is_not_a_modification_by_another_name(plane: InProcess, stacks: Stacks) -> None:
    body = denying("Update:Replace", "Update:Delete", resource="LogicalResourceId/Topic")
    stacks.create("kept", template({"Topic": topic("first")}), StackPolicyBody=body)
    assert stacks.update("kept", template({"Topic": topic("first", DisplayName="shown")})) == "UPDATE_COMPLETE"
    assert stacks.update("kept", template({"Topic": topic("second")})) == "UPDATE_ROLLBACK_COMPLETE"
    statement = "Statement [#1] does not allow [Update:Replace, Update:Delete] for resource [LogicalResourceId/Topic];"
    assert stacks.reason("kept", "Topic", "UPDATE_FAILED") == f"Action denied by stack policy: {statement}"
    names = [it["TopicArn"].rpartition(":")[2] for it in plane.client("sns").list_topics()["Topics"]]
    assert ("first" in names, "second" in names) == (True, False)


def test_nothing_is_done_of_an_update_that_removes_what_must_not_be_deleted(stacks: Stacks) -> None:
    both = {"Queue": queue(), "Topic": topic()}
    by_type = {"StringLike": {"ResourceType": "AWS::SNS::*"}}
    stacks.create("whole", template(both), StackPolicyBody=denying("Update:Delete", Condition=by_type))
    before = len(stacks.events("whole"))
    assert stacks.update("whole", template({"Queue": queue(3)})) == "UPDATE_ROLLBACK_COMPLETE"
    statuses = [it for it in stacks.events("whole")[before:] if it[0] != "whole"]
    assert statuses == [("Topic", "UPDATE_FAILED"), ("Topic", "UPDATE_COMPLETE")]
    assert stacks.update("whole", template({"Topic": topic()})) == "UPDATE_COMPLETE"


def test_a_resource_under_a_false_condition_is_removed_as_well(stacks: Stacks) -> None:
    parameters = {"There": {"Type": "String", "Default": "yes"}}
    conditions = {"IsThere": {"Fn::Equals": [{"Ref": "There"}, "yes"]}}
    resources = {"Queue": queue(), "Topic": {**topic(), "Condition": "IsThere"}}
    body = template(resources, Parameters=parameters, Conditions=conditions)
    stacks.create("conditional", body, StackPolicyBody=denying("Update:Delete"))
    given = [{"ParameterKey": "There", "ParameterValue": "no"}]
    assert stacks.update("conditional", body, Parameters=given) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.physical("conditional")["Topic"]


def test_not_action_and_not_resource_say_what_is_left(stacks: Stacks) -> None:
    allowed = {"Effect": "Allow", "NotAction": "Update:Delete", "Principal": "*"}
    rest = policy({**allowed, "NotResource": "LogicalResourceId/Topic"})
    stacks.create("rest", template({"Queue": queue(), "Topic": topic()}), StackPolicyBody=rest)
    assert stacks.update("rest", template({"Queue": queue(3), "Topic": topic()})) == "UPDATE_COMPLETE"
    assert stacks.update("rest", template({"Topic": topic()})) == "UPDATE_ROLLBACK_COMPLETE"
    shown = template({"Queue": queue(3), "Topic": topic(DisplayName="x")})
    assert stacks.update("rest", shown) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_denial_overrides_whatever_is_allowed_after_it(stacks: Stacks) -> None:
    denied = {**EVERYTHING, "Effect": "Deny"}
    stacks.create("order", template({"Queue": queue()}), StackPolicyBody=policy(denied, EVERYTHING))
    assert stacks.update("order", template({"Queue": queue(3)})) == "UPDATE_ROLLBACK_COMPLETE"


def test_the_policy_of_an_update_is_that_of_the_stack_before_it_and_a_new_one_comes_with_its_end(
    stacks: Stacks,
) -> None:
    stacks.create("coming", template({"Queue": queue()}))
    assert stacks.update("coming", template({"Queue": queue(3)}), StackPolicyBody=denying("Update:*")) == (
        "UPDATE_COMPLETE"
    )
    loosened = policy(EVERYTHING)
    body = template({"Queue": queue(4)})
    assert stacks.update("coming", body, StackPolicyBody=loosened) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.client.get_stack_policy(StackName="coming")["StackPolicyBody"] == denying("Update:*")
    same = template({"Queue": queue(3)})
    assert stacks.update("coming", same, StackPolicyBody=loosened) == "UPDATE_COMPLETE"
    assert stacks.update("coming", body) == "UPDATE_COMPLETE"


def test_a_policy_during_an_update_rules_over_that_one_alone(stacks: Stacks) -> None:
    closed = denying("Update:*")
    stacks.create("during", template({"Queue": queue()}), StackPolicyBody=closed)
    open_once = {"StackPolicyDuringUpdateBody": policy(EVERYTHING)}
    stacks.client.update_stack(StackName="during", TemplateBody=template({"Queue": queue(3)}), **open_once)
    assert stacks.client.get_stack_policy(StackName="during")["StackPolicyBody"] == policy(EVERYTHING)
    assert stacks.settled("during") == "UPDATE_COMPLETE"
    assert stacks.client.get_stack_policy(StackName="during")["StackPolicyBody"] == closed
    assert stacks.update("during", template({"Queue": queue(4)})) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_change_set_does_not_get_round_the_policy(stacks: Stacks) -> None:
    stacks.create("by-set", template({"Queue": queue()}), StackPolicyBody=denying("Update:Modify"))
    named = {"StackName": "by-set", "ChangeSetName": "set"}
    stacks.client.create_change_set(TemplateBody=template({"Queue": queue(3)}), Capabilities=CAPABILITIES, **named)
    stacks.client.execute_change_set(**named)
    assert stacks.settled("by-set") == "UPDATE_ROLLBACK_COMPLETE"


def test_a_rollback_and_the_deletion_of_the_stack_are_not_subject_to_it(stacks: Stacks) -> None:
    properties = {"PolicyName": "p", "PolicyDocument": {}, "Roles": ["nobody"]}
    fails = {"Type": "AWS::IAM::Policy", "DependsOn": "Queue", "Properties": properties}
    stacks.create("undone", template({"Queue": queue(), "Topic": topic("undone")}))
    only_then = json.dumps({"Statement": [{**EVERYTHING, "Effect": "Deny"}]})
    body = template({"Queue": queue(3), "Failing": fails})
    stacks.client.update_stack(StackName="undone", TemplateBody=body, Capabilities=CAPABILITIES)
    stacks.client.set_stack_policy(StackName="undone", StackPolicyBody=only_then)
    assert stacks.settled("undone") == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.delete("undone") == "DELETE_COMPLETE"


def test_a_policy_set_while_an_update_is_under_way_outlasts_the_one_that_comes_with_it(stacks: Stacks) -> None:
    stacks.create("between", template({"Queue": queue()}))
    body = template({"Queue": queue(3)})
    stacks.client.update_stack(StackName="between", TemplateBody=body, StackPolicyBody=policy(EVERYTHING))
    stacks.client.set_stack_policy(StackName="between", StackPolicyBody=denying("Update:*"))
    assert stacks.settled("between") == "UPDATE_COMPLETE"
    assert stacks.client.get_stack_policy(StackName="between")["StackPolicyBody"] == denying("Update:*")


def test_an_update_that_goes_on_after_a_restart_is_subject_to_the_same_policy(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("restarted", template({"Queue": queue()}), StackPolicyBody=denying("Update:*"))
    stacks.client.update_stack(StackName="restarted", TemplateBody=template({"Queue": queue(3)}))
    stacks.client.set_stack_policy(StackName="restarted", StackPolicyBody=policy(EVERYTHING))
    plane.close()
    plane.start()
    after = Stacks(plane)
    assert after.settled("restarted") == "UPDATE_ROLLBACK_COMPLETE"


def test_a_nested_stack_is_a_resource_of_the_policy_of_its_parent(plane: InProcess, stacks: Stacks) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="nested")
    endpoint = plane.node.runtime.settings.endpoint

    def outer(delay: int) -> str:
        s3.put_object(Bucket="nested", Key=f"{delay}", Body=template({"Queue": queue(delay)}).encode())
        inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"{endpoint}/nested/{delay}"}}
        return template({"Inner": inner})

    assert stacks.create("outer", outer(0), StackPolicyBody=denying("Update:Modify")) == "CREATE_COMPLETE"
    inner = stacks.physical("outer")["Inner"]
    assert stacks.update("outer", outer(3)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not allow [Update:Modify]" in stacks.reason("outer", "Inner", "UPDATE_FAILED")
    assert ("Queue", "UPDATE_COMPLETE") not in stacks.events(inner)


def test_the_policy_of_a_nested_stack_itself_rules_over_what_is_in_it(plane: InProcess, stacks: Stacks) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="within")
    endpoint = plane.node.runtime.settings.endpoint

    def around(delay: int) -> str:
        s3.put_object(Bucket="within", Key=f"{delay}", Body=template({"Queue": queue(delay)}).encode())
        inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"{endpoint}/within/{delay}"}}
        return template({"Inner": inner})

    stacks.create("around", around(0))
    name = stacks.physical("around")["Inner"]
    stacks.client.set_stack_policy(StackName=name, StackPolicyBody=denying("Update:*"))
    assert stacks.update("around", around(3)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "denied by stack policy" in stacks.reason(name, "Queue", "UPDATE_FAILED")


# -- what a policy is ----------------------------------------------------------------------------------------


NO_POLICIES = (
    "nonsense",
    "[]",
    '{"Statement": []}',
    policy({**EVERYTHING, "Principal": "somebody"}),
    policy({**EVERYTHING, "Principal": {"AWS": "*"}}),
    policy({**EVERYTHING, "Action": "Delete:*"}),
    policy({**EVERYTHING, "Action": "Update:Create"}),
    policy({**EVERYTHING, "Condition": {"StringEquals": {"aws:PrincipalArn": "x"}}}),
    policy({**EVERYTHING, "Condition": {"Bool": {"ResourceType": "true"}}}),
    policy({name: value for name, value in EVERYTHING.items() if name != "Resource"}),
)


def test_what_is_no_stack_policy_is_refused(stacks: Stacks) -> None:
    body = template({"Queue": queue()})
    stacks.create("refusing", body)
    for text in NO_POLICIES:
        fault = refused(stacks.client.set_stack_policy, StackName="refusing", StackPolicyBody=text)
        assert (fault.code, fault.message) == INVALID
        fault = refused(stacks.client.create_stack, StackName="new", TemplateBody=body, StackPolicyBody=text)
        assert (fault.code, fault.message) == INVALID
    long = policy({**EVERYTHING, "Resource": ["LogicalResourceId/" + "x" * 16_400]})
    assert refused(stacks.client.set_stack_policy, StackName="refusing", StackPolicyBody=long).code == "ValidationError"


def test_an_empty_policy_denies_nothing(stacks: Stacks) -> None:
    stacks.create("emptied", template({"Queue": queue()}), StackPolicyBody=denying("Update:*"))
    stacks.client.set_stack_policy(StackName="emptied", StackPolicyBody="{}")
    assert stacks.client.get_stack_policy(StackName="emptied")["StackPolicyBody"] == "{}"
    assert stacks.update("emptied", template({"Queue": queue(3)})) == "UPDATE_COMPLETE"


def test_a_policy_comes_by_body_or_url_not_both_and_not_neither(stacks: Stacks) -> None:
    stacks.create("both", template({"Queue": queue()}))
    url = "https://policies.s3.amazonaws.com/p.json"
    both = {"StackPolicyBody": policy(EVERYTHING), "StackPolicyURL": url}
    fault = refused(stacks.client.set_stack_policy, StackName="both", **both)
    assert fault.message == "You cannot specify both StackPolicyURL and StackPolicyBody"
    assert refused(stacks.client.set_stack_policy, StackName="both").code == "ValidationError"


def test_a_policy_at_a_url_is_read_with_the_permissions_of_the_caller(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("by-url", template({"Queue": queue()}))
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="policies")
    s3.put_object(Bucket="policies", Key="p.json", Body=denying("Update:*").encode())
    url = "https://policies.s3.amazonaws.com/p.json"
    key = plane.user("setting", allow("cloudformation:*"))
    client = plane.client("cloudformation", key)
    fault = refused(client.set_stack_policy, StackName="by-url", StackPolicyURL=url)
    assert (fault.code, fault.message[:8]) == ("ValidationError", "S3 error")
    stacks.client.set_stack_policy(StackName="by-url", StackPolicyURL=url)
    assert stacks.update("by-url", template({"Queue": queue(3)})) == "UPDATE_ROLLBACK_COMPLETE"
    s3.put_object(Bucket="policies", Key="p.json", Body=policy(EVERYTHING).encode())
    once = {"StackPolicyDuringUpdateURL": url}
    assert stacks.update("by-url", template({"Queue": queue(3)}), **once) == "UPDATE_COMPLETE"


def test_who_may_not_set_the_policy_of_a_stack_does_not(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("others", template({"Queue": queue()}))
    arn = stacks.told("others")["StackId"]
    statement = allow("cloudformation:SetStackPolicy", arn.replace("others", "elsewhere"))
    client = plane.client("cloudformation", plane.user("policies-of-others", statement))
    fault = refused(client.set_stack_policy, StackName="others", StackPolicyBody=policy(EVERYTHING))
    assert fault.code == "AccessDenied"


@pytest.mark.parametrize("member", ["StackPolicyBody", "StackPolicyDuringUpdateBody"])
def test_attack_who_may_update_but_set_no_policy_does_not_get_round_it(
    plane: InProcess, stacks: Stacks, member: str
) -> None:
    name = f"kept-{len(member)}"
    stacks.create(name, template({"Queue": queue()}), StackPolicyBody=denying("Update:*"))
    weak = Stacks(plane, plane.user(name, allow(["cloudformation:UpdateStack", "sqs:*"])))
    given = {"StackName": name, "TemplateBody": template({"Queue": queue(3)})}
    fault = refused(weak.client.update_stack, **given, **{member: policy(EVERYTHING)})
    assert (fault.code, "cloudformation:SetStackPolicy" in fault.message) == ("AccessDenied", True)
    weak.client.update_stack(**given)
    assert stacks.settled(name) == "UPDATE_ROLLBACK_COMPLETE"
