"""Imports: resources that are there become resources of a stack.

CloudFormation User Guide, "Import AWS resources into a CloudFormation stack". A resource is read to know that it is
there; its configuration is not compared with that of the template, which drift detection does.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from locum.core.arn import Arn
from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.cloudformation.asked import asked
from locum.services.cloudformation.drafts import STACK
from locum.services.cloudformation.drift import is_readable
from locum.services.cloudformation.following import actor_of
from locum.services.cloudformation.identifiers import (
    Identifier,
    identifier_given,
    identifying,
    is_same,
    is_whole,
    may_be_same,
    physical_ids,
)
from locum.services.cloudformation.lookup import resources_of, stack_of
from locum.services.cloudformation.nested_imports import hindrance, read_stack, unlike
from locum.services.cloudformation.proposals import Proposal, template_of_version
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Found, is_gone
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.shown import Present
from locum.services.cloudformation.stack_resources import in_stack
from locum.services.cloudformation.template import ResourceDefinition
from locum.services.cloudformation.templates import invalid
from locum.services.verbs import Context, Params
from locum.state import Stack, StackResource, State
from locum.state.indexes import PHYSICAL, scoped

Changes = Sequence[Mapping[str, Any]]
Importing = dict[str, dict[str, str]]
"""The ResourceIdentifiers of the resources to import, by their logical ids."""

_EVERYWHERE: Final = frozenset({"IAM", "Organizations", "Route53", "S3"})
"""Services whose resources are the same in all regions."""

_OTHER_IDS: Final = ("Arn", "GroupId")
"""Attributes by which a resource may be known as well."""

_RETAINED: Final = ("Retain", "RetainExceptOnCreate")


class There(NamedTuple):
    """A resource that is there: its physical id, and what was read of it."""

    physical: str
    found: Found


class Plan(NamedTuple):
    """What a change set imports, its changes, and why it fails, if it does."""

    importing: Importing
    changes: tuple[dict[str, Any], ...]
    reason: str = ""


def importable(kind: str) -> bool:
    """Whether resources of the type `kind` can be imported."""
    return (kind == STACK or is_readable(kind)) and bool(identifying(kind))


# -- what a change set imports ---------------------------------------------------------------------------


def wanted(ctx: Context, stack: Stack, params: Params, proposal: Proposal, changes: Changes) -> Importing:
    """The resources that a change set of type IMPORT brings in. Raises Fault ValidationError with AWS's texts."""
    given = list(params.get("ResourcesToImport") or ())
    if not given:
        raise invalid("Must Provide at least one resource to import")
    names = [it["LogicalResourceId"] for it in given]
    if len(set(names)) != len(names):
        raise invalid("Every resource to import must have unique LogicalResourceId")
    declared = proposal.template.resources
    if unknown := [name for name in names if name not in declared]:
        raise invalid(
            f"The logical resource ids {_listed(unknown)} provided in ResourceToImport do not exist in the template."
        )
    for it in given:
        _check_entry(it, declared[it["LogicalResourceId"]])
    _check_changes(names, changes)
    _check_rest(ctx.state, stack, params, proposal)
    if kept := [name for name in names if "DeletionPolicy" not in proposal.template.source["Resources"][name]]:
        raise invalid(
            f"The following resources to import {_listed(kept)} must have DeletionPolicy attribute specified "
            "in the template."
        )
    return {it["LogicalResourceId"]: dict(it["ResourceIdentifier"]) for it in given}


def _check_entry(it: Mapping[str, Any], declared: ResourceDefinition) -> None:
    kind = it["ResourceType"]
    if not importable(kind):
        raise invalid(f"ResourceTypes [{kind}] are not supported for Import")
    if set(it["ResourceIdentifier"]) != set(identifying(kind)):
        expected = ", ".join(identifying(kind))
        raise invalid(f"Invalid resource identifier for resource type {kind}. Expected [{expected}]")
    if kind != declared.type:
        raise invalid(
            f"Resource type of [{declared.logical}] passed in ResourceToImport does not match with resource type "
            f"defined in the template. Resource type in ResourceToImport: {kind}; Resource type in Template: "
            f"{declared.type}."
        )


def _check_changes(names: Sequence[str], changes: Changes) -> None:
    """Check that nothing but the resources to import is new, and nothing else another one."""
    touched = [(it["ResourceChange"]["Action"], it["ResourceChange"]["LogicalResourceId"]) for it in changes]
    added = [name for action, name in touched if action == "Add"]
    if not added:
        raise invalid("The template should contain at least one new resource to import.")
    if there := [name for name in names if name not in added]:
        raise invalid(
            f"Resources {_listed(there)} passed in ResourceToImport are already in a stack and cannot be imported."
        )
    if missing := [name for name in added if name not in names]:
        raise invalid(f"Resources {_listed(missing)} is missing from ResourceToImport list")
    if others := sorted(name for action, name in touched if action != "Add"):
        raise invalid(
            f"You have modified resources {_listed(others)} in your template that are not being imported. "
            "Update, create or delete operations cannot be executed during import operations."
        )


