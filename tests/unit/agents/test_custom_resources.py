"""Custom resources: what is asked, what becomes of an answer, and what of one that is forged, replayed or misplaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.plane import needs_namespaces, trusting
from support.waiting_stacks import Asking, Crafts, crafts


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("crafts")) as made:
        yield made


def made(there: Crafts, physical: str = "the-thing", **properties: Any) -> tuple[str, Asking]:
    """A stack that is complete, with the custom resource `Thing`, and what was asked for it."""
    stack = there.create({"Thing": there.custom(**properties)})
    asking = there.asked()
    there.answer(asking, PhysicalResourceId=physical)
    assert there.status(stack) == "CREATE_COMPLETE"
    return stack, asking


# -- what is asked, and answered -----------------------------------------------------------------------------


def test_a_custom_resource_is_asked_for_with_all_its_properties_as_texts(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom(Size=3, Lit=True, Parts=[1, {"Two": 2.5}])})
    asking = there.asked()
    told = dict(asking.told)
    endpoint = there.plane.node.runtime.settings.endpoint
    assert told.pop("ResponseURL").startswith(f"{endpoint}/_locum/cloudformation/")
    identifier = told.pop("RequestId")
    properties = {"ServiceToken": there.topic, "Size": "3", "Lit": "true", "Parts": ["1", {"Two": "2.5"}]}
    assert told == {
        "RequestType": "Create",
        "ServiceToken": there.topic,
        "StackId": stack,
        "LogicalResourceId": "Thing",
        "ResourceType": "Custom::Thing",
        "ResourceProperties": properties,
    }
    it = there.resource(stack, "Thing")
    assert (it.status, it.asked and it.asked.id) == ("CREATE_IN_PROGRESS", identifier)
    there.answer(asking)
    assert there.status(stack) == "CREATE_COMPLETE"


def test_what_a_response_tells_is_what_references_give(there: Crafts) -> None:
    outputs = {"Id": {"Ref": "Thing"}, "Colour": {"Fn::GetAtt": ["Thing", "Colour"]}}
    stack = there.create({"Thing": there.custom()}, outputs)
    asking = pending(there, stack)
    assert there.answer(asking, PhysicalResourceId="thing-1", Data={"Colour": "red"}) == 200
    found = there.described(stack)
    assert {it["OutputKey"]: it["OutputValue"] for it in found["Outputs"]} == {"Id": "thing-1", "Colour": "red"}


def test_an_update_tells_what_was_before(there: Crafts) -> None:
    stack, _ = made(there, Size=1)
    there.update(stack, {"Thing": there.custom(Size=2)})
    told = there.asked()
    assert told.told["RequestType"] == "Update"
    assert told.told["PhysicalResourceId"] == "the-thing"
    assert told.told["OldResourceProperties"] == {"ServiceToken": there.topic, "Size": "1"}
    assert there.answer(told) == 200
    assert there.status(stack) == "UPDATE_COMPLETE"
    assert not there.is_asked()


def test_an_update_that_gives_another_id_has_the_one_before_deleted_in_the_end(there: Crafts) -> None:
    stack, _ = made(there, "old", Size=1)
    there.update(stack, {"Thing": there.custom(Size=2)})
    there.answer(there.asked(), PhysicalResourceId="new")
    deletion = there.asked()
    assert (deletion.told["RequestType"], deletion.told["PhysicalResourceId"]) == ("Delete", "old")
    assert deletion.told["ResourceProperties"]["Size"] == "1"
    there.answer(deletion, PhysicalResourceId="old")
    assert there.status(stack) == "UPDATE_COMPLETE"
    assert there.resource(stack, "Thing").physical == "new"


def test_other_tags_of_the_stack_are_no_update_of_a_custom_resource(there: Crafts) -> None:
    stack, _ = made(there)
    there.cloudformation.update_stack(StackName=stack, UsePreviousTemplate=True, Tags=[{"Key": "a", "Value": "b"}])
    assert there.status(stack) == "UPDATE_COMPLETE"
    assert not there.is_asked()


def test_the_deletion_of_a_stack_waits_for_that_of_its_custom_resource(there: Crafts) -> None:
    stack, _ = made(there)
    there.cloudformation.delete_stack(StackName=stack)
    deletion = there.asked()
    assert (deletion.told["RequestType"], deletion.told["PhysicalResourceId"]) == ("Delete", "the-thing")
    there.answer(deletion)
    assert there.status(stack) == "DELETE_COMPLETE"


FUNCTION = """
import cfnresponse

