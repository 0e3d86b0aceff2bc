"""osls, the Serverless Framework as it is maintained, unchanged: a service with an IAM role is deployed and removed.

Its clients put the bucket into the host name, where that is not an IP address; its bucket denies plain HTTP.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support.plane import ACCOUNT, REGION, RunningPlane, needs_namespaces, up
from support.processes import finished
from support.tools import KEPT

OSLS: Final = KEPT / "osls/node_modules/.bin/osls"
PROJECT: Final = Path(__file__).parent
STACK: Final = "tasks-dev"

pytestmark = [
    needs_namespaces,
    pytest.mark.nightly,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not OSLS.exists(), reason="make nightly installs osls, where npm is"),
]


class Osls:
    """A service of osls, and its command line."""

    def __init__(self, plane: RunningPlane, folder: Path) -> None:
        self.plane, self._folder = plane, folder
        folder.mkdir()
        shutil.copy(PROJECT / "osls/serverless.yml", folder)
        shutil.copy(PROJECT / "sam/src/app.py", folder)
        own = {"AWS_REGION": REGION, "CI": "1", "NODE_NO_WARNINGS": "1"}
        self._environment = plane.environment(**plane.root.environment, **plane.over_tls("127.0.0.1"), **own)

    def run(self, command: str, *arguments: str, role: str = "first", level: str = "info") -> str:
        """What `osls COMMAND` says, without an error."""
        params = ["--param", f"role={role}", "--param", f"level={level}"]
        line = [str(OSLS), command, *arguments, *params]
        done = finished(line, env=self._environment, cwd=self._folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def roles(self) -> set[str]:
        """The names of the roles that there are."""
        return {it["RoleName"] for it in self.plane.client("iam").list_roles()["Roles"]}


@pytest.fixture(scope="module")
def osls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Osls]:
    home = tmp_path_factory.mktemp("osls")
    with up(home, "--tls", "--tls-port", "0") as plane:
        yield Osls(plane, home / "service")


def test_osls_deploys_a_service_renames_its_role_and_removes_it(osls: Osls) -> None:
    osls.run("deploy")
    told: dict[str, Any] = json.loads(osls.run("invoke", "--function", "who"))
    assert told["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/first/{STACK}-who"
    osls.run("deploy", role="second", level="debug")
    told = json.loads(osls.run("invoke", "--function", "who", role="second"))
    assert told["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/second/{STACK}-who"
    assert osls.roles() == {"second"}
    assert f"{STACK}-who" in osls.run("info", role="second")
    osls.run("remove", role="second")
    assert osls.roles() == set()
    (stack,) = osls.plane.client("cloudformation").list_stacks()["StackSummaries"]
    assert (stack["StackName"], stack["StackStatus"]) == (STACK, "DELETE_COMPLETE")
    assert osls.plane.client("s3").list_buckets()["Buckets"] == []
