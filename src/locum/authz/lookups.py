"""Other names of resources, and how a backend is asked which resources they are of.

A request may name a resource by something that is not in its ARN: a security group by `GroupName`, a route table by
one of its associations. The catalogue says with which reading operation of the same service it is found (`lookup` in
`locum.authz.rules`). The look-up serves the decision alone: its answer is not shown to the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from locum.authz import catalogue
from locum.authz.call import Call, Check, Plan
from locum.authz.paths import Getter, scalar
from locum.core.partial_arn import Missing, PartialArn, arn_of


class Lookup(NamedTuple):
    """A call that finds the resource of a check: botocore's names, the parameters, and where the answer has it."""

    service: str
    operation: str
    params: dict[str, Any]
    found: Getter

    def values(self, answer: Mapping[str, Any]) -> tuple[str, ...]:
        """What `answer` has for the missing part of the ARN, or ARNs, each once."""
        return tuple(dict.fromkeys(scalar(value) for value in self.found(answer, None) if value))


def lookup_of(call: Call, check: Check) -> Lookup | None:
    """The look-up of the resource of `check`; None where it is not named otherwise, or there is no way to find it."""
    resource = check.resource
    if not isinstance(resource, PartialArn) or resource.name is None:
        return None
    rule = catalogue.service(call.service).lookups.get((check.kind, resource.name.kind))
    if rule is None:
        return None
    return Lookup(call.service, rule.operation, rule.params(resource.name.value), rule.found)


def resolved(plan: Plan, found: Mapping[PartialArn, Iterable[str]]) -> Plan:
    """`plan` with the resources that were found in place of their other names; those not found stay unknown."""
    checks: list[Check] = []
    for check in plan.checks:
        values = found.get(check.resource) if isinstance(check.resource, PartialArn) else None
        if not values or not isinstance(check.resource, PartialArn):
            checks.append(check)
        else:
            checks += [check._replace(resource=_with(check.resource, value)) for value in values]
    return plan._replace(checks=tuple(checks))


def _with(resource: PartialArn, value: str) -> str:
    if value.startswith("arn:"):
        return value
    first = next(index for index, part in enumerate(resource.parts) if isinstance(part, Missing))
    return arn_of(*resource.parts[:first], value, *resource.parts[first + 1 :])
