"""Stack sets are created, updated, deleted and told of. What becomes of their stacks is `agents.stack_sets`' to do."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.core.arn import iam_arn
from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.cloudformation import descriptions
from locum.services.cloudformation.parameters import ParameterValue, parameter_values, ssm_parameters, still_secret
from locum.services.cloudformation.proposals import (
    AUTO_EXPAND,
    check_capabilities,
    decoded_once,
    insufficient,
    parameters_of,
    tags_of,
    template_before,
)
from locum.services.cloudformation.stack_sets import shapes
from locum.services.cloudformation.stack_sets.access import check_organization, named, operated, owner_of
from locum.services.cloudformation.stack_sets.imports import text_of_stack
from locum.services.cloudformation.stack_sets.instances import check_there
from locum.services.cloudformation.stack_sets.lookup import (
    instances_of,
    operations_of,
    results_of,
    stack_set_named,
    template_text_of,
)
from locum.services.cloudformation.stack_sets.operations import begun, check_idle, repeated
from locum.services.cloudformation.stack_sets.paging import LISTS
from locum.services.cloudformation.stack_sets.targets import Targeting, deployed_to, targeted, targeting
from locum.services.cloudformation.stacks import check_stack_name, seals_of
from locum.services.cloudformation.templates import invalid, template_text
from locum.services.verbs import Context, Operation, Outcome, Params, asks, asks_and_writes, reads, writes
from locum.state import AutoDeployment, StackSet, StackSetTemplate, StackVersion, put, remove
from locum.state.stack_sets import SELF_MANAGED, SERVICE_MANAGED

MOST_SETS: Final = 1000
"""Stack sets of an administrator account in a region. CloudFormation User Guide, "CloudFormation quotas"."""

ADMINISTRATION_ROLE: Final = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION_ROLE: Final = "AWSCloudFormationStackSetExecutionRole"
"""The roles of a set that names none."""


class Proposed(NamedTuple):
    """What a call proposes that the stacks of a set be; `text` is that of the template."""

    text: str
    values: Mapping[str, ParameterValue]
    tags: dict[str, str]
    capabilities: tuple[str, ...]

    def version(self, ctx: Context, owner: str, identifier: str, number: int) -> StackVersion:
        """The proposal as a version of the set with that id, whose template has this number."""
        kept = {name: list(value) for name, value in self.values.items()}
        parameters = seals_of(ctx).seal(owner, identifier, kept)
        return StackVersion(template=number, parameters=parameters, tags=self.tags, capabilities=self.capabilities)


def create_stack_set(ctx: Context, params: Params) -> Asking:
    """cloudformation:CreateStackSet."""
    name, owner, token = params["StackSetName"], owner_of(ctx, params), params.get("ClientRequestToken", "")
    check_stack_name(name)
    model = params.get("PermissionModel", SELF_MANAGED)
    _check_roles(owner, model, params)
    if model == SERVICE_MANAGED:
        check_organization(ctx.state, owner)
    before = stack_set_named(ctx.state, owner, ctx.region, name)
    if before is not None:
        if token and before.client_token == token:
            return Outcome({"StackSetId": before.full_name})
        raise Fault("NameAlreadyExistsException", f"StackSet {name} already exists", 409)
    there = [it for it in ctx.state.table(StackSet, owner).values() if it.region == ctx.region and not it.deleted]
    if len(there) >= MOST_SETS:
        raise Fault("LimitExceededException", f"Limit for StackSets has been exceeded: {MOST_SETS}", 400)
    found = yield from _proposed(ctx, params, None)
    identifier, roles = request_id(ctx.entropy), _roles(owner, model, params)
    made = StackSet(
        account=owner,
        name=name,
        region=ctx.region,
        id=identifier,
        created=ctx.now,
        version=found.version(ctx, owner, identifier, 1),
        description=params.get("Description", ""),
        model=model,
        automatic=_automatic(params, model, AutoDeployment()),
        managed=_managed(params, default=False),
        client_token=token,
        administration=roles[0],
        execution=roles[1],
    )
    _check_dependencies(ctx, made)
    return Outcome({"StackSetId": made.full_name}, (put(made), put(_template(made, found.text))))


def update_stack_set(ctx: Context, params: Params) -> Asking:
    """cloudformation:UpdateStackSet: the set is changed, and an operation makes its stacks so."""
    before = operated(ctx, params)
    if (again := repeated(ctx, before, "UpdateStackSet", params)) is not None:
        return Outcome({"OperationId": again.id})
    model = params.get("PermissionModel", before.model)
    _check_roles(before.account, model, params)
    instances = instances_of(ctx.state, before)
    if model != before.model:
        if instances:
            raise invalid("PermissionModel cannot be modified while the stack set has stack instances")
        if model == SERVICE_MANAGED:
            check_organization(ctx.state, before.account)
    _check_customized(before, model, params)
    check_idle(ctx, before)
    found = yield from _proposed(ctx, params, before)
    chosen = yield from _chosen(ctx, before, params)
    number, roles = before.version.template + 1, _roles(before.account, model, params, before)
    after = replace(
        before,
        version=found.version(ctx, before.account, before.id, number),
        description=params.get("Description", before.description),
        model=model,
        automatic=_automatic(params, model, before.automatic),
        managed=_managed(params, default=before.managed),
        administration=roles[0],
        execution=roles[1],
    )
    _check_dependencies(ctx, after)
    old = _template(before, "")
    events = (remove(old), put(_template(after, found.text)))
    if after.automatic.enabled and not before.automatic.enabled:  # who joined before is not deployed to
        after = replace(after, seen=deployed_to(ctx.state, after))
    about = [it for it in instances if it.status != "INOPERABLE"]
    if chosen is not None:
        about = targeted(ctx, after, chosen)
        check_there(chosen, about)
    outdated = instances if _differs(ctx, before, found) else ()
    outcome = begun(ctx, after, "UPDATE", "UpdateStackSet", params, about, outdates=outdated)
    return outcome._replace(events=(*events, *outcome.events))


def _chosen(ctx: Context, of: StackSet, params: Params) -> Generator[Ask, Mapping[str, Any], Targeting | None]:
    """The instances that an update of the set is about; None for all of them. Raises Fault."""
    if not {"Accounts", "DeploymentTargets", "Regions"} & params.keys():
        return None
    if "AutoDeployment" in params:
        raise invalid("If you specify AutoDeployment, don't specify DeploymentTargets or Regions.")
    if not params.get("Regions"):
        raise invalid("Regions must be specified where accounts or deployment targets are")
    return (yield from targeting(ctx, of, params))


def _differs(ctx: Context, before: StackSet, found: Proposed) -> bool:
    """Whether the template or the parameters change, so that all instances are outdated."""
    values = parameters_of(before.version, seals_of(ctx), before.account, before.id)
    return found.text != template_text_of(ctx.state, before) or values != found.values


def delete_stack_set(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DeleteStackSet. A set that is not there is deleted."""
    owner = owner_of(ctx, params)
    before = stack_set_named(ctx.state, owner, ctx.region, params["StackSetName"])
    if before is None or before.deleted or (owner != ctx.account and before.model != SERVICE_MANAGED):
        return Outcome({})
    check_idle(ctx, before, queues=False)
    if instances_of(ctx.state, before):
        raise Fault("StackSetNotEmptyException", "StackSet is not empty", 409)
    gone = [remove(_template(before, ""))]
    for operation in operations_of(ctx.state, before):
        gone += [remove(operation), *map(remove, results_of(ctx.state, operation))]
    kept = replace(before, deleted=ctx.now, targets={}, seen={}, version=replace(before.version, parameters=b""))
    return Outcome({}, (put(kept), *gone))


