"""The input of a simulation: the request's members, checked and read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum import authz, policy
from locum.authz import Given, Supposed
from locum.authz.functions import account_of
from locum.core.letter_case import folded
from locum.core.principal import Principal
from locum.policy import CompiledPolicy, Document, MalformedPolicy, Policies, PolicyKind, Source
from locum.services.iam.faults import invalid_input
from locum.services.iam.simulator import faults, sources
from locum.services.iam.simulator.callers import caller
from locum.services.iam.simulator.context import entries
from locum.services.iam.simulator.keys import mentioned
from locum.services.verbs import Context, Params
from locum.state.attachments import Identity

EVERY_RESOURCE: Final = "*"

_ARN: Final = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+", re.DOTALL)
_OWNER: Final = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):.+")

HANDLING_OPTIONS: Final = frozenset(
    {"EC2-VPC-InstanceStore", "EC2-VPC-InstanceStore-Subnet", "EC2-VPC-EBS", "EC2-VPC-EBS-Subnet"}
)
_HANDLED_ACTION: Final = "ec2:runinstances"


class Simulation(NamedTuple):
    """One simulation, ready to be run: every action on every resource.

    `names` are the SourcePolicyIds of those policies that have another one than their source's name. `owner` is the
    account of resources whose ARN names none. `missing` are the condition keys that the policies mention and the
    request does not give.
    """

    supposed: Supposed
    names: Mapping[Source, str]
    actions: Sequence[str]
    resources: Sequence[str]
    owner: str
    missing: list[str]

    @property
    def everywhere(self) -> bool:
        """Whether no resource is named."""
        return tuple(self.resources) == (EVERY_RESOURCE,)

    def owner_of(self, resource: str) -> str:
        """The account that owns `resource`."""
        return account_of(resource, self.owner)


def of_documents(context: Context, params: Params) -> Simulation:
    """SimulateCustomPolicy: the policies are those of the request. Raises InvalidInput."""
    levels = params.get("OrderedOrganizationPolicyInputList") or ()
    given = Given(
        _identity(params), _boundary(params), tuple(_level(level, number) for number, level in enumerate(levels, 1))
    )
    return _simulation(context, params, given, params.get("CallerArn"))


def of_entity(context: Context, params: Params, source: Identity) -> Simulation:
    """SimulatePrincipalPolicy: the policies of `source`, and those of the request. Raises InvalidInput."""
    excluded = params.get("PolicyExclusionList") or ()
    given = Given(_identity(params), _boundary(params))
    stored = sources.stored(
        context.state,
        source,
        sources.exclusion(excluded),
        bounded=given.boundary is None and not sources.excludes_boundary(excluded),
        governed=not sources.excludes_service_controls(excluded),
    )
    return _simulation(context, params, given, params.get("CallerArn", source.arn), stored)


def _simulation(
    context: Context,
    params: Params,
    given: Given,
    caller_arn: str | None,
    stored: sources.Stored = sources.NOTHING_STORED,
) -> Simulation:
    actions = params["ActionNames"]
    resources = params.get("ResourceArns") or (EVERY_RESOURCE,)
    _check_actions(actions)
    _check_resources(resources)
    _check_handling(params.get("ResourceHandlingOption"), actions, resources)
    keys = entries(params.get("ContextEntries") or ())
    principal = caller(context, caller_arn)
    given = given._replace(resource=_resource(params, caller_arn, resources))
    supposed = authz.suppose(principal, keys, stored.policies, given)
    missing = [key for key in mentioned(documents(supposed.policies)) if folded(key) not in keys]
    return Simulation(supposed, stored.names, actions, resources, _owner(params, principal), missing)


def documents(policies: Policies) -> list[Document]:
    """The documents of identity and resource policies and the boundary; what SCPs mention is not told."""
    single = (policies.boundary, policies.resource)
    return [found.document for found in (*policies.identity, *single) if found is not None]


# --- policies --------------------------------------------------------------------------------------------------


def _identity(params: Params) -> tuple[CompiledPolicy, ...]:
    texts = params.get("PolicyInputList") or ()
    return sources.given(texts, PolicyKind.IDENTITY, "PolicyInputList", "Policy input")


def _boundary(params: Params) -> CompiledPolicy | None:
    texts = params.get("PermissionsBoundaryPolicyInputList") or ()
    if len(texts) > 1:
        raise invalid_input("The list of Permissions Boundary policies cannot exceed 1 items.")
    member, label = "PermissionsBoundaryPolicyInputList", "Permissions boundary policy input"
    return next(iter(sources.given(texts, PolicyKind.BOUNDARY, member, label)), None)


def _level(level: Mapping[str, Any], number: int) -> tuple[CompiledPolicy, ...]:
    texts = level.get("ServiceControlPolicyInputList") or ()
    if not texts:
        raise invalid_input(f"Organization policy at index {number} must contain at least one service control policy")
    member = f"OrderedOrganizationPolicyInputList.{number}.ServiceControlPolicyInputList"
    return sources.given(texts, PolicyKind.SCP, member, "Service control policy input")


def _resource(params: Params, caller_arn: str | None, resources: Sequence[str]) -> CompiledPolicy | None:
    """The resource policy: "Each resource in the simulation is treated as if it had this policy attached"."""
    text = params.get("ResourcePolicy")
    if text is None:
        return None
    if caller_arn is None:
        raise faults.no_caller()
    if EVERY_RESOURCE in resources:
        raise faults.not_an_entity(EVERY_RESOURCE)
    # A trust policy is the one resource policy whose statements have no Resource.
    for kind in (PolicyKind.RESOURCE, PolicyKind.TRUST):
        try:
            document = policy.parse(text, kind, judge_values=False)
        except MalformedPolicy:
            continue
        return policy.compile(document, Source(kind, "ResourcePolicy"))
    raise invalid_input("Resource policy has invalid content")


# --- everything else -------------------------------------------------------------------------------------------


def _owner(params: Params, principal: Principal) -> str:
    """ "If the ResourceOwner parameter is not specified, then the owner ... defaults to the account of the identity
    provided in CallerArn."
    """
    text = params.get("ResourceOwner")
    if text is None:
        return principal.account
    match = _OWNER.fullmatch(text)
    if match is None:
        raise faults.invalid_owner(text)
    return match[1]


def _check_actions(actions: Sequence[str]) -> None:
    """Names that no service has, and wildcards, are no error: they are held against the policies letter by letter."""
    if any(":" not in action for action in actions):
        raise faults.no_action_name()


def _check_resources(resources: Sequence[str]) -> None:
    if tuple(resources) == (EVERY_RESOURCE,):
        return
    for resource in resources:
        if not _ARN.fullmatch(resource):
            raise faults.not_an_arn(resource)


def _check_handling(option: str | None, actions: Sequence[str], resources: Sequence[str]) -> None:
    """The scenarios of ec2:RunInstances. As the API has it, a resource that a scenario wants may be missing."""
    if option is None or EVERY_RESOURCE in resources:
        return
    for action in actions:
        if action.lower() != _HANDLED_ACTION or option not in HANDLING_OPTIONS:
            raise faults.invalid_handling(action)
