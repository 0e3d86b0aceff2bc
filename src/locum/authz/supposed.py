"""Hypothetical decisions, for the policy simulator and the permission check of delegation requests.

The policies of an identity are gathered by the very functions that gather them for its calls. Callers may leave out
policies or add others, and pass the condition keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from locum import policy
from locum.authz.authorization import Ruling
from locum.authz.call import Check
from locum.authz.organizations import organization_context
from locum.authz.principal_policies import Held, Level, boundary_of, held_policies
from locum.core.principal import ContextValue, Principal
from locum.policy import CompiledPolicy, Decision, Policies, Presumed, Request
from locum.state import State
from locum.state.attachments import Identity


class Given(NamedTuple):
    """Policies given by the caller: identity policies in addition to the stored ones, the others in place of them."""

    identity: Level = ()
    boundary: CompiledPolicy | None = None
    scps: tuple[Level, ...] = ()
    resource: CompiledPolicy | None = None


NOTHING_GIVEN: Final = Given()
NO_POLICIES: Final = Policies()


class Supposed(NamedTuple):
    """A hypothetical caller: the policies that apply to it, and the condition keys (lower-case) of its calls."""

    principal: Principal
    policies: Policies
    context: Mapping[str, ContextValue]

    def decide(self, action: str, resource: str, owner: str) -> Decision:
        """The decision on `action` on `resource` (an ARN, or `*`), which the account `owner` owns."""
        return self.rule(Check(action, resource), owner).decision

    def rule(self, check: Check, owner: str, presumed: Presumed | None = None) -> Ruling:
        """The ruling that `decide` makes, with open statements `presumed` where the context leaves keys open."""
        who, action, resource = self.principal, check.action, check.resource
        request = Request(who, action, resource, owner, self.context, resource == "*", who.provider, presumed=presumed)
        return Ruling(check, request, self.policies, policy.evaluate(request, self.policies))


def gathered(
    state: State,
    identity: Identity,
    held: Iterable[Held] | None = None,
    *,
    bounded: bool = True,
    governed: bool = True,
) -> Policies:
    """The stored policies that apply to `identity`: its own, or those of them that are `held`, its boundary, its SCPs.

    The boundary is left out unless it is `bounded`, SCPs, which are its account's, unless it is `governed`.
    """
    if held is None:
        held = held_policies(state, identity)
    of_account = governing(state, identity.account)
    return of_account._replace(
        identity=tuple([one.policy for one in held]),
        boundary=boundary_of(state, identity) if bounded else None,
        scps=of_account.scps if governed else (),
    )


def governing(state: State, account: str) -> Policies:
    """The stored policies that apply to the root user of `account`: its SCPs."""
    organization = organization_context(state, account)
    return Policies(scps=organization.scps, principal_in_management_account=organization.management)


def suppose(
    principal: Principal,
    context: Mapping[str, ContextValue],
    stored: Policies = NO_POLICIES,
    given: Given = NOTHING_GIVEN,
) -> Supposed:
    """The hypothetical caller `principal`, with the policies `stored` (see `gathered`) and those `given`."""
    policies = stored._replace(
        identity=(*stored.identity, *given.identity),
        boundary=given.boundary or stored.boundary,
        scps=given.scps or stored.scps,
        resource=given.resource,
        principal_is_service_linked_role=principal.service_linked,
    )
    return Supposed(principal, policies, context)
