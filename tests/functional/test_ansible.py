"""Ansible's modules for roles, instance profiles and instances: what is as it should be is not changed again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from support.plane import REGION, RunningPlane
from support.processes import finished
from support.tools import found, needs

ANSIBLE: Final = "ansible/bin/ansible-playbook"
PLAYBOOK: Final = Path(__file__).parent / "ansible" / "application.yml"
_RECAP: Final = re.compile(r"localhost +: ok=(\d+) +changed=(\d+) +unreachable=0 +failed=0 ")

pytestmark = [needs(ANSIBLE), pytest.mark.nightly, pytest.mark.timeout(600)]


def changed(plane: RunningPlane, **variables: str) -> int:
    """How many of the tasks of the playbook changed something. All of them succeed."""
    environment = plane.environment(
        **plane.root.environment,
        AWS_ENDPOINT_URL=plane.endpoint,
        AWS_REGION=REGION,
        ANSIBLE_HOME=str(plane.home / "ansible"),
        ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_NOCOLOR="1",
    )
    environment.pop("PYTHONPATH", None)
    given = [f"--extra-vars={name}={value}" for name, value in variables.items()]
    done = finished([str(found(ANSIBLE)), *given, str(PLAYBOOK)], env=environment)
    recap = _RECAP.search(done.stdout)
    assert recap is not None, done.stdout + done.stderr
    return int(recap[2])


def test_a_playbook_that_is_played_twice_changes_nothing_the_second_time(plane: RunningPlane) -> None:
    assert changed(plane, stage="first", state="running") == 3
    assert changed(plane, stage="first", state="running") == 0
    assert changed(plane, stage="second", state="running") == 3
    assert changed(plane, stage="second", state="running") == 0
    assert changed(plane, stage="second", state="stopped") == 1
    assert changed(plane, stage="second", state="stopped") == 0
