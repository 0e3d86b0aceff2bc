"""AWS Organizations: ARNs from ids, policy types and tags.

Service Authorization Reference, "Actions, resources, and condition keys for AWS Organizations". The type of a resource
follows from the form of its id, the organization from the caller's account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values
from locum.core.arn import Arn
from locum.core.identifiers import ACCOUNT_ID
from locum.core.partial_arn import NEW, with_missing
from locum.core.resources import ResourceFacts
from locum.state import Handshake, Organization, OrganizationPolicy, State
from locum.state.indexes import HANDSHAKE_ID
from locum.state.organization import organization_arn
from locum.state.organizations import (
    handshake_arn,
    node_arn,
    node_of,
    organization_of,
    policy_arn,
    policy_of,
)

_KINDS: Final = (
    ("ou-", ("ou",)),
    ("rp-", ("resourcepolicy",)),
    ("r-", ("root",)),
    ("p-", ("policy", "*")),
    ("h-", ("handshake", "*")),
    ("rt-", ("transfer", "*", "*")),
)
"""The prefixes of ids, and the parts of the ARN before the id."""


def _parts(state: State, call: Call) -> tuple[str, str, Organization | None]:
    """The management account, the id and the caller's organization; `o-*` and None where there is none."""
    account = call.caller.account
    organization = organization_of(state, account)
    return (account, "o-*", None) if organization is None else (organization.account, organization.id, organization)


def _resource(state: State, call: Call, values: Values) -> Iterable[str]:
    """The root, a unit, an account, a policy, the resource policy, a handshake or a transfer, by id."""
    identifier = values[0] or "*"
    management, organization_id, organization = _parts(state, call)
    if organization is not None:
        node = node_of(state, organization, identifier)
        policy = policy_of(state, organization, identifier)
        if node is not None:
            return (node_arn(organization, node),)
        if policy is not None:
            return (policy_arn(organization, policy),)
    handshake = state.first(Handshake, HANDSHAKE_ID, identifier)
    if handshake is not None:
        return (handshake_arn(handshake),)
    kind, *rest = next((parts for prefix, parts in _KINDS if identifier.startswith(prefix)), ("account",))
    return (with_missing(organization_arn(management, organization_id, kind, *rest, identifier)),)


def _account(state: State, call: Call, values: Values) -> Iterable[str]:
    """An account by its id. For anything else (an e-mail address) all accounts."""
    given = values[0] or "*"
    return _resource(state, call, (given if ACCOUNT_ID.fullmatch(given) else "*",))


def _own_account(state: State, call: Call, values: Values) -> Iterable[str]:
    """An account by its id, or the caller's."""
    return _resource(state, call, (values[0] or call.caller.account,))


def _new(state: State, call: Call, values: Values) -> Iterable[str]:
    """A resource to be created: a policy of a type, a unit or the resource policy, which may exist already."""
    management, organization_id, organization = _parts(state, call)
    if call.operation == "CreatePolicy":
        kind = (values[0] or "*").lower()
        return (with_missing(organization_arn(management, organization_id, "policy", kind, "p-*"), NEW),)
    if call.operation == "CreateOrganizationalUnit":
        return (with_missing(organization_arn(management, organization_id, "ou", "ou-*"), NEW),)
    present = "" if organization is None else organization.resource_policy_id
    return (with_missing(organization_arn(management, organization_id, "resourcepolicy", present or "rp-*"), NEW),)


def _policy_types(state: State, call: Call, _check: Check) -> list[str]:
    """organizations:PolicyType: the type in the request, or the type of the policy in the request."""
    params = call.params
    given = params.get("Type") or params.get("Filter") or params.get("PolicyType")
    if isinstance(given, str):
        return [given]
    organization = organization_of(state, call.caller.account)
    named = params.get("PolicyId") or params.get("ResourceId")
    policy = None if organization is None or not named else policy_of(state, organization, named)
    return [] if policy is None else [policy.type]


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The owner and the tags of the resource with this ARN, in any organization."""
    fields = Arn.find(arn)
    organization = None if fields is None else state.get(Organization, fields.account, fields.account)
    if fields is None or organization is None:
        return None
    identifier = fields.resource.rsplit("/", 1)[-1]
    tags: Mapping[str, str]
    if identifier.startswith("rp-") and identifier == organization.resource_policy_id:
        tags = organization.resource_policy_tags
    else:
        found = node_of(state, organization, identifier) or state.get(
            OrganizationPolicy, organization.account, identifier
        )
        if found is None:
            return None
        tags = found.root_tags if isinstance(found, Organization) else found.tags
    return ResourceFacts(organization.account, None, tags)


FUNCTIONS: Final = Functions(
    resolvers={
        "organizations_account": _account,
        "organizations_new": _new,
        "organizations_own_account": _own_account,
        "organizations_resource": _resource,
    },
    keys={"organizations_policy_type": _policy_types},
    facts=_facts,
    # The resources of an organization belong to its management account. The verbs determine which other accounts may
    # call (delegated administrators, invited accounts). Where the organization's resource policy has to allow the call
    # as well, the verb calls `authz.delegated`.
    caller_only=True,
)
