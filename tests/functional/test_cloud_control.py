"""Cloud Control by real clients, and through `kill -9`: each request is done once, and what it made is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from support.http_backend import behind_a_backend
from support.plane import RunningPlane, command_lines, fresh, trusting

QUEUE = "AWS::SQS::Queue"
ROLE = "AWS::IAM::Role"
TRUSTS_EC2 = json.loads(trusting(Service="ec2.amazonaws.com"))
SOON = {"Delay": 1, "MaxAttempts": 110}


def done(client: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """The ProgressEvent of a request, once it is a success."""
    token = answer["ProgressEvent"]["RequestToken"]
    client.get_waiter("resource_request_success").wait(RequestToken=token, WaiterConfig=SOON)
    return dict(client.get_resource_request_status(RequestToken=token)["ProgressEvent"])


@command_lines
def test_the_aws_cli_makes_reads_changes_and_deletes_a_role(plane: RunningPlane, version: str) -> None:
    def control(*arguments: str) -> Any:
        return plane.aws(version, "cloudcontrol", *arguments)

    def waited(answer: Any) -> Any:
        token = answer["ProgressEvent"]["RequestToken"]
        control("wait", "resource-request-success", "--request-token", token)
        return control("get-resource-request-status", "--request-token", token)["ProgressEvent"]

    name = fresh("by-the-cli")
    state = json.dumps({"RoleName": name, "AssumeRolePolicyDocument": TRUSTS_EC2, "Description": "made"})
    made = waited(control("create-resource", "--type-name", ROLE, "--desired-state", state))
    assert (made["OperationStatus"], made["Identifier"]) == ("SUCCESS", name)
    named = ("--type-name", ROLE, "--identifier", name)
    model = json.loads(control("get-resource", *named)["ResourceDescription"]["Properties"])
    assert (model["RoleName"], model["Description"]) == (name, "made")
    patch = '[{"op": "replace", "path": "Description", "value": "changed"}]'
    waited(control("update-resource", *named, "--patch-document", patch))
    assert plane.client("iam").get_role(RoleName=name)["Role"]["Description"] == "changed"
    told = control("list-resources", "--type-name", ROLE)["ResourceDescriptions"]
    assert name in {it["Identifier"] for it in told}
    waited(control("delete-resource", *named))
    wanted = "Operations=DELETE,OperationStatuses=SUCCESS"
    requests = control("list-resource-requests", "--resource-request-status-filter", wanted)
    assert name in {it["Identifier"] for it in requests["ResourceRequestStatusSummaries"]}


def test_a_resource_that_is_made_can_be_used_and_explained(plane: RunningPlane) -> None:
    client, name = plane.client("cloudcontrol"), fresh("used")
    made = done(client, client.create_resource(TypeName=QUEUE, DesiredState=json.dumps({"QueueName": name})))
    plane.client("sqs").send_message(QueueUrl=made["Identifier"], MessageBody="hello")
    _, key = plane.user({"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
    mine = plane.client("cloudcontrol", key)
    token = mine.create_resource(TypeName=QUEUE, DesiredState="{}")["ProgressEvent"]["RequestToken"]
    event = {"OperationStatus": "IN_PROGRESS", "StatusMessage": ""}
    while event["OperationStatus"] == "IN_PROGRESS":
        event = mine.get_resource_request_status(RequestToken=token)["ProgressEvent"]
    assert event["OperationStatus"] == "FAILED"
    request = event["StatusMessage"].rpartition("Request ID: ")[2].partition(")")[0]
    explained = plane.locum("explain", request)
    assert "sqs:CreateQueue" in explained.stdout, explained.stderr


class Interrupted:
    """A plane that is killed while many requests are under way, and the one that is its backend and lives on."""

    COUNT = 60

    def __init__(self, front: RunningPlane, behind: RunningPlane) -> None:
        self.front, self.behind = front, behind

    @property
    def client(self) -> Any:
        return self.front.client("cloudcontrol")

    def events(self, operation: str) -> list[dict[str, Any]]:
        """The requests of an operation."""
        wanted = {"Operations": [operation]}
        pages = self.client.get_paginator("list_resource_requests").paginate(ResourceRequestStatusFilter=wanted)
        return [it for page in pages for it in page["ResourceRequestStatusSummaries"]]

    def statuses(self, operation: str) -> Counter[str]:
        return Counter(it["OperationStatus"] for it in self.events(operation))

    def kill_after(self, operation: str, count: int) -> None:
        """`kill -9` once so many requests are done; then it starts again."""
        while self.statuses(operation)["SUCCESS"] < count:
            pass
        self.front.kill()
        self.front.start()

    def until_all_are_done(self, operation: str) -> Counter[str]:
        while (found := self.statuses(operation))["IN_PROGRESS"]:
            pass
        return found

    def left(self) -> dict[str, int]:
        """How much there is in the services that the requests make something in."""
        iam, sqs = self.front.client("iam"), self.behind.client("sqs")
        roles = [it for page in iam.get_paginator("list_roles").paginate() for it in page["Roles"]]
        return {
            "roles": sum(1 for it in roles if it["Path"] == "/interrupted/"),
            "queues": sum(len(page.get("QueueUrls", [])) for page in sqs.get_paginator("list_queues").paginate()),
        }


@pytest.fixture
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interrupted]:
    with behind_a_backend(tmp_path_factory, "sqs") as planes:
        yield Interrupted(planes.front, planes.behind)


@pytest.mark.timeout(300)
def test_requests_that_a_kill_interrupts_are_done_and_nothing_is_orphaned(interrupted: Interrupted) -> None:
    it = interrupted
    role = json.dumps({"AssumeRolePolicyDocument": TRUSTS_EC2, "Path": "/interrupted/"})
    for number in range(it.COUNT):
        kind, state = ((QUEUE, "{}"), (ROLE, role))[number % 2]
        it.client.create_resource(TypeName=kind, DesiredState=state)
    it.kill_after("CREATE", 1)
    it.kill_after("CREATE", it.COUNT // 2)
    assert it.until_all_are_done("CREATE") == {"SUCCESS": it.COUNT}
    assert it.left() == {"roles": it.COUNT // 2, "queues": it.COUNT // 2}
    made = it.events("CREATE")
    assert len({event["Identifier"] for event in made}) == it.COUNT
    for event in made:
        it.client.delete_resource(TypeName=event["TypeName"], Identifier=event["Identifier"])
    it.kill_after("DELETE", 1)
    assert it.until_all_are_done("DELETE") == {"SUCCESS": it.COUNT}
    assert it.left() == {"roles": 0, "queues": 0}
