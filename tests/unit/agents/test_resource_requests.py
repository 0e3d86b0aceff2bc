"""Cloud Control: resources are made, changed and deleted by calls that are decided on, one request after the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from locum.services.verbs import Outcome
from locum.state import ResourceRequest, put
from support.inprocess import InProcess
from support.plane import ACCOUNT, REGION, fresh, refused, trusting
from support.resource_requests import Resources

QUEUE = "AWS::SQS::Queue"
ROLE = "AWS::IAM::Role"
SECRET = "AWS::SecretsManager::Secret"
TRUSTS_EC2 = json.loads(trusting(Service="ec2.amazonaws.com"))


@pytest.fixture
def resources(plane: InProcess) -> Resources:
    """The resources of the plane. Requests are carried out when a test has them settled, and not before."""
    plane.run(plane.node.duties.resource_requests.close())
    return Resources(plane)


def url_of(plane: InProcess, name: str) -> str:
    return f"{plane.node.runtime.settings.endpoint}/{ACCOUNT}/{name}"


# -- a resource, from its creation to its end ----------------------------------------------------------------


def test_a_role_is_made_read_changed_listed_and_deleted(plane: InProcess, resources: Resources) -> None:
    wanted = {"AssumeRolePolicyDocument": TRUSTS_EC2, "Description": "of Cloud Control", "Path": "/controlled/"}
    made = resources.create(ROLE, wanted)
    assert (made["OperationStatus"], made["Operation"], made["TypeName"]) == ("SUCCESS", "CREATE", ROLE)
    name = made["Identifier"]
    model = resources.model(ROLE, name)
    assert (model["RoleName"], model["Description"], model["Path"]) == (name, "of Cloud Control", "/controlled/")
    assert model["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/controlled/{name}"
    assert name in resources.listed(ROLE)
    changed = resources.update(ROLE, name, {"op": "replace", "path": "/Description", "value": "changed"})
    assert (changed["OperationStatus"], changed["Identifier"]) == ("SUCCESS", name)
    assert plane.client("iam").get_role(RoleName=name)["Role"]["Description"] == "changed"
    gone = resources.delete(ROLE, name)
    assert (gone["OperationStatus"], gone["Operation"]) == ("SUCCESS", "DELETE")
    fault = refused(resources.client.get_resource, TypeName=ROLE, Identifier=name)
    assert fault.code == "ResourceNotFoundException"
    assert f"Resource of type '{ROLE}' with identifier '{name}' was not found." in fault.message


def test_the_first_answer_says_that_it_is_in_progress_and_an_updates_what_it_is_to_become(
    plane: InProcess, resources: Resources
) -> None:
    name = fresh("in-progress")
    url = resources.create(QUEUE, {"QueueName": name})["Identifier"]
    patch = '[{"op": "add", "path": "DelaySeconds", "value": 7}]'
    event = resources.client.update_resource(TypeName=QUEUE, Identifier=url, PatchDocument=patch)["ProgressEvent"]
    assert (event["OperationStatus"], event["Operation"], event["Identifier"]) == ("IN_PROGRESS", "UPDATE", url)
    assert json.loads(event["ResourceModel"])["DelaySeconds"] == 7
    assert "ResourceModel" not in resources.settled(event)
    assert resources.model(QUEUE, url)["DelaySeconds"] == 7


@pytest.mark.parametrize(
    "kind", [QUEUE, "AWS::S3::Bucket", "AWS::Cognito::UserPool", "AWS::SNS::Topic", "AWS::EC2::VPC"]
)
def test_a_patch_that_changes_nothing_is_a_success(resources: Resources, kind: str) -> None:
    made = resources.create(kind, {"CidrBlock": "10.9.0.0/16"} if kind.endswith("VPC") else {})
    assert resources.update(kind, made["Identifier"])["OperationStatus"] == "SUCCESS"
    assert resources.delete(kind, made["Identifier"])["OperationStatus"] == "SUCCESS"


def test_a_generated_name_is_another_for_each_request(resources: Resources) -> None:
    names = {resources.create(QUEUE, {})["Identifier"].rpartition("/")[2] for _ in range(2)}
    assert len(names) == 2
    assert {len(name) for name in names} == {38}


def test_what_a_service_refuses_fails_the_request_with_its_text(resources: Resources) -> None:
    failed = resources.create(ROLE, {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": "none"}})
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "InvalidRequest")
    assert "(Service: Iam, Status Code: 400, Request ID: " in failed["StatusMessage"]


def test_what_is_there_already_is_not_made_again(plane: InProcess, resources: Resources) -> None:
    name = fresh("there-already")
    assert resources.create(QUEUE, {"QueueName": name})["OperationStatus"] == "SUCCESS"
    failed = resources.create(QUEUE, {"QueueName": name})
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AlreadyExists")
    assert resources.model(QUEUE, url_of(plane, name))["QueueName"] == name


def test_a_deletion_of_nothing_is_no_success(plane: InProcess, resources: Resources) -> None:
    url = url_of(plane, fresh("never-there"))
    failed = resources.delete(QUEUE, url)
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "NotFound")
    assert failed["StatusMessage"] == f"Resource of type '{QUEUE}' with identifier '{url}' was not found."


def test_an_update_of_nothing_is_refused_at_once(plane: InProcess, resources: Resources) -> None:
    url = url_of(plane, fresh("never-there"))
    fault = refused(resources.client.update_resource, TypeName=QUEUE, Identifier=url, PatchDocument="[]")
    assert fault.code == "ResourceNotFoundException"


def test_a_resource_that_a_stack_or_anybody_made_is_found(plane: InProcess, resources: Resources) -> None:
    name = fresh("of-somebody")
    plane.client("sqs").create_queue(QueueName=name, Attributes={"DelaySeconds": "4"})
    url = url_of(plane, name)
    assert url in resources.listed(QUEUE)
    assert resources.model(QUEUE, url)["DelaySeconds"] == 4
    assert resources.delete(QUEUE, json.dumps({"QueueUrl": url}))["OperationStatus"] == "SUCCESS"


def test_of_a_list_each_resource_has_the_properties_that_identify_it(plane: InProcess, resources: Resources) -> None:
    for _ in range(3):
        resources.create(QUEUE, {})
    told: list[dict[str, Any]] = []
    page = resources.client.list_resources(TypeName=QUEUE, MaxResults=2)
    while True:
        assert len(page["ResourceDescriptions"]) <= 2
        told += page["ResourceDescriptions"]
        if "NextToken" not in page:
            break
        page = resources.client.list_resources(TypeName=QUEUE, MaxResults=2, NextToken=page["NextToken"])
    assert [it["Identifier"] for it in told] == sorted(resources.listed(QUEUE))
    assert all(json.loads(it["Properties"]) == {"QueueUrl": it["Identifier"]} for it in told)


def test_a_compound_identifier_is_made_of_the_model_that_a_list_is_asked_with(resources: Resources) -> None:
    group = resources.create("AWS::Logs::LogGroup", {})["Identifier"]
    made = resources.create("AWS::Logs::LogStream", {"LogGroupName": group, "LogStreamName": "stream"})
    assert (made["OperationStatus"], made["Identifier"]) == ("SUCCESS", f"{group}|stream")
    assert resources.model("AWS::Logs::LogStream", f"{group}|stream")["LogStreamName"] == "stream"
    model = json.dumps({"LogGroupName": group})
    assert resources.listed("AWS::Logs::LogStream", ResourceModel=model) == [f"{group}|stream"]
    fault = refused(resources.client.list_resources, TypeName="AWS::Logs::LogStream")
    assert fault.code == "InvalidRequestException"
    assert "Required property:  (#: required key [LogGroupName] not found)" in fault.message
    assert resources.delete("AWS::Logs::LogStream", f"{group}|stream")["OperationStatus"] == "SUCCESS"


def test_rules_of_all_buses_are_identified_by_their_arns(plane: InProcess, resources: Resources) -> None:
    bus, kind = fresh("bus"), "AWS::Events::Rule"
    plane.client("events").create_event_bus(Name=bus)
    ours = resources.create(kind, {"EventBusName": bus, "EventPattern": {"source": ["here"]}})["Identifier"]
    default = resources.create(kind, {"ScheduleExpression": "rate(1 day)"})["Identifier"]
    assert ours.startswith(f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{bus}/")
    assert resources.listed(kind, ResourceModel=json.dumps({"EventBusName": bus})) == [ours]
    assert default in resources.listed(kind)
    for identifier in (ours, default):
        assert resources.model(kind, identifier)["Arn"] == identifier
        assert resources.delete(kind, identifier)["OperationStatus"] == "SUCCESS"


# -- one request at a time, once each ------------------------------------------------------------------------


def test_a_request_that_comes_again_is_the_same_one(resources: Resources) -> None:
    token = fresh("once")
    asked = {"TypeName": QUEUE, "DesiredState": '{"DelaySeconds": 2}', "ClientToken": token}
    first = resources.client.create_resource(**asked)["ProgressEvent"]
    assert resources.client.create_resource(**asked)["ProgressEvent"]["RequestToken"] == first["RequestToken"]
    made = resources.settled(first)
    again = resources.client.create_resource(**asked)["ProgressEvent"]
    assert (again["OperationStatus"], again["Identifier"]) == ("SUCCESS", made["Identifier"])
    fault = refused(resources.client.create_resource, **{**asked, "DesiredState": '{"DelaySeconds": 3}'})
    assert fault.code == "ClientTokenConflictException"
    assert fault.message == (
        f"ClientToken {token} is already associated with an existing operation with RequestToken "
        f"{first['RequestToken']}"
    )
    other = {"TypeName": QUEUE, "Identifier": made["Identifier"], "ClientToken": token}
    assert refused(resources.client.delete_resource, **other).code == "ClientTokenConflictException"


def test_of_two_requests_about_a_resource_the_second_is_refused(plane: InProcess, resources: Resources) -> None:
    url = resources.create(QUEUE, {})["Identifier"]
    named = {"TypeName": QUEUE, "Identifier": url}
    elsewhere = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{url.rpartition('/')[2]}"
    first = resources.client.delete_resource(**named)["ProgressEvent"]
    for call, more in (
        (resources.client.delete_resource, {}),
        (resources.client.update_resource, {"PatchDocument": "[]"}),
        (resources.client.delete_resource, {"Identifier": json.dumps({"QueueUrl": url})}),
        (resources.client.delete_resource, {"Identifier": elsewhere}),
    ):
        assert refused(call, **{**named, **more}).code == "ConcurrentOperationException"
    assert resources.settled(first)["OperationStatus"] == "SUCCESS"


def test_two_creations_of_one_role_are_not_under_way_at_once(resources: Resources) -> None:
    state = json.dumps({"RoleName": fresh("same"), "AssumeRolePolicyDocument": TRUSTS_EC2})
    first = resources.client.create_resource(TypeName=ROLE, DesiredState=state)["ProgressEvent"]
    fault = refused(resources.client.create_resource, TypeName=ROLE, DesiredState=state)
    assert fault.code == "ConcurrentOperationException"
    assert resources.settled(first)["OperationStatus"] == "SUCCESS"


# -- requests ------------------------------------------------------------------------------------------------


def test_requests_are_listed_by_operation_and_status_the_latest_first(resources: Resources) -> None:
    made = [resources.create(QUEUE, {}) for _ in range(3)]
    gone = resources.delete(QUEUE, made[0]["Identifier"])
    client = resources.client

    def tokens(**wanted: Any) -> list[str]:
        pages = client.get_paginator("list_resource_requests").paginate(
            ResourceRequestStatusFilter=wanted, PaginationConfig={"PageSize": 2}
        )
        return [it["RequestToken"] for page in pages for it in page["ResourceRequestStatusSummaries"]]

    assert tokens()[:4] == [it["RequestToken"] for it in (gone, *reversed(made))]
    assert tokens(Operations=["CREATE"])[:3] == [it["RequestToken"] for it in reversed(made)]
    assert tokens(Operations=["DELETE"], OperationStatuses=["SUCCESS"])[0] == gone["RequestToken"]
    assert tokens(OperationStatuses=["IN_PROGRESS"]) == []


def test_a_request_that_has_not_begun_is_cancelled_and_makes_nothing(plane: InProcess, resources: Resources) -> None:
    name = fresh("cancelled")
    state = json.dumps({"QueueName": name})
    token = resources.client.create_resource(TypeName=QUEUE, DesiredState=state)["ProgressEvent"]["RequestToken"]
    cancelled = resources.client.cancel_resource_request(RequestToken=token)["ProgressEvent"]
    assert cancelled["OperationStatus"] == "CANCEL_COMPLETE"
    assert resources.settled(cancelled)["OperationStatus"] == "CANCEL_COMPLETE"
    assert url_of(plane, name) not in resources.listed(QUEUE)
    again = resources.client.cancel_resource_request(RequestToken=token)["ProgressEvent"]
    assert again["OperationStatus"] == "CANCEL_COMPLETE"


def test_what_is_done_is_not_cancelled(resources: Resources) -> None:
    token = resources.create(QUEUE, {})["RequestToken"]
    fault = refused(resources.client.cancel_resource_request, RequestToken=token)
    assert "PENDING or IN_PROGRESS can be canceled" in fault.message


def test_a_request_is_forgotten_after_seven_days(plane: InProcess, resources: Resources) -> None:
    token = resources.create(QUEUE, {})["RequestToken"]
    clock = plane.node.runtime.clock
    clock.move(7 * 86_400 + 1)
    later = Resources(plane)
    try:
        assert refused(later.client.get_resource_request_status, RequestToken=token).code == (
            "RequestTokenNotFoundException"
        )
        plane.settle_resource_requests()
        assert plane.node.runtime.ledger.state.get(ResourceRequest, ACCOUNT, f"{REGION}/{token}") is None
    finally:
        clock.move(0)


# -- restarts ------------------------------------------------------------------------------------------------


def request(plane: InProcess, token: str) -> ResourceRequest:
    found = plane.node.runtime.ledger.state.get(ResourceRequest, ACCOUNT, f"{REGION}/{token}")
    assert found is not None
    return found


def interrupted(plane: InProcess, it: ResourceRequest) -> None:
    """The state as it was while `it` was under way, as if the plane had ended in the middle of it."""
    events = (put(replace(it, begun=True)),)
    plane.run(plane.node.runtime.ledger.transact(lambda _state: Outcome({}, events), lambda _outcome: ()))


def test_a_request_goes_on_after_a_restart(plane: InProcess, resources: Resources) -> None:
    token = resources.client.create_resource(TypeName=QUEUE, DesiredState="{}")["ProgressEvent"]["RequestToken"]
    plane.close()
    plane.start()
    resources = Resources(plane)
    made = resources.settled({"RequestToken": token})
    assert made["OperationStatus"] == "SUCCESS"
    assert made["Identifier"] in resources.listed(QUEUE)


def test_an_interrupted_creation_takes_nobody_elses_resource_for_its_own(
    plane: InProcess, resources: Resources
) -> None:
    name = fresh("somebody-elses")
    plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUSTS_EC2))
    state = json.dumps({"RoleName": name, "AssumeRolePolicyDocument": TRUSTS_EC2})
    event = resources.client.create_resource(TypeName=ROLE, DesiredState=state)["ProgressEvent"]
    interrupted(plane, request(plane, event["RequestToken"]))
    failed = resources.settled(event)
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AlreadyExists")


@pytest.mark.parametrize("name", ["", "named-by-the-request"])
def test_what_an_interrupted_creation_made_is_found_again(plane: InProcess, resources: Resources, name: str) -> None:
    state = {"AssumeRolePolicyDocument": TRUSTS_EC2, **({"RoleName": name} if name else {})}
    event = resources.client.create_resource(TypeName=ROLE, DesiredState=json.dumps(state))["ProgressEvent"]
    under_way = request(plane, event["RequestToken"])
    made = resources.settled(event)["Identifier"]
    before = plane.client("iam").get_role(RoleName=made)["Role"]["RoleId"]
    interrupted(plane, under_way)
    again = resources.settled(event)
    assert (again["OperationStatus"], again["Identifier"]) == ("SUCCESS", made)
    assert plane.client("iam").get_role(RoleName=made)["Role"]["RoleId"] == before


def test_an_interrupted_deletion_that_was_done_is_a_success(plane: InProcess, resources: Resources) -> None:
    url = resources.create(QUEUE, {})["Identifier"]
    event = resources.client.delete_resource(TypeName=QUEUE, Identifier=url)["ProgressEvent"]
    plane.client("sqs").delete_queue(QueueUrl=url)
    interrupted(plane, request(plane, event["RequestToken"]))
    assert resources.settled(event)["OperationStatus"] == "SUCCESS"
