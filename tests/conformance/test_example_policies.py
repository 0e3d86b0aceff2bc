"""AWS's documented example policies: calls that their pages say are allowed and denied are decided so."""

from __future__ import annotations

import pytest

from support.example_policies import ExampleCall, calls, decided, examples
from support.generated_calls import model_of

EXAMPLES = examples()
CALLS = [call for example in EXAMPLES for call in calls(example)]


def _parameter(call: ExampleCall) -> object:
    marks = [pytest.mark.xfail(strict=True, reason=call.differs)] if call.differs else []
    return pytest.param(call, id=call.id, marks=marks)


@pytest.mark.parametrize("call", [_parameter(call) for call in CALLS])
def test_a_call_under_an_example_policy_is_decided_as_its_page_says(call: ExampleCall) -> None:
    authorization = decided(call)
    assert authorization.allowed is call.allowed, [
        (str(ruling.check.action), str(ruling.check.resource), ruling.decision.verdict.name)
        for ruling in authorization.rulings
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["id"]))
def test_an_example_has_a_page_and_calls_of_operations_with_all_that_they_require(example: dict[str, object]) -> None:
    assert example["page"]
    found = list(calls(example))
    assert {call.allowed for call in found} == {True, False}
    for call in found:
        service, operation = call.operation.split(":")
        shape = model_of(service).operation_model(operation).input_shape
        assert set(call.params) <= (set() if shape is None else set(shape.members)), call.id
        assert shape is None or set(shape.required_members) <= set(call.params), call.id


def test_there_are_at_least_350_examples_over_most_of_the_services() -> None:
    assert len({example["id"] for example in EXAMPLES}) == len(EXAMPLES) >= 350
    assert len({call.operation.partition(":")[0] for call in CALLS}) >= 45
