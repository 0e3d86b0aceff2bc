"""The changes of a change set: which resources would be added, modified and removed, and why.

CloudFormation tells it from the templates and parameters, without asking services: what refers to a resource that is
modified may change (`Dynamic`), and what refers to one that is replaced does (`Static`). What is told with the values
of properties (API Reference, DescribeChangeSet, IncludePropertyValues) leaves out what would not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.change_values import Difference, at_places, differences, leaves_of, told_values
from locum.services.cloudformation.changes import removal_policy
from locum.services.cloudformation.intrinsics import Evaluation
from locum.services.cloudformation.lookup import resources_of
from locum.services.cloudformation.proposals import Proposal, evaluation_of
from locum.services.cloudformation.providers import PROVIDERS, is_custom
from locum.services.cloudformation.providers.in_place import in_place
from locum.services.cloudformation.schemas import schema_of, values_at
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.shown import UNKNOWN, Present, as_json
from locum.services.cloudformation.template import ResourceDefinition
from locum.services.verbs import Context
from locum.state import Stack, StackResource
from locum.state.cloudformation import REVIEW

_OTHER_ATTRIBUTES: Final = {
    "Metadata": "metadata",
    "CreationPolicy": "creation_policy",
    "UpdatePolicy": "update_policy",
    "DeletionPolicy": "deletion_policy",
    "UpdateReplacePolicy": "replace_policy",
}
"""Attributes of a resource besides its properties -> the member of its definition."""

_LAST: Final = "\x7f"
"""After any character of a logical id: changes are in the order of these, a longer one before what it begins with."""


class Changes(NamedTuple):
    """The changes without the values of properties, and with them."""

    plain: list[dict[str, Any]]
    valued: list[dict[str, Any]]


class _Detail(NamedTuple):
    """Why something of a resource changes. `certain`: its evaluation is static."""

    attribute: str
    name: str
    source: str
    entity: str
    certain: bool
    recreation: str

    def shown(self, value: dict[str, Any] | None = None) -> dict[str, Any]:
        target = {
            "Attribute": self.attribute,
            "Name": self.name,
            "RequiresRecreation": self.recreation,
            **(value or {}),
        }
        shown: dict[str, Any] = {
            "Target": {member: told for member, told in target.items() if told != ""},
            "Evaluation": "Static" if self.certain else "Dynamic",
            "ChangeSource": self.source,
        }
        return shown | ({"CausingEntity": self.entity} if self.entity else {})


def changes_of(ctx: Context, stack: Stack, proposal: Proposal, seals: Seals) -> Changes:
    """The changes that `proposal` takes. Raises Fault where its conditions or dependencies are not sound."""
    comparison = _Comparison(ctx, stack, proposal, seals)
    found = Changes([], [])
    for logical in comparison.order:
        comparison.compare(logical)
    for logical in sorted({*comparison.order, *comparison.there}, key=lambda name: name + _LAST):
        for plain, valued in comparison.told(logical):
            found.plain.extend([plain] if plain else [])
            found.valued.extend([valued] if valued else [])
    return found


class _Comparison:
    """A stack as it is and as it would be."""

    def __init__(self, ctx: Context, stack: Stack, proposal: Proposal, seals: Seals) -> None:
        there = {} if stack.status == REVIEW else resources_of(ctx.state, stack)
        self.there = {name: it for name, it in there.items() if it.status != "DELETE_COMPLETE"}
        self._state, self._stack, self._proposal = ctx.state, stack, proposal
        self._after = proposal.evaluation
        self._before = None if stack.status == REVIEW else evaluation_of(ctx.state, stack, stack.version, seals)
        self._present = Present(ctx.state, stack, self.there, seals)
        self._details: dict[str, list[_Detail]] = {}
        self._replacement: dict[str, str] = {}
        self.order = in_order(self._after.dependencies())
        before = {} if self._before is None else self._before.parameters  # of Systems Manager's, the names
        self._new_parameters = {
            name
            for name, given in self._after.parameters.items()
            if name not in before or before[name].value != given.value
        }
        self._tags_change = self._before is not None and proposal.tags != stack.version.tags

    # -- what changes ------------------------------------------------------------------------------------

    def compare(self, logical: str) -> None:
        """Find out what changes of a resource that is there; those that it depends on have been compared."""
        it, definition = self.there.get(logical), self._after.template.resources[logical]
        before = None if self._before is None else self._before.template.resources.get(logical)
        if it is None or before is None or self._before is None:
            return
        found = [*self._of_properties(it, before, definition), *self._of_attributes(before, definition)]
        if self._tags_change and _has_tags(it.type) and not any(one.attribute == "Tags" for one in found):
            found.append(_Detail("Tags", "", "DirectModification", "", certain=True, recreation="Never"))
        if not found:
            return
        self._details[logical] = sorted(found, key=lambda one: (not one.certain, one.attribute, one.name))
        replaces = [one for one in found if one.recreation != "Never"]
        certain = any(one.certain and one.recreation == "Always" for one in replaces)
        self._replacement[logical] = "True" if certain else "Conditional" if replaces else "False"
        if certain:
            self._present.replaced.add(logical)

    def _of_properties(
        self, it: StackResource, before: ResourceDefinition, after: ResourceDefinition
    ) -> Iterator[_Detail]:
        old, new = self._values_before(before), self._values_after(after)
        for name in sorted({*before.properties, *after.properties}):
            was, is_now = before.properties.get(name), after.properties.get(name)
            recreation = _recreation(it.type, name, old, new)
            differ = old.get(name) != new.get(name)
            told = ("Tags", "") if name == "Tags" and _has_tags(it.type) else ("Properties", name)
            yield from self._causes(*told, (was, is_now), recreation, differ=differ)

    def _of_attributes(self, before: ResourceDefinition, after: ResourceDefinition) -> Iterator[_Detail]:
        assert self._before is not None
        for attribute, member in _OTHER_ATTRIBUTES.items():
            was, is_now = getattr(before, member), getattr(after, member)
            differ = self._value(self._before, was) != self._value(self._after, is_now)
            yield from self._causes(attribute, "", (was, is_now), "Never", differ=differ)

    def _causes(
        self, attribute: str, name: str, texts: tuple[Any, Any], recreation: str, *, differ: bool
    ) -> Iterator[_Detail]:
        """Why what had the first of `texts` in the template changes; nothing where it does not."""
        caused = False
        for reference in sorted(self._after.referenced(texts[1])):
            parameter = reference.name in self._new_parameters
            replacement = self._replacement.get(reference.name, "")
            attributed = reference.written != reference.name
            if not (parameter or replacement) or (replacement == "False" and not attributed):
                continue
            source = "ParameterReference" if parameter else "ResourceAttribute" if attributed else "ResourceReference"
            certain = parameter or replacement == "True"
            yield _Detail(attribute, name, source, reference.written, certain, recreation)
            if parameter and not caused:
                yield _Detail(attribute, name, "DirectModification", "", certain=False, recreation=recreation)
            caused = True
        if differ and not caused:
            yield _Detail(attribute, name, "DirectModification", "", certain=True, recreation=recreation)

    # -- values ------------------------------------------------------------------------------------------

    def _values_after(self, definition: ResourceDefinition) -> dict[str, Any]:
        """The properties that a resource would have, as they are shown."""
        return self._values(self._after, definition)

    def _values_before(self, definition: ResourceDefinition) -> dict[str, Any]:
        """The properties that a resource has, as they are shown."""
        assert self._before is not None
        with self._replacing(set()):
            return self._values(self._before, definition)

    @contextmanager
    def _replacing(self, replaced: set[str]) -> Iterator[None]:
        """Nothing is told of the resources `replaced`, and of others what they are now."""
        now, self._present.replaced = self._present.replaced, replaced
        try:
            yield
        finally:
            self._present.replaced = now

    def _values(self, evaluation: Evaluation, definition: ResourceDefinition) -> dict[str, Any]:
        found = {}
        for name, value in definition.properties.items():
            told = self._value(evaluation, {name: value})
            if told == UNKNOWN:
                found[name] = UNKNOWN
            elif name in told:
                found[name] = told[name]
        return found

    def _value(self, evaluation: Evaluation, value: Any) -> Any:
        return self._present.values(evaluation.hidden(), value)

    # -- what is told ------------------------------------------------------------------------------------

    def told(self, logical: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The change of a resource, without and with values; each is empty where nothing is told."""
        it, definition = self.there.get(logical), self._after.template.resources.get(logical)
        old = None if self._before is None else self._before.template.resources.get(logical)
        if it is None and definition is not None:
            added = {"Action": "Add", "LogicalResourceId": logical, "ResourceType": definition.type}
            yield _change(added), _change(added | {"AfterContext": self._context(self._after, definition)})
        elif it is not None and logical not in self.order:
            removed = {**_named("Remove", it), "PolicyAction": removal_policy(self._state, self._stack, logical)}
            before = {} if old is None else {"BeforeContext": self._context_before({*self.there}, old)}
            yield _change(removed), _change(removed | before)
        elif it is not None and definition is not None and logical in self._details:
            yield self._modified(it, definition)

    def _modified(self, it: StackResource, definition: ResourceDefinition) -> tuple[dict[str, Any], dict[str, Any]]:
        details, replacement = self._details[it.logical], self._replacement[it.logical]
        shown = _named("Modify", it) | {"Replacement": replacement}
        if replacement == "True":
            kept = {"Retain": "ReplaceAndRetain", "Snapshot": "ReplaceAndSnapshot"}
            shown["PolicyAction"] = kept.get(definition.replace_policy, "ReplaceAndDelete")
        plain = {**shown, "Scope": _scope(details), "Details": [one.shown() for one in details]}
        valued = list(self._valued(it, definition, details))
        assert self._before is not None
        before = self._context_before(set(), self._before.template.resources[it.logical])
        contexts = {"BeforeContext": before, "AfterContext": self._context(self._after, definition)}
        told = [one.shown(value) for one, value in valued]
        with_values = shown | contexts | {"Scope": _scope([one for one, _ in valued]), "Details": told}
        return _change(plain), _change(with_values) if valued else {}

    def _valued(
        self, it: StackResource, definition: ResourceDefinition, details: list[_Detail]
    ) -> Iterator[tuple[_Detail, dict[str, Any]]]:
        """The details of what certainly changes, each with the values before and after."""
        assert self._before is not None
        old = told_values(self._values_before(self._before.template.resources[it.logical]))
        new = told_values(self._values_after(definition))
        for one in details:
            name = one.name or one.attribute
            if one.attribute not in ("Properties", "Tags") or (name not in old and name not in new):
                yield one, {}
            elif one.certain and one.source == "DirectModification":
                for difference in differences(it.type, name, old.get(name), new.get(name)):
                    yield one, difference.shown()
            elif one.certain or one.source == "DirectModification":
                places = self._places(definition.properties.get(name), one, old.get(name), new.get(name))
                for place in places:
                    yield one, place.shown()
                    if one.certain and one.source.startswith("Resource"):
                        yield one._replace(source="DirectModification", entity="", certain=False), place.shown()
                if one.source == "DirectModification":
                    others = differences(it.type, name, old.get(name), new.get(name))
                    for difference in others:
                        if not any(difference.overlaps(place) for place in places):
                            yield one._replace(certain=True), difference.shown()

    def _places(self, value: Any, detail: _Detail, before: Any, after: Any) -> list[Difference]:
        """The changes within a property because of its references: to parameters, where the detail names none."""
        places = []
        for path, leaf in leaves_of(value):
            told = self._after.referenced(leaf)
            names = {it.written for it in told} if detail.entity else {it.name for it in told} & self._new_parameters
            if detail.entity in names or (names and not detail.entity):
                places.append(path)
        return at_places(places, detail.name or detail.attribute, before, after)

    def _context(self, evaluation: Evaluation, definition: ResourceDefinition) -> str:
        """A resource of a template, as it is shown: its properties, metadata, and the policies that it names."""
        named = evaluation.template.source.get("Resources", {}).get(definition.logical, {})
        policies = {"UpdateReplacePolicy": definition.replace_policy, "DeletionPolicy": definition.deletion_policy}
        metadata = {"Metadata": self._value(evaluation, definition.metadata)} if definition.metadata else {}
        shown = {"Properties": told_values(self._values(evaluation, definition)), **metadata}
        return as_json(shown | {name: policy for name, policy in policies.items() if name in named})

    def _context_before(self, replaced: set[str], definition: ResourceDefinition) -> str:
        """A resource as it is; `replaced` are those of which nothing is told."""
        assert self._before is not None
        with self._replacing(replaced):
            return self._context(self._before, definition)


