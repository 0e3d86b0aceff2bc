"""Handshakes: invitations, and the consent of invited accounts to all features.

InviteAccountToOrganization  -> INVITE, OPEN                 accepted by the account: it joins
EnableAllFeatures            -> ENABLE_ALL_FEATURES, REQUESTED
                                and APPROVE_ALL_FEATURES, OPEN, to each invited account
                                all of these accepted: the former is OPEN
                                accepted by the management account: the organization has all features
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID
from locum.services.organizations import limits, roles
from locum.services.organizations.access import Scope, administered_reads, by_management
from locum.services.organizations.accounts import check_departure, known_account
from locum.services.organizations.faults import (
    access_denied,
    fault,
    handshake_violation,
    invalid_input,
)
from locum.services.organizations.identifiers import new_id
from locum.services.organizations.invitations import (
    ACCEPTED,
    APPROVE_ALL_FEATURES,
    CANCELED,
    DECLINED,
    ENABLE_ALL_FEATURES,
    INVITE,
    OPEN,
    accounts_counted,
    expiry,
    is_shown,
    shown,
    state_of,
    waits,
)
from locum.services.organizations.pagination import listed
from locum.services.organizations.tags import given
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Account, Event, Handshake, Member, Organization, State, change, put, remove
from locum.state.entities import Tags
from locum.state.indexes import HANDSHAKE_ID, HANDSHAKES_OF, ROOT_EMAIL
from locum.state.organizations import ALL_FEATURES, member_of

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def invite_account_to_organization(scope: Scope, params: Params) -> Outcome:
    """InviteAccountToOrganization."""
    target, kind = _target(params)
    state, tags = scope.context.state, given(params)
    names = _names(state, target, kind)
    pending = [one for one in scope.context.state.table(Handshake, scope.management).values() if waits(one, scope.now)]
    if any(one.action == ENABLE_ALL_FEATURES for one in pending):
        raise handshake_violation(
            "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES",
            "You can't issue new invitations to join an organization while it's in the process of enabling all "
            "features.",
        )
    if any(scope.member(name) is not None for name in names):
        raise handshake_violation(
            "ALREADY_IN_AN_ORGANIZATION",
            "The handshake request is invalid because the invited account is already a member of an organization.",
        )
    if any(one.action == INVITE and one.target in names for one in pending):
        raise fault("DuplicateHandshake", "A handshake with the same action and target already exists.")
    if accounts_counted(scope) >= limits.ACCOUNTS:
        raise handshake_violation(
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of AWS accounts."
        )
    made = _new_handshake(scope, INVITE, target, kind, limits.INVITATION_DAYS, notes=params.get("Notes", ""), tags=tags)
    return _answer(scope.context, made)


def _target(params: Params) -> tuple[str, str]:
    """The id and type of the target of an invitation. Raises InvalidInputException."""
    target, kind = params["Target"]["Id"], params["Target"]["Type"]
    if kind == "ACCOUNT" and not ACCOUNT_ID.fullmatch(target):
        raise invalid_input("INVALID_PATTERN_TARGET_ID", "You specified an account ID that is not valid.")
    if kind == "EMAIL" and not _EMAIL.fullmatch(target):
        raise invalid_input("INVALID_EMAIL_ADDRESS_TARGET", "You specified an invalid email address for the target.")
    if kind not in ("ACCOUNT", "EMAIL"):
        raise invalid_input("INVALID_PARTY_TYPE_TARGET", "You specified the wrong type of entity as a party.")
    return (target.lower() if kind == "EMAIL" else target), kind


def _names(state: State, target: str, kind: str) -> set[str]:
    """The id and the e-mail address of the account `target`, as far as they are known."""
    account = state.first(Account, ROOT_EMAIL, target) if kind == "EMAIL" else state.get(Account, target, target)
    return {target} if account is None else _names_of(account)


def _names_of(account: Account) -> set[str]:
    return {account.account, account.email.lower()} - {""}


def enable_all_features(scope: Scope, _params: Params) -> Outcome:
    """EnableAllFeatures: requests the approval of all invited accounts; created accounts need not approve."""
    if scope.organization.feature_set == ALL_FEATURES:
        raise handshake_violation(
            "ORGANIZATION_ALREADY_HAS_ALL_FEATURES",
            "The handshake request is invalid because the organization has already enabled all features.",
        )
    table = scope.context.state.table(Handshake, scope.management).values()
    if any(one.action == ENABLE_ALL_FEATURES and waits(one, scope.now) for one in table):
        raise handshake_violation(
            "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION",
            "The handshake request is invalid because the organization has already started the process to enable all "
            "features.",
        )
    members = scope.context.state.table(Member, scope.management).values()
    asked = [one for one in members if one.joined_by == "INVITED" and one.id != scope.management]
    days = limits.ALL_FEATURES_DAYS
    whole = _new_handshake(scope, ENABLE_ALL_FEATURES, scope.organization.id, "ORGANIZATION", days)
    whole = replace(whole, state="REQUESTED" if asked else OPEN)
    parts = [_new_handshake(scope, APPROVE_ALL_FEATURES, one.id, "ACCOUNT", days, parent=whole.id) for one in asked]
    return _answer(scope.context, whole, *(put(part) for part in parts))


def _new_handshake(
    scope: Scope,
    action: str,
    target: str,
    kind: str,
    days: int,
    *,
    notes: str = "",
    tags: Tags | None = None,
    parent: str = "",
) -> Handshake:
    return Handshake(
        account=scope.management,
        id=new_id("h-", 32, scope.context.entropy),
        organization=scope.organization.id,
        action=action,
        target=target,
        target_type=kind,
        state=OPEN,
        requested=scope.now,
        expires=expiry(scope.now, days),
        notes=notes,
        tags=tags or {},
        parent=parent,
    )


# --- responses ---


def accept_handshake(context: Context, params: Params) -> Outcome:
    """AcceptHandshake."""
    handshake = _found(context, params)
    if not _is_addressed(context, handshake):
        raise access_denied()
    ended = replace(_ended(context, handshake, ACCEPTED), accepted_by=context.account)
    if handshake.action == INVITE:
        return _answer(context, ended, *_join_events(context, handshake))
    if handshake.action == APPROVE_ALL_FEATURES:
        return _answer(context, ended, *_approval_events(context, handshake))
    if handshake.state != OPEN:
        raise _not_recipient_fault(handshake, context)
    return _answer(context, ended, *_all_features_events(context, handshake))


def decline_handshake(context: Context, params: Params) -> Outcome:
    """DeclineHandshake."""
    handshake = _found(context, params)
    if not _is_addressed(context, handshake):
        raise access_denied()
    return _answer(context, _ended(context, handshake, DECLINED))


def cancel_handshake(context: Context, params: Params) -> Outcome:
    """CancelHandshake: "Only the account that sent a handshake can call this operation"."""
    handshake = _found(context, params)
    if handshake.account != context.account:
        raise access_denied()
    children = [
        put(_ended(context, one, CANCELED))
        for one in context.state.table(Handshake, handshake.account).values()
        if one.parent == handshake.id and waits(one, int(context.now))
    ]
    return _answer(context, _ended(context, handshake, CANCELED), *children)


def _join_events(context: Context, handshake: Handshake) -> Iterator[Event]:
    """The events by which the caller's account becomes a member, and leaves its previous organization."""
    state, account, now = context.state, context.account, int(context.now)
    organization = state.get(Organization, handshake.account, handshake.account)
    if organization is None:
        raise _not_found()
    former = member_of(state, account)
    if former is not None:
        check_departure(former.account, former)
        yield remove(former)
    known = known_account(context)
    yield put(known)
    yield put(
        Member(
            account=organization.account,
            id=account,
            parent=organization.root,
            name=known.name,
            email=known.email,
            joined=now,
            joined_by="INVITED",
            tags=handshake.tags,
        )
    )
    if organization.feature_set == ALL_FEATURES:
        yield from roles.service_role(context, account)


