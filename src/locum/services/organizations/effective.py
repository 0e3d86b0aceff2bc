"""DescribeEffectivePolicy: the effective management policy of an account."""

from __future__ import annotations

import json
from typing import Final

from locum.services.organizations.access import Scope, by_members
from locum.services.organizations.documents import read_object
from locum.services.organizations.faults import access_denied, fault, target_not_found
from locum.services.organizations.inheritance import effective
from locum.services.verbs import Operation, Outcome, Params, reads
from locum.state.organizations import policy_levels


def describe_effective_policy(scope: Scope, params: Params) -> Outcome:
    """DescribeEffectivePolicy, of the own account; for management account and delegated administrators, of any."""
    caller, kind = scope.context.account, params["PolicyType"]
    account = params.get("TargetId", caller)
    own = scope.member(caller)
    if account not in (caller, "") and caller != scope.management and not (own is not None and own.delegations):
        raise access_denied()
    member = scope.member(account)
    if member is None:
        raise target_not_found()
    levels = [found for _, found in policy_levels(scope.context.state, scope.organization, member, kind)]
    policies = [policy for found in levels for policy in found]
    if not policies or kind not in scope.organization.policy_types:
        raise fault(
            "EffectivePolicyNotFound", "The account doesn't have an effective policy of the specified policy type."
        )
    content = effective([[read_object(policy.content) or {} for policy in found] for found in levels])
    answer = {
        "PolicyContent": json.dumps(content, separators=(",", ":"), ensure_ascii=False),
        "LastUpdatedTimestamp": max(policy.updated for policy in policies),
        "TargetId": account,
        "PolicyType": kind,
    }
    return Outcome({"EffectivePolicy": answer})


OPERATIONS: Final[dict[str, Operation]] = {"DescribeEffectivePolicy": reads(by_members(describe_effective_policy))}
