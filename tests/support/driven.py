"""Instances of a plane with a driver that runs them: launched by boto3, looked into with `locum exec`."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from locum.compute.namespace import descendants
from locum.core.identifiers import OWN_IMAGE
from support.plane import RunningPlane, fresh
from support.processes import SECONDS

WAIT: Final = "sleep 100000 &\necho up\nwait"
"""User data that says when it is up, and stays."""
STUBBORN: Final = "trap '' TERM HUP INT; while :; do sleep 100000; done"
"""A script that no signal ends but SIGKILL."""


def launched(plane: RunningPlane, script: str = "", count: int = 1, **parameters: Any) -> list[str]:
    """The ids of new instances, whose user data is the shell script `script`."""
    given = {"ImageId": OWN_IMAGE, "MinCount": count, "MaxCount": count, **parameters}
    if script:
        given["UserData"] = f"#!/bin/sh\n{script}\n"
    return [it["InstanceId"] for it in plane.client("ec2").run_instances(**given)["Instances"]]


def output(plane: RunningPlane, instance: str) -> str:
    """What GetConsoleOutput has of it."""
    return str(plane.client("ec2").get_console_output(InstanceId=instance).get("Output", ""))


def said(plane: RunningPlane, instance: str, words: str) -> str:
    """The console output, once it has `words` in it."""
    while words not in (text := output(plane, instance)):
        pass
    return text


def state_of(plane: RunningPlane, instance: str) -> str:
    found = plane.client("ec2").describe_instances(InstanceIds=[instance])
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


def until(what: Callable[[], bool]) -> None:
    """Wait for it: asked until it is so."""
    while not what():
        pass


def inside(plane: RunningPlane, instance: str, script: str) -> str:
    """What a shell script says inside the instance."""
    done = plane.locum("exec", instance, "--", "sh", "-c", script)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def processes_of(plane: RunningPlane, instance: str) -> list[int]:
    """Everything of the instance, but its launcher: the processes in whose namespaces its first process is."""
    launcher = holder(plane, instance)
    return [] if launcher is None else descendants(launcher)


def holder(plane: RunningPlane, instance: str) -> int | None:
    """The launcher of the instance: who holds the lock in its directory."""
    lock = plane.data / "instances" / instance / "lock"
    with suppress(FileNotFoundError):
        number = lock.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].endswith(f":{number}"):
                return int(fields[4])
    return None


def all_end(descriptors: Iterable[int]) -> None:
    """Wait for the end of the processes behind pidfds."""
    for descriptor in descriptors:
        assert select.select([descriptor], [], [], SECONDS)[0]


def pidfds(pids: Iterable[int]) -> list[int]:
    """Descriptors of these processes, of which there is one at least. `ended` closes them."""
    opened = [os.pidfd_open(pid) for pid in pids]
    assert opened
    return opened


def ended(descriptors: Iterable[int]) -> None:
    """Wait for the end of the processes behind pidfds, and close those."""
    given = list(descriptors)
    all_end(given)
    for descriptor in given:
        os.close(descriptor)


def terminate_all(plane: RunningPlane) -> None:
    """Terminate all instances, until nothing is left of them."""
    pages = plane.client("ec2").describe_instances()["Reservations"]
    ids = [it["InstanceId"] for page in pages for it in page["Instances"] if it["State"]["Name"] != "terminated"]
    if ids:
        plane.client("ec2").terminate_instances(InstanceIds=ids)
    until(lambda: not (plane.data / "instances").exists())


@contextmanager
def scaled(plane: RunningPlane, size: int, **template: Any) -> Iterator[Callable[[], list[str]]]:
    """An Auto Scaling group of so many instances, for as long as the block runs; what tells those in service."""
    ec2, autoscaling, name = plane.client("ec2"), plane.client("autoscaling"), fresh("group")
    data = {"ImageId": ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"], **template}
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=size,
        MaxSize=size,
        AvailabilityZones=["us-east-1a"],
        LaunchTemplate={"LaunchTemplateName": name},
    )

    def of_group() -> list[str]:
        (group,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return [it["InstanceId"] for it in group["Instances"] if it["LifecycleState"] == "InService"]

    try:
        yield of_group
    finally:  # else it replaces what the end of the test terminates
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
