"""The plane's clock is moved: what is dated by it ends, what is dated by clients does not, and nothing breaks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from locum.agents.chaos import Chaos
from locum.cli.home import CLOCK_FILE, read_ahead
from locum.core.clock import EARLIEST, LATEST, MovableClock
from locum.core.errors import ConfigurationError, LocumError
from locum.core.identifiers import OWN_IMAGE
from locum.imds.service import TOKEN, TOKEN_TTL
from support.authenticator import Authenticator
from support.inprocess import InProcess, Key, refusal
from support.metadata import Read

HOUR = 3600
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"},
        ],
    }
)


class Moved:
    """A plane whose clock is moved as `locum clock` moves it."""

    def __init__(self, data: Path) -> None:
        self.plane = InProcess(data)
        self.plane.profile("app", TRUST)

    def ask(self, **question: Any) -> dict[str, Any]:
        chaos = Chaos(self.plane.node.runtime)
        return self.plane.run(chaos.answer({"type": "clock", **question}))

    def move(self, hours: float) -> None:
        self.ask(by=hours * HOUR)

    def assumed(self) -> dict[str, Any]:
        ann = self.plane.user(f"ann-{time.monotonic_ns()}", {"Effect": "Allow", "Action": "*", "Resource": "*"})
        arn = "arn:aws:iam::000000000000:role/app"
        answer = self.plane.client("sts", ann).assume_role(RoleArn=arn, RoleSessionName="session")
        return dict(answer["Credentials"])

    def who(self, credentials: dict[str, Any]) -> Callable[..., Any]:
        token = credentials.get("SessionToken") or credentials["Token"]
        key = Key(credentials["AccessKeyId"], credentials["SecretAccessKey"], token)
        call: Callable[..., Any] = self.plane.client("sts", key).get_caller_identity
        return call

    def launched(self) -> str:
        answer = self.plane.client("ec2").run_instances(
            ImageId=OWN_IMAGE, MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "app"}
        )
        return str(answer["Instances"][0]["InstanceId"])

    def imds(self, instance: str, method: str, path: str, headers: dict[bytes, bytes]) -> Any:
        node = self.plane.node
        return self.plane.run(node.metadata.answer(node.account, instance, method, path, headers))

    def token(self, instance: str, ttl: bytes) -> bytes:
        return bytes(self.imds(instance, "PUT", "/latest/api/token", {TOKEN_TTL: ttl}).body)

    def delivered(self, instance: str) -> dict[str, Any]:
        return dict(json.loads(Read(self.plane, instance)("meta-data/iam/security-credentials/app")))


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Moved]:
    made = Moved(tmp_path / "data")
    yield made
    made.plane.close()


def left(credentials: dict[str, Any]) -> float:
    """The seconds that credentials last by the client's own clock."""
    end = credentials["Expiration"]
    return (end if isinstance(end, datetime) else datetime.fromisoformat(end)).timestamp() - time.time()


EXPIRED = ("ExpiredToken", 403, "The security token included in the request is expired")


def test_a_session_ends_by_the_moved_clock_and_signatures_go_by_the_wall_clock(moved: Moved) -> None:
    credentials = moved.assumed()
    moved.move(0.9)
    assert moved.who(credentials)()["Arn"].endswith("assumed-role/app/session")
    moved.move(0.2)
    assert refusal(moved.who(credentials)) == EXPIRED
    moved.ask(reset=True)  # by its owner's design, a clock that is moved back lengthens a life
    assert moved.who(credentials)()["Arn"].endswith("assumed-role/app/session")


@pytest.mark.parametrize("hours", [6.0, -8.0, 24 * 365 * 10.0])
def test_a_client_is_told_the_end_of_its_session_by_its_own_clock(moved: Moved, hours: float) -> None:
    moved.move(hours)
    credentials = moved.assumed()
    assert 3500 < left(credentials) <= 3601
    assert moved.who(credentials)()


@pytest.mark.parametrize("hours", [6.0, -8.0])
def test_what_an_instance_is_delivered_at_a_moved_time_is_fresh_to_its_sdk(moved: Moved, hours: float) -> None:
    moved.move(hours)
    delivered = moved.delivered(moved.launched())
    assert 5.9 * HOUR < left(delivered) <= 6 * HOUR + 1
    assert moved.who(delivered)()


def test_an_instance_is_delivered_another_set_once_half_of_the_first_ones_life_is_over(moved: Moved) -> None:
    instance = moved.launched()
    first = moved.delivered(instance)
    moved.move(2.9)
    kept = moved.delivered(instance)
    assert kept["AccessKeyId"] == first["AccessKeyId"]
    assert 3 * HOUR < left(kept) < 3.2 * HOUR
    moved.move(0.2)
    second = moved.delivered(instance)
    assert second["AccessKeyId"] != first["AccessKeyId"]
    assert moved.who(first)()
    assert moved.who(second)()
    moved.move(3)
    assert refusal(moved.who(first)) == EXPIRED
    assert moved.who(second)()


def test_a_clock_moved_back_leaves_no_set_of_the_future_with_an_instance(moved: Moved) -> None:
    instance = moved.launched()
    moved.move(48)
    future = moved.delivered(instance)
    moved.move(-48)
    present = moved.delivered(instance)
    assert present["AccessKeyId"] != future["AccessKeyId"]
    assert left(present) <= 6 * HOUR + 1


