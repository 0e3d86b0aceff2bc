"""The accounts that may make a call, whatever the policies of their users and roles say.

API Reference: "You can only call this operation from the management account", "... or a member account that is a
delegated administrator", "You can call this operation from any account in a organization".

A delegated administrator is one of two: an account registered for a service, which may read ("It grants read-only
access to Organizations service data"), or one to which the organization's resource policy gives actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from locum import authz
from locum.services.organizations.faults import access_denied, not_in_use
from locum.services.verbs import Context, Operation, Outcome, Params, Verb, reads, writes
from locum.state import Member, Organization, Unit
from locum.state.organizations import member_of


class Scope(NamedTuple):
    """A call, and the organization that it is about."""

    context: Context
    organization: Organization

    @property
    def management(self) -> str:
        """The account that manages the organization."""
        return self.organization.account

    @property
    def now(self) -> int:
        """Epoch seconds."""
        return int(self.context.now)

    def member(self, account: str) -> Member | None:
        """The membership of `account` in this organization, or None."""
        return self.context.state.get(Member, self.management, account)

    def unit(self, unit: str) -> Unit | None:
        """The unit of this organization, or None."""
        return self.context.state.get(Unit, self.management, unit)


ScopedVerb = Callable[[Scope, Params], Outcome]


def scope_of(context: Context) -> Scope:
    """The organization of the caller's account. Raises AWSOrganizationsNotInUseException."""
    member = member_of(context.state, context.account)
    organization = None if member is None else context.state.get(Organization, member.account, member.account)
    if organization is None:
        raise not_in_use()
    return Scope(context, organization)


def by_members(verb: ScopedVerb) -> Verb:
    """`verb`, for every account in an organization."""
    return lambda context, params: verb(scope_of(context), params)


def by_management(verb: ScopedVerb) -> Verb:
    """`verb`, for the management account alone."""

    def run(context: Context, params: Params) -> Outcome:
        scope = scope_of(context)
        if context.account != scope.management:
            raise access_denied()
        return verb(scope, params)

    return run


def administered_reads(name: str, verb: ScopedVerb) -> tuple[str, Operation]:
    """The operation `name`, for the management account and both kinds of delegated administrator."""
    return name, reads(_administered(name, verb, for_delegates=True))


def administered_writes(name: str, verb: ScopedVerb) -> tuple[str, Operation]:
    """The operation `name`, for the management account and whom the resource policy gives it to."""
    return name, writes(_administered(name, verb, for_delegates=False))


def _administered(name: str, verb: ScopedVerb, *, for_delegates: bool) -> Verb:
    def run(context: Context, params: Params) -> Outcome:
        scope = scope_of(context)
        if context.account != scope.management and not (for_delegates and _is_delegate(scope)):
            call = context.call_of("organizations", name, params)
            authorization = authz.delegated(context.state, call, scope.organization)
            if not authorization.allowed:
                raise authz.Refusal(access_denied(), authorization)
        return verb(scope, params)

    return run


def _is_delegate(scope: Scope) -> bool:
    """Whether the caller's account is registered for a service."""
    member = scope.member(scope.context.account)
    return member is not None and bool(member.delegations)
