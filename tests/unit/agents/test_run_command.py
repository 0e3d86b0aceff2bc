"""Run Command on a machine that is short of something."""

from __future__ import annotations

import asyncio
import errno
import os
from types import SimpleNamespace
from typing import Any

import pytest

from locum.agents.instances import run_command
from locum.agents.instances.run_command import RunCommand
from locum.compute.handover import Entrance
from locum.core.clock import MovableClock
from locum.services.ssm.scripts import Step


def test_a_script_for_which_there_is_no_process_has_failed_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_inside(*_given: Any) -> Any:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(run_command, "run_inside", run_inside)
    runtime: Any = SimpleNamespace(clock=MovableClock(lambda: 1.0), settings=SimpleNamespace(endpoint=""))
    calls: Any = SimpleNamespace(make=None)
    invocation: Any = SimpleNamespace(region="us-east-1", instance="i-0123456789abcdef0")

    async def run() -> tuple[Any, Any]:
        agents = RunCommand(runtime, calls, calls, asyncio.Event())
        step = Step("aws:runShellScript", "true", "", 60)
        return await agents._step(step, invocation, Entrance(1), asyncio.Event())

    result, printed = asyncio.run(run())
    assert (result.status, result.code) == ("Failed", 126)
    assert printed.err.startswith("the command cannot be started: ")
