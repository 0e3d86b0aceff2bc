"""Queues that are read for functions: as the function's role, by calls that are decided on and recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.event_sources import FAILING, MAY_READ, SENDING, Queue, Sink, Sources, plane, reporting, sink, sources
from support.plane import ACCOUNT, REGION, Key, RunningPlane, allow, document, fresh, refused, up

NOT_PERMITTED = "The provided execution role does not have permissions to call {} on SQS"
UNSUPPORTED = "Unsupported MaximumRetryAttempts parameter for given event source mapping type."
__all__ = ["plane", "sink", "sources"]

READING = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def bodies(event: dict[str, Any]) -> list[str]:
    return [record["body"] for record in event["Records"]]


def test_a_message_comes_to_the_function_and_goes_from_the_queue(sources: Sources, sink: Sink) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    mapping = sources.map(queue, function)
    attribute = {"kind": {"DataType": "String", "StringValue": "order"}}
    sent = sources.sqs.send_message(QueueUrl=queue.url, MessageBody="hello", MessageAttributes=attribute)
    (record,) = sink.next()["Records"]
    assert (record["messageId"], record["body"], record["eventSource"]) == (sent["MessageId"], "hello", "aws:sqs")
    assert (record["eventSourceARN"], record["awsRegion"]) == (queue.arn, REGION)
    assert record["messageAttributes"]["kind"]["stringValue"] == "order"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    queue.emptied()
    sources.says(mapping, "OK")
    assert sources.told(mapping)["State"] == "Enabled"


@pytest.mark.parametrize("missing", READING)
def test_a_role_that_may_not_read_the_queue_gets_no_mapping(sources: Sources, missing: str) -> None:
    function = sources.function(allow([action for action in READING if action != missing]))
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=sources.queue().arn, FunctionName=function.name)
    expected = NOT_PERMITTED.format(missing.removeprefix("sqs:"))
    assert (fault.code, fault.status, fault.message) == ("InvalidParameterValueException", 400, expected)
    assert sources.functions.list_event_source_mappings(FunctionName=function.name)["EventSourceMappings"] == []


def test_mappings_are_listed_page_by_page_and_a_marker_is_one_of_theirs(sources: Sources) -> None:
    function = sources.function(MAY_READ)
    made = {sources.map(sources.queue(), function) for _ in range(3)}
    pages = sources.functions.get_paginator("list_event_source_mappings").paginate(
        FunctionName=function.name, PaginationConfig={"PageSize": 2}
    )
    listed = [[mapping["UUID"] for mapping in page["EventSourceMappings"]] for page in pages]
    assert [len(page) for page in listed] == [2, 1]
    assert {uuid for page in listed for uuid in page} == made
    assert sources.functions.list_event_source_mappings(FunctionName=function.name, Marker="")["EventSourceMappings"]
    for marker in ("a/b/c", "-1", "1"):
        fault = refused(sources.functions.list_event_source_mappings, Marker=marker)
        assert (fault.code, fault.status) == ("InvalidParameterValueException", 400)


def test_a_role_that_loses_the_permission_gets_nothing_and_the_mapping_says_so(sources: Sources, sink: Sink) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    mapping = sources.map(queue, function)
    queue.send("first")
    assert bodies(sink.next()) == ["first"]
    sources.says(mapping, "OK")
    sources.plane.permit(function.role, allow("sqs:GetQueueAttributes"))
    queue.send("second")
    sources.says(mapping, f"PROBLEM: {NOT_PERMITTED.format('ReceiveMessage')}")
    queue.holds(1)
    sources.plane.permit(function.role, MAY_READ)
    assert bodies(sink.next()) == ["second"]


def test_a_deny_in_the_queues_policy_stops_the_reading(sources: Sources) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    role = f"arn:aws:iam::{ACCOUNT}:role/{function.role}"
    deny = {"Effect": "Deny", "Principal": {"AWS": role}, "Action": "sqs:ReceiveMessage", "Resource": queue.arn}
    sources.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": document(deny)})
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=queue.arn, FunctionName=function.name)
    assert fault.message == NOT_PERMITTED.format("ReceiveMessage")


def test_a_function_that_always_fails_leaves_its_message_to_the_dead_letter_queue(sources: Sources) -> None:
    dead = sources.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
    queue = sources.queue(VisibilityTimeout="1", RedrivePolicy=redrive)
    mapping = sources.map(queue, sources.function(MAY_READ, main=FAILING, timeout=1))
    queue.send("poison")
    assert dead.received()["Body"] == "poison"
    assert sources.told(mapping)["LastProcessingResult"] == "PROBLEM: Function call failed"


def test_what_a_filter_drops_goes_from_the_queue_and_not_to_the_function(sources: Sources, sink: Sink) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    pattern = json.dumps({"body": {"total": [{"numeric": [">", 10]}], "shop": [{"prefix": "north"}]}})
    sources.map(queue, function, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    for body in ('{"total": 5, "shop": "north-1"}', "no JSON", '{"total": 50, "shop": "south"}'):
        queue.send(body)
    queue.emptied()
    queue.send('{"total": 11, "shop": "north-2"}')
    assert bodies(sink.next()) == ['{"total": 11, "shop": "north-2"}']


def test_only_what_a_function_reports_as_failed_comes_again(sources: Sources, sink: Sink) -> None:
    queue = sources.queue(VisibilityTimeout="60")
    function = sources.function(MAY_READ)
    queue.send("good")
    queue.send("bad")
    settings = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "MaximumBatchingWindowInSeconds": 1}
    mapping = sources.map(queue, function, **settings)
    event = sink.next(hold=True)
    if len(event["Records"]) == 1:
        sink.answer(reporting())
        event = sink.next(hold=True)
    sink.answer(reporting(*[record["messageId"] for record in event["Records"] if record["body"] == "bad"]))
    sources.says(mapping, "PROBLEM: Function call failed")
    queue.holds(0, 1)


def test_a_mapping_that_is_deleted_while_its_batch_runs_lets_it_end(sources: Sources, sink: Sink) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    mapping = sources.map(queue, function)
    queue.send("last")
    sink.next(hold=True)
    assert sources.functions.delete_event_source_mapping(UUID=mapping)["State"] == "Deleting"
    queue.send("too late")
    assert sources.told(mapping)["State"] == "Deleting"
    sink.answer()
    sources.gone(mapping)
    queue.holds(1)
    fault = refused(sources.functions.get_event_source_mapping, UUID=mapping)
    assert (fault.code, fault.message) == ("ResourceNotFoundException", "The resource you requested does not exist.")


def test_a_disabled_mapping_reads_nothing_until_it_is_enabled(sources: Sources, sink: Sink) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    mapping = sources.map(queue, function, Enabled=False)
    sources.state(mapping, "Disabled")
    queue.send("waiting")
    assert queue.counts() == (1, 0)
    answer = sources.functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    assert answer["State"] == "Updating"
    assert bodies(sink.next()) == ["waiting"]
    sources.state(mapping, "Enabled")


def test_messages_of_one_group_come_in_their_order_one_batch_at_a_time(sources: Sources, sink: Sink) -> None:
    queue, function = sources.queue("in-order.fifo"), sources.function(MAY_READ)
    for number in range(3):
        sources.sqs.send_message(
            QueueUrl=queue.url, MessageBody=str(number), MessageGroupId="g", MessageDeduplicationId=str(number)
        )
    sources.map(queue, function, BatchSize=1)
    assert [bodies(sink.next()) for _ in range(3)] == [["0"], ["1"], ["2"]]


def test_a_function_that_sends_to_its_own_queue_keeps_nobody_waiting(sources: Sources) -> None:
    queue = sources.queue()
    function = sources.function(MAY_READ, allow(["sqs:SendMessage", "sqs:GetQueueUrl"]), main=SENDING)
    mapping = sources.map(queue, function)
    queue.send("again")
    sources.says(mapping, "OK")
    assert sources.plane.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert queue.counts()[0] <= 1
    sources.functions.delete_event_source_mapping(UUID=mapping)
    sources.gone(mapping)


def test_a_queue_of_another_account_is_read_where_its_policy_lets_the_role_in(sources: Sources, sink: Sink) -> None:
    plane = sources.plane
    other = other_account(plane)
    foreign = plane.client("sqs", other)
    name = fresh("foreign")
    url = foreign.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    account = plane.client("sts", other).get_caller_identity()["Account"]
    queue = Queue(foreign, url, f"arn:aws:sqs:{REGION}:{account}:{name}")
    function = sources.function(MAY_READ)
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=queue.arn, FunctionName=function.name)
    assert fault.message == NOT_PERMITTED.format("ReceiveMessage")
    role = f"arn:aws:iam::{ACCOUNT}:role/{function.role}"
    lets_in = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": READING, "Resource": queue.arn}
    foreign.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(lets_in)})
    sources.map(queue.arn, function)
    queue.send("from afar")
    assert bodies(sink.next()) == ["from afar"]


def other_account(plane: RunningPlane) -> Key:
    """Credentials in a new account of an organization."""
    _, boss = plane.user(allow("*"))
    organizations = plane.client("organizations", boss)
    organizations.create_organization()
    made = organizations.create_account(AccountName="other", Email="o@example.com")["CreateAccountStatus"]
    told = organizations.describe_create_account_status(CreateAccountRequestId=made["Id"])["CreateAccountStatus"]
    role = f"arn:aws:iam::{told['AccountId']}:role/OrganizationAccountAccessRole"
    return Key.of(plane.client("sts", boss).assume_role(RoleArn=role, RoleSessionName="visit")["Credentials"])


def test_a_plane_that_ends_does_not_wait_for_a_batch(sink: Sink, tmp_path: Any) -> None:
    with up(tmp_path, "--function-port", str(sink.port)) as plane:
        sources = Sources(plane, sink)
        queue, function = sources.queue(), sources.function(MAY_READ, timeout=60)
        sources.map(queue, function)
        queue.send("unfinished")
        sink.next(hold=True)


def test_tags_of_a_mapping_are_told(sources: Sources) -> None:
    mapping = sources.map(sources.queue(), sources.function(MAY_READ), Tags={"team": "orders"})
    arn = sources.told(mapping)["EventSourceMappingArn"]
    assert sources.functions.list_tags(Resource=arn)["Tags"] == {"team": "orders"}


def test_a_second_mapping_of_the_same_is_a_conflict(sources: Sources) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    mapping = sources.map(queue, function)
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=queue.arn, FunctionName=function.arn)
    assert (fault.code, fault.status) == ("ResourceConflictException", 409)
    assert fault.message.endswith(f"Please update or delete the existing mapping with UUID {mapping}")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"BatchSize": 11},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
        (
            {"MaximumRetryAttempts": 1},
            "Unsupported MaximumRetryAttempts parameter for given event source mapping type.",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}, "Invalid filter pattern definition."),
    ],
    ids=["batch", "retries", "filter"],
)
def test_settings_that_a_queue_does_not_take_are_refused(sources: Sources, settings: dict[str, Any], text: str) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=queue.arn, FunctionName=function.name, **settings)
    assert (fault.code, fault.message) == ("InvalidParameterValueException", text)


def test_a_queue_that_hides_messages_shorter_than_the_function_runs_is_refused(sources: Sources) -> None:
    queue, function = sources.queue(VisibilityTimeout="30"), sources.function(MAY_READ, timeout=60)
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=queue.arn, FunctionName=function.name)
    assert fault.message == "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"


def test_the_function_of_another_account_is_not_taken_for_the_own_one_of_its_name(sources: Sources) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    foreign = function.arn.replace(ACCOUNT, "999988887777")
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=queue.arn, FunctionName=foreign)
    assert (fault.code, fault.message) == ("InvalidParameterValueException", "Function does not exist")


def test_a_queue_that_is_not_there_gets_no_mapping(sources: Sources) -> None:
    function = sources.function(MAY_READ)
    create = sources.functions.create_event_source_mapping
    source = f"arn:aws:sqs:{REGION}:{ACCOUNT}:nowhere"
    fault = refused(create, EventSourceArn=source, FunctionName=function.name)
    assert (fault.code, "NonExistentQueue" in fault.message) == ("InvalidParameterValueException", True)


def test_a_mapping_is_not_enabled_for_a_role_that_may_not_read(sources: Sources) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    mapping = sources.map(queue, function, Enabled=False)
    sources.plane.permit(function.role, allow("sqs:GetQueueAttributes"))
    fault = refused(sources.functions.update_event_source_mapping, UUID=mapping, Enabled=True)
    assert fault.message == NOT_PERMITTED.format("ReceiveMessage")


def test_the_reads_of_a_queue_are_on_record_as_the_roles(sources: Sources, sink: Sink) -> None:
    queue, function = sources.queue(), sources.function(MAY_READ)
    sources.map(queue, function)
    queue.send("recorded")
    sink.next()
    queue.emptied()
    lines = sources.plane.locum("explain", "--all", "--last", "50", "--json").stdout
    session = f"assumed-role/{function.role}/{function.name}"
    read = [line for line in lines.splitlines() if session in line]
    assert "ReceiveMessage" in lines
    assert read
