"""Ansible's modules for roles, profiles, instances and stacks: what is as it should be is not changed again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from support.application import outputs
from support.plane import REGION, RunningPlane
from support.processes import finished
from support.tools import found, needs

ANSIBLE: Final = "ansible/bin/ansible-playbook"
PLAYBOOKS: Final = Path(__file__).parent / "ansible"
_RECAP: Final = re.compile(r"localhost +: ok=(\d+) +changed=(\d+) +unreachable=0 +failed=0 ")

pytestmark = [needs(ANSIBLE), pytest.mark.nightly, pytest.mark.timeout(600)]


def changed(plane: RunningPlane, playbook: str, **variables: str) -> int:
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
    done = finished([str(found(ANSIBLE)), *given, str(PLAYBOOKS / playbook)], env=environment)
    recap = _RECAP.search(done.stdout)
    assert recap is not None, done.stdout + done.stderr
    return int(recap[2])


def test_a_playbook_that_is_played_twice_changes_nothing_the_second_time(plane: RunningPlane) -> None:
    assert changed(plane, "application.yml", stage="first", state="running") == 3
    assert changed(plane, "application.yml", stage="first", state="running") == 0
    assert changed(plane, "application.yml", stage="second", state="running") == 3
    assert changed(plane, "application.yml", stage="second", state="running") == 0
    assert changed(plane, "application.yml", stage="second", state="stopped") == 1
    assert changed(plane, "application.yml", stage="second", state="stopped") == 0


def test_a_stack_is_made_changed_and_deleted_once(plane: RunningPlane) -> None:
    for stage in ("first", "second"):
        assert changed(plane, "stack.yml", stage=stage, state="present") == 1
        assert changed(plane, "stack.yml", stage=stage, state="present") == 0
    assert changed(plane, "stack.yml", stage="third", state="present", changeset="true") == 1
    assert outputs(plane, "ansible-stack")["Stage"] == "second"  # a change set is not executed
    assert changed(plane, "stack.yml", stage="second", state="absent") == 1
    assert changed(plane, "stack.yml", stage="second", state="absent") == 0
