"""The calls that the resources of a template take, by rehearsal of their providers in the order of a deployment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

from locum.agents.plans.marks import MARK
from locum.agents.plans.nested import attributes, nested_in
from locum.agents.plans.parts import PHASES, Part, published
from locum.agents.plans.rehearsal import PlannedCall, Rehearsed, Stage
from locum.agents.plans.variations import variations
from locum.agents.plans.whole import Surroundings
from locum.core.errors import Fault
from locum.services.cloudformation.changes import check_properties
from locum.services.cloudformation.drafts import STACK
from locum.services.cloudformation.dynamic_references import reference_of, request_for
from locum.services.cloudformation.graphs import ordered
from locum.services.cloudformation.intrinsics import Evaluation
from locum.services.cloudformation.nesting import MOST_RESOURCES
from locum.services.cloudformation.providers import PROVIDERS, rolling, snapshots
from locum.services.cloudformation.providers.base import Made, Properties, Request, Resource
from locum.services.cloudformation.providers.in_place import in_place as properties_in_place
from locum.services.cloudformation.providers.in_place import is_in_place
from locum.services.cloudformation.stack_resources import tags_within
from locum.services.cloudformation.template import ResourceDefinition

_LETTERS: Final = "abc"
_DEEPEST: Final = 10
"""Nested stacks within one another: a template may be nested in itself."""

_KEPT: Final = ("Retain", "RetainExceptOnCreate")
_NO_PROVIDER: Final = "Locum makes no such resources itself"


class Values:
    """What the functions of a template refer to: what was rehearsed, and marks for what is not known."""

    def __init__(self, region: str, exports: Mapping[str, Any]) -> None:
        self._region = region
        self._exports = exports
        self.made: dict[str, Made] = {}
        self.requests: list[Request] = []
        self.notes: list[str] = []

    def ref(self, logical: str) -> Any:
        """The physical id of a resource."""
        return self.made[logical].physical if logical in self.made else MARK

    def attribute(self, logical: str, name: str) -> Any:
        """An attribute of a resource."""
        value: Any = self.made[logical].attributes if logical in self.made else {}
        if name in value:
            return value[name]
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return MARK if value is None else value

    def imported(self, export: str) -> Any:
        """The value of another stack's export."""
        if export not in self._exports:
            self.notes.append(f"no stack exports {export} yet")
        return self._exports.get(export, MARK)

    def zones(self, region: str) -> list[str]:
        """The availability zones of a region."""
        region = region or self._region
        self.requests.append(Request("ec2", "DescribeAvailabilityZones", {}, region))
        return [f"{region}{letter}" for letter in _LETTERS]

    def dynamic(self, reference: str) -> str:
        """The value of a dynamic reference, which is read when the resource is made. Raises Fault ValidationError."""
        self.requests.append(request_for(reference_of(reference)))
        return MARK