def describe_stack_set(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackSet."""
    found = named(ctx, params)
    seals = seals_of(ctx)
    return Outcome({"StackSet": shapes.stack_set(ctx.state, found, template_text_of(ctx.state, found), seals)})


def list_stack_sets(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackSets; of a delegated administrator, those with service-managed permissions."""
    owner, wanted = owner_of(ctx, params), params.get("Status")
    found = [it for it in ctx.state.table(StackSet, owner).values() if it.region == ctx.region]
    if owner != ctx.account:
        found = [it for it in found if it.model == SERVICE_MANAGED]
    shown = [it for it in found if wanted in (None, shapes.status_of(it))]
    return LISTS.page(params, shown, lambda it: f"{it.name}/{it.id}").outcome(
        "Summaries", lambda it: shapes.stack_set_summary(ctx.state, it)
    )


def list_stack_set_auto_deployment_targets(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackSetAutoDeploymentTargets."""
    found = named(ctx, params)
    page = LISTS.page(params, found.targets.items(), lambda it: it[0])
    return page.outcome("Summaries", lambda it: {"OrganizationalUnitId": it[0], "Regions": list(it[1])})


def get_template_summary(ctx: Context, params: Params) -> Asking:
    """cloudformation:GetTemplateSummary, of a stack set, too."""
    if not params.get("StackSetName"):
        return (yield from descriptions.get_template_summary(ctx, params))
    text = template_text_of(ctx.state, named(ctx, params))
    return Outcome(descriptions.template_summary(template_before(text), decoded_once(text)))


# -- what a set is to be ------------------------------------------------------------------------------------


def _proposed(ctx: Context, params: Params, before: StackSet | None) -> Generator[Ask, Mapping[str, Any], Proposed]:
    """What a call proposes for a new set, or for `before`. Raises Fault.

    Parameters of Systems Manager are read in the accounts of the stacks, and transforms are evaluated there.
    """
    if params.get("UsePreviousTemplate"):
        if before is None or "TemplateBody" in params or "TemplateURL" in params:
            raise invalid("Either Template URL or Template Body must be specified.")
        text = template_text_of(ctx.state, before)
    elif before is None and "StackId" in params:
        text = yield from text_of_stack(ctx, params["StackId"])
    else:
        text = yield from template_text(ctx, params)
    template = template_before(text)
    previous, kept = None, dict[str, ParameterValue]()
    if before is not None:
        kept = values = parameters_of(before.version, seals_of(ctx), before.account, before.id)
        previous = {name: value.value for name, value in values.items()}
    given = list(params.get("Parameters") or ())
    unread = dict.fromkeys(ssm_parameters(template, given, previous), "")
    values = still_secret(parameter_values(template, given, previous, unread), given, kept)
    capabilities = tuple(params.get("Capabilities") or ())
    if not template.transforms:
        check_capabilities(template, capabilities)
    elif AUTO_EXPAND not in capabilities:
        raise insufficient([AUTO_EXPAND])
    tags = tags_of(params, {} if before is None else before.version.tags)
    return Proposed(text, values, tags, capabilities)


def _template(of: StackSet, text: str) -> StackSetTemplate:
    number = of.version.template
    return StackSetTemplate(account=of.account, region=of.region, stack_set=of.id, number=number, text=text)


def _check_roles(owner: str, model: str, params: Params) -> None:
    """Check the roles that a call names. Raises Fault ValidationError.

    The administration role is one of the administrator's own account: "Cross-account pass role is not allowed" for
    other services, too.
    """
    given = {"AdministrationRoleARN", "ExecutionRoleName"} & params.keys()
    if model == SERVICE_MANAGED and given:
        raise invalid(
            "AdministrationRoleARN and ExecutionRoleName cannot be specified with SERVICE_MANAGED permissions"
        )
    role = params.get("AdministrationRoleARN", "")
    if role and not role.startswith(iam_arn(owner, "role", "/", "")):
        raise invalid(f"Role {role} is invalid or cannot be assumed")
    if model == SELF_MANAGED and params.get("CallAs") == "DELEGATED_ADMIN":
        raise invalid("CallAs DELEGATED_ADMIN is for stack sets with SERVICE_MANAGED permissions")
    if model == SELF_MANAGED and "AutoDeployment" in params:
        raise invalid("AutoDeployment is for stack sets with SERVICE_MANAGED permissions")


def _check_customized(before: StackSet, model: str, params: Params) -> None:
    """Check that a customized administration role is named again, and so passed. Raises Fault ValidationError.

    API Reference, UpdateStackSet: "If you specified a customized administrator role when you created the StackSet, you
    must specify a customized administrator role, even if it is the same".
    """
    default = iam_arn(before.account, "role", "/", ADMINISTRATION_ROLE)
    customized = model == SELF_MANAGED and before.administration not in ("", default)
    if customized and "AdministrationRoleARN" not in params:
        raise invalid("AdministrationRoleARN must be specified for a stack set with a customized administration role")


def _roles(owner: str, model: str, params: Params, before: StackSet | None = None) -> tuple[str, str]:
    """The ARN of the administration role and the name of the execution role; empty for service-managed sets."""
    if model == SERVICE_MANAGED:
        return "", ""
    default = iam_arn(owner, "role", "/", ADMINISTRATION_ROLE)
    kept = (before.administration, before.execution) if before is not None else ("", "")
    return (
        params.get("AdministrationRoleARN") or kept[0] or default,
        params.get("ExecutionRoleName") or kept[1] or EXECUTION_ROLE,
    )


def _automatic(params: Params, model: str, before: AutoDeployment) -> AutoDeployment:
    given = params.get("AutoDeployment")
    if model == SELF_MANAGED or given is None:
        if model == SERVICE_MANAGED and "PermissionModel" in params and before == AutoDeployment():
            raise invalid("AutoDeployment must be specified for stack sets with SERVICE_MANAGED permissions")
        return before if model == SERVICE_MANAGED else AutoDeployment()
    enabled, retain = given.get("Enabled", False), given.get("RetainStacksOnAccountRemoval")
    if retain is not None and not enabled:
        raise invalid("RetainStacksOnAccountRemoval can be specified only if AutoDeployment is enabled")
    return AutoDeployment(enabled=enabled, retain=bool(retain), depends_on=tuple(given.get("DependsOn") or ()))


def _check_dependencies(ctx: Context, of: StackSet) -> None:
    """Check that the sets that a set depends on are there, and none depends on it. Raises Fault ValidationError."""
    waiting, known = list(of.automatic.depends_on), {of.arn}
    while waiting:
        arn = waiting.pop()
        other = stack_set_named(ctx.state, of.account, of.region, arn)
        if arn == of.arn:
            raise invalid(f"StackSet {of.full_name} cannot depend on itself")
        if arn in of.automatic.depends_on and (other is None or other.deleted or other.model != SERVICE_MANAGED):
            raise invalid(f"DependsOn has a stack set that does not exist: {arn}")
        if other is not None and arn not in known:
            known.add(arn)
            waiting += other.automatic.depends_on


def _managed(params: Params, *, default: bool) -> bool:
    return bool(params.get("ManagedExecution", {}).get("Active", default))


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateStackSet": asks_and_writes(asking(create_stack_set)),
    "DeleteStackSet": writes(delete_stack_set),
    "DescribeStackSet": reads(describe_stack_set),
    "GetTemplateSummary": asks(asking(get_template_summary))._replace(computes=True),
    "ListStackSetAutoDeploymentTargets": reads(list_stack_set_auto_deployment_targets),
    "ListStackSets": reads(list_stack_sets),
    "UpdateStackSet": asks_and_writes(asking(update_stack_set)),
}
