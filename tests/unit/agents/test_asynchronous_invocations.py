"""Asynchronous invocations: when they are tried again, and who is told of their end, by whom."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.core.clock import system_clock
from support.deployed import ARN, TRUSTS_LAMBDA, deployed, invoked, records, role
from support.inprocess import InProcess, refusal
from support.plane import ACCOUNT, REGION, allow, fresh

FAILING = "def handler(event, context): raise ValueError(context.aws_request_id)"
SUCCEEDING = "def handler(event, context): return {'got': event}"


class Standing:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> float:
        return self.now


class Delayed(InProcess):
    """A plane whose clock can be put forward."""

    def __init__(self, data: Path) -> None:
        self.clock = Standing()
        super().__init__(data, self.clock)

    def finish(self) -> list[int]:
        """Carry out all that was committed, whenever it is due; the steps in which the clock was put forward."""
        steps = []
        while (due := self.carry_out()) is not None:
            steps.append(round(due - self.clock.now))
            self.clock.now = due
        return steps


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Delayed]:
    """One for each test: a clock that is far ahead accepts no signature of the client's."""
    (tmp_path / "functions").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "functions"))
    running = Delayed(tmp_path / "plane")
    yield running
    running.close()


def configured(plane: InProcess, name: str, **targets: str) -> None:
    """Set the destinations of a function: OnSuccess, OnFailure."""
    destinations = {on: {"Destination": target} for on, target in targets.items()}
    plane.client("lambda").put_function_event_invoke_config(FunctionName=name, DestinationConfig=destinations)


def queue(plane: InProcess) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    name = fresh("queue")
    url = plane.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def messages(plane: InProcess, url: str) -> list[dict[str, Any]]:
    """What is in a queue."""
    received = plane.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    found: list[dict[str, Any]] = received.get("Messages", [])
    return found


def sent(plane: Delayed, name: str) -> str:
    """The request id of an asynchronous invocation that is over."""
    answer, _ = invoked(plane, name, InvocationType="Event", Payload=b'{"a": 1}')
    plane.finish()
    identifier: str = answer["ResponseMetadata"]["RequestId"]
    return identifier


def attempts(plane: InProcess, name: str) -> int:
    """How often Lambda has invoked a function that was invoked asynchronously."""
    return len([it for it in records(plane, "Invoke", name) if it.invoked_by == "lambda.amazonaws.com"])


def test_a_function_that_fails_is_tried_twice_again_after_one_minute_and_two(plane: Delayed) -> None:
    name = deployed(plane, FAILING)
    invoked(plane, name, InvocationType="Event")
    assert plane.finish() == [60, 120]
    assert attempts(plane, name) == 3


def test_so_many_retries_as_are_configured_last_are_made(plane: Delayed) -> None:
    name, client = deployed(plane, FAILING), plane.client("lambda")
    for retries in (1, 0):
        client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=retries)
    assert client.get_function_event_invoke_config(FunctionName=name)["MaximumRetryAttempts"] == 0
    sent(plane, name)
    assert attempts(plane, name) == 1


def test_an_alias_has_settings_of_its_own(plane: Delayed) -> None:
    name, client = deployed(plane, FAILING), plane.client("lambda")
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    of = {"FunctionName": name, "Qualifier": "live"}
    assert refusal(client.get_function_event_invoke_config, **of)[:2] == ("ResourceNotFoundException", 404)
    client.put_function_event_invoke_config(**of, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=600)
    client.update_function_event_invoke_config(**of, MaximumRetryAttempts=0)
    told = client.get_function_event_invoke_config(**of)
    assert (told["MaximumRetryAttempts"], told["MaximumEventAgeInSeconds"]) == (0, 600)
    assert told["FunctionArn"].endswith(f":{name}:live")
    invoked(plane, name, InvocationType="Event", Qualifier="live")
    assert plane.finish() == []
    invoked(plane, name, InvocationType="Event")  # the function has none
    assert plane.finish() == [60, 120]
    client.delete_function_event_invoke_config(**of)
    assert refusal(client.get_function_event_invoke_config, **of)[0] == "ResourceNotFoundException"
    nobody = {"FunctionName": name, "Qualifier": "nobody"}
    assert refusal(client.put_function_event_invoke_config, **nobody, MaximumRetryAttempts=0)[1] == 404


def test_an_event_that_would_be_too_old_is_given_up(plane: Delayed) -> None:
    (url, arn), name = queue(plane), fresh("old")
    deployed(plane, FAILING, FunctionName=name, Role=role(plane, TRUSTS_LAMBDA, allow("sqs:SendMessage", arn)))
    config = {"MaximumEventAgeInSeconds": 90, "DestinationConfig": {"OnFailure": {"Destination": arn}}}
    plane.client("lambda").put_function_event_invoke_config(FunctionName=name, **config)
    sent(plane, name)
    ((record,),) = [[json.loads(message["Body"]) for message in messages(plane, url)]]
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 2)


