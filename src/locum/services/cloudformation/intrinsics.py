"""The evaluation of templates: conditions, rules, and values with all their functions replaced.

CloudFormation Template Reference, "Intrinsic functions", "Condition functions", "Rules", "Dynamic references".
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import Any, NamedTuple

from locum.services.cloudformation.functions import (
    Reference,
    form_checked,
    function_of,
    references_of,
    resolved,
    text,
)
from locum.services.cloudformation.graphs import circular
from locum.services.cloudformation.parameters import ParameterValue
from locum.services.cloudformation.resolution import NOTHING, Lookups, Run, Scope, holds
from locum.services.cloudformation.sealing import HIDDEN
from locum.services.cloudformation.secret_values import secret_names
from locum.services.cloudformation.template import ResourceDefinition, Template, condition_order, evaluated
from locum.services.cloudformation.templates import invalid

__all__ = ["Evaluation", "Lookups", "Pseudo"]


class Pseudo(NamedTuple):
    """The values of the pseudo parameters."""

    account: str
    region: str
    stack_name: str
    stack_id: str
    partition: str = "aws"
    url_suffix: str = "amazonaws.com"
    notification_arns: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """The values by the names that templates use."""
        return {
            "AWS::AccountId": self.account,
            "AWS::NoValue": NOTHING,
            "AWS::NotificationARNs": [*self.notification_arns],
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": self.url_suffix,
        }


class Evaluation:
    """A template with the values of its parameters."""

    def __init__(self, template: Template, parameters: Mapping[str, ParameterValue], pseudo: Pseudo) -> None:
        self.template = template
        self.parameters = parameters
        self.names: Mapping[str, Any] = {name: given.resolved for name, given in parameters.items()} | pseudo.values()

    @cached_property
    def conditions(self) -> Mapping[str, bool]:
        """Whether each condition holds. Raises Fault ValidationError for those that cannot be evaluated."""
        found: dict[str, bool] = {}
        for name in condition_order(self.template.conditions):
            scope = Scope(self.template, self.names, found, None, "Conditions")
            found[name] = Run(scope).truth(self.template.conditions[name], 0)
        return found

    @cached_property
    def secrets(self) -> frozenset[str]:
        """What may be secret: parameters, and attributes of resources, as `secret_values` names them."""
        return secret_names(self.template, self.parameters)

    def hidden(self) -> Evaluation:
        """The evaluation with asterisks for the values of NoEcho parameters; the same where there are none."""
        return self._hidden or self

    @cached_property
    def _hidden(self) -> Evaluation | None:
        secret = {name: given.resolved for name, given in self.parameters.items() if given.no_echo}
        if not secret:
            return None
        conditions, found = self.conditions, copy(self)
        stars = {name: [HIDDEN] * len(value) if isinstance(value, list) else HIDDEN for name, value in secret.items()}
        found.names = {**self.names, **stars}
        found.conditions = conditions  # they hold as they do with the values
        return found

    def exists(self, definition: ResourceDefinition | Mapping[str, Any]) -> bool:
        """Whether a resource or an output is there: its condition holds, or it has none."""
        name = definition.condition if isinstance(definition, ResourceDefinition) else definition.get("Condition", "")
        return not name or holds(self.conditions, name)

    def resolve(self, value: Any, lookups: Lookups) -> Any:
        """A value with all functions and dynamic references replaced, and without what is AWS::NoValue.

        None where the value as a whole is AWS::NoValue. Raises Fault ValidationError.
        """
        run = Run(Scope(self.template, self.names, self.conditions, lookups))
        found = run.value(value, 0)
        return None if found is NOTHING else run.without_dynamic(found)

    def mentions(self, value: Any) -> set[str]:
        """The names that a value refers to, of the branches of Fn::If that are taken; no pseudo parameters."""
        return {reference.name for reference in self.referenced(value)}

    def referenced(self, value: Any) -> set[Reference]:
        """The references of a value, of the branches of Fn::If that are taken; no pseudo parameters."""
        found: set[Reference] = set()
        left = [value]
        while left:
            current = left.pop()
            function = function_of(current)
            if function and function[0] == "Fn::If":
                form_checked(*function)
                left.append(function[1][1 if holds(self.conditions, function[1][0]) else 2])
                continue
            found.update(references_of(current))
            if isinstance(current, Mapping):
                left.extend(current.values())
            elif isinstance(current, (list, tuple)):
                left.extend(current)
        return found

    def dependencies(self) -> dict[str, set[str]]:
        """The resources that each resource that exists depends on. Raises Fault ValidationError.

        A reference to a resource whose condition does not hold is an error, a DependsOn is not.
        """
        there = {name: one for name, one in self.template.resources.items() if self.exists(one)}
        absent = self.template.resources.keys() - there.keys()
        mentioned = {name: self.mentions(evaluated(one)) for name, one in there.items()}
        resolved("Resources", sorted(absent & set[str]().union(*mentioned.values())))
        outputs = [self.mentions(output) for output in self.template.outputs.values() if self.exists(output)]
        resolved("Outputs", sorted(absent & set[str]().union(*outputs)))
        graph = {name: ({*one.depends_on} | mentioned[name]) & there.keys() for name, one in there.items()}
        cycle = circular(graph)
        if cycle:
            raise invalid(f"Circular dependency between resources: [{', '.join(cycle)}]")
        return graph

    def rules_broken(self, lookups: Lookups | None = None) -> list[str]:
        """The descriptions of the assertions that fail. Fn::ValueOf and Fn::ValueOfAll take `lookups`.

        "If a rule doesn't include a rule condition, the assertions always take effect."
        """
        broken: list[str] = []
        for name, rule in self.template.rules.items():
            run = Run(Scope(self.template, self.names, self.conditions, lookups, "Rules"))
            if "RuleCondition" in rule and not run.truth(rule["RuleCondition"], 0):
                continue
            broken += [
                text(assertion.get("AssertDescription", f"Assertion of rule {name} failed."))
                for assertion in rule["Assertions"]
                if not run.truth(assertion["Assert"], 0)
            ]
        return broken
