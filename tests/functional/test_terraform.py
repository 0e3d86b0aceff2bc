"""Terraform with AWS's own provider: what it makes it finds again as it was configured, changes, and destroys."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.plane import REGION, Key, RunningPlane, up
from support.processes import finished
from support.tools import found

CONFIGURATION = Path(__file__).parent / "terraform"
MIRRORS = [
    Path(name).expanduser()
    for name in (
        *filter(None, [os.environ.get("LOCUM_TERRAFORM_PLUGINS")]),
        "~/.terraform.d/plugins",
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
        "/opt/tf-plugins",
    )
]
"""The directories where a provider may be (filesystem_mirror); with none of them it is asked of the registry."""
NOTHING_TO_CHANGE, CHANGES = 0, 2
"""Exit codes of `terraform plan -detailed-exitcode`."""

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(found("terraform") is None, reason="no terraform on this machine"),
]


class Terraform:
    """A working directory of Terraform, on a plane of its own."""

    def __init__(self, plane: RunningPlane, folder: Path, key: Key | None = None) -> None:
        """It has `key`, the root user's where there is none."""
        shutil.copytree(CONFIGURATION, folder)
        with zipfile.ZipFile(folder / "app.zip", "w") as package:
            package.writestr("app.py", "def handler(event, context):\n    return 1\n")
        mirror = next((place for place in MIRRORS if place.is_dir()), None)
        settings = f'filesystem_mirror {{ path = "{mirror}" }}' if mirror else "direct {}"
        (folder / "rc").write_text(f"provider_installation {{\n  {settings}\n}}\n")
        self._folder = folder
        self._environment = plane.environment(
            **(key or plane.root).environment,
            AWS_ENDPOINT_URL=plane.endpoint,
            AWS_REGION=REGION,
            AWS_EC2_METADATA_DISABLED="true",
            CHECKPOINT_DISABLE="1",
            TF_CLI_CONFIG_FILE=str(folder / "rc"),
            TF_VAR_package=str(folder / "app.zip"),
        )

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        """The exit code and what is said."""
        line = [str(found("terraform")), *command.split(), "-no-color", *arguments]
        done = finished(line, seconds=500, env=self._environment, cwd=self._folder)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    home = tmp_path_factory.mktemp("terraform")
    with up(home) as plane:
        made = Terraform(plane, home / "work")
        code, said = made.run("init", "-input=false")
        if code:
            pytest.skip(f"no provider hashicorp/aws: {said[-300:]}")
        yield made


def test_a_second_plan_finds_nothing_to_change_and_destroy_leaves_nothing(terraform: Terraform) -> None:
    for stage in ("first", "second"):
        code, said = terraform.run("apply", "-auto-approve", "-var", f"stage={stage}")
        assert code == 0, said
        assert stage == "first" or "0 added" in said, said  # what differs is changed in place
        code, said = terraform.run("plan", "-detailed-exitcode", "-var", f"stage={stage}")
        assert code == NOTHING_TO_CHANGE, said
    code, said = terraform.run("plan", "-detailed-exitcode", "-var", "stage=first")
    assert code == CHANGES, said
    code, said = terraform.run("destroy", "-auto-approve", "-var", "stage=second")
    assert code == 0, said
    assert "Destroy complete!" in said
