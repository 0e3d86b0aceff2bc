"""The organization's resource policy, which delegates actions to member accounts.

User Guide, "Delegated administrator for AWS Organizations".
"""

from __future__ import annotations

import json
from typing import Any, Final

from msgspec.structs import replace

from locum import policy
from locum.policy import PolicyKind
from locum.policy.document import Document, Statement
from locum.services.organizations.access import Scope, administered_reads, by_management
from locum.services.organizations.faults import fault, invalid_input
from locum.services.organizations.identifiers import new_id
from locum.services.organizations.tags import given
from locum.services.verbs import Operation, Outcome, Params, writes
from locum.state import Organization, put
from locum.state.organizations import resource_policy_arn

_NAMES: Final = """
AttachPolicy CreatePolicy DeletePolicy DescribeAccount DescribeCreateAccountStatus DescribeEffectivePolicy
DescribeHandshake DescribeOrganization DescribeOrganizationalUnit DescribePolicy DescribeResourcePolicy
DetachPolicy DisablePolicyType EnablePolicyType ListAWSServiceAccessForOrganization ListAccounts
ListAccountsForParent ListAccountsWithInvalidEffectivePolicy ListChildren ListCreateAccountStatus
ListDelegatedAdministrators ListDelegatedServicesForAccount ListEffectivePolicyValidationErrors
ListHandshakesForAccount ListHandshakesForOrganization ListOrganizationalUnitsForParent ListParents ListPolicies
ListPoliciesForTarget ListRoots ListTagsForResource ListTargetsForPolicy TagResource UntagResource UpdatePolicy
"""

DELEGABLE: Final = frozenset(f"organizations:{name}".lower() for name in _NAMES.split())
"""The actions that can be delegated: User Guide, "Supported actions" of delegation policies."""


def put_resource_policy(scope: Scope, params: Params) -> Outcome:
    """PutResourcePolicy: creates or replaces the policy."""
    old, content, tags = scope.organization, params["Content"], given(params)
    _check(content)
    after = replace(
        old,
        resource_policy=content,
        resource_policy_id=old.resource_policy_id or new_id("rp-", 8, scope.context.entropy),
        resource_policy_tags=tags if "Tags" in params else old.resource_policy_tags,
    )
    return Outcome({"ResourcePolicy": _shown(after)}, (put(after),))


def describe_resource_policy(scope: Scope, _params: Params) -> Outcome:
    """DescribeResourcePolicy."""
    return Outcome({"ResourcePolicy": _shown(_with_policy(scope))})


def delete_resource_policy(scope: Scope, _params: Params) -> Outcome:
    """DeleteResourcePolicy."""
    after = replace(_with_policy(scope), resource_policy="", resource_policy_id="", resource_policy_tags={})
    return Outcome({}, (put(after),))


def _with_policy(scope: Scope) -> Organization:
    if not scope.organization.resource_policy:
        raise fault(
            "ResourcePolicyNotFound", "We can't find a resource policy request with the parameter that you specified."
        )
    return scope.organization


def _shown(organization: Organization) -> dict[str, Any]:
    identifier = organization.resource_policy_id
    summary = {"Id": identifier, "Arn": resource_policy_arn(organization, identifier)}
    return {"ResourcePolicySummary": summary, "Content": organization.resource_policy}


def _check(content: str) -> None:
    """Check that `content` is a valid delegation policy. Raises InvalidInputException with the reason."""
    for statement in _parsed(content).statements:
        if statement.principals is None or statement.principals.service or statement.principals.federated:
            raise invalid_input("INVALID_PRINCIPAL", "You specified an invalid principal element in the policy.")
        if not _is_delegable(statement):
            raise invalid_input(
                "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY",
                "You specified an action that is not supported in a resource policy.",
            )


def _parsed(content: str) -> Document:
    try:
        json.loads(content)
        return policy.parse(content, PolicyKind.RESOURCE)
    except policy.MalformedPolicy as error:
        reason = "INVALID_PRINCIPAL" if "principal" in error.message.lower() else "INVALID_RESOURCE_POLICY_JSON"
        raise invalid_input(reason, error.message) from error
    except (ValueError, RecursionError) as error:
        raise invalid_input("INVALID_RESOURCE_POLICY_JSON", "The resource policy is not valid JSON.") from error


def _is_delegable(statement: Statement) -> bool:
    """Whether an Allow has only `DELEGABLE` actions without wildcards, or a Deny only actions of Organizations."""
    actions = [action.lower() for action in statement.actions or ()]
    if statement.allows:
        return statement.actions is not None and all(action in DELEGABLE for action in actions)
    return all(action == "*" or action.startswith("organizations:") for action in actions)


OPERATIONS: Final[dict[str, Operation]] = {
    "PutResourcePolicy": writes(by_management(put_resource_policy)),
    "DeleteResourcePolicy": writes(by_management(delete_resource_policy)),
    **dict((administered_reads("DescribeResourcePolicy", describe_resource_policy),)),
}
