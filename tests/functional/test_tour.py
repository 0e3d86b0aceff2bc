"""`locum tour`, as somebody who has just installed Locum would call it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from locum.cli.client import RootClient
from locum.cli.home import read_plane
from locum.cli.inside import namespaces_work
from locum.core.errors import ConfigurationError

LOCUM = (sys.executable, "-c", "from locum.cli.main import main; main()")


def tour(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*LOCUM, "tour", "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@contextmanager
def plane(data: Path, *options: str) -> Iterator[None]:
    """A plane on `data` for as long as the block runs."""
    command = [*LOCUM, "up", "--data", str(data), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "Locum is up" in process.stdout.readline()
            yield
        finally:
            process.terminate()


def made(data: Path) -> list[Any]:
    """What is left of a tour on the plane of `data`."""
    root = RootClient(data, read_plane(data))
    live = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}]
    return [
        *root.call("iam", "list_roles")["Roles"],
        *root.call("iam", "list_instance_profiles")["InstanceProfiles"],
        *root.call("s3", "list_buckets")["Buckets"],
        *root.call("ec2", "describe_instances", Filters=live)["Reservations"],
    ]


@pytest.mark.parametrize("network", ["namespace", "loopback"])
def test_every_step_keeps_its_promise_on_a_plane_of_the_tours_own(tmp_path: Path, network: str) -> None:
    if network == "namespace" and not namespaces_work():
        pytest.skip("this machine makes no namespaces")
    done = tour(tmp_path / "nothing", "--network", network)
    assert done.returncode == 0, done.stderr
    assert "All 11 steps did what they promised" in done.stdout
    assert "because no identity-based policy" in done.stdout
    shown = done.stdout.replace(str(tmp_path), "DIR")  # how long that is, is up to the machine
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    assert not (tmp_path / "nothing").exists()


def test_a_tour_on_a_running_plane_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with plane(data):
        done = tour(data)
        assert done.returncode == 0, done.stderr
        assert made(data) == []
    with pytest.raises(ConfigurationError):
        read_plane(data)


def test_a_promise_that_is_broken_fails_the_tour_and_is_cleaned_up_after(tmp_path: Path) -> None:
    """Where nothing is enforced, the read that ought to be denied is not."""
    data = tmp_path / "data"
    with plane(data, "--observe"):
        done = tour(data)
        assert done.returncode == 1
        assert "expected AccessDenied" in done.stderr
        assert made(data) == []