def handler(event, context):
    told = {"Doubled": 2 * int(event["ResourceProperties"]["Number"])}
    cfnresponse.send(event, context, cfnresponse.SUCCESS, told, "made-by-function")
"""


@needs_namespaces
def test_a_function_makes_a_custom_resource_and_reaches_the_url(there: Crafts) -> None:
    role = {"AssumeRolePolicyDocument": json.loads(trusting(Service="lambda.amazonaws.com"))}
    function = {
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Timeout": 60,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": FUNCTION},
    }
    thing = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "Number": 21}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Thing": {"Type": "AWS::CloudFormation::CustomResource", "Properties": thing},
    }
    outputs = {"Doubled": {"Fn::GetAtt": ["Thing", "Doubled"]}}
    stack = there.create(resources, outputs, Capabilities=["CAPABILITY_IAM"])
    found = there.described(stack)
    assert found["Outputs"][0]["OutputValue"] == "42", there.reasons(stack, "Thing")
    assert there.resource(stack, "Thing").physical == "made-by-function"
    there.cloudformation.delete_stack(StackName=stack)
    assert there.status(stack) == "DELETE_COMPLETE"


# -- NoEcho --------------------------------------------------------------------------------------------------


def told(there: Crafts, of: int = 1) -> dict[str, Any]:
    """A custom resource, and a parameter that has an attribute of it."""
    value = {"Type": "String", "Value": {"Fn::GetAtt": ["Thing", "Word"]}}
    return {"Thing": there.custom(Of=of), "Kept": {"Type": "AWS::SSM::Parameter", "Properties": value}}


def shown_values(there: Crafts, stack: str) -> list[str]:
    """The values of the parameter that events show, one after the other."""
    events = reversed(there.cloudformation.describe_stack_events(StackName=stack)["StackEvents"])
    found = [json.loads(it["ResourceProperties"]) for it in events if it["LogicalResourceId"] == "Kept"]
    return list(dict.fromkeys(it["Value"] for it in found))


@pytest.mark.parametrize(("no_echo", "shown"), [(True, "****"), ("true", "****"), (False, "open"), (None, "open")])
def test_attributes_are_shown_unless_the_response_says_no_echo(there: Crafts, no_echo: Any, shown: str) -> None:
    stack = there.create(told(there), {"Word": {"Fn::GetAtt": ["Thing", "Word"]}})
    there.answer(there.asked(), Data={"Word": "open"}, NoEcho=no_echo)
    assert there.described(stack)["Outputs"] == [{"OutputKey": "Word", "OutputValue": "open"}]
    assert shown_values(there, stack) == [shown]
    name = there.resource(stack, "Kept").physical
    assert there.plane.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "open"


def test_a_change_set_shows_no_attribute_that_a_response_hides(there: Crafts) -> None:
    for no_echo in (True, False):
        stack = there.create(told(there))
        there.answer(there.asked(), Data={"Word": "of-the-thing"}, NoEcho=no_echo)
        assert there.status(stack) == "CREATE_COMPLETE"
        body = json.dumps({"Resources": {**told(there), "More": told(there)["Kept"]}})
        made = there.cloudformation.create_change_set(StackName=stack, ChangeSetName="more", TemplateBody=body)
        found = there.cloudformation.describe_change_set(ChangeSetName=made["Id"], IncludePropertyValues=True)
        assert ("of-the-thing" in json.dumps(found["Changes"])) is not no_echo


def test_each_response_says_anew_whether_attributes_are_shown_and_a_rollback_as_before(there: Crafts) -> None:
    stack = there.create(told(there))
    there.answer(there.asked(), Data={"Word": "first"}, NoEcho=True)
    assert there.status(stack) == "CREATE_COMPLETE"
    there.update(stack, told(there, 2))
    there.answer(there.asked(), Data={"Word": "second"})
    assert there.status(stack) == "UPDATE_COMPLETE"
    fails = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": "https://no", "Timeout": "1"}}
    there.update(stack, {**told(there, 3), "Fails": {**fails, "DependsOn": "Kept"}})
    there.answer(there.asked(), PhysicalResourceId="another", Data={"Word": "third"}, NoEcho=True)
    there.answer(there.asked(), PhysicalResourceId="another")
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert not there.resource(stack, "Thing").no_echo
    assert shown_values(there, stack) == ["****", "second"]


# -- failures ------------------------------------------------------------------------------------------------


def test_a_failed_creation_is_told_and_what_it_made_is_deleted(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()})
    asking = there.asked()
    there.answer(asking, "FAILED", Reason="no room", PhysicalResourceId="half")
    deletion = there.asked()
    assert (deletion.told["RequestType"], deletion.told["PhysicalResourceId"]) == ("Delete", "half")
    there.answer(deletion)
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    told = f"Message returned: no room (RequestId: {asking.told['RequestId']})"
    reason = f"CREATE_FAILED Received response status [FAILED] from custom resource. {told}"
    assert reason in there.reasons(stack, "Thing")


def test_a_response_without_a_physical_id_fails_the_creation(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()}, OnFailure="DO_NOTHING")
    there.answer(there.asked(), PhysicalResourceId="")
    assert there.status(stack) == "CREATE_FAILED"
    assert "CREATE_FAILED Invalid PhysicalResourceId" in there.reasons(stack, "Thing")


def test_who_does_not_answer_is_not_waited_for_longer_than_the_timeout(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom(ServiceTimeout=600)}, OnFailure="DO_NOTHING")
    asking = pending(there, stack)
    there.later(601)
    assert there.status(stack) == "CREATE_FAILED"
    reason = there.reasons(stack, "Thing")[-1]
    assert f"Please check your logs for requestId [{asking.told['RequestId']}]." in reason
    assert there.answer(asking) == 403


def test_a_failed_update_goes_back_by_another_update(there: Crafts) -> None:
    stack, _ = made(there, Size=1)
    there.update(stack, {"Thing": there.custom(Size=2)})
    there.answer(there.asked(), "FAILED", Reason="too big")
    back = there.asked()
    assert back.told["ResourceProperties"]["Size"] == "1"
    assert back.told["OldResourceProperties"]["Size"] == "2"
    there.answer(back)
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_service_token_cannot_be_another_one(there: Crafts) -> None:
    stack, _ = made(there)
    there.update(stack, {"Thing": there.custom(ServiceToken=there.topic + "x")})
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert not there.is_asked()
    assert "UPDATE_FAILED Modifying service token is not allowed." in there.reasons(stack, "Thing")


def test_what_another_failure_overtakes_is_given_up_and_deleted(there: Crafts) -> None:
    stack = there.create({"One": there.custom(), "Two": there.custom()})
    first, second = there.asked(), there.asked()
    there.waits(stack, str(second.told["LogicalResourceId"]))
    there.answer(first, "FAILED", Reason="no")
    for _ in range(2):
        there.answer(there.asked())
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert "CREATE_FAILED Resource creation cancelled" in there.reasons(stack, second.told["LogicalResourceId"])
    assert there.answer(second) == 403


def test_a_stack_whose_creation_takes_too_long_is_rolled_back(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()}, TimeoutInMinutes=5)
    pending(there, stack)
    there.later(301)
    there.answer(there.asked())
    found = there.described(stack)
    assert found["StackStatus"] == "ROLLBACK_COMPLETE"
    told = there.reasons(stack, found["StackName"])
    late = "Stack creation time exceeded the specified timeout. Rollback requested by user."
    assert f"ROLLBACK_IN_PROGRESS {late}" in told


# -- attacks -------------------------------------------------------------------------------------------------


def test_a_url_that_was_not_made_here_is_refused(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()})
    asking = pending(there, stack)
    url = asking.told["ResponseURL"]
    head, token = url.rsplit("/", 1)
    changed = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
    for forged in (changed, "", "A" * 200, "A" * 5000, f"{token}/x", f"../cloudformation/{token}", "%2e", token[:-1]):
        assert there.put(f"{head}/{forged}", asking.response()).status == 403
    assert there.resource(stack, "Thing").received == b""
    assert there.answer(asking) == 200
    assert there.status(stack) == "CREATE_COMPLETE"


def test_a_response_counts_once(there: Crafts) -> None:
    stack, asking = made(there)
    assert there.answer(asking, PhysicalResourceId="another") == 403
    there.cloudformation.delete_stack(StackName=stack)
    deletion = there.asked()
    assert there.answer(asking) == 403  # a replayed one does not end the deletion
    there.waits(stack, "Thing")
    assert there.answer(deletion) == 200
    assert there.status(stack) == "DELETE_COMPLETE"
    assert there.answer(deletion) == 403


def test_a_response_for_another_resource_stack_or_request_is_refused(there: Crafts) -> None:
    stack = there.create({"One": there.custom(), "Two": there.custom()})
    first, second = there.asked(), there.asked()
    url = first.told["ResponseURL"]
    assert there.put(url, second.response()).status == 400
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        assert there.put(url, first.response(**{name: "another"})).status == 400
    assert there.answer(first) == there.answer(second) == 200
    assert there.status(stack) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[" * 4000, b'{"a":' * 600 + b"1" + b"}" * 600, b"\xff\xfe", b'"text"', b"{}", b"NaN"]
)
def test_what_is_no_response_is_refused_and_changes_nothing(there: Crafts, body: bytes) -> None:
    stack = there.create({"Thing": there.custom()})
    asking = pending(there, stack)
    assert there.put(asking.told["ResponseURL"], body).status == 400
    assert there.resource(stack, "Thing").received == b""
    there.answer(asking)
    assert there.status(stack) == "CREATE_COMPLETE"


def test_members_of_other_types_are_refused(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()})
    asking = pending(there, stack)
    wrong: list[dict[str, Any]] = [{"Data": [1]}, {"PhysicalResourceId": {"a": 1}}, {"PhysicalResourceId": "x" * 1025}]
    for more in [*wrong, {"Status": "DONE"}, {"Status": ["SUCCESS"]}]:
        assert there.put(asking.told["ResponseURL"], asking.response(**more)).status == 400
    there.answer(asking)
    assert there.status(stack) == "CREATE_COMPLETE"


def test_a_response_that_is_too_long_fails_the_resource(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()}, OnFailure="DO_NOTHING")
    asking = pending(there, stack)
    there.put(asking.told["ResponseURL"], asking.response(Data={"a": "x" * 4096}))
    assert there.status(stack) == "CREATE_FAILED"
    assert "CREATE_FAILED Response object is too long." in there.reasons(stack, "Thing")


def test_the_url_takes_nothing_but_a_put_and_is_in_no_record(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()})
    asking = pending(there, stack)
    url = asking.told["ResponseURL"]
    for method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS"):
        assert there.put(url, asking.response(), method).status == 403
    assert there.put(url, asking.response(RequestId="another")).status == 400
    there.answer(asking, Data={"Secret": "hidden-value"})
    assert there.status(stack) == "CREATE_COMPLETE"
    told = json.dumps([repr(it) for it in there.plane.records(500)])
    assert url.rsplit("/", 1)[1] not in told
    assert "hidden-value" not in told


def test_who_deletes_a_stack_need_not_wait_for_its_custom_resources(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()})
    creation = pending(there, stack)
    there.cloudformation.delete_stack(StackName=stack)
    deletion = there.asked()
    assert deletion.told["RequestType"] == "Delete"
    assert there.answer(creation) == 403
    assert there.answer(deletion) == 200
    assert there.status(stack) == "DELETE_COMPLETE"


# -- restarts ------------------------------------------------------------------------------------------------


def test_a_restart_while_waiting_loses_nothing_and_asks_nobody_again(there: Crafts) -> None:
    stack = there.create({"Thing": there.custom()})
    asking = pending(there, stack)
    there.restart()
    there.waits(stack, "Thing")
    assert there.answer(asking, PhysicalResourceId="after") == 200
    assert there.status(stack) == "CREATE_COMPLETE"
    assert there.resource(stack, "Thing").physical == "after"
    assert not there.is_asked()


def test_a_restart_while_an_update_waits_waits_for_its_answer(there: Crafts) -> None:
    stack, _ = made(there, Size=1)
    there.update(stack, {"Thing": there.custom(Size=2)})
    asking = there.asked()
    there.waits(stack, "Thing")
    there.restart()
    there.answer(asking, PhysicalResourceId="other")
    deletion = there.asked()
    assert deletion.told["PhysicalResourceId"] == "the-thing"
    there.waits(stack, "Thing")
    there.restart()
    there.answer(deletion)
    assert there.status(stack) == "UPDATE_COMPLETE"
    assert not there.is_asked()


def pending(there: Crafts, stack: str) -> Asking:
    """What is asked for `Thing`, which waits for the answer."""
    asking = there.asked()
    there.waits(stack, "Thing")
    return asking
