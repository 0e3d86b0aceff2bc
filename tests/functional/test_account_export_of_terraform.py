"""What `locum export` writes for Terraform is valid to it, imports what is there, and makes the same elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from functional.test_terraform import CHANGES, NOTHING_TO_CHANGE, Terraform
from support.plane import up
from support.real_account import RealAccount
from support.tools import needs

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200), needs("terraform")]


@pytest.mark.parametrize("imports", [True, False])
def test_terraform_takes_an_exported_account(tmp_path: Path, imports: bool) -> None:
    with up(tmp_path) as plane:
        details = tmp_path / "details.json"
        details.write_text(json.dumps(RealAccount(24).details()))
        plane.locum("import", str(details))
        ci = {"Url": "https://ci.example/x", "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["ab" * 20]}
        plane.client("iam").create_open_id_connect_provider(**ci)
        work = Terraform(plane, tmp_path / "work")
        for file in (tmp_path / "work").glob("*.tf"):
            file.unlink()
        blocks = ["--import-blocks"] if imports else []
        done = plane.locum("export", "--format", "terraform", *blocks, "--out", str(tmp_path / "work" / "iam.tf.json"))
        assert done.returncode == 0, done.stderr
        if not imports:
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir()
            with up(elsewhere, "--account", "555566667777") as other:
                work = _moved(Terraform(other, elsewhere / "work"), tmp_path / "work", elsewhere / "work")
                _applied(work)
                _same_roles(plane.locum("export").stdout, other.locum("export").stdout)
            return
        _applied(work)


def _moved(work: Terraform, source: Path, target: Path) -> Terraform:
    for file in target.glob("*.tf"):
        file.unlink()
    (target / "iam.tf.json").write_bytes((source / "iam.tf.json").read_bytes())
    return work


def _applied(work: Terraform) -> None:
    code, said = work.run("init", "-input=false")
    if code:
        pytest.skip(f"no provider hashicorp/aws: {said[-300:]}")
    code, said = work.run("validate")
    assert code == 0, said
    code, said = work.run("apply", "-auto-approve")
    assert code == 0, said
    code, said = work.run("plan", "-detailed-exitcode")
    assert code == NOTHING_TO_CHANGE != CHANGES, said


def _same_roles(ours: str, theirs: str) -> None:
    found = []
    for text, account in ((ours, "000000000000"), (theirs, "555566667777")):
        told = json.loads(text.replace(account, "ACCOUNT"))
        roles = [one for one in told["RoleDetailList"] if not one["RoleName"].startswith("ring-")]
        members = ("RoleName", "Path", "AssumeRolePolicyDocument", "AttachedManagedPolicies", "Tags")
        found.append([{name: one[name] for name in members} for one in roles])
    assert found[0] == found[1]