class TemplatePlan:
    """The parts of a deployment of `evaluation`: `parts`, in their order. `tags` are those of the stack.

    `within` are the logical ids of the nested stacks that it is in.
    """

    def __init__(
        self,
        stage: Stage,
        evaluation: Evaluation,
        around: Surroundings,
        tags: Mapping[str, str],
        within: str = "",
        numbers: Iterator[int] | None = None,
    ) -> None:
        """`numbers` count the resources of all stacks that are nested in one another."""
        self._stage = stage
        self._numbers = count() if numbers is None else numbers
        self._number = 0
        self._evaluation = evaluation
        self._around = around
        self._tags = tags
        self._within = within
        self._values = Values(stage.place.region, around.exports)
        self._there: dict[str, Resource] = {}
        self._nested: dict[str, TemplatePlan] = {}
        self._order = ordered(evaluation.dependencies())
        self.state = stage.state
        self.parts: list[Part] = []

    def run(self, phases: Iterable[str] = PHASES) -> list[Part]:
        """Rehearse it all. Raises Fault ValidationError where the template cannot be evaluated."""
        wanted = frozenset(phases)
        self.create()
        if "update" in wanted:
            self.update()
        if "delete" in wanted:
            self.delete()
        return [part for part in self.parts if part.phase in wanted]

    def create(self) -> None:
        """Rehearse the creation of all resources."""
        for logical in self._order:
            self._create(self._evaluation.template.resources[logical])

    def update(self) -> None:
        """Rehearse changes of all resources, each for itself."""
        for logical in self._order:
            self._update(self._evaluation.template.resources[logical])

    def delete(self) -> None:
        """Rehearse the deletion of all resources."""
        for logical in reversed(self._order):
            self._delete(self._evaluation.template.resources[logical])

    def outputs(self) -> dict[str, Any]:
        """The outputs, as far as they can be told."""
        found = {}
        for name, declared in self._evaluation.template.outputs.items():
            if self._evaluation.exists(declared):
                found[name] = self._evaluation.resolve(declared["Value"], self._values)
        return found

    def _create(self, definition: ResourceDefinition) -> None:
        self._number = next(self._numbers)
        self._values.requests, self._values.notes = [], []
        notes: list[str] = []
        try:
            properties = self._evaluation.resolve(definition.properties, self._values)
            check_properties(definition.type, definition.logical, properties, known=False)
        except Fault as fault:
            properties = {}
            notes.append(f"its properties cannot be told: {' '.join(fault.message.split())}")
        notes += self._values.notes
        asked = tuple(one for request in self._values.requests for one in self._stage.asked(self.state, request))
        if definition.type not in PROVIDERS:
            part = published(self._named(definition), definition.type, "create", _NO_PROVIDER)
            self.parts.append(part._replace(calls=asked, notes=(*notes, *part.notes)))
            return
        resource = self._resource(definition, properties)
        provider = PROVIDERS[definition.type]
        done = self._stage.rehearse(self.state, "create", lambda: provider.create(resource))
        self.state = done.state
        made = done.result if isinstance(done.result, Made) else Made(MARK)
        self._values.made[definition.logical] = made
        self._there[definition.logical] = replace(resource, physical=made.physical, attributes=made.attributes)
        if definition.type == STACK:
            asked = (*asked, *self._create_nested(self._there[definition.logical], made, notes))
        self._told(definition, "create", [done], asked, notes)

    def _create_nested(self, resource: Resource, made: Made, notes: list[str]) -> list[PlannedCall]:
        """Rehearse a nested stack; the calls that its template takes. Why it cannot be is told in `notes`."""
        if self._within.count("/") >= _DEEPEST:
            notes.append(f"what is nested deeper than {_DEEPEST} stacks is not looked into")
            return []
        if self._number >= MOST_RESOURCES:
            notes.append(f"what is nested after {MOST_RESOURCES} resources is not looked into")
            return []
        try:
            stage, whole, reading = nested_in(self._stage, self._around, resource, made)
            stage.state = self.state
            path = f"{self._within}{resource.logical}/"
            nested = TemplatePlan(stage, whole.evaluation, self._around, resource.all_tags(), path, self._numbers)
            nested.create()
            outputs = nested.outputs()
        except Fault as fault:
            notes.append(f"what the nested stack makes is not known: {fault.message}")
            return []
        self._nested[resource.logical] = nested
        self.state = nested.state
        self.parts += nested.parts
        self._values.made[resource.logical] = made._replace(attributes=attributes(outputs))
        return [reading, *whole.calls]

    def _update(self, definition: ResourceDefinition) -> None:
        if definition.type not in PROVIDERS:
            self.parts.append(published(self._named(definition), definition.type, "update", _NO_PROVIDER))
            return
        if definition.logical in self._nested:
            self._of_nested(definition.logical, "update")
        update, resource = PROVIDERS[definition.type].update, self._there[definition.logical]
        if update is None:
            return  # every change takes another resource: its creation, and the deletion of this one
        tried = []
        policy = self._evaluation.resolve(definition.update_policy, self._values)
        placed = is_in_place(definition.type, policy, back=False)
        in_place = properties_in_place(definition.type) if placed else frozenset[str]()
        for before, after in variations(definition.type, resource.properties, in_place):
            changed = replace(resource, properties=after, update_policy=policy)

            def work(it: Resource = changed, former: Properties = before) -> Any:
                return update(it, former)

            tried.append(self._stage.rehearse(self.state, "update", work))
        if "AutoScalingRollingUpdate" in policy:
            rolls = replace(resource, update_policy=policy)
            tried.append(self._stage.rehearse(self.state, "update", lambda: rolling.rehearsal(rolls)))
        tried = [one for one in tried if one.calls or not one.problem]  # others are refused: nothing is called
        complete = any(not one.problem for one in tried)  # a change of those that are tried may be none that there is
        tried = [one._replace(problem="" if complete else one.problem) for one in tried]
        self._told(definition, "update", tried, (), [])

    def _delete(self, definition: ResourceDefinition) -> None:
        if definition.deletion_policy in _KEPT:
            return
        if definition.type not in PROVIDERS:
            self.parts.append(published(self._named(definition), definition.type, "delete", _NO_PROVIDER))
            return
        resource, delete = self._there[definition.logical], PROVIDERS[definition.type].delete
        later = self._stage.rehearse(self.state, "delete", lambda: delete(resource), later=True)
        done = self._stage.rehearse(self.state, "delete", lambda: delete(resource))
        if definition.logical in self._nested:
            self._of_nested(definition.logical, "delete")
        self.state = done.state
        kept = []
        if "Snapshot" in (definition.deletion_policy, definition.replace_policy):
            kept.append(self._stage.rehearse(self.state, "delete", lambda: snapshots.rehearsal(resource)))
        self._told(definition, "delete", [*kept, done, later], (), [])

    def _of_nested(self, logical: str, phase: str) -> None:
        """Have a nested stack rehearse a phase."""
        nested = self._nested[logical]
        nested.parts = []
        if phase == "update":
            nested.update()
        else:
            nested.delete()
        self.parts += nested.parts

    def _told(
        self,
        definition: ResourceDefinition,
        phase: str,
        rehearsed: Sequence[Rehearsed],
        more: tuple[PlannedCall, ...],
        notes: list[str],
    ) -> None:
        """Add a part; where the rehearsal came to no end, with the permissions of the published schema."""
        calls = (*more, *(call for one in rehearsed for call in one.calls))
        part = Part(self._named(definition), definition.type, phase, calls, notes=tuple(notes))
        problem = next((one.problem for one in rehearsed if one.problem), "")
        if problem:
            why = f"what follows cannot be told ({problem})"
            less = published(self._named(definition), definition.type, phase, why)
            part = part._replace(actions=less.actions, notes=(*notes, *less.notes))
        self.parts.append(part)

    def _named(self, definition: ResourceDefinition) -> str:
        return f"{self._within}{definition.logical}"

    def _resource(self, definition: ResourceDefinition, properties: Properties) -> Resource:
        place, pseudo = self._stage.place, self._evaluation.names
        name, arn = pseudo["AWS::StackName"], pseudo["AWS::StackId"]
        return Resource(
            type=definition.type,
            logical=definition.logical,
            properties=properties,
            account=place.account,
            region=place.region,
            stack_name=name,
            stack_arn=arn,
            token=MARK,
            tags=tags_within(name, arn, definition.logical, self._tags),
            capabilities=("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
        )