def _approval_events(context: Context, handshake: Handshake) -> Iterator[Event]:
    """The events of an approval: after the last one, the handshake of the whole organization becomes OPEN."""
    siblings = context.state.table(Handshake, handshake.account).values()
    left = [one for one in siblings if one.parent == handshake.parent and one.state != ACCEPTED]
    whole = context.state.get(Handshake, handshake.account, handshake.parent)
    if whole is not None and [one.id for one in left] == [handshake.id] and waits(whole, int(context.now)):
        yield put(replace(whole, state=OPEN))


def _all_features_events(context: Context, handshake: Handshake) -> Iterator[Event]:
    organization = context.state.get(Organization, handshake.account, handshake.account)
    if organization is None:
        raise _not_found()
    yield put(replace(organization, feature_set=ALL_FEATURES))
    for member in context.state.table(Member, organization.account).values():
        yield from roles.service_role(context, member.id)


def _is_addressed(context: Context, handshake: Handshake) -> bool:
    """Whether the caller's account is the recipient: the target, or the management account of a target organization."""
    if handshake.target_type == "ORGANIZATION":
        return handshake.account == context.account
    return handshake.target in _own_names(context)


def _own_names(context: Context) -> set[str]:
    known = context.state.get(Account, context.account, context.account)
    return {context.account} if known is None else _names_of(known)


