"""Policies of the organization: service control, resource control, and management policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from locum.services.organizations import shapes
from locum.services.organizations.access import Scope, administered_reads, administered_writes
from locum.services.organizations.documents import TYPES, checked
from locum.services.organizations.faults import constraint_violation, fault, immutable_policy, policy_not_found
from locum.services.organizations.identifiers import new_id
from locum.services.organizations.pagination import listed
from locum.services.organizations.tags import given
from locum.services.verbs import Operation, Outcome, Params
from locum.state import OrganizationPolicy, put, remove
from locum.state.indexes import TARGETS_OF_POLICY, scoped
from locum.state.organization import AWS_POLICIES
from locum.state.organizations import ALL_FEATURES, policy_of


def found_policy(scope: Scope, params: Params) -> OrganizationPolicy:
    """The policy in `params`, which may be one of AWS's own. Raises PolicyNotFoundException."""
    found = policy_of(scope.context.state, scope.organization, params["PolicyId"])
    if found is None:
        raise policy_not_found()
    return found


def check_available(scope: Scope) -> None:
    """Check that the organization has all features. Raises PolicyTypeNotAvailableForOrganizationException."""
    if scope.organization.feature_set != ALL_FEATURES:
        raise fault(
            "PolicyTypeNotAvailableForOrganization",
            "You can't use the specified policy type with the feature set currently enabled for this organization.",
        )


def create_policy(scope: Scope, params: Params) -> Outcome:
    """CreatePolicy."""
    kind, tags = params["Type"], given(params)
    check_available(scope)
    content = checked(params["Content"], kind)
    _check_name(scope, kind, params["Name"])
    if sum(1 for _ in _own(scope, kind)) >= TYPES[kind].quota.number:
        raise constraint_violation(
            "POLICY_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of policies in an organization."
        )
    made = OrganizationPolicy(
        account=scope.management,
        id=new_id("p-", 10, scope.context.entropy),
        type=kind,
        name=params["Name"],
        description=params["Description"],
        content=content,
        updated=scope.now,
        tags=tags,
    )
    return Outcome({"Policy": shapes.whole_policy(scope, made)}, (put(made),))


def update_policy(scope: Scope, params: Params) -> Outcome:
    """UpdatePolicy: members that are absent do not change."""
    old = _to_change(scope, params)
    name = params.get("Name", old.name)
    if name != old.name:
        _check_name(scope, old.type, name)
    new = replace(
        old,
        name=name,
        description=params.get("Description", old.description),
        content=checked(params["Content"], old.type) if "Content" in params else old.content,
    )
    new = new if new == old else replace(new, updated=scope.now)
    return Outcome({"Policy": shapes.whole_policy(scope, new)}, () if new == old else (put(new),))


def delete_policy(scope: Scope, params: Params) -> Outcome:
    """DeletePolicy. The policy must not be attached."""
    policy = _to_change(scope, params)
    if scope.context.state.count(TARGETS_OF_POLICY, scoped(scope.management, policy.id)):
        raise fault(
            "PolicyInUse",
            "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts "
            "before performing this operation.",
        )
    return Outcome({}, (remove(policy),))


def describe_policy(scope: Scope, params: Params) -> Outcome:
    """DescribePolicy."""
    return Outcome({"Policy": shapes.whole_policy(scope, found_policy(scope, params))})


def list_policies(scope: Scope, params: Params) -> Outcome:
    """ListPolicies, of one type, AWS's own first."""
    kind = params["Filter"]
    own = [*(policy for policy in AWS_POLICIES.values() if policy.type == kind), *_own(scope, kind)]
    return listed(
        params,
        "Policies",
        own,
        lambda policy: f"{not policy.aws_managed:d}{policy.id}",
        lambda policy: shapes.summary(scope, policy),
    )


def _own(scope: Scope, kind: str) -> Iterator[OrganizationPolicy]:
    table = scope.context.state.table(OrganizationPolicy, scope.management).values()
    return (policy for policy in table if policy.type == kind)


def _check_name(scope: Scope, kind: str, name: str) -> None:
    aws = (policy for policy in AWS_POLICIES.values() if policy.type == kind)
    if any(policy.name == name for policy in (*aws, *_own(scope, kind))):
        raise fault("DuplicatePolicy", "A policy with the specified name and type already exists.")


def _to_change(scope: Scope, params: Params) -> OrganizationPolicy:
    policy = found_policy(scope, params)
    if policy.aws_managed:
        raise immutable_policy()
    return policy


OPERATIONS: Final[dict[str, Operation]] = dict(
    (
        administered_writes("CreatePolicy", create_policy),
        administered_writes("UpdatePolicy", update_policy),
        administered_writes("DeletePolicy", delete_policy),
        administered_reads("DescribePolicy", describe_policy),
        administered_reads("ListPolicies", list_policies),
    )
)