def test_a_token_of_the_metadata_service_ends_by_the_moved_clock(moved: Moved) -> None:
    instance = moved.launched()
    token = moved.token(instance, b"21600")
    path = "/latest/meta-data/instance-id"
    assert moved.imds(instance, "GET", path, {TOKEN: token}).status == 200
    moved.move(6.1)
    assert moved.imds(instance, "GET", path, {TOKEN: token}).status == 401


@pytest.mark.parametrize("hours", [6.0, -6.0])
def test_the_codes_of_a_device_and_presigned_urls_go_by_the_wall_clock(moved: Moved, hours: float) -> None:
    moved.move(hours)
    key = moved.plane.user("ann", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam = moved.plane.client("iam", key)
    phone = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
    iam.enable_mfa_device(UserName="ann", SerialNumber=phone.serial, **phone.pair(time.time() - 30))
    session = moved.plane.client("sts", key).get_session_token(**phone.shown(time.time()))["Credentials"]
    assert moved.who(session)()["Arn"].endswith("user/ann")
    url = moved.plane.client("s3", key).generate_presigned_url("list_buckets", ExpiresIn=60)
    query = url.partition("?")[2]
    request = moved.plane.request("s3", "list_buckets", key)
    bare = {"host": request.headers["host"]}
    assert moved.plane.send(replace(request, query_string=query, headers=bare)).status == 200


def test_records_are_dated_by_the_moved_clock_and_stay_in_their_order_when_it_goes_back(moved: Moved) -> None:
    before = moved.plane.node.ledger.state.sequence
    for number, hours in enumerate((6.0, -12.0, 1.0)):
        moved.move(hours)
        moved.plane.client("iam").create_user(UserName=f"user-{number}")
    assert moved.plane.node.ledger.state.sequence == before + 3
    instants = [record.at for record in reversed(moved.plane.records(3))]
    assert [round((at - time.time()) / HOUR) for at in instants] == [6, -6, -5]


def test_the_clock_stays_moved_over_a_restart_and_its_file_is_private(moved: Moved) -> None:
    moved.move(5)
    file = moved.plane.node.directory.path / CLOCK_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    moved.plane.close()
    moved.plane.start()
    assert moved.plane.node.runtime.clock.ahead == 5 * HOUR
    assert moved.ask(reset=True)["ahead"] == 0


@pytest.mark.parametrize("content", ["soon", "nan", "inf", "1e300", ""])
def test_a_damaged_clock_file_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / CLOCK_FILE).write_text(content)
    with pytest.raises(ConfigurationError, match="remove it to reset the clock"):
        read_ahead(tmp_path)


@pytest.mark.parametrize(
    "question",
    [{"to": 253_402_300_800.0}, {"to": 0.0}, {"by": float("nan")}, {"by": float("inf")}, {"by": -1e12}, {"to": LATEST}],
)
def test_a_clock_beyond_the_bounds_of_time_is_refused_and_stays(moved: Moved, question: dict[str, Any]) -> None:
    moved.move(1)
    with pytest.raises(LocumError, match="cannot be moved so far"):
        moved.ask(**question)
    assert moved.plane.node.runtime.clock.ahead == HOUR


@pytest.mark.parametrize("question", [{"by": "6h"}, {"hours": 6}, {"type": "time"}])
def test_a_question_that_is_none_moves_nothing(moved: Moved, question: dict[str, Any]) -> None:
    with pytest.raises(LocumError, match="that cannot be"):
        moved.ask(**question)
    assert moved.plane.node.runtime.clock.ahead == 0


def test_at_the_bounds_of_time_calls_are_answered(moved: Moved) -> None:
    for at in (EARLIEST + 1, LATEST - 60):
        moved.ask(to=float(at))
        assert moved.who(moved.assumed())()
        assert moved.delivered(moved.launched())["Code"] == "Success"


def test_whoever_waits_for_a_time_is_woken_when_the_clock_is_moved_past_it(moved: Moved) -> None:
    scaling = moved.plane.client("autoscaling")
    scaling.create_launch_configuration(LaunchConfigurationName="it", ImageId="ami-12c6146b", InstanceType="t3.nano")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web", LaunchConfigurationName="it", MinSize=0, MaxSize=1, AvailabilityZones=["us-east-1a"]
    )
    scaling.put_scheduled_update_group_action(
        AutoScalingGroupName="web", ScheduledActionName="up", StartTime=time.time() + 9 * HOUR, DesiredCapacity=1
    )

    async def launched() -> None:
        with moved.plane.node.ledger.subscribe() as changes:
            moved.plane.node.runtime.clock.move(10 * HOUR)
            async for change in changes:
                if any(type(getattr(event, "entity", None)).__name__ == "Instance" for event in change.events):  # type: ignore[union-attr]
                    return

    moved.plane.run(asyncio.wait_for(launched(), 60))
    assert moved.plane.client("ec2").describe_instances()["Reservations"]


def test_what_could_not_be_stored_is_not_so() -> None:
    def fails(_ahead: float) -> None:
        raise LocumError("the disk is full")

    clock = MovableClock(lambda: 1e9, 0.0, fails)
    woken: list[bool] = []
    clock.on_move(lambda: woken.append(True))
    with pytest.raises(LocumError):
        clock.move(60)
    assert (clock(), woken) == (1e9, [])
