"""The corpus of decision cases as real calls: what the plane answers is what the evaluator decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from locum import policy
from locum.policy import cases
from support import decided_calls as calls
from support.inprocess import InProcess
from support.simulated_cases import raw_cases

pytestmark = pytest.mark.xdist_group("decisions through the gateway")

PAIRS = [(raw, cases.case(raw)) for raw in raw_cases(Path(__file__).with_name("decisions"))]
REASONS = Counter(calls.unreachable(*pair) for pair in PAIRS)
REACHABLE = [raw for raw, case in PAIRS if not calls.unreachable(raw, case)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[calls.Stage]:
    plane = InProcess(tmp_path_factory.mktemp("decisions"))
    yield calls.Stage(plane)
    plane.close()


@pytest.mark.parametrize("raw", REACHABLE, ids=lambda raw: str(raw["id"]))
def test_a_real_call_is_answered_as_the_evaluator_decides(stage: calls.Stage, raw: Mapping[str, Any]) -> None:
    case, answered = stage.play(raw)
    verdict = policy.evaluate(case.request, case.policies).verdict
    assert verdict == case.expected
    assert answered.allowed is (verdict is policy.Verdict.ALLOW), answered.message
    assert answered.verdict in (None, verdict), answered.message


def test_what_no_call_can_set_up_is_only_what_has_a_reason() -> None:
    assert set(REASONS) <= {
        "",
        calls.PRINCIPAL,
        calls.ORGANIZATION,
        calls.ACTION,
        calls.OWNER,
        calls.ALWAYS_A_POLICY,
        calls.POLICY_OF_NOTHING,
        calls.REFUSED,
        calls.CONTEXT,
        calls.ROOT_ROLES,
        calls.CIPHERTEXT,
        calls.UNSIGNED_ELSEWHERE,
    }
    assert REASONS[""] >= 500
