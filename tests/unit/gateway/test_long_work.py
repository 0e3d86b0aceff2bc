"""What callers can ask for that takes long or takes room: nobody stops or fills the plane with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from locum.authz import Supposed
from locum.core.http import HttpResponse
from locum.credentials import passwords
from locum.policy import Decision
from locum.store import SqliteJournal
from locum.store.journal import Used
from locum.wire import Codec
from support.inprocess import InProcess, refusal

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DOCUMENT = {"Version": "2012-10-17", "Statement": [ALLOW_ALL]}


def test_passwords_are_not_digested_on_the_event_loop(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []
    digest = passwords._digest

    def watched(password: str, head: str) -> str:
        threads.append(threading.current_thread() is threading.main_thread())
        return digest(password, head)

    monkeypatch.setattr(passwords, "_digest", watched)
    iam, own = plane.client("iam"), plane.client("iam", plane.user("ann-passwords", ALLOW_ALL))
    iam.create_login_profile(UserName="ann-passwords", Password="Correct-Horse-1")
    iam.update_login_profile(UserName="ann-passwords", Password="Correct-Horse-2")
    own.change_password(OldPassword="Correct-Horse-2", NewPassword="Correct-Horse-3")
    assert refusal(own.change_password, OldPassword="Wrong-Horse-1", NewPassword="Correct-Horse-4")[0] == "AccessDenied"
    assert len(threads) >= 4
    assert not any(threads)


def test_no_report_waits_for_the_disk_on_the_event_loop(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []
    uses = SqliteJournal.uses

    def watched(self: SqliteJournal, *asked: str) -> list[Used]:
        threads.append(threading.current_thread() is threading.main_thread())
        return uses(self, *asked)

    monkeypatch.setattr(SqliteJournal, "uses", watched)
    iam = plane.client("iam", plane.user("ann-reports", ALLOW_ALL))
    assert iam.generate_credential_report()["State"] == "STARTED"
    for _ in range(2):
        assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert b"ann-reports" in iam.get_credential_report()["Content"]
    assert threads
    assert not any(threads)


def test_nothing_is_simulated_on_the_event_loop(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the decisions, of which a page has thousands, nor their answer, which is of that length."""
    threads: list[bool] = []
    decide, serialize = Supposed.decide, Codec.serialize

    def deciding(self: Supposed, *asked: str) -> Decision:
        threads.append(threading.current_thread() is threading.main_thread())
        return decide(self, *asked)

    def serializing(self: Codec, answer: Mapping[str, Any], request_id: str) -> HttpResponse:
        if self.operation.startswith("Simulate"):
            threads.append(threading.current_thread() is threading.main_thread())
        return serialize(self, answer, request_id)

    monkeypatch.setattr(Supposed, "decide", deciding)
    monkeypatch.setattr(Codec, "serialize", serializing)
    iam = plane.client("iam", plane.user("ann-simulates", ALLOW_ALL))
    asked: dict[str, Any] = {"ActionNames": ["s3:GetObject"], "ResourceArns": [f"arn:aws:s3:::b/{n}" for n in range(9)]}
    source = iam.get_user()["User"]["Arn"]
    assert iam.simulate_principal_policy(PolicySourceArn=source, **asked)["EvaluationResults"]
    assert iam.simulate_custom_policy(PolicyInputList=[json.dumps(DOCUMENT)], **asked)["EvaluationResults"]
    assert len(threads) == 2 * (9 + 1)
    assert not any(threads)


def test_a_caller_who_makes_up_regions_does_not_fill_the_record_of_last_uses(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    key = plane.user("ann-regions")
    for number in range(80):
        assert plane.client("sts", key, f"nowhere-{number}").get_caller_identity()["Account"]
    store = plane.node.runtime
    found = plane.run(store.ledger.read(lambda: store.usage.uses("000000000000")))
    plane.close()
    assert len({use.region for use in found}) <= 65
    assert {use.action for use in found} >= {"sts:GetCallerIdentity", "iam:CreateUser"}
