"""CloudFormation: templates, stacks, change sets, stack sets. What becomes of a stack's resources is `agents.stacks`'.

`OPERATIONS` are the verbs; every other operation that is not about stacks goes to the backend.
"""

from __future__ import annotations

from typing import Final

from locum.services.asking import asking
from locum.services.cloudformation import change_sets, descriptions, drift, signals, stack_sets, stacks, types
from locum.services.cloudformation.validation import estimate_template_cost, validate_template
from locum.services.verbs import Operation, asks

OPERATIONS: Final[dict[str, Operation]] = {
    **change_sets.OPERATIONS,
    **descriptions.OPERATIONS,
    **drift.OPERATIONS,
    **signals.OPERATIONS,
    **stack_sets.OPERATIONS,
    **stacks.OPERATIONS,
    **types.OPERATIONS,
    "EstimateTemplateCost": asks(asking(estimate_template_cost))._replace(computes=True),
    "ValidateTemplate": asks(asking(validate_template))._replace(computes=True),
}
"""All implemented operations of CloudFormation, by name."""

__all__ = ["OPERATIONS"]
