"""Streams that are read for functions, of Kinesis and of DynamoDB's tables: in order, as the function's role."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.event_sources import FAILING, Function, Sink, Sources, plane, reporting, sink, sources
from support.plane import ACCOUNT, REGION, RunningPlane, allow, fresh, refused

__all__ = ["plane", "sink", "sources"]

READING = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords"]
CHANGES = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
CANNOT = (
    "Cannot access stream {}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and "
    "ListStreams Actions on your stream in IAM."
)
FAILED = "PROBLEM: Function call failed"


class Stream:
    """A stream of Kinesis with one shard."""

    def __init__(self, plane: RunningPlane) -> None:
        self.name, self._kinesis = fresh("stream"), plane.client("kinesis")
        self._kinesis.create_stream(StreamName=self.name, ShardCount=1)
        self.arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{self.name}"

    def put(self, *texts: str) -> None:
        """Put records, all of them at once."""
        records = [{"Data": text.encode(), "PartitionKey": "p"} for text in texts]
        self._kinesis.put_records(StreamName=self.name, Records=records)

    def reader(self, sources: Sources, *actions: str, **changes: Any) -> Function:
        """A function whose role may read this stream, and no other."""
        return sources.function(allow(list(actions) or READING, self.arn), **changes)


@pytest.fixture
def stream(plane: RunningPlane) -> Stream:
    return Stream(plane)


def data(event: dict[str, Any]) -> list[str]:
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]


def test_records_of_a_stream_come_in_their_order(sources: Sources, sink: Sink, stream: Stream) -> None:
    stream.put("one", "two", "three")
    function = stream.reader(sources)
    mapping = sources.map(stream.arn, function, StartingPosition="TRIM_HORIZON", BatchSize=2)
    first = sink.next()
    assert (data(first), data(sink.next())) == (["one", "two"], ["three"])
    stream.put("four")
    assert data(sink.next()) == ["four"]
    record = first["Records"][0]
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:kinesis", stream.arn, REGION)
    assert record["invokeIdentityArn"].endswith(function.role)
    sources.says(mapping, "OK")


def test_the_latest_position_leaves_out_what_was_there_before(sources: Sources, sink: Sink, stream: Stream) -> None:
    stream.put("before")
    sources.map(stream.arn, stream.reader(sources), StartingPosition="LATEST")
    stream.put("after")
    while not sink.comes():  # it may not read yet
        stream.put("after")
    assert set(data(sink.next())) == {"after"}


@pytest.mark.parametrize("missing", READING)
def test_a_role_that_may_not_read_a_stream_gets_no_mapping(sources: Sources, stream: Stream, missing: str) -> None:
    stream.put("kept")
    function = stream.reader(sources, *[action for action in READING if action != missing])
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=stream.arn, FunctionName=function.name, StartingPosition="LATEST")
    assert (fault.code, fault.message) == (
        "InvalidParameterValueException",
        CANNOT.format(stream.arn),
    )


def test_a_batch_that_fails_is_tried_again_and_holds_up_what_comes_after(
    sources: Sources, sink: Sink, stream: Stream
) -> None:
    stream.put("poison", "behind")
    mapping = sources.map(stream.arn, stream.reader(sources), StartingPosition="TRIM_HORIZON", BatchSize=1)
    assert data(sink.next("fail")) == ["poison"]
    assert data(sink.next("fail")) == ["poison"]
    sources.says(mapping, FAILED)
    assert data(sink.next()) == ["poison"]
    assert data(sink.next()) == ["behind"]


def test_what_is_tried_too_often_goes_to_the_destination_of_failures(sources: Sources, stream: Stream) -> None:
    queue = sources.queue()
    may = allow("sqs:SendMessage", queue.arn)
    function = sources.function(allow(READING, stream.arn), may, main=FAILING)
    stream.put("poison")
    settings = {
        "StartingPosition": "TRIM_HORIZON",
        "MaximumRetryAttempts": 1,
        "DestinationConfig": {"OnFailure": {"Destination": queue.arn}},
    }
    sources.map(stream.arn, function, **settings)
    told = json.loads(queue.received()["Body"])
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["approximateInvokeCount"] == 2
    assert (told["KinesisBatchInfo"]["batchSize"], told["KinesisBatchInfo"]["streamArn"]) == (1, stream.arn)


def test_a_batch_is_split_to_find_the_record_that_fails(sources: Sources, sink: Sink, stream: Stream) -> None:
    stream.put("good", "bad")
    settings = {"StartingPosition": "TRIM_HORIZON", "BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 0}
    sources.map(stream.arn, stream.reader(sources), **settings)
    assert data(sink.next("fail")) == ["good", "bad"]
    assert data(sink.next()) == ["good"]
    assert data(sink.next("fail")) == ["bad"]
    stream.put("next")
    assert data(sink.next()) == ["next"]


def test_what_a_function_reports_is_where_it_goes_on(sources: Sources, sink: Sink, stream: Stream) -> None:
    stream.put("a", "b", "c")
    settings = {"StartingPosition": "TRIM_HORIZON", "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    sources.map(stream.arn, stream.reader(sources), **settings)
    event = sink.next(hold=True)
    sink.answer(reporting(event["Records"][1]["kinesis"]["sequenceNumber"]))
    assert data(sink.next(reporting())) == ["b", "c"]


def test_a_filter_looks_into_the_data_of_a_record(sources: Sources, sink: Sink, stream: Stream) -> None:
    stream.put('{"kind": "noise"}', "no JSON", '{"kind": "order"}')
    filters = {"Filters": [{"Pattern": json.dumps({"data": {"kind": ["order"]}})}]}
    sources.map(stream.arn, stream.reader(sources), StartingPosition="TRIM_HORIZON", FilterCriteria=filters)
    assert data(sink.next()) == ['{"kind": "order"}']


def test_a_mapping_that_was_disabled_goes_on_where_it_was(sources: Sources, sink: Sink, stream: Stream) -> None:
    stream.put("first")
    mapping = sources.map(stream.arn, stream.reader(sources), StartingPosition="TRIM_HORIZON")
    assert data(sink.next()) == ["first"]
    sources.says(mapping, "OK")
    sources.functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    sources.state(mapping, "Disabled")
    stream.put("second")
    sources.functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    assert data(sink.next()) == ["second"]


def test_a_mapping_is_deleted_though_its_function_fails_for_ever(sources: Sources, stream: Stream) -> None:
    stream.put("poison")
    mapping = sources.map(stream.arn, stream.reader(sources, main=FAILING), StartingPosition="TRIM_HORIZON")
    sources.says(mapping, FAILED)
    sources.functions.delete_event_source_mapping(UUID=mapping)
    sources.gone(mapping)


def test_changes_of_a_table_come_to_the_function_that_may_read_its_stream(sources: Sources, sink: Sink) -> None:
    dynamodb, table = sources.plane.client("dynamodb"), sources.plane.table()
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    stream = dynamodb.update_table(TableName=table, StreamSpecification=view)["TableDescription"]["LatestStreamArn"]
    settings = {"EventSourceArn": stream, "StartingPosition": "TRIM_HORIZON"}
    other = sources.function(allow(CHANGES, f"{stream}-of-another"))
    create = sources.functions.create_event_source_mapping
    assert "Cannot access stream" in refused(create, FunctionName=other.name, **settings).message
    sources.map(stream, sources.function(allow(CHANGES, stream)), StartingPosition="TRIM_HORIZON")
    dynamodb.put_item(TableName=table, Item={"k": {"S": "key"}, "octets": {"B": b"\\x00\\x01"}})
    (record,) = sink.next()["Records"]
    assert (record["eventName"], record["eventSource"]) == ("INSERT", "aws:dynamodb")
    assert record["eventSourceARN"] == stream
    octets = base64.b64encode(b"\\x00\\x01").decode()
    assert record["dynamodb"]["NewImage"] == {"k": {"S": "key"}, "octets": {"B": octets}}
    assert record["dynamodb"]["Keys"] == {"k": {"S": "key"}}
    dynamodb.delete_item(TableName=table, Key={"k": {"S": "key"}})
    assert sink.next()["Records"][0]["eventName"] == "REMOVE"


def test_a_stream_takes_a_position_to_start_from(sources: Sources, stream: Stream) -> None:
    function = stream.reader(sources)
    create = sources.functions.create_event_source_mapping
    fault = refused(create, EventSourceArn=stream.arn, FunctionName=function.name)
    assert fault.message.startswith("1 validation error detected: Value null at 'startingPosition'")
