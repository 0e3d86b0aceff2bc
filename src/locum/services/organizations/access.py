"""Which accounts may make a call, whatever the policies of their users and roles say.

API Reference: "You can only call this operation from the management account", "... or a member account that is a
delegated administrator", "You can call this operation from any account in a organization".

A delegated administrator is one of two: an account registered for a service, which may read ("It grants read-only
access to Organizations service data"), or one to which the organization's resource policy gives actions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from locum import policy
from locum.policy import Policies, PolicyKind, Source
from locum.services.organizations.faults import access_denied, not_in_use
from locum.services.verbs import Context, Operation, Outcome, Params, Verb, reads, writes
from locum.state import Member, Organization, Unit
from locum.state.organizations import (
    member_of,
    node_arn,
    node_of,
    policy_arn,
    policy_of,
    resource_policy_arn,
)


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

_ALLOW_ALL: Final = policy.compile(
    policy.parse(
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}', PolicyKind.IDENTITY
    ),
    Source(PolicyKind.IDENTITY),
)
"""What the caller's own policies allow was asked before the verb."""


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
        if context.account != scope.management:
            member = scope.member(context.account)
            delegated = for_delegates and member is not None and bool(member.delegations)
            if not delegated and not _given(scope, f"organizations:{name}", params):
                raise access_denied()
        return verb(scope, params)

    return run


def _given(scope: Scope, action: str, params: Params) -> bool:
    """Whether the organization's resource policy gives `action` to the caller, for all that `params` name."""
    document = scope.organization.resource_policy
    if not document:
        return False
    source = Source(PolicyKind.RESOURCE, "resource policy of the organization")
    policies = Policies(
        identity=(_ALLOW_ALL,), resource=policy.compile(policy.parse(document, PolicyKind.RESOURCE), source)
    )
    context = dict(_conditions(scope, params))
    principal = scope.context.caller.principal
    return all(
        policy.evaluate(policy.Request(principal, action, arn, scope.management, context, arn == "*"), policies).allowed
        for arn in tuple(_resources(scope, params)) or ("*",)
    )


_NAMING: Final = (
    "PolicyId",
    "TargetId",
    "AccountId",
    "OrganizationalUnitId",
    "RootId",
    "ParentId",
    "ChildId",
    "ResourceId",
)


def _resources(scope: Scope, params: Params) -> Iterator[str]:
    """The ARNs of what the members of the input name."""
    state, organization = scope.context.state, scope.organization
    for identifier in (params[member] for member in _NAMING if member in params):
        node = node_of(state, organization, identifier)
        document = policy_of(state, organization, identifier)
        if node is not None:
            yield node_arn(organization, node)
        elif document is not None:
            yield policy_arn(organization, document)
        elif identifier == organization.resource_policy_id:
            yield resource_policy_arn(organization, identifier)


def _conditions(scope: Scope, params: Params) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """The condition keys that a delegation policy can speak of: the type of policy, and tags."""
    named = policy_of(scope.context.state, scope.organization, params.get("PolicyId", params.get("ResourceId", "")))
    kind = params.get("Type") or params.get("Filter") or params.get("PolicyType") or (named.type if named else "")
    if kind:
        yield "organizations:policytype", kind
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
    yield from ((f"aws:requesttag/{key.lower()}", value) for key, value in tags.items())
    keys = tuple(params.get("TagKeys", tags))
    if keys:
        yield "aws:tagkeys", keys
