"""Attachments of policies to targets, and enabling of policy types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.organizations import shapes
from locum.services.organizations.access import Scope, administered_reads, administered_writes
from locum.services.organizations.documents import TYPES
from locum.services.organizations.faults import (
    constraint_violation,
    fault,
    invalid_input,
    target_not_found,
)
from locum.services.organizations.pagination import listed
from locum.services.organizations.policies import check_available, found_policy
from locum.services.verbs import Operation, Outcome, Params
from locum.state import Event, Member, Organization, OrganizationPolicy, Unit, put
from locum.state.indexes import TARGETS_OF_POLICY, scoped
from locum.state.organization import FULL_ACCESS, RCP_FULL_ACCESS
from locum.state.organizations import (
    SERVICE_CONTROL,
    OrganizationNode,
    attached,
    node_of,
    policy_ids,
    policy_of,
    target_of,
)


def attach_policy(scope: Scope, params: Params) -> Outcome:
    """AttachPolicy."""
    policy, node = found_policy(scope, params), _target(scope, params)
    if policy.type not in scope.organization.policy_types:
        raise _not_enabled()
    present = attached(scope.context.state, scope.organization, target_of(node), policy.type)
    if policy in present:
        raise fault("DuplicatePolicyAttachment", "The selected policy is already attached to the specified target.")
    if len(present) >= TYPES[policy.type].quota.attached:
        raise constraint_violation(
            "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You have attached the maximum number of policies to the specified target.",
        )
    return Outcome({}, (_with(node, (*policy_ids(node), policy.id)),))


def detach_policy(scope: Scope, params: Params) -> Outcome:
    """DetachPolicy: "Every root, OU, and account must have at least one SCP attached"."""
    policy, node = found_policy(scope, params), _target(scope, params)
    if policy.id == RCP_FULL_ACCESS:
        raise invalid_input("NON_DETACHABLE_POLICY", "You can't detach this AWS Managed Policy.")
    present = attached(scope.context.state, scope.organization, target_of(node), policy.type)
    if policy not in present or policy.type not in scope.organization.policy_types:
        raise fault("PolicyNotAttached", "The policy isn't attached to the specified target in the specified root.")
    if policy.type == SERVICE_CONTROL and len(present) == 1:
        raise constraint_violation(
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You cannot remove the last policy attached to the specified target. You must have at least one attached "
            "at all times.",
        )
    return Outcome({}, (_with(node, tuple(one for one in policy_ids(node) if one != policy.id)),))


def list_policies_for_target(scope: Scope, params: Params) -> Outcome:
    """ListPoliciesForTarget, of one type; empty while the type is not enabled."""
    node, kind = _target(scope, params), params["Filter"]
    in_force = kind in scope.organization.policy_types
    found = attached(scope.context.state, scope.organization, target_of(node), kind) if in_force else ()
    return listed(params, "Policies", found, lambda policy: policy.id, lambda policy: shapes.summary(scope, policy))


def list_targets_for_policy(scope: Scope, params: Params) -> Outcome:
    """ListTargetsForPolicy; empty while the policy's type is not enabled."""
    policy = found_policy(scope, params)
    nodes = _targets(scope, policy) if policy.type in scope.organization.policy_types else ()
    return listed(params, "Targets", nodes, target_of, lambda node: shapes.target(scope, node))


def enable_policy_type(scope: Scope, params: Params) -> Outcome:
    """EnablePolicyType. It takes effect at once. AWS's own SCP or RCP is then attached everywhere."""
    _check_root(scope, params)
    check_available(scope)
    kind, enabled = params["PolicyType"], scope.organization.policy_types
    if kind in enabled:
        raise fault("PolicyTypeAlreadyEnabled", "The specified policy type is already enabled.")
    after = replace(scope.organization, policy_types=(*enabled, kind))
    return Outcome({"Root": shapes.root(after)}, (put(after),))


def disable_policy_type(scope: Scope, params: Params) -> Outcome:
    """DisablePolicyType. It takes effect at once. All policies of the type are detached.

    User Guide, "Disabling a policy type": "all policies of the specified type are automatically detached from all
    entities in the root"; where SCPs are enabled again, "all entities are initially attached to only the default
    FullAWSAccess SCP".
    """
    _check_root(scope, params)
    kind = params["PolicyType"]
    if kind not in scope.organization.policy_types:
        raise _not_enabled()
    events: dict[str, Event] = {}
    for policy in scope.context.state.table(OrganizationPolicy, scope.management).values():
        if policy.type == kind:
            events.update(
                (target_of(node), _with(node, _without(scope, node, kind))) for node in _targets(scope, policy)
            )
    left = tuple(one for one in scope.organization.policy_types if one != kind)
    after = replace(scope.organization, policy_types=left, root_policies=_without(scope, scope.organization, kind))
    events[scope.organization.root] = put(after)
    return Outcome({"Root": shapes.root(after)}, tuple(events.values()))


def _without(scope: Scope, node: OrganizationNode, kind: str) -> tuple[str, ...]:
    """The policies of `node` without those of the type `kind`, except for AWS's SCP."""
    found = ((one, policy_of(scope.context.state, scope.organization, one)) for one in policy_ids(node))
    others = tuple(one for one, policy in found if policy is not None and policy.type != kind)
    return (FULL_ACCESS, *others) if kind == SERVICE_CONTROL else others


def _targets(scope: Scope, policy: OrganizationPolicy) -> Iterable[OrganizationNode]:
    state, management = scope.context.state, scope.management
    if policy.id == RCP_FULL_ACCESS:
        units, members = state.table(Unit, management), state.table(Member, management)
        return (scope.organization, *units.values(), *members.values())
    found = state.find(TARGETS_OF_POLICY, scoped(management, policy.id))
    return [node for node in found if isinstance(node, Organization | Unit | Member)]


def _target(scope: Scope, params: Params) -> OrganizationNode:
    found = node_of(scope.context.state, scope.organization, params["TargetId"])
    if found is None:
        raise target_not_found()
    return found


def _with(node: OrganizationNode, policies: tuple[str, ...]) -> Event:
    if isinstance(node, Organization):
        return put(replace(node, root_policies=policies))
    return put(replace(node, policies=policies))


def _check_root(scope: Scope, params: Params) -> None:
    if params["RootId"] != scope.organization.root:
        raise fault("RootNotFound", "You specified a root that doesn't exist.")


def _not_enabled() -> Fault:
    return fault("PolicyTypeNotEnabled", "This operation can be performed only for enabled policy types.")


OPERATIONS: Final[dict[str, Operation]] = dict(
    (
        administered_writes("AttachPolicy", attach_policy),
        administered_writes("DetachPolicy", detach_policy),
        administered_writes("EnablePolicyType", enable_policy_type),
        administered_writes("DisablePolicyType", disable_policy_type),
        administered_reads("ListPoliciesForTarget", list_policies_for_target),
        administered_reads("ListTargetsForPolicy", list_targets_for_policy),
    )
)
