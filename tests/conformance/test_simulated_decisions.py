"""The corpus of decision cases, asked of the policy simulator: one evaluator, so one verdict."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from locum import policy
from locum.policy import cases
from support import simulated_cases as simulated

RAW = list(simulated.raw_cases(Path(__file__).with_name("decisions")))
PAIRS = [(raw, cases.case(raw)) for raw in RAW]
CUSTOM = [pair for pair in PAIRS if not simulated.inexpressible(*pair)]
PRINCIPAL = [pair for pair in PAIRS if not simulated.not_of_a_principal(*pair)]


def ids(pairs: list[tuple[dict[str, object], cases.Case]]) -> list[str]:
    return [case.id for _, case in pairs]


@pytest.mark.parametrize(("raw", "case"), CUSTOM, ids=ids(CUSTOM))
def test_simulate_custom_policy_agrees_with_the_evaluator(raw: dict[str, object], case: cases.Case) -> None:
    assert simulated.custom(raw, case) == policy.evaluate(case.request, case.policies).verdict == case.expected


@pytest.mark.parametrize(("raw", "case"), PRINCIPAL, ids=ids(PRINCIPAL))
def test_simulate_principal_policy_agrees_with_the_evaluator(raw: dict[str, object], case: cases.Case) -> None:
    assert simulated.of_principal(raw, case) == policy.evaluate(case.request, case.policies).verdict == case.expected


def test_what_the_api_cannot_express_is_only_what_its_parameters_have_no_place_for() -> None:
    reasons = Counter(simulated.not_of_a_principal(*pair) for pair in PAIRS)
    del reasons[""]
    assert set(reasons) <= {
        simulated.CALLERS,
        simulated.SESSION_POLICIES,
        simulated.RCPS,
        simulated.FLAGS,
        simulated.EMPTY_LEVEL,
        simulated.SCPS,
        simulated.SESSION,
        simulated.NO_RESOURCE,
        simulated.NOT_AN_ARN,
        simulated.OWNER,
        simulated.WITHOUT,
        simulated.EMPTY_KEY,
        simulated.UNSTORABLE,
        simulated.NO_OPERATOR,
    }
    assert len(CUSTOM) > 0.7 * len(PAIRS)
    assert len(PRINCIPAL) > 0.6 * len(PAIRS)