def _check_rest(state: State, stack: Stack, params: Params, proposal: Proposal) -> None:
    kept = stack.version.template
    outputs = template_of_version(state, stack, stack.version).outputs if kept else {}
    others = {
        "Outputs": proposal.template.outputs != outputs,
        "RoleArn": params.get("RoleARN", stack.role) != stack.role,
        "Tags": proposal.tags != stack.version.tags,
    }
    if changed := [name for name, differs in others.items() if differs]:
        raise invalid(f"As part of the import operation, you cannot modify or add {_listed(changed)}")


def planned(
    ctx: Context, stack: Stack, proposal: Proposal, importing: Importing, changes: Changes
) -> Generator[Ask, Mapping[str, Any], Plan]:
    """The plan of an import, for which each resource is read with the caller's permissions, or as the stack's role."""
    made: list[dict[str, Any]] = []
    seals = Seals(ctx.keyring, ctx.entropy)
    taken: list[tuple[str, str]] = []
    for change in changes:
        told = dict(change["ResourceChange"])
        name, kind = told["LogicalResourceId"], told["ResourceType"]
        if name in importing:
            work = looked_for(stack, kind, name, importing[name])
            actor = actor_of(replace(stack, caller=ctx.caller))
            try:
                there = yield from asked(actor, stack.region, work)
                reason = owned(ctx.state, seals, stack, kind, name, there.physical, importing[name])
                if kind == STACK and not reason:
                    reason = hindrance(ctx.state, stack, there.physical)
                    given = _known(ctx.state, seals, stack, proposal, name)
                    inner = in_stack(stack, kind, name, given, "", physical=there.physical)
                    reason = reason or (yield from asked(actor, stack.region, unlike(inner, ctx.settings)))
            except Fault as fault:
                return Plan(importing, (), fault.message)
            if any(other == kind and may_be_same(physical, there.physical) for other, physical in taken):
                reason = _exists(kind, importing[name], stack)
            if reason:
                return Plan(importing, (), reason)
            taken.append((kind, there.physical))
            told |= {"Action": "Import", "PhysicalResourceId": there.physical}
        made.append({**change, "ResourceChange": told})
    return Plan(importing, tuple(made))


def existing(
    ctx: Context, stack: Stack, proposal: Proposal, changes: Changes
) -> Generator[Ask, Mapping[str, Any], Plan]:
    """The plan of a change set that imports what it would create and is there already (`ImportExistingResources`).

    API Reference, CreateChangeSet: that is so of resources with custom names, which the template says as they are.
    """
    importing: Importing = {}
    for change in changes:
        told = change["ResourceChange"]
        name, kind = told["LogicalResourceId"], told["ResourceType"]
        properties = proposal.template.resources[name].properties if told["Action"] == "Add" else {}
        identifier = {part: properties.get(part) for part in identifying(kind)}
        if (
            kind == STACK
            or not importable(kind)
            or not all(isinstance(value, str) and value for value in identifier.values())
        ):
            continue
        named = {part: str(value) for part, value in identifier.items()}
        try:
            actor = actor_of(replace(stack, caller=ctx.caller))
            yield from asked(actor, stack.region, looked_for(stack, kind, name, named))
        except Fault as fault:
            if is_gone(fault):
                continue
            return Plan({}, (), fault.message)
        importing[name] = named
    declared = proposal.template.resources
    bare = [
        f"{name} ({{{', '.join(f'{part}={value}' for part, value in identifier.items())}}})"
        for name, identifier in importing.items()
        if declared[name].deletion_policy not in _RETAINED
    ]
    if bare:
        return Plan({}, (), _NOT_RETAINED.format(", ".join(bare)))
    return (yield from planned(ctx, stack, proposal, importing, changes))


def _known(state: State, seals: Seals, stack: Stack, proposal: Proposal, logical: str) -> Mapping[str, Any]:
    """The properties of a resource, as far as they are known before anything is done."""
    present = Present(state, stack, resources_of(state, stack), seals)
    found = present.values(proposal.evaluation, proposal.template.resources[logical].properties)
    return found if isinstance(found, Mapping) else {}


_NOT_RETAINED: Final = (
    "CloudFormation is attempting to import some resources because they already exist in your account. The resources "
    "must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template for successful "
    "import. The affected resources are {}"
)


