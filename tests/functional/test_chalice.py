"""Chalice, unchanged: it deploys by calls of its own, and packages for CloudFormation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from support.application import invoked
from support.plane import ACCOUNT, COMMAND_LINES, REGION, RunningPlane, fresh
from support.processes import finished
from support.tools import found, needs

CHALICE: Final = "chalice/bin/chalice"
PROJECT: Final = Path(__file__).parent / "chalice"

pytestmark = [needs(CHALICE), pytest.mark.timeout(300)]


class Chalice:
    """A project of Chalice, with a name of its own, and the command lines that deploy it."""

    def __init__(self, plane: RunningPlane, folder: Path) -> None:
        self.name, self._folder, self._plane = fresh("chalice"), folder / "project", plane
        shutil.copytree(PROJECT, self._folder)
        (self._folder / ".chalice").mkdir()
        self.configure("info")

    def configure(self, level: str) -> None:
        """Have the functions be told of that level."""
        settings = {
            "version": "2.0",
            "app_name": self.name,
            "environment_variables": {"LEVEL": level},
            "stages": {"dev": {}},
        }
        (self._folder / ".chalice" / "config.json").write_text(json.dumps(settings))

    def run(self, *arguments: str) -> str:
        """What `chalice ARGUMENTS` says, without an error."""
        return self._finished(str(found(CHALICE)), *arguments)

    def aws(self, *arguments: str) -> str:
        """What `aws cloudformation ARGUMENTS` says, without an error."""
        return self._finished(str(COMMAND_LINES["v1"]), "cloudformation", *arguments)

    def _finished(self, *line: str) -> str:
        settings = {"AWS_ENDPOINT_URL": self._plane.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": ""}
        environment = self._plane.environment(**self._plane.root.environment, **settings)
        environment.pop("PYTHONPATH", None)  # a tool has packages of its own
        done = finished(line, env=environment, cwd=self._folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def left(self) -> list[str]:
        """The names of what is there of it: roles, functions, APIs and rules."""
        plane = self._plane
        found: list[dict[str, Any]] = [
            *plane.client("iam").list_roles()["Roles"],
            *plane.client("lambda").list_functions()["Functions"],
            *plane.client("apigateway").get_rest_apis()["items"],
            *plane.client("events").list_rules()["Rules"],
        ]
        names = (next(it[key] for key in ("RoleName", "FunctionName", "Name", "name") if key in it) for it in found)
        return [name for name in names if name.startswith(self.name)]


@pytest.fixture
def chalice(plane: RunningPlane, tmp_path: Path) -> Chalice:
    return Chalice(plane, tmp_path)


def test_chalice_deploys_by_its_own_calls_again_and_deletes(plane: RunningPlane, chalice: Chalice) -> None:
    assert "Creating Rest API" in chalice.run("deploy")
    told = json.loads(chalice.run("invoke", "--name", "who"))
    assert told["level"] == "info"
    assert told["arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/{chalice.name}-dev/")
    chalice.configure("debug")
    assert "Updating rest API" in chalice.run("deploy")
    assert json.loads(chalice.run("invoke", "--name", "who"))["level"] == "debug"
    chalice.run("delete")
    assert chalice.left() == []


def test_what_chalice_packages_is_deployed_as_a_stack(plane: RunningPlane, chalice: Chalice) -> None:
    chalice.run("package", "out")
    packaged = ["package", "--template-file", "out/sam.json", "--s3-bucket", plane.bucket()]
    chalice.aws(*packaged, "--output-template-file", "out/packaged.yaml")
    named = ["--stack-name", chalice.name]
    chalice.aws("deploy", *named, "--template-file", "out/packaged.yaml", "--capabilities", "CAPABILITY_IAM")
    found = plane.client("cloudformation").describe_stack_resources(StackName=chalice.name)["StackResources"]
    made = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in found}
    assert f":assumed-role/{made['DefaultRole']}/" in invoked(plane, made["Who"])["arn"]
    chalice.aws("delete-stack", *named)
    chalice.aws("wait", "stack-delete-complete", *named)
    assert chalice.left() == []
