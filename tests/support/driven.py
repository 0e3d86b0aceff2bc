"""Instances of a plane with the driver `process`: launched by boto3, looked into with `locum exec`."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from locum.compute.namespace import descendants
from locum.core.identifiers import OWN_IMAGE
from support.plane import RunningPlane
from support.processes import SECONDS


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
