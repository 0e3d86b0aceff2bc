"""Rules of EventBridge: what their targets get, by whose permission, and what becomes of what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.service_events import ServiceEvent
from support.deliveries import Queue, service
from support.deployed import deployed, records
from support.inprocess import InProcess
from support.plane import ACCOUNT, REGION, allow, document, fresh, refused, trusting

OTHER = "111122223333"
EVENTS = "events.amazonaws.com"


def rule(plane: InProcess, *targets: dict[str, Any], key: Any = None, **settings: Any) -> tuple[str, str]:
    """The name of a new rule, which is also the source of its events, and its ARN."""
    name, events = fresh("rule"), plane.client("events", key)
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}), **settings)["RuleArn"]
    if targets:
        events.put_targets(Rule=name, Targets=[{"Id": str(n), **target} for n, target in enumerate(targets)])
    return name, arn


def put(plane: InProcess, source: str, detail: Any = None, key: Any = None, **entry: Any) -> dict[str, Any]:
    """Put one event."""
    told = {"Source": source, "DetailType": "told", "Detail": json.dumps(detail or {}), **entry}
    answer: dict[str, Any] = plane.client("events", key).put_events(Entries=[told])
    return answer


def queue_for(plane: InProcess, *statements: dict[str, Any]) -> Queue:
    return Queue(plane, fresh("queue"), *(statements or [service(EVENTS)]))


def target_of(queue: Queue, **more: Any) -> dict[str, Any]:
    return {"Arn": queue.arn, **more}


def test_a_queue_gets_the_whole_event(plane: InProcess) -> None:
    queue = queue_for(plane)
    name, _ = rule(plane, target_of(queue))
    put(plane, name, {"n": 1}, Resources=["arn:aws:x:::y"])
    (event,) = queue.received()
    assert event.pop("time").endswith("Z")
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "told",
        "source": name,
        "account": ACCOUNT,
        "region": REGION,
        "resources": ["arn:aws:x:::y"],
        "detail": {"n": 1},
    }


@pytest.mark.parametrize("lets_in", [True, False], ids=["permitted", "not permitted"])
def test_a_function_is_invoked_only_where_its_policy_lets_the_rule_in(plane: InProcess, lets_in: bool) -> None:
    function = deployed(plane)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    name, source = rule(plane, {"Arn": arn})
    permitted = source if lets_in else f"{source}-another"
    plane.client("lambda").add_permission(
        FunctionName=function,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal=EVENTS,
        SourceArn=permitted,
    )
    put(plane, name)
    plane.carry_out()
    made = [record for record in records(plane, "Invoke", function) if record.invoked_by == EVENTS]
    assert [(record.verdict, record.source_arn) for record in made] == [
        ("allow" if lets_in else "implicit-deny", source)
    ]


def test_a_rule_of_another_account_is_no_deputy_to_a_function(plane: InProcess) -> None:
    intruder, function = plane.account(OTHER), deployed(plane)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    _, own = rule(plane, {"Arn": arn})
    plane.client("lambda").add_permission(
        FunctionName=function, StatementId="rule", Action="lambda:InvokeFunction", Principal=EVENTS, SourceArn=own
    )
    name, _ = rule(plane, {"Arn": arn}, key=intruder)
    put(plane, name, key=intruder)
    plane.carry_out()
    (record,) = [record for record in records(plane, "Invoke", function) if record.invoked_by == EVENTS]
    assert (record.verdict, record.source_account) == ("implicit-deny", OTHER)


def test_a_topic_is_published_to_where_its_policy_lets_the_rule_in(plane: InProcess) -> None:
    sns, topic, queue = plane.client("sns"), fresh("topic"), queue_for(plane, service("sns.amazonaws.com"))
    arn = sns.create_topic(Name=topic)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
    name, source = rule(plane, {"Arn": arn, "Input": json.dumps("constant")})
    put(plane, name)
    assert queue.received() == []
    statement = {"Effect": "Allow", "Principal": {"Service": EVENTS}, "Action": "sns:Publish", "Resource": arn}
    condition = {"Condition": {"ArnEquals": {"aws:SourceArn": source}}}
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document({**statement, **condition}))
    put(plane, name)
    assert [body["Message"] for body in queue.received()] == ['"constant"']


def test_a_stream_is_written_to_in_the_role_of_the_target(plane: InProcess) -> None:
    kinesis, stream = plane.client("kinesis"), fresh("stream")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}"
    role, iam = fresh("role"), plane.client("iam")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting(Service=EVENTS))
    target = {
        "Arn": arn,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "KinesisParameters": {"PartitionKeyPath": "$.detail.customer"},
    }
    name, _ = rule(plane, target)

    def written() -> list[tuple[str, Any]]:
        put(plane, name, {"customer": "c-7"})
        plane.carry_out()
        shard = kinesis.describe_stream(StreamName=stream)["StreamDescription"]["Shards"][0]["ShardId"]
        at = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        found = kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]
        return [(record["PartitionKey"], json.loads(record["Data"])["detail"]) for record in found]

    assert written() == []
    iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=document(allow("kinesis:PutRecord", arn)))
    assert written() == [("c-7", {"customer": "c-7"})]


def test_a_disabled_rule_and_another_pattern_send_nothing(plane: InProcess) -> None:
    queue = queue_for(plane)
    name, _ = rule(plane, target_of(queue))
    put(plane, "somebody-else")
    plane.client("events").disable_rule(Name=name)
    put(plane, name)
    assert queue.received() == []
    plane.client("events").enable_rule(Name=name)
    put(plane, name)
    assert len(queue.received()) == 1


def test_a_schedule_is_no_pattern_that_matches_everything(plane: InProcess) -> None:
    queue, name, events = queue_for(plane), fresh("scheduled"), plane.client("events")
    events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue.arn}])
    put(plane, "anything")
    assert queue.received() == []


QUOTED = 'a "quoted" <name> \\ and a\nline'


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"said": <text>, "number": <n>, "all": <list>}', {"said": QUOTED, "number": 5, "all": [1, {"a": "b"}]}),
        ('{"said": "it is <text>"}', {"said": f"it is {QUOTED}"}),
        ('{"in": "<list>"}', {"in": '[1,{"a":"b"}]'}),
        ('{"missing": <none>, "text": "<none>"}', {"missing": None, "text": ""}),
        ('"plain <n>"', "plain 5"),
        ('{"escaped \\" quote": <n>}', {'escaped " quote': 5}),
    ],
)
def test_a_template_is_filled_in_so_that_it_stays_json(plane: InProcess, template: str, expected: Any) -> None:
    queue = queue_for(plane)
    paths = {
        "text": "$.detail.text",
        "n": "$.detail.n",
        "list": "$.detail.list",
        "none": "$.detail.none",
        "name": "$.id",
    }
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    name, _ = rule(plane, target_of(queue, InputTransformer=transformer))
    put(plane, name, {"text": QUOTED, "n": 5, "list": [1, {"a": "b"}]})
    assert queue.received() == [expected]


def test_a_part_of_the_event_is_sent_where_a_path_is_given(plane: InProcess) -> None:
    queue = queue_for(plane)
    name, _ = rule(plane, target_of(queue, InputPath="$.detail.items[1]"))
    put(plane, name, {"items": [{"n": 0}, {"n": 1}]})
    assert queue.received() == [{"n": 1}]


def test_an_event_that_a_target_refuses_goes_to_its_dead_letter_queue(plane: InProcess) -> None:
    closed, dead = queue_for(plane, service("s3.amazonaws.com")), queue_for(plane)
    name, arn = rule(plane, target_of(closed, DeadLetterConfig={"Arn": dead.arn}))
    put(plane, name, {"n": 1})
    plane.carry_out()
    received = plane.client("sqs").receive_message(QueueUrl=dead.url, MessageAttributeNames=["All"])["Messages"]
    (message,) = received
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (arn, closed.arn)
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("AccessDenied", "0")


def test_a_dead_letter_queue_that_does_not_let_the_rule_in_gets_nothing(plane: InProcess) -> None:
    closed, dead = queue_for(plane, service("s3.amazonaws.com")), queue_for(plane, service("s3.amazonaws.com"))
    name, _ = rule(plane, target_of(closed, DeadLetterConfig={"Arn": dead.arn}))
    put(plane, name)
    assert dead.received() == []


def test_a_target_that_is_gone_is_told_to_the_dead_letter_queue(plane: InProcess) -> None:
    dead = queue_for(plane)
    gone = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:gone"
    name, _ = rule(plane, {"Arn": gone, "DeadLetterConfig": {"Arn": dead.arn}})
    put(plane, name, {"n": 2})
    assert [event["detail"] for event in dead.received()] == [{"n": 2}]


def test_another_bus_gets_an_event_once_and_does_not_send_it_back(plane: InProcess) -> None:
    events, other, queue = plane.client("events"), fresh("bus"), queue_for(plane)
    bus = events.create_event_bus(Name=other)["EventBusArn"]
    name, _ = rule(plane, {"Arn": bus})
    events.put_rule(Name=name, EventBusName=other, EventPattern=json.dumps({"source": [name]}))
    back = {"Id": "1", "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}
    events.put_targets(Rule=name, EventBusName=other, Targets=[back, {"Id": "2", "Arn": queue.arn}])
    put(plane, name, {"n": 3})
    assert [event["detail"] for event in queue.received()] == [{"n": 3}]
    assert plane.carry_out() is None


def test_an_event_of_a_service_is_passed_on_in_the_role_of_the_target(plane: InProcess) -> None:
    events, iam, other, queue = plane.client("events"), plane.client("iam"), fresh("bus"), queue_for(plane)
    bus, name = events.create_event_bus(Name=other)["EventBusArn"], fresh("onward")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(Service=EVENTS))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("events:PutEvents", bus)))
    pattern = json.dumps({"source": ["aws.ec2"], "detail-type": [name]})
    events.put_rule(Name=name, EventPattern=pattern)
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": bus, "RoleArn": role}])
    events.put_rule(Name=name, EventBusName=other, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=other, Targets=[{"Id": "1", "Arn": queue.arn}])
    told = ServiceEvent("aws.ec2", name, ACCOUNT, REGION, ("arn:aws:x:::y",), {"n": 4})
    plane.run(plane.node.calls.make(told.call(0)))
    plane.carry_out()
    assert [(event["source"], event["detail"]) for event in queue.received()] == [("aws.ec2", {"n": 4})]


def test_the_bus_of_another_account_takes_events_only_by_its_policy(plane: InProcess) -> None:
    stranger = plane.account("222233334444")
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    queue = queue_for(plane)
    name, _ = rule(plane, target_of(queue))
    events = plane.client("events", stranger)
    entry = {"Source": name, "DetailType": "d", "Detail": "{}", "EventBusName": bus}
    assert refused(events.put_events, Entries=[entry]).code == "AccessDeniedException"
    onward, _ = rule(plane, {"Arn": bus}, key=stranger)
    put(plane, onward, key=stranger)
    lets_in = {"Sid": "stranger", "Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    policy = document({**lets_in, "Principal": {"AWS": "arn:aws:iam::222233334444:root"}})
    plane.client("events").put_permission(EventBusName="default", Policy=policy)
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert [event["account"] for event in queue.received()] == ["222233334444"]
    role = plane.client("iam", stranger).create_role(RoleName=name, AssumeRolePolicyDocument=trusting(Service=EVENTS))
    may = document(allow("events:PutEvents", bus))
    plane.client("iam", stranger).put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=may)
    sent_on, _ = rule(plane, {"Arn": bus, "RoleArn": role["Role"]["Arn"]}, key=stranger)
    pattern = json.dumps({"source": [sent_on], "account": ["222233334444"]})
    plane.client("events").put_rule(Name=name, EventPattern=pattern)
    put(plane, sent_on, key=stranger, TraceHeader="Lineage=forwarded;123456789012;eu-west-1")  # which is not believed
    (told,) = queue.received()
    assert (told["source"], told["account"], told["region"]) == (sent_on, "222233334444", REGION)
    plane.client("events").remove_permission(StatementId="stranger", EventBusName="default")


def test_nobody_says_that_he_is_a_service_of_aws(plane: InProcess) -> None:
    queue, name, events = queue_for(plane), fresh("spoofed"), plane.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue.arn}])
    entries = [{"Source": source, "DetailType": name, "Detail": "{}"} for source in ("aws.ec2", "mine", "AWS.s3")]
    answer = events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 2
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [
        "NotAuthorizedForSourceException",
        None,
        "NotAuthorizedForSourceException",
    ]
    assert [event["source"] for event in queue.received()] == ["mine"]


def test_an_archive_keeps_events_and_its_replay_reaches_the_targets_of_a_rule(plane: InProcess) -> None:
    events, queue = plane.client("events"), queue_for(plane)
    name, arn = rule(plane, target_of(queue))
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    archive = events.create_archive(
        ArchiveName=name[:48], EventSourceArn=bus, EventPattern=json.dumps({"source": [name]})
    )
    put(plane, name, {"n": 1})
    assert [event["detail"] for event in queue.received()] == [{"n": 1}]
    times = {"EventStartTime": 0, "EventEndTime": 4_102_444_800}
    destination = {"Arn": bus, "FilterArns": [arn]}
    events.start_replay(ReplayName=name, EventSourceArn=archive["ArchiveArn"], Destination=destination, **times)
    assert [(event["detail"], event["replay-name"]) for event in queue.received()] == [({"n": 1}, name)]
