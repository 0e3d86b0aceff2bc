"""Other people's tools at work on a plane, each with a role that may do what the tool needs and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from support import processes
from support.plane import ACCOUNT, LOCUM, REGION, RunningPlane, trusting

KEPT: Final = Path(__file__).parents[2] / ".tools"
"""Where `make tools` installs those that are packages of Python, each in a virtual environment of its own."""

Statement = Mapping[str, Any]


def found(program: str) -> str | None:
    """The path of `program`: a path already, one below KEPT, or a name to look for in PATH."""
    kept = KEPT / program
    return str(kept) if kept.is_file() else shutil.which(program)


def needs(program: str) -> pytest.MarkDecorator:
    """The mark of tests that are skipped where there is no `program`."""
    how = "make tools" if "/" in program else "a package of the system"
    return pytest.mark.skipif(found(program) is None, reason=f"no {program} on this machine ({how})")


class Worker:
    """A session of a role whose policy is `statements`, and the tools that it runs, in the directory `folder`."""

    folder: Path | None = None

    def __init__(self, plane: RunningPlane, *statements: Statement) -> None:
        self._plane = plane
        self._statements = statements
        self.role = plane.role(trusting(AWS=ACCOUNT), *statements)
        self.arn = f"arn:aws:iam::{ACCOUNT}:role/{self.role}"
        self.key = plane.assume(self.role)

    def environment(self, **more: str) -> dict[str, str]:
        """A shell's, with the credentials of the session, the region and the endpoint."""
        settings = {"AWS_ENDPOINT_URL": self._plane.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}
        environment = self._plane.environment(**self.key.environment, **settings | {"AWS_PAGER": ""} | more)
        environment.pop("PYTHONPATH", None)  # a tool has packages of its own
        return environment

    def run(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a tool to its end."""
        path = found(program)
        assert path is not None, program
        return processes.finished([path, *arguments], env=self.environment(**environment), cwd=self.folder)

    def works(self, program: str, *arguments: str, **environment: str) -> str:
        """What a tool says that ends well."""
        done = self.run(program, *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def may_no_longer(self, action: str) -> None:
        """Take `action` out of the policy, for good."""
        left = [{**one, "Action": [name for name in _actions(one) if name != action]} for one in self._statements]
        self._plane.permit(self.role, *(one for one in left if one["Action"]))

    def may_again(self) -> None:
        """Put the policy back."""
        self._plane.permit(self.role, *self._statements)

    def fails_without(self, action: str, program: str, *arguments: str, **environment: str) -> str:
        """What a tool says that fails as it may not do `action`. The record has why."""
        done = self.denied(action, program, *arguments, **environment)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def denied(
        self, action: str, program: str, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a tool that may not do `action`, and look at what the record has of it."""
        self.may_no_longer(action)
        done = self.run(program, *arguments, **environment)
        self.may_again()
        latest = " ".join(self._plane.locum("explain").stdout.split())
        assert f":assumed-role/{self.role}/session is not authorized to perform: {action} " in latest, latest
        return done

    def assert_all_of_it_is_used(self) -> None:
        """Check by the record that every action of the policy was used, and no other."""
        line = [LOCUM, "policy", "diff", "--data", str(self._plane.data), "--principal", self.arn, "--json"]
        done = processes.finished(line, env=self._plane.environment())
        assert done.stdout, done.stderr
        compared = json.loads(done.stdout)
        assert (compared["unused"], compared["notGranted"]) == ({}, [])
        used = {name for written in compared["documents"] for one in written["Statement"] for name in _actions(one)}
        assert used == {name for one in self._statements for name in _actions(one)}


def _actions(statement: Statement) -> Sequence[str]:
    actions: str | Sequence[str] = statement["Action"]
    return [actions] if isinstance(actions, str) else actions
