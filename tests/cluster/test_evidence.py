"""The judge of journals finds what is lost, half done, done twice, or not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from cluster.calls import Answer
from cluster.evidence import Evidence
from cluster.load import POLICY, version
from locum.audit.identity import Identity
from locum.audit.record import Record
from locum.core.principal import PrincipalKind
from locum.state import Role, encode, put, remove
from locum.store.journal import AuditRow, Entry
from locum.store.memory import MemoryJournal
from support.plane import ACCOUNT

CALLS = ("CreateRole", "PutRolePolicy")


def answer(action: str, request_id: str, role: str = "r", status: int = 200) -> Answer:
    return Answer(action, role, "http://one", 1.0, 2.0, status, "", {"x-amzn-requestid": request_id})


def record(action: str, request_id: str, role: str = "r", error: str = "") -> AuditRow:
    found = Record(
        event_id=f"event-{request_id}", request_id=request_id, at=1.0, account=ACCOUNT, region="us-east-1",
        event_source="iam.amazonaws.com", service="iam", operation=action, error_code=error,
        identity=Identity(kind=PrincipalKind.USER, arn=f"arn:aws:iam::{ACCOUNT}:user/admin", account=ACCOUNT),
        parameters={"roleName": role, "policyDocument": version(0)},
    )  # fmt: skip
    return found.row()


class Made:
    """A journal in which one role was created and given its policy, as two calls were told."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.bare = Role(account=ACCOUNT, name="r", id="AROAR", created=1, trust="{}")
        self.full = Role(account=ACCOUNT, name="r", id="AROAR", created=1, trust="{}", inline={POLICY: version(0)})
        self.put(self.bare, None, record("CreateRole", "1"))
        self.put(self.full, self.bare, record("PutRolePolicy", "2"))
        self.told = [answer("CreateRole", "1"), answer("PutRolePolicy", "2")]

    def put(self, role: Role, before: Role | None, *rows: AuditRow) -> None:
        last = self.journal.last()
        former = encode([remove(role) if before is None else put(before)])
        self.journal.append([Entry(last + 1, 1.0, encode([put(role)]), former=former)], rows, last)

    def remove(self, *rows: AuditRow) -> None:
        last = self.journal.last()
        former = encode([put(self.full)])
        self.journal.append([Entry(last + 1, 1.0, encode([remove(self.full)]), former=former)], rows, last)

    def faults(self, told: Sequence[Answer] = ()) -> str:
        return "\n".join(Evidence(self.journal).faults([*self.told, *told]))


@pytest.fixture
def made() -> Made:
    return Made()


def test_what_fits_has_no_faults(made: Made) -> None:
    assert made.faults() == ""


def test_an_answer_that_was_lost_may_have_been_done_or_not(made: Made) -> None:
    lost = answer("DeleteRole", "", status=0)
    assert made.faults([lost]) == ""
    made.remove(record("DeleteRole", "3"))
    assert made.faults([lost]) == ""


def test_a_call_that_was_told_to_have_failed_for_now_may_have_been_done_or_not(made: Made) -> None:
    """The primary had it, and did not answer in time: docs/reference/errors.md, `ServiceUnavailable`."""
    assert made.faults([made.told[0], answer("PutRolePolicy", "2", status=503)]) == ""


def test_a_role_that_was_acknowledged_and_is_gone_is_lost(made: Made) -> None:
    assert "other is lost" in made.faults([answer("CreateRole", "9", "other")])


def test_an_acknowledged_call_without_a_record_is_told(made: Made) -> None:
    assert "no record of CreateRole other" in made.faults([answer("CreateRole", "9", "other")])


def test_two_records_of_one_call_are_told(made: Made) -> None:
    made.journal.record([record("PutRolePolicy", "2")])
    assert "2 records of the call 2" in made.faults()


def test_the_record_of_a_read_may_be_missing_or_there_twice_but_is_no_other(made: Made) -> None:
    read = answer("GetRole", "3")
    assert made.faults([read]) == ""
    made.journal.record([record("GetRole", "3")] * 2)
    assert made.faults([read]) == ""
    row = record("GetRole", "3")
    made.journal.record([row._replace(data=row.data.replace(b"event-3", b"other"))])
    assert "2 records of the call 3" in made.faults([read])


def test_an_entry_without_a_record_is_half_a_call(made: Made) -> None:
    made.put(made.full, made.bare)
    assert "r was changed by 3 entries, and 2 records say so" in made.faults()


def test_a_record_without_an_entry_is_half_a_call(made: Made) -> None:
    made.journal.record([record("PutRolePolicy", "3")])
    assert "r was changed by 2 entries, and 3 records say so" in made.faults()


def test_an_effect_that_came_twice_is_told(made: Made) -> None:
    made.put(made.bare, made.full, record("CreateRole", "3"))
    assert "r was created 2 times" in made.faults()


def test_another_policy_than_the_last_one_is_told(made: Made) -> None:
    wrong = msgspec.structs.replace(made.full, inline={POLICY: version(8)})
    made.put(wrong, made.full, record("PutRolePolicy", "3"))
    assert "r has" in made.faults([answer("PutRolePolicy", "3")])


def test_a_role_that_came_back_after_its_deletion_is_told(made: Made) -> None:
    made.journal.record([record("DeleteRole", "3")])
    assert "r is back after DeleteRole" in made.faults([answer("DeleteRole", "3")])


def test_a_refusal_that_is_recorded_as_a_success_is_told(made: Made) -> None:
    made.told[1] = replace(made.told[1], status=403)
    assert "another record of PutRolePolicy" in made.faults()
