"""docs/testing.md, the action and the template: what they say is run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml  # type: ignore[import-untyped]

from locum.testing.plane import LocumPlane

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.xdist_group("locum.testing")

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "testing.md").read_text()
MODULES = re.findall(r"^```python\n# (test_\w+\.py)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^```sh\npytest (.*?)\n```$", TEXT, re.MULTILINE)


def test_every_block_of_the_page_is_run() -> None:
    blocks = re.findall(r"^```\w+\n", TEXT, re.MULTILINE)
    assert len(blocks) == len(MODULES) + len(COMMANDS) + 1  # the installation


def test_the_tests_of_the_page_pass(pytester: pytest.Pytester, locum: LocumPlane) -> None:
    assert locum.endpoint
    for name, text in MODULES:
        (pytester.path / name).write_text(text)
    for command in COMMANDS:
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *command.split())
        result.assert_outcomes(passed=6)
        assert result.ret == pytest.ExitCode.OK


def with_locum(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUM_"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables}


def steps() -> dict[str, Any]:
    action = yaml.safe_load((ROOT / "ci" / "github" / "action.yml").read_text())
    return {step["name"]: step for step in action["runs"]["steps"]}


def test_the_step_of_the_action_starts_a_plane_for_the_steps_that_follow(tmp_path: Path) -> None:
    files = {name: str(tmp_path / name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
    environment = with_locum(RUNNER_TEMP=str(tmp_path), SOURCE=str(ROOT), **files)
    done = subprocess.run(
        ["sh", "-c", steps()["Start a plane"]["run"]], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    variables = dict(line.split("=", 1) for line in (tmp_path / "GITHUB_ENV").read_text().splitlines())
    try:
        assert done.stdout == f"::add-mask::{variables['AWS_SECRET_ACCESS_KEY']}\n"
        assert (tmp_path / "GITHUB_OUTPUT").read_text() == f"endpoint={variables['AWS_ENDPOINT_URL']}\n"
        sts = boto3.client(
            "sts",
            region_name=variables["AWS_REGION"],
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )
        assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    finally:
        os.kill(int(variables["LOCUM_PID"]), signal.SIGTERM)


def test_a_plane_that_cannot_start_fails_the_step(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "somebody-elses").touch()
    start = [str(ROOT / "ci" / "start-plane"), str(tmp_path / "data")]
    done = subprocess.run(start, env=with_locum(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "holds files that are not Locum's" in done.stderr


def test_the_action_says_where_it_is_and_has_no_other_steps() -> None:
    assert steps().keys() == {"Install Locum", "Start a plane"}
    for step in steps().values():
        assert (
            ROOT / "ci" / "github" / step["env"]["SOURCE"].removeprefix("${{ github.action_path }}/")
        ).resolve() == ROOT


def test_the_script_of_the_template_is_one_of_a_shell() -> None:
    template = yaml.safe_load((ROOT / "ci" / "gitlab" / "locum.yml").read_text())
    for line in template[".locum"]["before_script"]:
        subprocess.run(["sh", "-n", "-c", line], check=True)
    example = yaml.safe_load((ROOT / "docs/examples/application/.gitlab-ci.yml").read_text())
    assert (ROOT / example["include"][0]["file"]).exists()
    assert example["tests"]["extends"] == ".locum"
