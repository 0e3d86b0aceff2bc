"""The change sets of nested stacks, which CreateChangeSet makes with IncludeNestedStacks, for each stack of a tree.

Whoever makes the stacks makes these: the template at each TemplateURL is read, and `cloudformation:CreateChangeSet`
decided on, for the role of the root, or its caller by way of CloudFormation. A parameter whose value is not known yet,
or is secret where the nested stack would show it, stands for its value, which is taken when the change set is executed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import request_id, unique_id
from locum.services.asking import drawn
from locum.services.cloudformation.change_details import changes_of, in_order
from locum.services.cloudformation.change_set_parts import NO_CHANGES, change_set_of
from locum.services.cloudformation.drafts import STACK, Draft
from locum.services.cloudformation.following import actor_of
from locum.services.cloudformation.functions import text
from locum.services.cloudformation.imports import Plan
from locum.services.cloudformation.lookup import resources_of, stack_named
from locum.services.cloudformation.proposals import Proposal, proposed_of, template_before
from locum.services.cloudformation.providers.base import Resource
from locum.services.cloudformation.providers.cloudformation import parameter_text
from locum.services.cloudformation.providers.steps import pairs
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.shown import UNKNOWN, Present, is_secret
from locum.services.cloudformation.stacks import (
    UPDATABLE,
    check_quota,
    check_resource_types,
    new_stack,
    pseudo_for,
)
from locum.services.cloudformation.template import ResourceDefinition
from locum.services.cloudformation.templates import invalid, template_at
from locum.services.verbs import Context
from locum.state import ChangeSet, Event, Stack, StackVersion, put
from locum.state.cloudformation import REVIEW

MOST: Final = 100
"""Change sets of nested stacks that one call makes. [U] AWS does not publish a limit."""

ROOT_ONLY: Final = "Only executable from the root change set."
_FAILED: Final = "Nested change set {arn} was not successfully created: Currently in FAILED."
_AUTOMATIC: Final = {
    "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
    "Evaluation": "Dynamic",
    "ChangeSource": "Automatic",
}
"""API Reference, ResourceChangeDetail: the template URL of a nested stack is the same, and its template may not be."""

Made = tuple[ChangeSet, tuple[Event, ...]]
"""A change set, and the events that make those beneath it."""

Making = Generator[Ask, Mapping[str, Any], Made]
_Around = tuple[tuple[str, Any], ...]
"""The templates and parameters of the stacks around one."""


class _Known(Present):
    """What is known of resources and exports before anything is done, without secrets."""

    def attribute(self, logical: str, name: str) -> Any:
        return self._not_known() if is_secret(self._there.get(logical), name) else super().attribute(logical, name)

    def zones(self, _region: str) -> list[str]:
        return [self._not_known()]

    def dynamic(self, _reference: str) -> str:
        return self._not_known()

    def resolved(self, proposal: Proposal, value: Any) -> Any:
        """`value` with its functions replaced; UNKNOWN where some of it is not known."""
        self.unknown = False
        try:
            found = proposal.evaluation.resolve(value, self)
        except Fault:
            return UNKNOWN
        return UNKNOWN if self.unknown else found


class _Given(NamedTuple):
    """What a nested stack is given. `secret` are the parameters that take NoEcho parameters of the stack around it."""

    url: str
    parameters: dict[str, str]
    secret: frozenset[str]
    tags: dict[str, str]
    notifications: tuple[str, ...]


def with_nested(ctx: Context, stack: Stack, it: ChangeSet, proposal: Proposal, seals: Seals) -> Making:
    """`it`, the root change set, that is made of `proposal` with those beneath it."""
    if it.status == "FAILED" and it.reason != NO_CHANGES:
        return it, ()
    parameters = {name: list(value) for name, value in proposal.parameters.items()}
    try:
        return (yield from _Tree(ctx, stack, it, seals).below(stack, it, proposal, ((it.text, parameters),)))
    except Fault as fault:
        return _failed(it, fault.message), ()


class _Tree:
    """The change sets beneath that of a root."""

    def __init__(self, ctx: Context, stack: Stack, root: ChangeSet, seals: Seals) -> None:
        self._ctx, self._root, self._seals = ctx, root, seals
        self._actor = actor_of(replace(stack, role=root.role, caller=ctx.caller))
        self._texts: dict[str, str] = {}
        self._number = 0

    def below(self, stack: Stack, it: ChangeSet, proposal: Proposal, around: _Around) -> Making:
        """`it`, a change set of `stack`, with those of the nested stacks of `proposal`. Raises Fault."""
        there = {} if stack.status == REVIEW else resources_of(self._ctx.state, stack)
        there = {name: one for name, one in there.items() if one.status != "DELETE_COMPLETE"}
        known, evaluation = _Known(self._ctx.state, stack, there, self._seals), proposal.evaluation
        told = [change["ResourceChange"] for change in it.changes]
        known.replaced = {one["LogicalResourceId"] for one in told if one.get("Replacement") == "True"}
        made: list[ChangeSet] = []
        events: list[Event] = []
        for logical in in_order(evaluation.dependencies()):
            definition = proposal.template.resources[logical]
            if definition.type != STACK or not evaluation.exists(definition):
                continue
            self._number += 1
            if self._number > MOST:
                raise invalid(f"A change set may not include more than {MOST} nested stacks.")
            given = _given(known, proposal, definition, it)
            physical = there[logical].physical if logical in there else ""
            child, inner = yield from self._child(stack, it, logical, physical, given, around)
            made.append(child)
            events += inner
            if child.reason != NO_CHANGES:  # its outputs may be others then
                known.replaced.add(logical)
        return self._joined(it, made), tuple(events)

    def _child(
        self, outer: Stack, parent: ChangeSet, logical: str, physical: str, given: _Given, around: _Around
    ) -> Making:
        """The change set of a nested stack, which is made to be reviewed where it is new. Raises Fault."""
        ctx = self._ctx
        stack = stack_named(ctx, physical) if physical else None
        new = stack is None or bool(stack.deleted)
        if stack is None or stack.deleted:
            stack = self._reviewed(outer, logical)
        params = {
            "StackName": stack.name if new else stack.arn,
            "ChangeSetName": self._name(parent.name, stack, logical),
            "ChangeSetType": "CREATE" if new else "UPDATE",
            "IncludeNestedStacks": True,
            "TemplateURL": given.url,
            "Capabilities": list(parent.version.capabilities),
            "Tags": pairs(given.tags),
            "NotificationARNs": list(given.notifications),
        }
        yield Ask(ServiceCall(self._actor, "cloudformation", "CreateChangeSet", params, ctx.region), decided_only=True)
        events: tuple[Event, ...] = ()
        try:
            made, events = yield from self._made(stack, parent, params, given, around)
        except Fault as fault:
            made = self._unmade(stack, params, fault.message)
        identifier = drawn(ctx, f"change set of {stack.name}", lambda: request_id(ctx.entropy))
        made = replace(made, id=identifier, nested=True, parent=parent.arn, root=self._root.arn, logical=logical)
        if made.status != "FAILED":
            made = replace(made, execution="UNAVAILABLE", reason=ROOT_ONLY)
        if new:
            draft = Draft(stack, ctx.now, ctx.entropy)
            draft.status(REVIEW, "User Initiated")
            events = (*draft.events, *events)
        return made, (*events, put(made))

    def _made(
        self, stack: Stack, parent: ChangeSet, params: Mapping[str, Any], given: _Given, around: _Around
    ) -> Making:
        ctx, seals = self._ctx, self._seals
        if stack.status != REVIEW and stack.status not in UPDATABLE:
            raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
        if given.url == UNKNOWN:
            raise invalid("The TemplateURL of a nested stack must be known when its change set is created.")
        if given.url not in self._texts:
            self._texts[given.url] = yield from template_at(ctx, given.url, self._actor)
        body = self._texts[given.url]
        declared = template_before(body).parameters
        hidden = {name for name in given.secret if text(declared.get(name, {}).get("NoEcho", False)).lower() != "true"}
        values = {name: UNKNOWN if name in hidden else value for name, value in given.parameters.items()}
        unknown = frozenset(name for name, value in values.items() if value == UNKNOWN)
        proposing = {
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            "Capabilities": params["Capabilities"],
            "Tags": params["Tags"],
        }
        pseudo = pseudo_for(ctx, stack.name, stack.id, given.notifications)
        before = None if stack.status == REVIEW else stack
        proposal = yield from proposed_of(ctx, proposing, body, pseudo, before, seals, unknown=unknown)
        own = {name: list(value) for name, value in proposal.parameters.items()}
        if any(other == body and (unknown or parameters == own) for other, parameters in around):
            raise invalid("The template nests itself: a stack around it has it as well.")
        check_resource_types(ctx, stack, proposal)
        changes = changes_of(ctx, stack, proposal, seals)
        made = change_set_of(ctx, stack, params, proposal, seals, Plan({}, tuple(changes.plain)), changes)
        identifier = drawn(ctx, f"change set of {stack.name}", lambda: request_id(ctx.entropy))
        return (yield from self.below(stack, replace(made, id=identifier), proposal, (*around, (body, own))))

    def _unmade(self, stack: Stack, params: Mapping[str, Any], reason: str) -> ChangeSet:
        """The change set of a nested stack that cannot be told."""
        it = ChangeSet(
            account=stack.account,
            region=stack.region,
            stack=stack.id,
            id="",
            name=params["ChangeSetName"],
            change_type=params["ChangeSetType"],
            created=self._ctx.now,
            status="FAILED",
            version=StackVersion(template=stack.templates + 1, capabilities=tuple(params["Capabilities"])),
            text="{}",
            caller=self._ctx.caller,
            valued=self._seals.seal(stack.account, stack.id, []),
        )
        return _failed(it, reason)

    def _reviewed(self, outer: Stack, logical: str) -> Stack:
        """A new stack for the resource `logical` of `outer`."""
        ctx = self._ctx
        check_quota(ctx)
        where = f"{outer.name}/{logical}"
        token = drawn(ctx, f"token of {where}", lambda: unique_id("", ctx.entropy)[-12:])
        identifier = drawn(ctx, f"stack {where}", lambda: request_id(ctx.entropy))
        name = _named(logical, outer.name, outer.arn, token)
        stack = new_stack(ctx, {}, name, identifier, StackVersion(template=0))
        return replace(stack, status=REVIEW, templates=0, parent=outer.arn, root=outer.root or outer.arn)

    def _name(self, parent: str, stack: Stack, logical: str) -> str:
        """The name of the change set of a nested stack."""
        draw = self._ctx.entropy
        token = drawn(self._ctx, f"change set name {stack.name}", lambda: unique_id("", draw)[-12:])
        return _named(logical, parent, stack.arn, token)

    def _joined(self, it: ChangeSet, made: Sequence[ChangeSet]) -> ChangeSet:
        """A change set with what those beneath it say."""
        valued = self._seals.open(it.account, it.stack, it.valued)
        it = replace(
            it,
            changes=_with_ids(it.changes, made, self._ctx),
            valued=self._seals.seal(it.account, it.stack, list(_with_ids(valued, made, self._ctx))),
        )
        for one in made:
            if one.status == "FAILED" and one.reason != NO_CHANGES:
                return _failed(it, _FAILED.format(arn=one.arn))
        if it.reason == NO_CHANGES and any(one.status != "FAILED" for one in made):
            return replace(it, status="CREATE_COMPLETE", execution="AVAILABLE", reason="")
        return it


def _given(known: _Known, proposal: Proposal, definition: ResourceDefinition, it: ChangeSet) -> _Given:
    """What a nested stack is given by its properties."""
    properties, evaluation = definition.properties, proposal.evaluation
    parameters = properties.get("Parameters") or {}
    if not isinstance(parameters, Mapping):
        raise invalid(f"Property Parameters of resource {definition.logical} must be an object.")
    hidden = {name for name, value in evaluation.parameters.items() if value.no_echo}
    found = {str(name): known.resolved(proposal, value) for name, value in parameters.items()}
    tags = known.resolved(proposal, properties.get("Tags") or [])
    own = {} if tags == UNKNOWN else {str(tag["Key"]): str(tag["Value"]) for tag in tags}
    topics = known.resolved(proposal, properties.get("NotificationARNs") or [])
    return _Given(
        url=str(known.resolved(proposal, properties.get("TemplateURL"))),
        parameters={name: parameter_text(value) for name, value in found.items() if value is not None},
        secret=frozenset(str(name) for name, value in parameters.items() if evaluation.mentions(value) & hidden),
        tags={**it.version.tags, **own},
        notifications=() if topics == UNKNOWN else tuple(map(str, topics)),
    )


def _with_ids(
    changes: Iterable[Mapping[str, Any]], made: Iterable[ChangeSet], ctx: Context
) -> tuple[dict[str, Any], ...]:
    """Changes that name the change sets of nested stacks; those of a stack within which something changes are added."""
    found = {change["ResourceChange"]["LogicalResourceId"]: dict(change["ResourceChange"]) for change in changes}
    for one in made:
        if one.logical not in found and one.reason != NO_CHANGES:
            stack = ctx.state.get(Stack, one.account, f"{one.region}/{one.stack}")
            found[one.logical] = {
                "Action": "Modify",
                "LogicalResourceId": one.logical,
                "PhysicalResourceId": "" if stack is None else stack.arn,
                "ResourceType": STACK,
                "Replacement": "False",
                "Scope": ["Properties"],
                "Details": [_AUTOMATIC],
            }
        if one.logical in found:
            found[one.logical]["ChangeSetId"] = one.arn
    ordered = sorted(found.items(), key=lambda item: item[0] + "\x7f")
    return tuple({"Type": "Resource", "ResourceChange": change} for _, change in ordered)


def _failed(it: ChangeSet, reason: str) -> ChangeSet:
    return replace(it, status="FAILED", execution="UNAVAILABLE", reason=reason)


def _named(logical: str, outer: str, arn: str, token: str) -> str:
    """The name that a resource of a stack gives to what it makes."""
    resource = Resource(STACK, logical, {}, "", "", stack_name=outer, stack_arn=arn, token=token)
    return resource.name(128)
