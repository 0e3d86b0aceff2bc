"""The rows of the record: a history of many events, look-ups in it by each attribute, and an aggregate of a query.

`make bench BENCH="--only record --events 10000000"` has ten million, which take 10 GB on the disk and half an hour.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from bench import servers, stories
from bench.report import Row
from bench.servers import Server
from locum.audit import Identity, Record, Resource
from locum.store import AuditRow, Retention, SqliteJournal

LOOK_UP: Final = 100.0  # milliseconds
AGGREGATE: Final = 5.0  # seconds
DISK: Final = 2048  # octets an event, with its indexes
RATE: Final = 5_000
"""Events a second that are to be taken down at least: some more than a plane answers calls."""

_ACCOUNT: Final = "000000000000"
_BATCH: Final = 2_000
_USERS: Final = 500
_OPERATIONS: Final = (
    ("iam", "GetUser", True, "AWS::IAM::User"),
    ("iam", "CreateUser", False, "AWS::IAM::User"),
    ("sts", "AssumeRole", False, "AWS::IAM::Role"),
    ("ec2", "DescribeInstances", True, "AWS::EC2::Instance"),
    ("sqs", "CreateQueue", False, "AWS::SQS::Queue"),
    ("kms", "Decrypt", True, "AWS::KMS::Key"),
)
_ROUNDS: Final = 9


def rows(events: int) -> list[Row]:
    """The rows for a history of so many events, the middle of which is looked for."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with servers.locum(data=data) as server:
            store = _client(server).create_event_data_store(Name="bench", TerminationProtectionEnabled=False)
        begin = time.time()
        taken, sought = _fill(data, events, begin)
        octets = sum(file.stat().st_size for file in data.glob("locum.db*")) / events
        with servers.locum("--no-rate-limits", "--history-events", str(2 * events), data=data) as server:
            client = _client(server)
            found = {attribute: _looked_up(client, attribute, value) for attribute, value in sought.items()}
            aggregate = _aggregated(client, store["EventDataStoreArn"].rpartition("/")[2])
    size = f"{events:,} events"
    return [
        Row(f"recorded, {size}", "the limit", "/s", events / taken, RATE, 1),
        Row("disk of an event", "the limit", "B", octets, DISK, 1, cost=True),
        *(Row(f"LookupEvents {name}", "the limit", "ms", ms, LOOK_UP, 1, cost=True) for name, ms in found.items()),
        Row("aggregate of a query", "the limit", "s", aggregate, AGGREGATE, 1, cost=True),
    ]


def _client(server: Server) -> Any:
    return stories.client(server, "cloudtrail", stories.root_keys(server))


def _fill(data: Path, events: int, begin: float) -> tuple[float, dict[str, str]]:
    """Write a history, and put it in order; the seconds for the first, and attributes of one event in its middle."""
    journal = SqliteJournal.open(data, Retention(rows=2 * events))
    made = _records(begin, events)
    middle: AuditRow | None = None
    taken = 0.0
    for number in range(0, events, _BATCH):
        batch = [record.row() for record in islice(made, _BATCH)]
        if number <= events // 2 < number + _BATCH:
            middle = batch[len(batch) // 2]
        start = time.perf_counter()
        journal.record(batch)
        taken += time.perf_counter() - start
    while journal.maintain(begin):
        pass
    journal.close()
    assert middle is not None
    return taken, {
        "EventId": middle.event_id,
        "EventName": middle.event_name,
        "Username": middle.username,
        "ResourceName": middle.resources[0][1],
        "ResourceType": middle.resources[0][0],
        "EventSource": middle.event_source,
        "AccessKeyId": middle.access_key_id,
        "ReadOnly": "false",
    }


def _records(begin: float, events: int) -> Iterator[Record]:
    chance = random.Random(1)
    whole = Record(
        event_id="",
        request_id="",
        at=begin,
        account=_ACCOUNT,
        region="us-east-1",
        event_source="",
        service="",
        operation="",
        identity=Identity("user", ""),
        source_ip="127.0.0.1",
        user_agent="Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux lang/python#3.11.7",
        parameters={"userName": "somebody", "tags": [{"key": "team", "value": "red"}]},
        verdict="allow",
        determining=("arn:aws:iam::aws:policy/AdministratorAccess#0",),
    )
    identities = [
        Identity("user", f"arn:aws:iam::{_ACCOUNT}:user/u{n}", _ACCOUNT, f"AIDA{n:016}", f"u{n}", f"AKIA{n:016}")
        for n in range(_USERS)
    ]
    for number in range(events):
        service, operation, reads, kind = _OPERATIONS[chance.randrange(len(_OPERATIONS))]
        name = f"thing-{chance.randrange(events // 10 + 1)}"
        yield msgspec.structs.replace(
            whole,
            event_id=f"{number:08x}-0000-4000-8000-000000000000",
            request_id=f"{number:08x}-0000-4000-8000-000000000001",
            at=begin + number / events,
            event_source=f"{service}.amazonaws.com",
            service=service,
            operation=operation,
            read_only=reads,
            identity=identities[chance.randrange(_USERS)],
            resources=(Resource(kind, name, f"arn:aws:{service}:us-east-1:{_ACCOUNT}:{name}", _ACCOUNT),),
        )


def _looked_up(client: Any, attribute: str, value: str) -> float:
    """The milliseconds of a look-up."""
    times = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        found = client.lookup_events(LookupAttributes=[{"AttributeKey": attribute, "AttributeValue": value}])
        times.append(time.perf_counter() - begin)
        if not found["Events"]:
            raise RuntimeError(f"no event has the {attribute} {value}")
    return median(times) * 1_000


def _aggregated(client: Any, store: str) -> float:
    """The seconds of an aggregate of all events, once they have been taken in by another query."""
    _queried(client, f"SELECT count(*) FROM {store}")
    begin = time.perf_counter()
    _queried(client, f"SELECT eventName, count(*) AS n FROM {store} GROUP BY eventName ORDER BY n DESC")
    return time.perf_counter() - begin


def _queried(client: Any, statement: str) -> None:
    query = client.start_query(QueryStatement=statement)["QueryId"]
    while (status := client.describe_query(QueryId=query)["QueryStatus"]) in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    if status != "FINISHED":
        raise RuntimeError(f"the query is {status}")
