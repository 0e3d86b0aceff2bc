"""The properties that resources would have, as far as they can be told before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.services.cloudformation.intrinsics import Evaluation
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.templates import invalid
from locum.state import StackResource


class Foreseen:
    """What is foreseen of the resources of a template. `order` are those that would be there, in dependency order."""

    def __init__(self, evaluation: Evaluation, there: Mapping[str, StackResource], seals: Seals) -> None:
        self._evaluation = evaluation
        self._there = there
        self._seals = seals
        self._replaced: set[str] = set()
        self._unknown: list[str] = []
        self.order = in_order(evaluation.dependencies())

    def before(self, it: StackResource) -> Mapping[str, Any]:
        """The properties that a resource has now."""
        kept = self._seals.open(it.account, it.stack, it.properties)
        found: Mapping[str, Any] = kept.get("properties", {})
        return found

    def properties(self, logical: str, replaced: set[str]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """The properties that a resource would have, and those that are not known, with what they depend on."""
        self._replaced = replaced
        definition = self._evaluation.template.resources[logical]
        unknown: dict[str, str] = {}
        made: dict[str, Any] = {}
        for name, value in definition.properties.items():
            self._unknown = []
            resolved = self._evaluation.resolve({name: value}, self)
            made |= resolved
            if self._unknown and name in resolved:
                unknown[name] = self._unknown[0]
        return made, unknown

    # -- what functions ask for --------------------------------------------------------------------------

    def ref(self, logical: str) -> Any:
        """The physical id; a mark where there will be another one."""
        it = self._there.get(logical)
        if it is None or logical in self._replaced:
            return self._mark(logical)
        return it.physical

    def attribute(self, logical: str, name: str) -> Any:
        """An attribute; a mark where there will be another one."""
        it = self._there.get(logical)
        if it is None or logical in self._replaced:
            return self._mark(f"{logical}.{name}")
        attributes = self._seals.open(it.account, it.stack, it.attributes)
        found = attributes.get(name)
        return self._mark(f"{logical}.{name}") if found is None else found

    def imported(self, export: str) -> Any:
        """The value of an export is looked up when the resource is made."""
        return self._mark(export)

    def zones(self, region: str) -> list[str]:
        """The zones of a region are asked for when the resource is made."""
        return [f"{region}{letter}" for letter in "abcdef"]

    def dynamic(self, reference: str) -> str:
        """Dynamic references are read when the resource is made."""
        return str(self._mark(reference))

    def _mark(self, what: str) -> str:
        self._unknown.append(what)
        return f"{{{{{what}}}}}"


def foreseen(evaluation: Evaluation, there: Mapping[str, StackResource], seals: Seals) -> Foreseen:
    """What is foreseen of the resources of `evaluation`, where `there` are the resources now."""
    return Foreseen(evaluation, there, seals)


def in_order(graph: Mapping[str, set[str]]) -> list[str]:
    """The keys of `graph`, each after those that it depends on."""
    ordered: dict[str, None] = {}
    left = dict(graph)
    while left:
        ready = [name for name, others in left.items() if others <= ordered.keys()]
        if not ready:
            raise invalid(f"Circular dependency between resources: [{', '.join(left)}]")
        for name in ready:
            ordered[name] = None
            del left[name]
    return list(ordered)
