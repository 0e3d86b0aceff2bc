"""The organization and its root."""

from __future__ import annotations

from typing import Final

from locum.services.organizations import roles, shapes
from locum.services.organizations.access import Scope, administered_reads, by_management, by_members
from locum.services.organizations.accounts import known_account
from locum.services.organizations.faults import fault
from locum.services.organizations.identifiers import new_id
from locum.services.organizations.pagination import listed
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import (
    AccountCreation,
    Event,
    Handshake,
    Member,
    Organization,
    OrganizationPolicy,
    Unit,
    change,
    put,
    remove,
)
from locum.state.organizations import ALL_FEATURES, member_of


def create_organization(context: Context, params: Params) -> Outcome:
    """CreateOrganization: the caller's account becomes its management account."""
    account, now = context.account, int(context.now)
    if member_of(context.state, account) is not None:
        raise fault("AlreadyInOrganization", "The provided account is already a member of an organization.")
    known = known_account(context)
    made = Organization(
        account=account,
        id=new_id("o-", 10, context.entropy),
        root=new_id("r-", 4, context.entropy),
        created=now,
        feature_set=params.get("FeatureSet", ALL_FEATURES),
    )
    manager = Member(
        account=account,
        id=account,
        parent=made.root,
        name=known.name,
        email=known.email,
        joined=now,
        joined_by="INVITED",
    )
    events: list[Event] = [put(known), put(made), put(manager)]
    if made.feature_set == ALL_FEATURES:
        events.extend(roles.service_role(context, account))
    answer = shapes.organization(change(context.state, events), made)
    return Outcome({"Organization": answer}, tuple(events))


def describe_organization(scope: Scope, _params: Params) -> Outcome:
    """DescribeOrganization."""
    return Outcome({"Organization": shapes.organization(scope.context.state, scope.organization)})


def delete_organization(scope: Scope, _params: Params) -> Outcome:
    """DeleteOrganization, with its units and policies. All accounts but the management account must have left."""
    state, management = scope.context.state, scope.management
    if len(state.table(Member, management)) > 1:
        raise fault(
            "OrganizationNotEmpty",
            "To delete an organization you must first remove all member accounts (except the master).",
        )
    gone = [scope.organization, *state.table(Member, management).values(), *state.table(Unit, management).values()]
    events = [remove(entity) for entity in gone]
    events += [remove(entity) for entity in state.table(OrganizationPolicy, management).values()]
    events += [remove(entity) for entity in state.table(Handshake, management).values()]
    events += [remove(entity) for entity in state.table(AccountCreation, management).values()]
    return Outcome({}, tuple(events))


def list_roots(scope: Scope, params: Params) -> Outcome:
    """ListRoots: always one."""
    return listed(params, "Roots", (scope.organization,), lambda found: found.root, shapes.root)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateOrganization": writes(create_organization),
    "DescribeOrganization": reads(by_members(describe_organization)),
    "DeleteOrganization": writes(by_management(delete_organization)),
    **dict((administered_reads("ListRoots", list_roots),)),
}
