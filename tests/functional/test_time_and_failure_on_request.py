"""`locum clock` and `locum fault` as their user meets them: with real clients, in instances and outside of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from support.inside import PROGRAM, Inside, inside, led
from support.plane import LOCUM, REGION, RunningPlane, allow, needs_namespaces, refused, up
from support.processes import finished

TRIES = "25"
"""Of an SDK with the metadata service: all of them fail with a chance of one in ten to the thirteenth."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane of this module's own, whose time and faults are nobody else's."""
    with up(tmp_path_factory.mktemp("chaos")) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(plane: RunningPlane) -> Iterator[None]:
    """No fault and no moved clock is left behind."""
    yield
    fault(plane, "clear")
    clock(plane, "reset")


def fault(plane: RunningPlane, kind: str, *arguments: str) -> str:
    done = finished([LOCUM, "fault", kind, "--data", str(plane.data), *arguments], env=plane.environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def clock(plane: RunningPlane, *move: str) -> str:
    done = plane.locum("clock", *move)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_sdk_in_an_instance_survives_a_metadata_service_that_fails_now_and_then(plane: RunningPlane) -> None:
    profile = plane.profile()
    run = [LOCUM, "run", "--data", str(plane.data), "--profile", profile, "--"]
    program = ["env", f"AWS_METADATA_SERVICE_NUM_ATTEMPTS={TRIES}", sys.executable, str(PROGRAM)]
    with led([*run, *program], plane.environment()) as process:
        app = Inside(process)
        instance = app.instance
        fault(plane, "imds", "--fail", "30%", "--delay", "50ms", "--instance", instance)
        assert app.call("sts", "get_caller_identity")["Arn"].endswith(f"/{profile}/{instance}")


def test_an_sdk_survives_throttling(plane: RunningPlane) -> None:
    fault(plane, "sts", "--throttle", "50%")
    retries = {"mode": "standard", "total_max_attempts": 40}
    client = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=plane.endpoint,
        aws_access_key_id=plane.root.access_key_id,
        aws_secret_access_key=plane.root.secret_access_key,
        config=Config(retries=retries),
    )
    client.meta.events.register("needs-retry.sts", lambda **_: None)
    for _ in range(3):
        assert client.get_caller_identity()["Arn"].endswith(":root")


def test_a_refusal_on_request_is_explained(plane: RunningPlane) -> None:
    fault(plane, "s3:ListBuckets", "--error", "SlowDown")
    told = refused(plane.client("s3").list_buckets)
    assert (told.code, told.status) == ("SlowDown", 503)
    explained = plane.locum("explain", told.request_id).stdout
    assert "fault    on request, by `locum fault`:" in explained
    assert "s3:ListBuckets answered SlowDown at 100%" in explained


def test_a_program_in_an_instance_gets_new_credentials_when_the_clock_is_moved(plane: RunningPlane) -> None:
    profile = plane.profile()
    path = f"meta-data/iam/security-credentials/{profile}"
    with inside(plane, "--profile", profile) as app:
        first = json.loads(app.metadata(path))
        assert "4h ahead of the wall clock" in clock(plane, "+4h")
        second = json.loads(app.metadata(path))
        assert second["AccessKeyId"] != first["AccessKeyId"]
        assert app.call("sts", "get_caller_identity")
        assert "as the wall clock" in clock(plane, "-4h")
        assert app.call("sts", "get_caller_identity")


def test_a_plane_that_starts_says_that_its_clock_was_moved(plane: RunningPlane) -> None:
    clock(plane, "2026-12-24T00:00:00Z")
    assert clock(plane).startswith("2026-12-24T00:00")
    plane.stop()
    plane.start()
    assert clock(plane).startswith("2026-12-24T00:0")
    assert plane.client("sts").get_caller_identity()["Account"]


@needs_namespaces
def test_an_instance_moves_no_clock_and_sets_no_fault(plane: RunningPlane) -> None:
    profile = plane.profile(allow("*"))
    with inside(plane, "--profile", profile) as app:
        token = {"X-aws-ec2-metadata-token": app.token()}
        for path in ("/_locum/clock", "/latest/clock", "/latest/meta-data/fault", "/control.sock"):
            for method in ("GET", "PUT", "POST"):
                assert app.imds(path, method, **token).status in (404, 405)
        assert app.ask(page=["169.254.169.254", "/_locum/fault"])[0] in (401, 404)
    assert "as the wall clock" in clock(plane)
    assert "no fault is set" in fault(plane, "list")


def test_an_interrupted_instance_is_told_so_and_ends(plane: RunningPlane) -> None:
    ec2 = plane.client("ec2")
    launched = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert "spot interruption, terminate at " in fault(plane, "spot", launched, "--in", "10m")
    assert "system-reboot at " in fault(plane, "maintenance", launched, "--in", "2d")
    assert "rebalance recommended at " in fault(plane, "rebalance", launched)
    clock(plane, "+11m")
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[launched], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (found,) = ec2.describe_instances(InstanceIds=[launched])["Reservations"]
    assert found["Instances"][0]["StateReason"]["Code"] == "Server.SpotInstanceTermination"


@pytest.mark.parametrize(
    "arguments",
    [
        ["sts", "--throttle", "150%"],
        ["sts", "--throttle", "-1%"],
        ["sts", "--throttle", "nan"],
        ["sts", "--delay", "2 fortnights"],
        ["sts", "--delay", "1h"],
        ["sts"],
        ["no-such-service", "--throttle", "5%"],
        ["imds"],
        ["credentials"],
        ["propagation", "0s"],
        ["spot", "i-00000000000000000"],
        ["clear", "f-999"],
    ],
)
def test_what_cannot_be_a_fault_is_told_in_a_line(plane: RunningPlane, arguments: list[str]) -> None:
    done = finished([LOCUM, "fault", arguments[0], "--data", str(plane.data), *arguments[1:]], env=plane.environment())
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "no fault is set" in fault(plane, "list")


def test_the_users_policies_of_the_last_hours_are_those_of_the_moved_clock(plane: RunningPlane, tmp_path: Path) -> None:
    name, key = plane.user(allow("sts:GetCallerIdentity"))
    clock(plane, "+6h")
    plane.client("sts", key).get_caller_identity()
    arn = plane.client("iam").get_user(UserName=name)["User"]["Arn"]
    line = [LOCUM, "policy", "from-activity", "--data", str(plane.data), "--principal", arn, "--since", "1h"]
    done = finished(line, env=plane.environment(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