def with_values(plan: Plan, valued: Changes) -> list[dict[str, Any]]:
    """The changes `valued`, with the values of properties, as the plan has them; none where it fails."""
    actions = {it["ResourceChange"]["LogicalResourceId"]: it["ResourceChange"] for it in plan.changes}
    found = []
    for change in valued if not plan.reason else ():
        told = dict(change["ResourceChange"])
        if told["LogicalResourceId"] in plan.importing:
            of_plan = actions[told["LogicalResourceId"]]
            told |= {"Action": of_plan["Action"], "PhysicalResourceId": of_plan["PhysicalResourceId"]}
        found.append({**change, "ResourceChange": told})
    return found


# -- what is there ---------------------------------------------------------------------------------------


def looked_for(
    stack: Stack, kind: str, logical: str, identifier: Identifier
) -> Generator[Any, Mapping[str, Any], There]:
    """The work that finds the resource with an identifier. Raises Fault where it is not there."""
    read = read_stack if kind == STACK else PROVIDERS[kind].read
    assert read is not None
    here = is_here(stack, identifier) and is_whole(kind, identifier)
    for physical in physical_ids(kind, identifier) if here else ():
        try:
            found = yield from read(in_stack(stack, kind, logical, identifier, "", physical=physical))
        except Fault as fault:
            if not is_gone(fault):
                raise
        else:
            if _is_it(found, identifier):
                return There(physical, found)
    message = f"Resource of type '{kind}' with identifier '{_named(kind, identifier)}' was not found."
    raise Fault("ResourceNotFoundException", message, 404)


def is_here(stack: Stack, identifier: Identifier) -> bool:
    """Whether what an identifier says of accounts and regions is those of the stack: a policy may let it read more."""
    for value in identifier.values():
        arn = Arn.find(value)
        if arn is not None and (arn.account not in ("", stack.account) or arn.region not in ("", stack.region)):
            return False
        owner = urlsplit(value).path.split("/")[1] if "://" in value else stack.account  # of the URL of a queue
        if owner != stack.account:
            return False
    return True


def _is_it(found: Found, identifier: Identifier) -> bool:
    """Whether what was found has the identifier, as far as it shows it."""
    shown = {**found.attributes, **found.properties}
    return all(name not in shown or is_same(str(shown[name]), value) for name, value in identifier.items())


def owned(
    state: State, seals: Seals, stack: Stack, kind: str, logical: str, physical: str, identifier: Identifier
) -> str:
    """Why a resource cannot be imported as `logical` that a stack has already; empty where none has it."""
    for it in _resources(state, stack, kind):
        if it.physical and it.status != "DELETE_COMPLETE" and _is_that(it, physical, seals):
            holder = stack_of(state, it)
            mine = (it.stack, it.logical) == (stack.id, logical)
            if holder is not None and not holder.deleted and not mine:
                return _exists(kind, identifier, holder)
    return ""


def held_by_a_stack(state: State, seals: Seals, stack: Stack, new: StackResource, properties: Mapping[str, Any]) -> str:
    """The reason that a resource cannot be made: a stack of the region has what its properties identify.

    Empty where none has.
    """
    identifier = identifier_given(new.type, properties)
    for physical in dict.fromkeys((identifier, *identifier.split("|"))) if identifier else ():
        for it in state.find(PHYSICAL, scoped(stack.account, physical)):
            if not isinstance(it, StackResource) or (it.type, it.region) != (new.type, stack.region):
                continue
            holder, mine = stack_of(state, it), (it.stack, it.logical) == (stack.id, new.logical)
            if holder is None or holder.deleted or mine or not _is_identified(it, identifier, seals):
                continue
            return f"{identifier} already exists in stack {holder.arn}"
    return ""


def _is_identified(it: StackResource, identifier: str, seals: Seals) -> bool:
    """Whether a resource has this primary identifier, of which its physical id is all or a part."""
    if it.physical == identifier:
        return True
    kept = seals.open(it.account, it.stack, it.properties or it.waiting)
    return identifier_given(it.type, kept["properties"]) == identifier


def _is_that(it: StackResource, physical: str, seals: Seals) -> bool:
    """Whether a resource may have this physical id: as its own, or as that of another form (security groups)."""
    others = seals.open(it.account, it.stack, it.attributes) if it.attributes else {}
    known = (it.physical, *(others.get(name) for name in (*identifying(it.type), *_OTHER_IDS)))
    return any(isinstance(one, str) and may_be_same(one, physical) for one in known)


def _exists(kind: str, identifier: Identifier, stack: Stack) -> str:
    return f"{_named(kind, identifier)} already exists in stack {stack.arn}"


def _named(kind: str, identifier: Identifier) -> str:
    return "|".join(identifier[name] for name in identifying(kind))


def _resources(state: State, stack: Stack, kind: str) -> Iterator[StackResource]:
    everywhere = kind.split("::")[1] in _EVERYWHERE
    for it in state.table(StackResource, stack.account).values():
        if it.type == kind and (everywhere or it.region == stack.region):
            yield it


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(names)}]"
