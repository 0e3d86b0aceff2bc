"""What is told of stacks, their resources, events, templates and exports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from locum.services.asking import Asking
from locum.services.cloudformation.drift import resource_drift, stack_drift
from locum.services.cloudformation.lookup import (
    change_set_named,
    described,
    events_of,
    existing,
    resource_of,
    resources_of,
    root_of,
    stack_named,
    stack_of,
    template_of,
)
from locum.services.cloudformation.outputs import exported, exporting, importing, shown_outputs
from locum.services.cloudformation.proposals import decoded_once, parameters_of, template_before
from locum.services.cloudformation.schemas import schema_of
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.shown import metadata_of, shown_parameter
from locum.services.cloudformation.stacks import MOST_STACKS, seals_of
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import invalid, template_text
from locum.services.cloudformation.told_events import event_id, properties_told
from locum.services.cloudformation.validation import capabilities_shown, check_recognized, unrecognized
from locum.services.pagination import Ordered, Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, reads
from locum.state import Stack, StackEvent, StackResource, State
from locum.state.cloudformation import REVIEW
from locum.state.indexes import PHYSICAL, scoped

MOST_DESCRIBED: Final = 100
"""API Reference, DescribeStackResources: "Only the first 100 resources will be returned"."""

_LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", 100, lambda: invalid("NextToken is not valid"))


def describe_stacks(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStacks."""
    if params.get("StackName"):
        return Outcome({"Stacks": [_stack(ctx, described(ctx, params["StackName"]))]})
    found = [it for it in _stacks(ctx) if not it.deleted]
    page = _LISTS.page(params, found, lambda it: f"{1e12 - it.created:020.6f}/{it.id}")
    return page.outcome("Stacks", lambda it: _stack(ctx, it))


def _under_way(ctx: Context, params: Params) -> float | None:
    """The time at which the operation of a stack began that is under way (epoch seconds)."""
    it = stack_named(ctx, params.get("StackName") or "")
    return max(it.created, it.updated, it.ending) if it is not None and it.under_way else None