def test_with_a_reserved_concurrency_of_zero_nothing_is_tried_and_that_is_told(plane: Delayed) -> None:
    (url, arn), made = queue(plane), role(plane, TRUSTS_LAMBDA, allow("sqs:SendMessage", "*"))
    name = deployed(plane, SUCCEEDING, Role=made, DeadLetterConfig={"TargetArn": arn})
    configured(plane, name, OnFailure=arn)
    plane.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    request = sent(plane, name)
    assert attempts(plane, name) == 1
    first, second = messages(plane, url)
    record = json.loads(first["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record.keys().isdisjoint({"responseContext", "responsePayload"})
    assert second["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"
    assert second["MessageAttributes"]["RequestID"]["StringValue"] == request


def test_the_record_of_a_failure_is_sent_by_the_role_and_has_event_and_error(plane: Delayed) -> None:
    (url, arn), made = queue(plane), role(plane, TRUSTS_LAMBDA, allow("sqs:SendMessage", "*"))
    name = deployed(plane, FAILING, Role=made)
    configured(plane, name, OnFailure=arn)
    request = sent(plane, name)
    ((record,),) = [[json.loads(message["Body"]) for message in messages(plane, url)]]
    assert record.pop("timestamp").endswith("Z")
    error = record.pop("responsePayload")
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", request)
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request,
            "functionArn": f"{ARN}{name}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }
    (told,) = records(plane, "SendMessage", arn.rpartition(":")[2])
    assert told.identity.arn.endswith(f"/{made.rpartition('/')[2]}/{name}")
    assert told.invoked_by == "lambda.amazonaws.com"


def test_a_role_that_may_not_send_sends_nothing_and_the_record_says_so(plane: Delayed) -> None:
    (url, arn), name = queue(plane), deployed(plane, SUCCEEDING)
    configured(plane, name, OnSuccess=arn)
    sent(plane, name)
    assert messages(plane, url) == []
    (told,) = records(plane, "SendMessage", arn.rpartition(":")[2])
    assert (told.verdict, told.error_code) == ("implicit-deny", "AccessDenied")


def test_a_success_is_told_to_a_topic(plane: Delayed) -> None:
    (url, arn), topics = queue(plane), plane.client("sns")
    topic = topics.create_topic(Name=fresh("topic"))["TopicArn"]
    policy = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "*", "Resource": arn}
    text = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    plane.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    name = deployed(plane, SUCCEEDING, Role=role(plane, TRUSTS_LAMBDA, allow("sns:Publish", topic)))
    configured(plane, name, OnSuccess=topic)
    sent(plane, name)
    ((record,),) = [[json.loads(message["Body"]) for message in messages(plane, url)]]
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"got": {"a": 1}}


def test_a_record_is_the_event_of_another_function(plane: Delayed) -> None:
    second = deployed(plane, SUCCEEDING)
    may = allow("lambda:InvokeFunction", f"{ARN}{second}")
    first = deployed(plane, SUCCEEDING, Role=role(plane, TRUSTS_LAMBDA, may))
    configured(plane, first, OnSuccess=f"{ARN}{second}")
    sent(plane, first)
    assert [record.status for record in records(plane, "Invoke", second)] == [200, 202]


def test_a_record_goes_to_an_event_bus(plane: Delayed) -> None:
    events, (url, arn) = plane.client("events"), queue(plane)
    bus = events.create_event_bus(Name=fresh("bus"))["EventBusArn"]
    pattern = json.dumps({"source": ["lambda"], "detail-type": ["Lambda Function Invocation Result - Failure"]})
    rule = {"Name": fresh("rule"), "EventBusName": bus.rpartition("/")[2]}
    events.put_rule(**rule, EventPattern=pattern)
    events.put_targets(Rule=rule["Name"], EventBusName=rule["EventBusName"], Targets=[{"Id": "1", "Arn": arn}])
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "*", "Resource": arn}
    text = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    plane.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    name = deployed(plane, FAILING, Role=role(plane, TRUSTS_LAMBDA, allow("events:PutEvents", bus)))
    configured(plane, name, OnFailure=bus)
    sent(plane, name)
    ((event,),) = [[json.loads(message["Body"]) for message in messages(plane, url)]]
    assert event["resources"] == [f"{ARN}{name}", bus]
    assert event["detail"]["requestContext"]["condition"] == "RetriesExhausted"


def test_a_dead_letter_is_the_event_with_the_error_as_attributes(plane: Delayed) -> None:
    (url, arn), client = queue(plane), plane.client("lambda")
    made = role(plane, TRUSTS_LAMBDA, allow("sqs:SendMessage", arn))
    name = deployed(plane, FAILING, Role=made, DeadLetterConfig={"TargetArn": arn})
    assert client.get_function_configuration(FunctionName=name)["DeadLetterConfig"] == {"TargetArn": arn}
    request = sent(plane, name)
    (message,) = messages(plane, url)
    assert json.loads(message["Body"]) == {"a": 1}
    attributes = {key: (it["DataType"], it["StringValue"]) for key, it in message["MessageAttributes"].items()}
    assert attributes == {
        "RequestID": ("String", request),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", request),
    }
    client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in client.get_function_configuration(FunctionName=name)
    sent(plane, name)
    assert messages(plane, url) == []
