"""What is shown of the values of a template: no secrets, and nothing that a call would have to tell.

CloudFormation User Guide, "Parameters": the values of NoEcho parameters are shown as asterisks. "Dynamic references":
CloudFormation never shows the values of those, but the references.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.functions import text
from locum.services.cloudformation.intrinsics import Evaluation, Lookups
from locum.services.cloudformation.lookup import resources_of
from locum.services.cloudformation.outputs import exported, exporting
from locum.services.cloudformation.parameters import ParameterValue
from locum.services.cloudformation.proposals import evaluation_of
from locum.services.cloudformation.providers import is_custom
from locum.services.cloudformation.sealing import HIDDEN, Seals
from locum.state import Stack, StackResource, State

UNKNOWN: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What DescribeChangeSet shows of a value that is not known before the change set is executed."""

_SECRET: Final = frozenset({"SecretAccessKey"})
"""Attributes that are secrets."""


def is_secret(it: StackResource | None, attribute: str) -> bool:
    """Whether an attribute of a resource is not shown.

    User Guide, "Custom resource response objects", NoEcho: those of custom resources are, unless it is said.
    """
    return attribute in _SECRET or (it is not None and it.no_echo)


def discloses(evaluation: Evaluation, logical: str, attribute: str) -> bool:
    """Whether an attribute tells a property of a resource that its template takes from a secret."""
    return f"{logical}.{attribute.partition('.')[0]}" in evaluation.secrets


def attribute_of(it: StackResource, name: str, seals: Seals) -> Any:
    """An attribute of a resource, which may be one of its properties; None where there is none of that name."""
    attributes = seals.open(it.account, it.stack, it.attributes)
    found = attributes.get(name)
    if found is not None:
        return found
    found = _within(attributes, name)
    if found is not None or is_custom(it.type):
        return found
    return _within(seals.open(it.account, it.stack, it.properties or it.waiting).get("properties", {}), name)


def _within(values: Any, name: str) -> Any:
    for part in name.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


class _Through:
    """The lookups of `inner`, as they are."""

    def __init__(self, inner: Lookups) -> None:
        self._inner = inner

    def ref(self, logical: str) -> Any:
        """The value of Ref to a resource."""
        return self._inner.ref(logical)

    def attribute(self, logical: str, name: str) -> Any:
        """An attribute."""
        return self._inner.attribute(logical, name)

    def imported(self, export: str) -> Any:
        """The value of an export."""
        return self._inner.imported(export)

    def zones(self, region: str) -> list[str]:
        """The Availability Zones of a region."""
        return self._inner.zones(region)


class Told(_Through):
    """The lookups of `inner`, but for secrets."""

    def __init__(
        self, inner: Lookups, resources: Callable[[str], StackResource | None], evaluation: Evaluation
    ) -> None:
        """`resources` tells a resource that is there; `evaluation` is that of its template."""
        super().__init__(inner)
        self._resources = resources
        self._evaluation = evaluation

    def attribute(self, logical: str, name: str) -> Any:
        """An attribute; asterisks for one that is secret."""
        secret = is_secret(self._resources(logical), name) or discloses(self._evaluation, logical, name)
        return HIDDEN if secret else self._inner.attribute(logical, name)

    def dynamic(self, reference: str) -> str:
        """The dynamic reference itself."""
        return reference


class Kept(_Through):
    """The lookups of `inner`, but for dynamic references of some services, which stay as they are."""

    def __init__(self, inner: Lookups, services: tuple[str, ...]) -> None:
        """`services` are those of dynamic references."""
        super().__init__(inner)
        self._starts = tuple(f"{{{{resolve:{service}:" for service in services)

    def dynamic(self, reference: str) -> str:
        """The value of a dynamic reference, or the reference itself."""
        return reference if reference.startswith(self._starts) else self._inner.dynamic(reference)


class Present:
    """What can be told of resources and exports as they are now. `replaced` are resources that will be others.

    `unknown` is true once something was asked for that is not known.
    """

    def __init__(self, state: State, stack: Stack, there: Mapping[str, StackResource], seals: Seals) -> None:
        self._state, self._stack, self._there, self._seals = state, stack, there, seals
        self.replaced: set[str] = set()
        self.unknown = False

    def values(self, evaluation: Evaluation, value: Any) -> Any:
        """`value` with its functions replaced, as far as that can be told; `unknown` says whether all of it can be."""
        self.unknown = False
        try:
            return evaluation.resolve(value, Told(self, self._there.get, evaluation))
        except Fault:
            return self._not_known()

    def ref(self, logical: str) -> Any:
        """The physical id."""
        it = self._known(logical)
        return self._not_known() if it is None else it.physical

    def attribute(self, logical: str, name: str) -> Any:
        """An attribute."""
        it = self._known(logical)
        found = None if it is None else attribute_of(it, name, self._seals)
        return self._not_known() if found is None else found

    def imported(self, export: str) -> Any:
        """The value of an export."""
        found = exporting(self._state, self._stack.account, self._stack.region, export)
        return self._not_known() if found is None else exported(found, export, self._seals)

    def zones(self, region: str) -> list[str]:
        """Places for the zones of a region, which are asked for when a resource is made."""
        return [f"{region or self._stack.region}{letter}" for letter in "abcdef"]

    def dynamic(self, reference: str) -> str:
        """The reference."""
        return reference

    def _known(self, logical: str) -> StackResource | None:
        it = self._there.get(logical)
        return None if it is None or not it.physical or logical in self.replaced else it

    def _not_known(self) -> str:
        self.unknown = True
        return UNKNOWN


def metadata_of(state: State, stack: Stack, logical: str, seals: Seals) -> str | None:
    """The metadata of a resource as JSON; None where the template does not have it.

    User Guide, "Metadata": CloudFormation does not "redact any information you include in the Metadata section".
    """
    evaluation = evaluation_of(state, stack, stack.version, seals)
    definition = evaluation.template.resources.get(logical)
    if definition is None:
        return None
    present = Present(state, stack, resources_of(state, stack), seals)
    return as_json(present.values(evaluation, definition.metadata))


def as_json(value: Any) -> str:
    """`value` as answers have it: JSON, in which all scalars are strings."""
    return json.dumps(as_texts(value), separators=(",", ":"), ensure_ascii=False)


def as_texts(value: Any) -> Any:
    """`value` with its scalars as strings."""
    if isinstance(value, Mapping):
        return {name: as_texts(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_texts(item) for item in value]
    return value if isinstance(value, str) else text(value)


def shown_parameter(name: str, value: ParameterValue) -> dict[str, Any]:
    """A parameter with its value, and with what that was resolved to."""
    if value.no_echo:
        return {"ParameterKey": name, "ParameterValue": HIDDEN}
    shown = {"ParameterKey": name, "ParameterValue": value.value}
    resolved = value.resolved if isinstance(value.resolved, str) else ",".join(value.resolved)
    return shown if resolved == value.value else {**shown, "ResolvedValue": resolved}
