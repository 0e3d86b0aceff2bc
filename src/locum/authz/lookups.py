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
from locum.core.partial_arn import Missing, Name, PartialArn, arn_of


class Lookup(NamedTuple):
    """A call that finds a resource: botocore's names, the parameters, and where the answer has it.

    `variable` and `position` are those of the missing part that the answer has; both empty for the first one. Where
    there is a `variable` without a position, the answer has a further name of the resource, of that kind.
    """

    service: str
    operation: str
    params: dict[str, Any]
    resource: PartialArn
    found: Getter
    variable: str = ""
    position: int | None = None

    def resources(self, answer: Mapping[str, Any]) -> tuple[str, ...]:
        """The resources that `answer` has, each once. Those still known in part have a name again."""
        return tuple(dict.fromkeys(self._with(scalar(value)) for value in self.found(answer, None) if value))

    def _with(self, value: str) -> str:
        if value.startswith("arn:"):
            return value
        parts = self.resource.parts
        at = self.position
        if at is None and self.variable:
            return PartialArn(parts, Name(self.variable, value))
        if at is None or at >= len(parts) or not isinstance(parts[at], Missing):
            at = next(index for index, part in enumerate(parts) if isinstance(part, Missing))
        name = Name(self.variable, value) if self.variable else None
        return arn_of(*parts[:at], value, *parts[at + 1 :], name=name)


def lookup_of(call: Call, check: Check) -> Lookup | None:
    """The look-up of the resource of `check`; None where it is not named otherwise, or there is no way to find it."""
    resource = check.resource
    if not isinstance(resource, PartialArn) or resource.name is None:
        return None
    service = catalogue.service(call.service)
    rule = service.lookups.get((check.kind, resource.name.kind))
    if rule is None:
        return None
    variables = service.rules.types[check.kind].variables
    known = rule.variable in variables
    position = 2 * variables.index(rule.variable) + 1 if known else None  # a text between any two variables
    params = rule.params(resource.name.value, call.params)
    return Lookup(call.service, rule.operation, params, resource, rule.found, rule.variable, position)


def resolved(plan: Plan, found: Mapping[PartialArn, Iterable[str]]) -> Plan:
    """`plan` with the resources that were found in place of their other names; those not found stay unknown."""
    checks: list[Check] = []
    for check in plan.checks:
        resources = found.get(check.resource) if isinstance(check.resource, PartialArn) else None
        checks += [check._replace(resource=resource) for resource in resources or (check.resource,)]
    return plan._replace(checks=tuple(checks))
