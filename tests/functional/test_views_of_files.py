"""`locum run --closed` and `--root`: what the command sees of the host's files, and what it is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.inside import led
from support.plane import LOCUM, RunningPlane, needs_namespaces
from support.processes import line_of

pytestmark = [
    needs_namespaces,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bwrap: Debian's package bubblewrap"),
]


def test_with_a_root_the_command_is_root_in_it_on_a_machine_of_ec2(plane: RunningPlane) -> None:
    script = """
id -u; hostname within; hostname
cat /sys/class/dmi/id/product_uuid /sys/class/dmi/id/product_serial /sys/class/dmi/id/board_asset_tag
curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/"""
    before = Path("/proc/sys/kernel/hostname").read_text()
    done = plane.locum("run", "--root", "/", "--", "sh", "-c", script)
    user, host, number, serial, instance, status = done.stdout.split()
    assert (user, host, status) == ("0", "within", "401")
    assert number == serial
    assert number.startswith("ec2")
    assert instance.startswith("i-")
    assert Path("/proc/sys/kernel/hostname").read_text() == before


def test_a_closed_command_ends_with_its_code_and_its_output(plane: RunningPlane) -> None:
    done = plane.locum("run", "--closed", "--", "sh", "-c", "cat; exit 7", said="said\n")
    assert (done.returncode, done.stdout) == (7, "said\n")


def test_a_command_that_joins_a_closed_one_sees_the_same(plane: RunningPlane) -> None:
    script = "ls ~; echo words > ~/mine; echo ready; cat"
    line = [LOCUM, "run", "--data", str(plane.data), "--closed", "--", "sh", "-c", script]
    with led(line, plane.environment()) as process:
        assert line_of(process) == "ready"
        pages = plane.client("ec2").describe_instances(
            Filters=[
                {"Name": "instance-state-name", "Values": ["running"]},
                {"Name": "tag:Name", "Values": ["locum-run"]},
            ]
        )["Reservations"]
        newest = max((it for page in pages for it in page["Instances"]), key=lambda it: str(it["LaunchTime"]))
        joined = plane.locum("exec", newest["InstanceId"], "--", "sh", "-c", f"cat ~/mine; ls -d {plane.data}")
        assert joined.stdout == "words\n"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--closed", "--root", "/"], "--closed and --root exclude one another"),
        (["--share", "/"], "--share takes --closed"),
        (["--closed", "--network", "loopback"], "--closed and --root take namespaces"),
        (["--closed", "--root", "/no/such/directory"], "does not exist"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_runs(plane: RunningPlane, flags: list[str], reason: str) -> None:
    done = plane.locum("run", *flags, "--", "echo", "ran")
    assert done.returncode != 0
    assert done.stdout == ""
    assert reason in done.stderr