def list_stacks(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStacks, deleted ones among them."""
    wanted = params.get("StackStatusFilter")
    found = [it for it in _stacks(ctx) if not wanted or it.status in wanted]
    page = _LISTS.page(params, found, lambda it: f"{1e12 - it.created:020.6f}/{it.id}")
    return page.outcome("StackSummaries", _summary)


def describe_stack_resource(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackResource."""
    name, logical = params["StackName"], params["LogicalResourceId"]
    stack = described(ctx, name, "Stack '{}' does not exist")
    found = resource_of(ctx.state, stack, logical)
    if found is None:
        raise invalid(f"Resource {logical} does not exist for stack {name}")
    shown = {"StackName": stack.name, "StackId": stack.arn, **_resource_summary(ctx.state, found)}
    metadata = metadata_of(ctx.state, stack, logical, seals_of(ctx))
    return Outcome({"StackResourceDetail": shown | ({} if metadata is None else {"Metadata": metadata})})


def describe_stack_resources(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackResources, of a stack or of the one that has a physical resource."""
    name, physical = params.get("StackName"), params.get("PhysicalResourceId")
    if (name is None) == (physical is None):
        raise invalid("Either StackName or PhysicalResourceId must be specified, but not both.")
    stack = _with_physical(ctx, str(physical)) if name is None else described(ctx, name)
    found = sorted(resources_of(ctx.state, stack).values(), key=lambda it: it.logical)
    logical = params.get("LogicalResourceId")
    chosen = [it for it in found if logical in (None, it.logical)][:MOST_DESCRIBED]
    return Outcome({"StackResources": [_resource(ctx.state, stack, it) for it in chosen]})


def list_stack_resources(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackResources."""
    stack = described(ctx, params["StackName"])
    page = _LISTS.page(params, resources_of(ctx.state, stack).values(), lambda it: it.logical)
    return page.outcome("StackResourceSummaries", lambda it: _resource_summary(ctx.state, it))


def describe_stack_events(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackEvents, newest first."""
    stack = described(ctx, params["StackName"], "Stack [{}] does not exist")
    page = _LISTS.page(params, Ordered(events_of(ctx.state, stack)), lambda it: f"{10**9 - it.order:010d}")
    seals = seals_of(ctx)
    return page.outcome("StackEvents", lambda it: _event(stack, it, seals))


def get_template(ctx: Context, params: Params) -> Outcome:
    """cloudformation:GetTemplate."""
    stages = ["Original", "Processed"]
    if "ChangeSetName" in params:
        name, stack_name = params["ChangeSetName"], params.get("StackName")
        if stack_name is None and not name.startswith("arn:"):
            raise invalid("StackName is a required parameter.")
        _, found = change_set_named(ctx, name, stack_name)
        text, processed = found.text, found.processed
    else:
        stack = described(ctx, _needed(params, "StackName"))
        kept = template_of(ctx.state, stack, stack.version.template)
        text, processed = kept.text, kept.processed
    shown = (processed or text) if params.get("TemplateStage") == "Processed" else text
    return Outcome({"TemplateBody": shown, "StagesAvailable": stages})


def _needed(params: Params, member: str) -> str:
    """The member, without which the call is none. Raises Fault ValidationError."""
    if not params.get(member):
        name = member[0].lower() + member[1:]
        raise invalid(
            f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        )
    return str(params[member])


def get_template_summary(ctx: Context, params: Params) -> Asking:
    """cloudformation:GetTemplateSummary, of a template or of a stack."""
    if params.get("StackName"):
        stack = existing(ctx, params["StackName"])
        if stack.status == REVIEW:
            raise invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
        text = template_of(ctx.state, stack, stack.version.template).text
    else:
        text = yield from template_text(ctx, params)
    template = template_before(text)
    summary = template_summary(template, decoded_once(text))
    if not template.transforms and (unknown := unrecognized(summary["ResourceTypes"])):
        if not params.get("TemplateSummaryConfig", {}).get("TreatUnrecognizedResourceTypesAsWarnings"):
            check_recognized(template)
        summary["Warnings"] = {"UnrecognizedResourceTypes": unknown}
    return Outcome(summary)


def template_summary(template: Template, decoded: Mapping[str, Any]) -> dict[str, Any]:
    """What GetTemplateSummary tells of a template."""
    declared = decoded.get("Resources", {})
    resources = {name: it for name, it in declared.items() if isinstance(it, Mapping) and "Type" in it}
    shown: dict[str, Any] = {
        "Parameters": [_declared(name, it) for name, it in template.parameters.items()],
        "ResourceTypes": list(dict.fromkeys(str(it["Type"]) for it in resources.values())),
        "ResourceIdentifierSummaries": [],
    }
    for kind in shown["ResourceTypes"]:
        identified: dict[str, Any] = {"ResourceType": kind}
        identified["LogicalResourceIds"] = [name for name, it in resources.items() if it["Type"] == kind]
        schema = schema_of(kind)
        if schema is not None and schema.identifier and not {*schema.identifier} & {*schema.read_only}:
            identified["ResourceIdentifiers"] = [path[-1] for path in schema.identifier]
        shown["ResourceIdentifierSummaries"].append(identified)
    told = {"Description": template.description, "DeclaredTransforms": list(template.transforms)}
    shown |= {member: value for member, value in told.items() if value}
    sections = {"Version": "AWSTemplateFormatVersion", "Metadata": "Metadata"}
    shown |= {member: str(decoded[section]) for member, section in sections.items() if section in decoded}
    return shown | capabilities_shown(resources)


def list_exports(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListExports."""
    seals = seals_of(ctx)
    found = [(name, exported(it, name, seals), it) for it in _stacks(ctx) for name in it.exports]
    page = _LISTS.page(params, found, lambda export: export[0])
    return page.outcome(
        "Exports", lambda export: {"ExportingStackId": export[2].arn, "Name": export[0], "Value": export[1]}
    )


def list_imports(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListImports."""
    name = params["ExportName"]
    if exporting(ctx.state, ctx.account, ctx.region, name) is None:
        raise invalid(f"Export '{name}' does not exist.")
    found = importing(ctx.state, ctx.account, ctx.region, name)
    if not found:
        raise invalid(f"Export '{name}' is not imported by any stack.")
    return _LISTS.page(params, found, lambda it: it).outcome("Imports", lambda it: it)


def describe_account_limits(_ctx: Context, _params: Params) -> Outcome:
    """cloudformation:DescribeAccountLimits."""
    limits = {"StackLimit": MOST_STACKS, "StackOutputsLimit": 200, "ConcurrentResourcesLimit": 2500}
    return Outcome({"AccountLimits": [{"Name": name, "Value": value} for name, value in limits.items()]})


def _stacks(ctx: Context) -> Iterable[Stack]:
    return [it for it in ctx.state.table(Stack, ctx.account).values() if it.region == ctx.region]


def _with_physical(ctx: Context, physical: str) -> Stack:
    for it in ctx.state.find(PHYSICAL, scoped(ctx.account, physical)):
        if isinstance(it, StackResource) and it.region == ctx.region and (found := stack_of(ctx.state, it)) is not None:
            return found
    raise invalid(f"Stack for {physical} does not exist")


def _stack(ctx: Context, it: Stack) -> dict[str, Any]:
    seals = seals_of(ctx)
    shown: dict[str, Any] = {
        "StackId": it.arn,
        "StackName": it.name,
        "CreationTime": it.created,
        "RollbackConfiguration": it.rollback,
        "StackStatus": it.status,
        "DisableRollback": it.keeps == "DO_NOTHING",
        "NotificationARNs": list(it.notifications),
        "Tags": [{"Key": key, "Value": value} for key, value in it.version.tags.items()],
        "DriftInformation": stack_drift(it),
    }
    if not it.deleted:
        shown |= {"EnableTerminationProtection": (root_of(ctx.state, it) or it).protected}
    parameters = parameters_of(it.version, seals, it.account, it.id)
    optional = {
        "Description": it.description,
        "Parameters": [shown_parameter(name, value) for name, value in parameters.items()],
        "Capabilities": list(it.version.capabilities),
        "Outputs": shown_outputs(it, seals),
        "RoleARN": it.role,
        "StackStatusReason": it.reason,
        "LastUpdatedTime": it.updated,
        "DeletionTime": it.ending or it.deleted,
        "TimeoutInMinutes": it.timeout,
        "ParentId": it.parent,
        "RootId": it.root,
        "ChangeSetId": "" if it.deleted else it.change_set,
    }
    return shown | {member: value for member, value in optional.items() if value}


def _summary(it: Stack) -> dict[str, Any]:
    shown = {
        "StackId": it.arn,
        "StackName": it.name,
        "CreationTime": it.created,
        "StackStatus": it.status,
        "DriftInformation": stack_drift(it),
    }
    optional = {
        "TemplateDescription": it.description,
        "StackStatusReason": it.reason,
        "LastUpdatedTime": it.updated,
        "DeletionTime": it.ending or it.deleted,
        "ParentId": it.parent,
        "RootId": it.root,
    }
    return shown | {member: value for member, value in optional.items() if value}


def _resource(state: State, stack: Stack, it: StackResource) -> dict[str, Any]:
    return {"StackName": stack.name, "StackId": stack.arn, **_told(state, it), "Timestamp": it.at}


def _resource_summary(state: State, it: StackResource) -> dict[str, Any]:
    return _told(state, it) | {"LastUpdatedTimestamp": it.at}


def _told(state: State, it: StackResource) -> dict[str, Any]:
    """What each answer about a resource tells of it."""
    shown = {
        "LogicalResourceId": it.logical,
        "PhysicalResourceId": it.physical,
        "ResourceType": it.type,
        "ResourceStatus": it.status,
        "ResourceStatusReason": it.reason,
        "DriftInformation": resource_drift(state, it),
    }
    return {member: value for member, value in shown.items() if value != ""}


def _event(stack: Stack, it: StackEvent, seals: Seals) -> dict[str, Any]:
    shown = {
        "StackId": stack.arn,
        "EventId": event_id(stack, it),
        "StackName": stack.name,
        "LogicalResourceId": it.logical,
        "PhysicalResourceId": it.physical,
        "ResourceType": it.type,
        "Timestamp": it.at,
        "ResourceStatus": it.status,
        "ResourceStatusReason": it.reason,
        "ResourceProperties": properties_told(seals.open(stack.account, stack.id, it.properties)),
        "ClientRequestToken": it.token,
    }
    return {member: value for member, value in shown.items() if value != "" or member == "PhysicalResourceId"}


def _declared(name: str, it: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ParameterKey": name,
        "ParameterType": str(it.get("Type", "String")),
        "NoEcho": str(it.get("NoEcho", False)).lower() == "true",
        "ParameterConstraints": {"AllowedValues": [str(value) for value in it["AllowedValues"]]}
        if "AllowedValues" in it
        else {},
    }
    for member, given in (("DefaultValue", "Default"), ("Description", "Description")):
        if given in it:
            shown[member] = str(it[given])
    return shown


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeAccountLimits": reads(describe_account_limits),
    "DescribeStackEvents": reads(describe_stack_events),
    "DescribeStackResource": reads(describe_stack_resource),
    "DescribeStackResources": reads(describe_stack_resources),
    "DescribeStacks": reads(describe_stacks)._replace(pending=_under_way),
    "GetTemplate": reads(get_template),
    "ListExports": reads(list_exports),
    "ListImports": reads(list_imports),
    "ListStackResources": reads(list_stack_resources),
    "ListStacks": reads(list_stacks),
}
