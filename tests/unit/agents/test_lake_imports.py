"""Log files of trails are imported into event data stores: each event once, over failures, stops and restarts."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.core.clock import iso8601
from locum.services.cloudtrail.log_files import LARGEST_EVENT, Unreadable, events_of
from locum.state import EventDataStore, TrailImport
from support.channels import ACTIVITY
from support.inprocess import InProcess, refusal
from support.lake import MANAGEMENT, Lake
from support.plane import allow, document, fresh, refused
from support.trails import Deliveries

ACCOUNT = "000000000000"
DAY = 86_400


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


class House:
    """A bucket with log files, a store, and a role that reads the bucket for it."""

    def __init__(self, plane: InProcess, **params: Any) -> None:
        self.plane, self.lake = plane, Lake(plane)
        self.cloudtrail, self.s3, self.iam = self.lake.client, plane.client("s3"), plane.client("iam")
        self.now = plane.node.runtime.clock()
        self.bucket = fresh("logs")
        self.s3.create_bucket(Bucket=self.bucket)
        self.store = self.lake.store("imported", StartIngestion=False, **params)
        self.arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/{self.store}"
        self.role = self.made_role({"StringEquals": {"aws:SourceArn": self.arn}})

    def made_role(self, condition: dict[str, Any], *, bucket: str = "") -> str:
        """The ARN of a new role that CloudTrail may assume."""
        name, place = fresh("reader"), bucket or self.bucket
        trust = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sts:AssumeRole"}
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document({**trust, "Condition": condition}))
        read = allow("s3:ListBucket", f"arn:aws:s3:::{place}"), allow("s3:GetObject", f"arn:aws:s3:::{place}/*")
        self.iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=document(*read))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def event(self, name: str, at: float | None = None, **members: Any) -> dict[str, Any]:
        return {
            "eventVersion": "1.11",
            "eventID": fresh("event"),
            "eventTime": iso8601(self.now - DAY if at is None else at),
            "eventName": name,
            "eventSource": "iam.amazonaws.com",
            "eventCategory": "Management",
            "readOnly": False,
            "recipientAccountId": ACCOUNT,
            **members,
        }

    def key(self, at: float | None = None, folder: str = "CloudTrail") -> str:
        day = iso8601(self.now - DAY if at is None else at)[:10]
        name = f"{ACCOUNT}_CloudTrail_us-east-1_{day.replace('-', '')}T0000Z_{fresh('f')}.json.gz"
        return f"AWSLogs/{ACCOUNT}/{folder}/us-east-1/{day.replace('-', '/')}/{name}"

    def put(self, *events: dict[str, Any], key: str = "", body: bytes | None = None) -> str:
        """The key of a new log file."""
        key = key or self.key()
        content = gzip.compress(json.dumps({"Records": events}).encode()) if body is None else body
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return key

    def start(self, **params: Any) -> str:
        """The id of a new import."""
        source = {
            "S3LocationUri": params.pop("S3LocationUri", f"s3://{self.bucket}/"),
            "S3BucketRegion": params.pop("S3BucketRegion", "us-east-1"),
            "S3BucketAccessRoleArn": self.role,
        }
        given = {"Destinations": [self.arn], "ImportSource": {"S3": source}}
        return str(self.cloudtrail.start_import(**{**given, **params})["ImportId"])

    def imported(self, **params: Any) -> dict[str, Any]:
        """What GetImport tells of a new import, which has ended."""
        name = self.start(**params)
        self.plane.import_files()
        return self.told(name)

    def held_back(self) -> str:
        """The id of a new import, with which nothing begins until `import_files`."""
        imports = self.plane.node.duties.imports
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(imports, "begin", lambda _name, _run: None)
            return self.start()

    def told(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.cloudtrail.get_import(ImportId=name)
        return answer

    def names(self) -> list[str]:
        return [name for (name,) in self.lake.rows(f"SELECT eventName FROM {self.store} ORDER BY eventName")]


@pytest.fixture
def house(plane: InProcess) -> House:
    return House(plane)


def test_the_files_that_a_trail_has_delivered_are_imported(plane: InProcess, house: House) -> None:
    trail = Deliveries(plane)
    plane.client("iam").create_user(UserName="joe")
    delivered = [event["eventID"] for event in trail.deliver()]
    house.role = house.made_role({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, bucket=trail.bucket)
    house.bucket = trail.bucket
    told = house.imported()
    assert (told["ImportStatus"], told["ImportStatistics"]["EventsCompleted"]) == ("COMPLETED", len(delivered))
    found = [name for (name,) in house.lake.rows(f"SELECT eventID FROM {house.store}")]
    assert sorted(found) == sorted(delivered)
    (listed,) = house.cloudtrail.list_imports(Destination=house.arn, ImportStatus="COMPLETED")["Imports"]
    assert (listed["ImportId"], listed["Destinations"]) == (told["ImportId"], [house.arn])
    assert house.cloudtrail.list_imports(ImportStatus="FAILED")["Imports"] == []


def test_only_what_is_wanted_is_imported(house: House) -> None:
    old = house.now - 3 * DAY
    house.put(house.event("Now"), house.event("Long", at=house.now - 4000 * DAY))
    house.put(house.event("Old", at=old), key=house.key(old))
    house.put(house.event("Data", eventCategory="Data", resources=[{"type": "AWS::S3::Object", "ARN": "a"}]))
    house.put(house.event("Digest"), key=house.key(folder="CloudTrail-Digest"))
    house.put(house.event("Config"), key=house.key(folder="Config"))
    house.put(body=b"text", key="AWSLogs/readme.txt")
    told = house.imported(StartEventTime=house.now - 2 * DAY, EndEventTime=house.now)
    assert told["ImportStatus"] == "COMPLETED"
    assert house.names() == ["Now"]
    assert told["ImportStatistics"] == {
        "PrefixesFound": 1,
        "PrefixesCompleted": 1,
        "FilesCompleted": 2,
        "EventsCompleted": 1,
        "FailedEntries": 0,
    }


def test_a_location_with_a_prefix_has_what_is_below_it(house: House) -> None:
    house.put(house.event("Elsewhere"), key="other/a.json.gz")
    house.put(house.event("Copied"), key="copies/a.json.gz")
    assert house.imported(S3LocationUri=f"s3://{house.bucket}/copies/")["ImportStatus"] == "COMPLETED"
    assert house.names() == ["Copied"]


def test_an_event_is_imported_once_however_often_its_file_is(house: House) -> None:
    one = house.event("Once")
    house.put(one, one)
    house.put(one)
    for _ in range(2):
        assert house.imported()["ImportStatus"] == "COMPLETED"
    assert house.names() == ["Once"]


def test_a_failed_file_fails_the_import_and_is_read_again(house: House) -> None:
    house.put(house.event("Good"))
    bad = {house.put(body=body) for body in (b"no gzip", gzip.compress(b"{"), gzip.compress(b"[]"))}
    bad |= {house.put({"eventID": "a"}), house.put(body=gzip.compress(b"{}")[:-4])}
    told = house.imported()
    assert (told["ImportStatus"], told["ImportStatistics"]["FailedEntries"]) == ("FAILED", 5)
    failures = house.cloudtrail.list_import_failures(ImportId=told["ImportId"])["Failures"]
    assert {it["Location"] for it in failures} == {f"s3://{house.bucket}/{key}" for key in bad}
    assert {(it["Status"], it["ErrorType"]) for it in failures} == {("FAILED", "InvalidFile")}
    for key in bad:
        house.put(house.event("Mended"), key=key)
    house.cloudtrail.start_import(ImportId=told["ImportId"])
    house.plane.import_files()
    told = house.told(told["ImportId"])
    assert (told["ImportStatus"], told["ImportStatistics"]["FailedEntries"]) == ("COMPLETED", 0)
    assert house.names() == ["Good", *["Mended"] * 5]
    code = refusal(house.cloudtrail.start_import, ImportId=told["ImportId"])[0]
    assert code == "InvalidParameterException"


def test_an_import_is_stopped_and_goes_on_where_it_was(house: House) -> None:
    house.put(house.event("Later"))
    name = house.held_back()
    assert house.cloudtrail.stop_import(ImportId=name)["ImportStatus"] == "STOPPED"
    house.plane.import_files()
    assert house.names() == []
    assert refusal(house.cloudtrail.stop_import, ImportId=name)[0] == "InvalidParameterException"
    house.cloudtrail.start_import(ImportId=name)
    house.plane.import_files()
    assert (house.told(name)["ImportStatus"], house.names()) == ("COMPLETED", ["Later"])


@pytest.mark.parametrize("lost", ["before", "after"])
def test_attack_a_restart_in_the_middle_loses_and_doubles_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """The plane ends before an addition, or between it and the note of it."""
    keys = sorted(house.put(house.event(f"E{n}")) for n in range(3))
    plane, store = house.plane, house.plane.node.lake.store
    add = store.add
    count = 0

    class Ended(BaseException):
        pass

    async def ending(rows: Any) -> int:
        nonlocal count
        count += 1
        if count == 2 and lost == "before":
            raise Ended
        added = await add(rows)
        if count == 2:
            raise Ended
        return added

    monkeypatch.setattr(store, "add", ending)
    name = house.start()
    with pytest.raises(Ended):
        plane.import_files()
    (under_way,) = plane.node.runtime.ledger.state.every(TrailImport)
    assert under_way.after == keys[0]
    plane.close()
    plane.start()
    plane.import_files()
    assert house.names() == ["E0", "E1", "E2"]
    told = house.told(name)
    assert (told["ImportStatus"], told["ImportStatistics"]["EventsCompleted"]) == ("COMPLETED", 3)


def test_one_import_of_an_account_is_under_way(house: House) -> None:
    house.held_back()
    assert refusal(house.start)[0] == "AccountHasOngoingImportException"


def test_what_cannot_be_imported_is_refused(plane: InProcess, house: House) -> None:
    activity = house.lake.client.create_event_data_store(Name="activity", AdvancedEventSelectors=[ACTIVITY])
    nothing = {"ImportId": "0f3c1a2b-1111-2222-3333-444455556666"}
    for params, code in (
        ({"Destinations": [activity["EventDataStoreArn"]]}, "InvalidEventDataStoreCategoryException"),
        ({"Destinations": [f"{house.arn[:-1]}x"]}, "EventDataStoreARNInvalidException"),
        ({"S3LocationUri": "https://bucket/"}, "InvalidImportSourceException"),
        ({"S3LocationUri": "s3://nobodys-bucket/"}, "InvalidImportSourceException"),
        ({"S3BucketRegion": "../us-east-1"}, "InvalidImportSourceException"),
        ({"StartEventTime": house.now, "EndEventTime": house.now - 1}, "InvalidParameterException"),
        (nothing, "InvalidParameterException"),
    ):
        assert refusal(house.start, **params)[0] == code
    assert refusal(house.cloudtrail.start_import, **nothing)[0] == "ImportNotFoundException"
    assert refusal(house.cloudtrail.get_import, **nothing)[0] == "ImportNotFoundException"
    assert refusal(house.cloudtrail.start_import, Destinations=[house.arn])[0] == "InvalidParameterException"
    assert house.cloudtrail.list_imports()["Imports"] == []


def test_attack_a_role_that_does_not_let_cloudtrail_in_for_the_store_reads_nothing(house: House) -> None:
    house.put(house.event("Secret"))
    house.role = house.made_role({"StringEquals": {"aws:SourceArn": f"{house.arn}0"}})
    assert refusal(house.start)[0] == "InvalidImportSourceException"
    for role in ("reader", "arn:aws:iam::000000000000:role/nobody", "arn:aws:s3:::a"):
        house.role = role
        assert refusal(house.start)[0] == "InvalidImportSourceException"
    eve = house.plane.user(fresh("eve"), allow("cloudtrail:*"))
    house.cloudtrail = house.plane.client("cloudtrail", eve)
    assert refused(house.start).code == "AccessDeniedException"


def test_a_role_that_is_taken_away_fails_the_import(house: House) -> None:
    house.put(house.event("Secret"))
    name = house.held_back()
    house.iam.delete_role_policy(RoleName=house.role.rpartition("/")[2], PolicyName="read")
    house.plane.import_files()
    assert house.told(name)["ImportStatus"] == "FAILED"
    (failure,) = house.cloudtrail.list_import_failures(ImportId=name)["Failures"]
    assert failure["ErrorType"] == "AccessDenied"
    assert house.names() == []


def test_attack_a_file_that_unpacks_to_more_than_there_is_room_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locum.services.cloudtrail.log_files.LARGEST", 1_000)
    house.put(house.event("Bomb", other="a" * 10_000))
    assert house.imported()["ImportStatus"] == "FAILED"
    assert house.names() == []


@pytest.mark.parametrize("part", ["{},", '{"eventID":[],"a":{}},', "[[[[[[]]]]]],"])
def test_attack_a_small_file_of_millions_of_values_is_not_decoded_as_a_whole(house: House, part: str) -> None:
    """A decoder lets no other thread run meanwhile, and values take twenty times the memory of their text."""
    it = TrailImport(
        account=ACCOUNT, region="us-east-1", id="i", store="s", location="s3://b", bucket_region="", role="", created=0,
        updated=0,
    )  # fmt: skip
    (store,) = house.plane.node.ledger.state.every(EventDataStore)
    text = f'{{"Records":[{part * 500_000}{{}}]}}'.encode()
    packed = gzip.compress(text)
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            events_of(it, store, packed, house.now)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(text)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"Records": 1}', '{"Records": [', '{"Records": [ONE', '{"Records": [ONE]', '{"Records": [ONE,]}',
     '{"Records": [ONE ONE]}', '{"Records": [ONE]} more', '{"Records": [ONE], "a": 1}', '{"Records": [ONE, LARGE]}'],
)  # fmt: skip
def test_a_file_of_another_shape_is_not_imported_in_part(house: House, text: str) -> None:
    one, large = json.dumps(house.event("One")), json.dumps(house.event("Large", errorMessage="a" * LARGEST_EVENT))
    house.put(body=gzip.compress(text.replace("ONE", one).replace("LARGE", large).encode()))
    assert house.imported()["ImportStatus"] == "FAILED"
    assert house.names() == []


def test_white_space_and_long_events_are_read(house: House) -> None:
    long = [house.event("Long", errorMessage="a" * 200_000), house.event("Next")]
    house.put(body=gzip.compress(json.dumps({"Records": long}, indent=4).encode()))
    house.put(body=gzip.compress(b' { "Records" : [ ] } '))
    assert house.imported()["ImportStatus"] == "COMPLETED"
    assert house.names() == ["Long", "Next"]


def test_a_store_that_goes_meanwhile_fails_the_import(house: House) -> None:
    house.put(house.event("Gone"))
    name = house.held_back()
    house.lake.clear()
    house.plane.import_files()
    assert house.told(name)["ImportStatus"] == "FAILED"


def test_the_store_selects_what_is_imported(plane: InProcess) -> None:
    created = {"Field": "eventName", "Equals": ["Created"]}
    wanted = [{"FieldSelectors": [*MANAGEMENT["FieldSelectors"], created]}]
    house = House(plane, AdvancedEventSelectors=wanted)
    house.put(house.event("Created"), house.event("Deleted"))
    assert house.imported()["ImportStatistics"]["EventsCompleted"] == 1
    assert house.names() == ["Created"]


def test_attack_a_record_of_another_shape_fails_its_file_alone(plane: InProcess) -> None:
    of_objects = {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}
    category = {"Field": "eventCategory", "Equals": ["Data"]}
    house = House(plane, AdvancedEventSelectors=[{"FieldSelectors": [category, of_objects]}])
    shapes: list[Any] = [["text"], 5, {"type": "a"}, [{"type": {}}, None]]
    for resources in shapes:
        house.put(house.event("Bad", eventCategory="Data", resources=resources))
    house.put(house.event("Good", eventCategory="Data", resources=[{"type": "AWS::S3::Object"}]))
    told = house.imported()
    assert (told["ImportStatus"], told["ImportStatistics"]["FailedEntries"]) == ("FAILED", len(shapes))
    assert house.names() == ["Good"]


def test_attack_a_value_of_an_event_breaks_no_query(house: House) -> None:
    values: list[Any] = ["\ud800", "\0", "'; DROP TABLE added; --", {"a": [1]}, 10**400]
    for it in values:
        house.put(house.event("Odd", errorMessage=it, requestParameters=it, userIdentity=it))
    house.put(house.event("Plain"))
    assert house.imported()["ImportStatistics"]["FailedEntries"] == 0
    assert house.names() == ["Odd"] * len(values) + ["Plain"]
    assert len(house.lake.rows(f"SELECT * FROM {house.store}")) == len(values) + 1


@pytest.mark.parametrize("part", ["\x01", "\r", "\ufffe", "a+b %2F"])
def test_attack_a_key_that_xml_cannot_have_holds_no_import_up(house: House, part: str) -> None:
    house.put(house.event("One"), key=f"AWSLogs/CloudTrail/{part}/one.json.gz")
    house.put(house.event("Two"))
    assert house.imported()["ImportStatus"] == "COMPLETED"
    assert house.names() == ["One", "Two"]


def test_attack_an_event_without_a_plain_id_fails_its_file(house: House) -> None:
    for name in ("\ud800", "", "a b", "a" * 129, None, 5.5 * 10**300):
        house.put(house.event("Bad", eventID=name))
    house.put(house.event("Good"))
    assert house.imported()["ImportStatistics"]["FailedEntries"] == 6
    assert house.names() == ["Good"]
