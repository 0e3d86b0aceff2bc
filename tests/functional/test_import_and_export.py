"""`locum import` and `locum export` as people type them: exit codes, guards, and what is told."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, Final

import pytest

from support.plane import ACCOUNT, RunningPlane, allow, fresh
from support.real_account import REAL, arn, encoded, trust

EC2: Final = trust({"Service": "ec2.amazonaws.com"})


def details(tmp_path: Path, name: str, **more: Any) -> str:
    """A file with one role."""
    role = {"RoleName": name, "Path": "/", "Arn": arn("role", name), "AssumeRolePolicyDocument": encoded(EC2), **more}
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps({"RoleDetailList": [role]}))
    return str(file)


def test_a_dry_run_tells_and_changes_nothing_and_the_import_says_what_it_did(
    plane: RunningPlane, tmp_path: Path
) -> None:
    name = fresh("imported")
    file = details(tmp_path, name)
    tried = plane.locum("import", "--dry-run", file)
    assert (tried.returncode, tried.stdout.split()) == (0, ["roles", "1", "to", "be", "made"])
    for outcome in ("made", "kept"):
        done = plane.locum("import", "--json", "-", said=Path(file).read_text())
        assert (done.returncode, json.loads(done.stdout)["entities"][0]["outcome"]) == (0, outcome), done.stderr


def test_what_differs_or_fails_is_an_exit_code_and_a_line(plane: RunningPlane, tmp_path: Path) -> None:
    name = fresh("imported")
    plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust({"AWS": ACCOUNT})))
    done = plane.locum("import", details(tmp_path, name))
    assert (done.returncode, f"differs: role {name}: the trust policy" in done.stdout) == (1, True)
    assert plane.locum("import", "--replace", details(tmp_path, name)).returncode == 0
    done = plane.locum("import", details(tmp_path, f"{name}-2", AssumeRolePolicyDocument="{}"))
    assert (done.returncode, "MalformedPolicyDocument" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--account", "999999999999"], f"the credentials are of the account {ACCOUNT}, not of 999999999999"),
        (
            ["--keep-account"],
            f"this plane's account is {ACCOUNT}: start another one for {REAL}, with `locum up --account",
        ),
        (["--rename-account", "12"], "--rename-account '12' reads like 111122223333 or 111122223333=444455556666"),
    ],
)
def test_options_that_cannot_be_change_nothing(
    plane: RunningPlane, tmp_path: Path, options: list[str], said: str
) -> None:
    name = fresh("imported")
    done = plane.locum("import", *options, details(tmp_path, name))
    assert (done.returncode, done.stderr.startswith(f"locum: {said}")) == (2, True), done.stderr
    assert name not in [role["RoleName"] for role in plane.client("iam").list_roles(MaxItems=1000)["Roles"]]


def test_the_credentials_in_the_environment_are_those_that_make_it(plane: RunningPlane, tmp_path: Path) -> None:
    _, reader = plane.user(allow(["iam:Get*", "iam:List*", "sts:GetCallerIdentity"]))
    done = plane.locum("import", details(tmp_path, fresh("no")), env=plane.environment(**reader.environment))
    assert (done.returncode, "AccessDenied" in done.stdout) == (1, True), done.stdout


def test_other_accounts_are_renamed_where_that_is_asked_for(plane: RunningPlane, tmp_path: Path) -> None:
    name = fresh("imported")
    trusted = encoded(trust({"AWS": ["arn:aws:iam::999999999999:root", "arn:aws:iam::888888888888:root"]}))
    renaming = ["--rename-account", "999999999999", "--rename-account", "888888888888=777777777777"]
    plane.locum("import", *renaming, details(tmp_path, name, AssumeRolePolicyDocument=trusted))
    made = plane.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    principals = [f"arn:aws:iam::{ACCOUNT}:root", "arn:aws:iam::777777777777:root"]
    assert made["Statement"][0]["Principal"]["AWS"] == principals


@pytest.mark.nightly
def test_attack_files_that_are_none_say_so_in_a_line(plane: RunningPlane, tmp_path: Path) -> None:
    for number, content in enumerate((b"[" * 200_000, b'{"RoleDetailList": [{"Arn": "\\u001b[2J"}]}')):
        file = tmp_path / f"\x1b{number}.json"
        file.write_bytes(content)
        done = plane.locum("import", str(file))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert "\x1b" not in done.stderr


def test_files_that_are_exported_are_nobody_elses_to_read(plane: RunningPlane, tmp_path: Path) -> None:
    plane.user()
    for number, form in enumerate(("json", "terraform")):
        file = tmp_path / str(number)
        file.symlink_to(tmp_path / "elsewhere")
        done = plane.locum("export", "--format", form, "--out", str(file))
        assert (done.returncode, "access keys, of " in done.stderr) == (0, True), done.stderr
        assert (stat.S_IMODE(file.stat().st_mode), file.is_symlink()) == (0o600, False)
        assert json.loads(file.read_text())
    assert not (tmp_path / "elsewhere").exists()
    done = plane.locum("export", "--out", str(tmp_path / "no" / "such"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
