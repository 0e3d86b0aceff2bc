"""What is told of stacks, their resources, events, templates and exports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from locum.services.asking import Asking, asking
from locum.services.cloudformation.drift import resource_drift, stack_drift
from locum.services.cloudformation.imports import identifier_summaries
from locum.services.cloudformation.lookup import (
    change_set_named,
    described,
    events_of,
    existing,
    resource_of,
    resources_of,
    stack_named,
    template_of,
)
from locum.services.cloudformation.outputs import exported, exporting, importing, shown_outputs
from locum.services.cloudformation.proposals import decoded_once, parameters_of, template_before
from locum.services.cloudformation.stacks import MOST_STACKS, seals_of
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import invalid, template_text
from locum.services.cloudformation.validation import capabilities_shown
from locum.services.pagination import Ordered, Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, asks, reads
from locum.state import Stack, StackEvent, StackResource, State

HIDDEN: Final = "****"
_LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", 100, lambda: invalid("NextToken is not valid"))


def describe_stacks(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStacks."""
    if params.get("StackName"):
        return Outcome({"Stacks": [_stack(ctx, described(ctx, params["StackName"]))]})
    found = [it for it in _stacks(ctx) if not it.deleted]
    page = _LISTS.page(params, found, lambda it: f"{1e12 - it.created:020.6f}/{it.id}")
    return page.outcome("Stacks", lambda it: _stack(ctx, it))


def list_stacks(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStacks, deleted ones among them."""
    wanted = params.get("StackStatusFilter")
    found = [it for it in _stacks(ctx) if not wanted or it.status in wanted]
    page = _LISTS.page(params, found, lambda it: f"{1e12 - it.created:020.6f}/{it.id}")
    return page.outcome("StackSummaries", _summary)


def describe_stack_resource(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackResource."""
    stack = described(ctx, params["StackName"])
    logical = params["LogicalResourceId"]
    found = resource_of(ctx.state, stack, logical)
    if found is None:
        raise invalid(f"Resource {logical} does not exist for stack {stack.name}")
    named = {"StackName": stack.name, "StackId": stack.arn}
    return Outcome({"StackResourceDetail": named | _resource_summary(ctx.state, found)})


def describe_stack_resources(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackResources, of a stack or of the one that has a physical resource."""
    name, physical = params.get("StackName"), params.get("PhysicalResourceId")
    if (name is None) == (physical is None):
        raise invalid("Either StackName or PhysicalResourceId must be specified, but not both.")
    stack = _with_physical(ctx, str(physical)) if name is None else described(ctx, name)
    found = resources_of(ctx.state, stack).values()
    logical = params.get("LogicalResourceId")
    return Outcome(
        {"StackResources": [_resource(ctx.state, stack, it) for it in found if logical in (None, it.logical)]}
    )


def list_stack_resources(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackResources."""
    stack = described(ctx, params["StackName"])
    found = Ordered(resources_of(ctx.state, stack).values())
    page = _LISTS.page(params, found, lambda it: f"{it.order:010d}/{it.logical}")
    return page.outcome("StackResourceSummaries", lambda it: _resource_summary(ctx.state, it))


def describe_stack_events(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackEvents, newest first."""
    stack = described(ctx, params["StackName"])
    page = _LISTS.page(params, Ordered(events_of(ctx.state, stack)), lambda it: f"{10**9 - it.order:010d}")
    return page.outcome("StackEvents", lambda it: _event(stack, it))


def get_template(ctx: Context, params: Params) -> Outcome:
    """cloudformation:GetTemplate."""
    stages = ["Original", "Processed"]
    if "ChangeSetName" in params:
        _, found = change_set_named(ctx, params["ChangeSetName"], params.get("StackName"))
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
        text = template_of(ctx.state, stack, stack.version.template).text
    else:
        text = yield from template_text(ctx, params)
    return Outcome(template_summary(template_before(text), decoded_once(text)))


def template_summary(template: Template, decoded: Mapping[str, Any]) -> dict[str, Any]:
    """What GetTemplateSummary tells of a template."""
    declared = decoded.get("Resources", {})
    resources = {name: it for name, it in declared.items() if isinstance(it, Mapping) and "Type" in it}
    shown: dict[str, Any] = {
        "Parameters": [_declared(name, it) for name, it in template.parameters.items()],
        "ResourceTypes": list(dict.fromkeys(str(it["Type"]) for it in resources.values())),
        "ResourceIdentifierSummaries": identifier_summaries(resources),
    }
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
    for it in ctx.state.table(StackResource, ctx.account).values():
        if it.physical == physical and it.region == ctx.region and it.status != "DELETE_COMPLETE":
            found = ctx.state.get(Stack, ctx.account, f"{it.region}/{it.stack}")
            if found is not None:
                return found
    raise invalid(f"Stack for {physical} does not exist")


def _stack(ctx: Context, it: Stack) -> dict[str, Any]:
    seals = seals_of(ctx)
    shown: dict[str, Any] = {
        "StackId": it.arn,
        "StackName": it.name,
        "CreationTime": it.created,
        "RollbackConfiguration": {},
        "StackStatus": it.status,
        "DisableRollback": it.keeps == "DO_NOTHING",
        "NotificationARNs": list(it.notifications),
        "Tags": [{"Key": key, "Value": value} for key, value in it.version.tags.items()],
        "EnableTerminationProtection": (stack_named(ctx, it.root) or it).protected if it.root else it.protected,
        "DriftInformation": stack_drift(it),
    }
    parameters = parameters_of(it.version, seals, it.account, it.id)
    optional = {
        "Description": it.description,
        "Parameters": [_parameter(name, value) for name, value in parameters.items()],
        "Capabilities": list(it.version.capabilities),
        "Outputs": shown_outputs(it, seals),
        "RoleARN": it.role,
        "StackStatusReason": it.reason,
        "LastUpdatedTime": it.updated,
        "DeletionTime": it.deleted,
        "TimeoutInMinutes": it.timeout,
        "ParentId": it.parent,
        "RootId": it.root,
        "ChangeSetId": it.change_set,
    }
    return shown | {member: value for member, value in optional.items() if value}


def _parameter(name: str, value: Any) -> dict[str, Any]:
    if value.no_echo:
        return {"ParameterKey": name, "ParameterValue": HIDDEN}
    shown = {"ParameterKey": name, "ParameterValue": value.value}
    resolved = value.resolved if isinstance(value.resolved, str) else ",".join(value.resolved)
    return shown if resolved == value.value else {**shown, "ResolvedValue": resolved}


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
        "DeletionTime": it.deleted,
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


def _event(stack: Stack, it: StackEvent) -> dict[str, Any]:
    own = it.type == "AWS::CloudFormation::Stack" and it.physical == stack.arn
    shown = {
        "StackId": stack.arn,
        "EventId": it.id if own else f"{it.logical}-{it.status}-{it.id}",
        "StackName": stack.name,
        "LogicalResourceId": it.logical,
        "PhysicalResourceId": it.physical,
        "ResourceType": it.type,
        "Timestamp": it.at,
        "ResourceStatus": it.status,
        "ResourceStatusReason": it.reason,
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
    "DescribeStacks": reads(describe_stacks),
    "GetTemplate": reads(get_template),
    "GetTemplateSummary": asks(asking(get_template_summary))._replace(computes=True),
    "ListExports": reads(list_exports),
    "ListImports": reads(list_imports),
    "ListStackResources": reads(list_stack_resources),
    "ListStacks": reads(list_stacks),
}
