"""Queries of CloudTrail Lake, through the whole plane, on what it really recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED

from locum.agents.lake.running import SECONDS
from locum.agents.lake.selections import kept
from locum.core.clock import DAY
from locum.services.verbs import Outcome
from locum.state import Member, Organization, put
from support.inprocess import InProcess, refusal
from support.lake import Lake


@pytest.fixture
def lake(plane: InProcess) -> Iterator[Lake]:
    made = Lake(plane)
    yield made
    made.clear()


def allowed(store: str, *actions: str) -> dict[str, Any]:
    arn = f"arn:aws:cloudtrail:us-east-1:000000000000:eventdatastore/{store}"
    return {"Effect": "Allow", "Action": [f"cloudtrail:{action}" for action in actions], "Resource": arn}


def test_a_query_is_on_what_was_called(plane: InProcess, lake: Lake) -> None:
    store = lake.store("calls")
    iam = plane.client("iam")
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
    iam.get_user(UserName="ann")
    query = lake.ended(
        f"SELECT eventName, count(*) AS n, min(userIdentity.type) FROM {store}"
        " WHERE eventSource = 'iam.amazonaws.com' GROUP BY eventName ORDER BY n DESC"
    )
    answer = lake.client.get_query_results(QueryId=query)
    assert answer["QueryStatus"] == "FINISHED"
    rows = [[pair for column in row for pair in column.items()] for row in answer["QueryResultRows"]]
    assert [[value for _, value in row] for row in rows] == [["CreateUser", "2", "Root"], ["GetUser", "1", "Root"]]
    assert [name for name, _ in rows[0]][:2] == ["eventName", "n"]
    assert answer["QueryStatistics"]["TotalResultsCount"] == answer["QueryStatistics"]["ResultsCount"] == 2
    described = lake.client.describe_query(EventDataStore=store, QueryId=query)
    statistics = described["QueryStatistics"]
    assert (described["QueryStatus"], statistics["EventsMatched"]) == ("FINISHED", 2)
    assert statistics["EventsScanned"] >= 3
    assert statistics["BytesScanned"] > 1_000
    assert query in [it["QueryId"] for it in lake.client.list_queries(EventDataStore=store)["Queries"]]


def test_results_come_in_pages(lake: Lake) -> None:
    store = lake.store("pages")
    for _ in range(6):
        lake.client.get_event_data_store(EventDataStore=store)
    query = lake.ended(f"SELECT eventID FROM {store} WHERE eventName = 'GetEventDataStore' ORDER BY eventID")
    whole = lake.client.get_query_results(QueryId=query)["QueryResultRows"]
    assert len(whole) == 6
    found: list[Any] = []
    more: dict[str, str] = {}
    while True:
        page = lake.client.get_query_results(QueryId=query, MaxQueryResults=2, **more)
        found += page["QueryResultRows"]
        assert page["QueryStatistics"]["ResultsCount"] == 2
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert found == whole
    other = lake.ended(f"SELECT eventID FROM {store}")
    for token in (more["NextToken"], "abcd", more["NextToken"][:-4]):
        refused = refusal(lake.client.get_query_results, QueryId=other, NextToken=token)
        assert refused[0] == "InvalidNextTokenException"


def test_a_store_has_what_it_selected_when_it_happened(plane: InProcess, lake: Lake) -> None:
    iam = plane.client("iam")
    reads = lake.store("reads", {"Field": "eventName", "StartsWith": ["List"]})
    iam.list_users()
    iam.create_user(UserName="selected")
    selectors = [
        {
            "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Management"]},
                {"Field": "readOnly", "Equals": ["false"]},
            ]
        }
    ]
    lake.client.update_event_data_store(EventDataStore=reads, AdvancedEventSelectors=selectors)
    iam.list_roles()
    iam.delete_user(UserName="selected")
    lake.client.stop_event_data_store_ingestion(EventDataStore=reads)
    iam.create_user(UserName="selected")
    lake.client.start_event_data_store_ingestion(EventDataStore=reads)
    iam.tag_user(UserName="selected", Tags=[{"Key": "a", "Value": "b"}])
    assert lake.names(reads) == ["DeleteUser", "ListUsers", "TagUser"]


def test_a_store_of_a_region_has_the_events_of_that(plane: InProcess, lake: Lake) -> None:
    one, every = lake.store("one-region", MultiRegionEnabled=False), lake.store("regions")
    plane.client("sqs").list_queues()
    plane.client("sqs", region="eu-west-1").list_queues()
    assert (lake.names(one), lake.names(every)) == (["ListQueues"], ["ListQueues"] * 2)


def test_data_events_are_in_stores_that_select_them(plane: InProcess, lake: Lake) -> None:
    data = {"FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::lake-data/in/"]},
    ]}  # fmt: skip
    store = lake.store("data", AdvancedEventSelectors=[data])
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="lake-data")
    for key in ("in/a", "out/a"):
        s3.put_object(Bucket="lake-data", Key=key, Body=b"x")
    found = lake.rows(f"SELECT eventName, element_at(requestParameters, 'key'), eventCategory FROM {store}")
    assert found == [["PutObject", "in/a", "Data"]]


def test_an_organization_s_store_has_the_events_of_members_since_they_joined(plane: InProcess, lake: Lake) -> None:
    account, now = "000000000000", plane.node.runtime.clock()
    early, late, away = (plane.account(it) for it in ("111100001111", "222200002222", "333300003333"))
    refused = refusal(lake.client.create_event_data_store, Name="org", OrganizationEnabled=True)
    assert refused[0] == "OrganizationsNotInUseException"
    organization = Organization(
        account=account, id="o-lake123456", root="r-lake", created=1, services={"cloudtrail.amazonaws.com": 1}
    )
    joined = {account: 1, "111100001111": 1, "222200002222": int(now) + 100 * 86_400}
    members = [
        Member(account=account, id=it, parent="r-lake", name=it, email=it, joined=at) for it, at in joined.items()
    ]
    ledger = plane.node.runtime.ledger
    events = (put(organization), *(put(it) for it in members))
    plane.run(ledger.transact(lambda _state: Outcome({}, events), lambda _outcome: ()))
    assert refusal(Lake(plane, early).client.create_event_data_store, Name="org", OrganizationEnabled=True)[0] == (
        "NotOrganizationMasterAccountException"
    )
    store = lake.store("org", OrganizationEnabled=True)
    for key in (early, late, away):
        plane.client("iam", key).list_users()
    found = lake.rows(f"SELECT recipientAccountId FROM {store} WHERE eventName = 'ListUsers'")
    assert found == [["111100001111"]]


def test_what_is_not_implemented_is_refused(lake: Lake) -> None:
    store = lake.store("refused")
    statement = f"SELECT eventName FROM {store}"
    refused = refusal(lake.client.start_query, QueryStatement=statement, DeliveryS3Uri="s3://bucket/a")
    assert refused[0] == "UnsupportedOperationException"
    assert refusal(lake.client.start_query, QueryAlias="abc")[0] == "UnsupportedOperationException"
    assert refusal(lake.client.start_query)[0] == "InvalidParameterException"
    assert refusal(lake.client.generate_query, EventDataStores=[store], Prompt="who?")[0] == "NotImplemented"


@pytest.mark.parametrize(
    "statement",
    ["COPY (SELECT 1) TO '/tmp/x'", "SELECT * FROM {s}, read_csv('/etc/passwd')", "SELECT nothing FROM {s}"],
)
def test_attack_an_invalid_statement_starts_nothing(lake: Lake, statement: str) -> None:
    refused = refusal(
        lake.client.start_query, QueryStatement=statement.format(s=lake.store(f"invalid-{len(statement)}"))
    )
    assert refused[:2] == ("InvalidQueryStatementException", 400)


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\x00", "'" * 9_001, "(" * 9_000, "a." * 4_500, "/*" * 4_000])
def test_attack_a_statement_of_strange_characters_is_refused(plane: InProcess, lake: Lake, text: str) -> None:
    store = lake.store(f"strange-{len(text)}-{ord(text[0])}")
    params = {"QueryStatement": f"SELECT {text} FROM {store}"}
    answer = plane.send(plane.request_of("cloudtrail", "StartQuery", params))
    code = b"SerializationException" if text == "\ud800" else b"InvalidQueryStatementException"
    assert (answer.status, code in answer.body) == (400, True), answer.body
    assert lake.rows(f"SELECT count(*) > 0 FROM {store}") == [["true"]]


def test_attack_calls_of_nobody_fill_no_store(plane: InProcess, lake: Lake) -> None:
    store = lake.store("strangers")
    nobody = plane.client("s3", signature_version=UNSIGNED)
    assert refusal(nobody.list_buckets)[0] == "AccessDenied"
    assert plane.records(1)[0].stranger
    plane.client("s3").list_buckets()
    assert lake.names(store) == ["ListBuckets"]


def test_attack_the_events_of_another_account_are_not_there(plane: InProcess, lake: Lake) -> None:
    store = lake.store("own")
    other = Lake(plane, plane.account("444400004444"))
    theirs = other.store("theirs")
    other.client.list_event_data_stores()
    assert lake.rows(f"SELECT DISTINCT recipientAccountId FROM {store}") == [["000000000000"]]
    assert other.rows(f"SELECT DISTINCT recipientAccountId FROM {theirs}") == [["444400004444"]]
    assert (
        refusal(lake.client.start_query, QueryStatement=f"SELECT 1 FROM {theirs}")[0]
        == "EventDataStoreNotFoundException"
    )
    query = other.ended(f"SELECT eventName FROM {theirs}")
    for call in (lake.client.describe_query, lake.client.get_query_results, lake.client.cancel_query):
        assert refusal(call, QueryId=query)[0] == "QueryIdNotFoundException"
    west = Lake(plane, region="eu-west-1")
    assert (
        refusal(west.client.start_query, QueryStatement=f"SELECT 1 FROM {store}")[0]
        == "EventDataStoreNotFoundException"
    )


def test_attack_a_query_needs_the_permission_for_each_store_it_reads(plane: InProcess, lake: Lake) -> None:
    ours, secret = lake.store("ours"), lake.store("secret")
    actions = ("StartQuery", "DescribeQuery", "GetQueryResults", "CancelQuery", "ListQueries")
    limited = Lake(plane, plane.user("limited", allowed(ours, *actions)))
    assert limited.rows(f"SELECT count(*) > 0 FROM {ours}") == [["true"]]
    for statement in (
        "SELECT * FROM {secret}",
        'SELECT * FROM {ours}, "{secret}"',
        "SELECT * FROM {ours} WHERE EXISTS (SELECT 1 FROM {secret})",
        "WITH q AS (SELECT * FROM {secret}) SELECT * FROM q, {ours}",
        "SELECT eventID FROM {ours} UNION SELECT eventID FROM {upper}",
    ):
        text = statement.format(ours=ours, secret=secret, upper=secret.upper())
        assert refusal(limited.client.start_query, QueryStatement=text)[0] == "AccessDeniedException", text
    query = lake.ended(f"SELECT eventName FROM {secret}")
    both = lake.ended(f"SELECT a.eventName FROM {secret} a JOIN {ours} b ON a.eventID = b.eventID")
    for call in (limited.client.describe_query, limited.client.get_query_results, limited.client.cancel_query):
        for params in (
            {"QueryId": query},
            {"QueryId": query, "EventDataStore": ours},
            {"QueryId": both, "EventDataStore": ours},
        ):
            assert refusal(call, **params)[0] == "AccessDeniedException"
    # The id of a store in a text is no store.
    assert limited.rows(f"SELECT count(*) FROM {ours} WHERE eventID = '{secret}'") == [["0"]]


def test_attack_a_store_is_named_by_an_arn_of_another_place(plane: InProcess, lake: Lake) -> None:
    store = lake.store("named")
    for name, code in (
        (f"arn:aws:cloudtrail:eu-west-1:000000000000:eventdatastore/{store}", "EventDataStoreNotFoundException"),
        (f"arn:aws:cloudtrail:us-east-1:000000000000:trail/{store}", "EventDataStoreARNInvalidException"),
        ("nothing", "EventDataStoreARNInvalidException"),
        ("00000000-0000-0000-0000-000000000000", "EventDataStoreNotFoundException"),
    ):
        assert refusal(lake.client.get_event_data_store, EventDataStore=name)[0] == code
        assert refusal(lake.client.list_queries, EventDataStore=name)[0] == code


def test_tags_of_a_store_decide(plane: InProcess, lake: Lake) -> None:
    store = lake.store("tagged", TagsList=[{"Key": "team", "Value": "a"}])
    tagged = {
        "Effect": "Allow",
        "Action": "cloudtrail:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
    }
    mine = Lake(plane, plane.user("team-a", tagged))
    assert mine.client.get_event_data_store(EventDataStore=store)["Name"] == "tagged"
    arn = f"arn:aws:cloudtrail:us-east-1:000000000000:eventdatastore/{store}"
    lake.client.add_tags(ResourceId=arn, TagsList=[{"Key": "team", "Value": "b"}])
    (listed,) = lake.client.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert listed["TagsList"] == [{"Key": "team", "Value": "b"}]
    assert refusal(mine.client.start_query, QueryStatement=f"SELECT 1 FROM {store}")[0] == "AccessDeniedException"
    lake.client.remove_tags(ResourceId=arn, TagsList=[{"Key": "team"}])
    assert lake.client.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == []


def crossed(store: str, times: int = 12) -> str:
    """A statement that takes for ever."""
    tables = ", ".join(f"{store} t{number}" for number in range(times))
    texts = " || ".join(f"t{number}.eventID" for number in range(times))
    return f"SELECT count(*) FROM {tables} WHERE length({texts}) < 0"


def running(lake: Lake, store: str) -> str:
    query = lake.started(crossed(store))
    while lake.status(query) != "RUNNING":
        pass
    return query


def test_a_query_is_cancelled_while_it_runs(lake: Lake) -> None:
    store = lake.store("cancelled")
    for _ in range(20):
        lake.client.get_event_data_store(EventDataStore=store)
    query = running(lake, store)
    waiting = lake.started(f"SELECT count(*) FROM {store}")
    assert lake.status(waiting) == "QUEUED"
    assert lake.client.get_query_results(QueryId=query)["QueryStatus"] == "RUNNING"
    assert lake.client.cancel_query(QueryId=query)["QueryStatus"] == "CANCELLED"
    lake.plane.run(lake.plane.node.lake.runner.settled())
    assert (lake.status(query), lake.status(waiting)) == ("CANCELLED", "FINISHED")
    assert refusal(lake.client.cancel_query, QueryId=query)[0] == "InactiveQueryException"


def test_attack_a_query_that_takes_too_long_is_ended(lake: Lake) -> None:
    store = lake.store("slow")
    for _ in range(20):
        lake.client.get_event_data_store(EventDataStore=store)
    runner = lake.plane.node.lake.runner
    runner.seconds = 0.5
    try:
        query = lake.ended(crossed(store))
    finally:
        runner.seconds = SECONDS
    described = lake.client.describe_query(QueryId=query)
    assert (described["QueryStatus"], described["ErrorMessage"]) == (
        "TIMED_OUT", "the process with the column store took too long"
    )  # fmt: skip
    assert lake.rows(f"SELECT count(*) > 20 FROM {store}") == [["true"]]


def test_attack_more_queries_than_may_run_at_once(lake: Lake) -> None:
    store = lake.store("many")
    for _ in range(20):
        lake.client.get_event_data_store(EventDataStore=store)
    queries = [lake.started(crossed(store)) for _ in range(10)]
    assert (
        refusal(lake.client.start_query, QueryStatement=f"SELECT 1 FROM {store}")[0] == "MaxConcurrentQueriesException"
    )
    for query in queries:
        lake.client.cancel_query(QueryId=query)
    lake.plane.run(lake.plane.node.lake.runner.settled())
    assert {lake.status(query) for query in queries} == {"CANCELLED"}


@pytest.mark.nightly
def test_attack_the_memory_of_a_query_is_bounded(lake: Lake) -> None:
    store = lake.store("memory")
    for _ in range(40):
        lake.client.get_event_data_store(EventDataStore=store)
    longer = " || ".join(["x"] * 8)
    parts = [f"p0 AS (SELECT a.eventJson AS x FROM {store} a CROSS JOIN {store} b)"]
    parts += [f"p{n} AS (SELECT {longer} AS x FROM p{n - 1})" for n in range(1, 5)]
    query = lake.ended(f"WITH {', '.join(parts)} SELECT max(length(x)) FROM p4")
    assert lake.status(query) == "FAILED"
    assert lake.rows(f"SELECT count(*) > 0 FROM {store}") == [["true"]]


def test_files_are_the_owner_s_alone(lake: Lake) -> None:
    lake.rows(f"SELECT count(*) FROM {lake.store('files')}")
    folder = lake.plane.node.options.data / "lake"
    assert folder.stat().st_mode & 0o777 == 0o700
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "events.duckdb" in found
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}


class TestRestart:
    """A plane of its own, which is ended and started again."""

    @pytest.fixture
    def own(self, tmp_path: Path) -> Any:
        running = InProcess(tmp_path / "data")
        yield Lake(running)
        running.close()

    def again(self, lake: Lake) -> Lake:
        lake.plane.close()
        lake.plane.start()
        return Lake(lake.plane)

    def test_attack_a_restart_makes_no_query_a_lie(self, own: Lake) -> None:
        store = own.store("restarted")
        for _ in range(20):
            own.client.get_event_data_store(EventDataStore=store)
        done = own.ended(f"SELECT eventName FROM {store} WHERE eventName = 'CreateEventDataStore'")
        interrupted = running(own, store)
        queued = own.started(f"SELECT 1 FROM {store}")
        later = self.again(own)
        assert [later.status(it) for it in (done, interrupted, queued)] == ["FINISHED", "FAILED", "FAILED"]
        assert "interrupted" in later.client.describe_query(QueryId=queued)["ErrorMessage"]
        (row,) = later.client.get_query_results(QueryId=done)["QueryResultRows"]
        assert row == [{"eventName": "CreateEventDataStore"}]
        assert later.rows(f"SELECT count(*) FROM {store} WHERE eventName = 'StartQuery'") == [["4"]]
        own.client = later.client

    def test_attack_a_lost_column_store_is_made_again_of_the_history(self, own: Lake) -> None:
        store = own.store("lost")
        own.plane.client("iam").list_users()
        assert own.names(store) == ["ListUsers"]
        own.plane.close()
        (own.plane.node.options.data / "lake" / "events.duckdb").unlink()
        own.plane.start()
        later = Lake(own.plane)
        assert later.names(store) == ["ListUsers"]

    def test_attack_a_result_that_is_gone_is_not_an_empty_one(self, own: Lake) -> None:
        query = own.ended(f"SELECT eventName FROM {own.store('gone')}")
        (own.plane.node.options.data / "lake" / "results" / f"{query}.jsonl").unlink()
        assert refusal(own.client.get_query_results, QueryId=query)[0] == "QueryIdNotFoundException"

    def test_stores_and_queries_are_forgotten_in_time(self, own: Lake) -> None:
        plane, lake = own.plane, own.plane.node.lake
        store = own.store("forgotten", TerminationProtectionEnabled=False)
        query = own.ended(f"SELECT eventName FROM {store}")
        own.client.delete_event_data_store(EventDataStore=store)
        assert refusal(own.client.get_query_results, QueryId=query)[0] == "InactiveEventDataStoreException"
        assert (
            refusal(own.client.start_query, QueryStatement=f"SELECT 1 FROM {store}")[0]
            == "InactiveEventDataStoreException"
        )
        plane.run(lake.upkeep.once())
        results = plane.node.options.data / "lake" / "results"
        assert [path.stem for path in results.iterdir()] == [query]
        plane.node.runtime.clock.move(7 * DAY + 1)
        assert refusal(own.client.get_event_data_store, EventDataStore=store)[0] == "EventDataStoreNotFoundException"
        assert refusal(own.client.get_query_results, QueryId=query)[0] == "QueryIdNotFoundException"
        plane.run(lake.upkeep.once())
        assert list(results.iterdir()) == []
        assert not (plane.node.options.data / "lake" / "events.duckdb").exists()
        assert kept(plane.node.ledger.state, plane.node.runtime.clock()) == []
