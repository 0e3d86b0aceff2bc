"""The corpus of decision cases: each cites its page of AWS's documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from locum import policy
from locum.policy import cases

FILES = sorted(Path(__file__).with_name("decisions").iterdir())


def load(path: Path) -> list[cases.Case]:
    return list(cases.read(path.read_text(), yaml=path.suffix == ".yaml"))


CASES = [case for path in FILES for case in load(path)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_evaluator_decides_as_documented(case: cases.Case) -> None:
    result = cases.run(case)
    assert result.passed, result.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_explanation_agrees_with_the_decision(case: cases.Case) -> None:
    decision = policy.evaluate(case.request, case.policies)
    explanation = policy.explain(case.request, case.policies, decision)
    matched = {report.reference for report in explanation.statements if report.failure is None}
    assert set(decision.determining) <= matched
    assert json.dumps(explanation.as_dict())
    assert explanation.text()


def test_identifiers_are_unique() -> None:
    names = [case.id for case in CASES]
    assert len(names) == len(set(names))


def test_every_trap_of_the_checklist_has_a_case() -> None:
    covered: set[int] = set()
    for path in FILES:
        if path.suffix == ".jsonl":
            for line in path.read_text().splitlines():
                case = json.loads(line)
                assert case["source"].startswith("https://docs.aws.amazon.com/"), case["id"]
                covered.update(int(number) for number in case["category"].split(", "))
    assert covered == set(range(1, 55))