def _found(context: Context, params: Params) -> Handshake:
    """The handshake, if the caller's account is a party to it. Raises HandshakeNotFoundException."""
    handshake = context.state.first(Handshake, HANDSHAKE_ID, params["HandshakeId"])
    if handshake is None or not is_shown(handshake, int(context.now)):
        raise _not_found()
    if handshake.account != context.account and not _is_addressed(context, handshake):
        raise _not_found()
    return handshake


def _ended(context: Context, handshake: Handshake, state: str) -> Handshake:
    """`handshake` in a final state. Raises HandshakeAlreadyInState..., InvalidHandshakeTransitionException."""
    now = int(context.now)
    if state_of(handshake, now) == state:
        raise fault("HandshakeAlreadyInState", "The specified handshake is already in the requested state.")
    if not waits(handshake, now):
        raise _not_recipient_fault(handshake, context)
    return replace(handshake, state=state, answered=max(now, 1))


def _not_recipient_fault(handshake: Handshake, context: Context) -> Fault:
    return fault(
        "InvalidHandshakeTransition",
        "You can't perform the operation on the handshake in its current state: "
        f"{state_of(handshake, int(context.now))}.",
    )


def _not_found() -> Fault:
    return fault("HandshakeNotFound", "We can't find a handshake with the HandshakeId that you specified.")


def _answer(context: Context, handshake: Handshake, *events: Event) -> Outcome:
    every = (put(handshake), *events)
    return Outcome({"Handshake": shown(change(context.state, every), handshake, int(context.now))}, every)


# --- reading ---


def describe_handshake(context: Context, params: Params) -> Outcome:
    """DescribeHandshake."""
    return Outcome({"Handshake": shown(context.state, _found(context, params), int(context.now))})


def list_handshakes_for_account(context: Context, params: Params) -> Outcome:
    """ListHandshakesForAccount: those that the caller's account received; it need not be in an organization."""
    found = [
        handshake
        for name in _own_names(context)
        for handshake in context.state.find(HANDSHAKES_OF, name)
        if isinstance(handshake, Handshake)
    ]
    return _listed(context, params, found)


def list_handshakes_for_organization(scope: Scope, params: Params) -> Outcome:
    """ListHandshakesForOrganization: those that the organization sent."""
    return _listed(scope.context, params, scope.context.state.table(Handshake, scope.management).values())


def _listed(context: Context, params: Params, handshakes: Iterable[Handshake]) -> Outcome:
    wanted = params.get("Filter", {})
    if len(wanted) > 1:
        raise invalid_input("MAX_LIMIT_EXCEEDED_FILTER", "You can specify only one filter parameter for the operation.")
    now = int(context.now)
    found = [
        one
        for one in handshakes
        if is_shown(one, now)
        and wanted.get("ActionType", one.action) == one.action
        and wanted.get("ParentHandshakeId", one.parent) == one.parent
    ]
    return listed(
        params,
        "Handshakes",
        found,
        lambda one: f"{one.requested:012}{one.id}",
        lambda one: shown(context.state, one, now),
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "InviteAccountToOrganization": writes(by_management(invite_account_to_organization)),
    "EnableAllFeatures": writes(by_management(enable_all_features)),
    "AcceptHandshake": writes(accept_handshake),
    "DeclineHandshake": writes(decline_handshake),
    "CancelHandshake": writes(cancel_handshake),
    "DescribeHandshake": reads(describe_handshake),
    "ListHandshakesForAccount": reads(list_handshakes_for_account),
    **dict((administered_reads("ListHandshakesForOrganization", list_handshakes_for_organization),)),
}
