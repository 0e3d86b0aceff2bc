"""The state as it was, of a plane at work: over restarts, and in a data directory from before it was kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from locum.state import Role, State
from locum.state.signin import PasswordPolicy
from locum.store import Forgotten
from support.inprocess import InProcess
from support.plane import allow, document, trusting

TRUST = trusting(Service="ec2.amazonaws.com")


def role(state: State, name: str) -> Role | None:
    return state.get(Role, "000000000000", name)


def test_a_role_is_as_it_was_over_a_restart(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    iam, clock = plane.client("iam"), plane.node.runtime.clock
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=document(allow("s3:GetObject")))
    before = clock()
    clock.move(3600)
    iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=document(allow("*")))
    between = clock()
    clock.move(7200)
    iam.delete_role_policy(RoleName="worker", PolicyName="own")
    iam.delete_role(RoleName="worker")
    plane.close()
    plane.start()
    then, later, now = (plane.run(plane.node.ledger.state_at(at)) for at in (before, between, before + 9000))
    plane.close()
    assert role(now, "worker") is None
    assert "s3:GetObject" in role(then, "worker").inline["own"]  # type: ignore[union-attr]
    assert "s3:GetObject" not in role(later, "worker").inline["own"]  # type: ignore[union-attr]


def test_what_was_before_it_was_kept_is_not_known(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    plane.client("iam").create_role(RoleName="old", AssumeRolePolicyDocument=TRUST)
    plane.close()
    with sqlite3.connect(tmp_path / "locum.db") as file:
        file.execute("DROP TABLE former")
    file.close()
    plane.start()
    clock = plane.node.runtime.clock
    since, known = clock() - 3600, clock()
    plane.client("iam").delete_role(RoleName="old")
    with pytest.raises(Forgotten):
        plane.run(plane.node.ledger.state_at(since))
    assert role(plane.run(plane.node.ledger.state_at(known)), "old") is not None
    plane.close()


def test_attack_a_password_policy_of_today_allows_nothing_yesterday(tmp_path: Path) -> None:
    """AllowUsersToChangePassword is a permission of all users of an account."""
    plane = InProcess(tmp_path)
    iam, clock = plane.client("iam"), plane.node.runtime.clock
    before = clock()
    clock.move(3600)
    iam.update_account_password_policy(AllowUsersToChangePassword=True)
    then, now = (plane.run(plane.node.ledger.state_at(at)) for at in (before, clock()))
    plane.close()
    assert (list(then.every(PasswordPolicy)), len(list(now.every(PasswordPolicy)))) == ([], 1)