def in_order(graph: Mapping[str, set[str]]) -> list[str]:
    """The keys of `graph`, which has no cycles, each after those that it depends on."""
    ordered: dict[str, None] = {}
    left = dict(graph)
    while left:
        ready = [name for name, others in left.items() if others <= ordered.keys()]
        for name in ready:
            ordered[name] = None
            del left[name]
    return list(ordered)


def _has_tags(kind: str) -> bool:
    schema = schema_of(kind)
    return schema is not None and "Tags" in schema.properties


def _recreation(kind: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Whether a change of a property takes another resource: `Always`, `Conditionally` or `Never`."""
    provider, schema = PROVIDERS.get(kind), schema_of(kind)
    if is_custom(kind):  # who makes it tells whether it is another one then
        return "Always" if name == "ServiceToken" else "Never"
    if provider is None or provider.update is None:
        return "Always"
    if name in provider.immutable:
        return "Conditionally" if name in in_place(kind) else "Always"
    paths = [] if schema is None else [path for path in schema.fixed if path[0] == name]
    if any(len(path) == 1 or values_at(before, path) != values_at(after, path) for path in paths):
        return "Always"
    return "Never"


def _scope(details: list[_Detail]) -> list[str]:
    return sorted({one.attribute for one in details})


def _named(action: str, it: StackResource) -> dict[str, Any]:
    shown = {"Action": action, "LogicalResourceId": it.logical, "ResourceType": it.type}
    return shown | ({"PhysicalResourceId": it.physical} if it.physical else {})


def _change(members: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": "Resource", "ResourceChange": {"Scope": [], "Details": [], **members}}
