"""The permissions that a principal's calls take and that its identity policies have to give.

Which they are is decided, not read from the plan: with no identity policies at all, a check that is allowed
nevertheless (by a bucket policy, by a trust policy that names the user) needs none; with a policy that allows
everything, one that is still denied cannot be had by any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum import authz
from locum.analysis.narrowing import narrowing
from locum.authz import Authorization, Call, Plan
from locum.core.resources import ResourceFacts
from locum.state import Role, State, User, change, put

FactsOf = Callable[[str], ResourceFacts]

_EVERYTHING: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


class Permission(NamedTuple):
    """A permission that was used: an action on a resource (an ARN, a PartialArn or `*`) of the type `kind`.

    `conditions` are pairs of a lower-case condition key and its value (`narrowing`).
    """

    action: str
    resource: str
    kind: str = ""
    conditions: tuple[tuple[str, str], ...] = ()


class Unattainable(NamedTuple):
    """A permission that no identity policy gives the principal, and the reason."""

    action: str
    resource: str
    reason: str


class Needs(NamedTuple):
    """The needs of one call of identity policies: `permissions`, and what they cannot give."""

    permissions: tuple[Permission, ...]
    unattainable: tuple[Unattainable, ...]


def with_policies(state: State, entity: User | Role, inline: Mapping[str, str], *, add: bool = False) -> State:
    """`state` as it would be with `inline` (documents by name) as the identity policies of `entity`.

    They are in place of its own and its groups', or where `add` is set in addition to them. Its permissions boundary,
    and all that is not its own, stay.
    """
    if add:
        taken = {name if name not in entity.inline else f"{name} (proposed)": text for name, text in inline.items()}
        changed: User | Role = replace(entity, inline={**entity.inline, **taken})
    elif isinstance(entity, User):
        changed = replace(entity, inline=dict(inline), attached=(), groups=())
    else:
        changed = replace(entity, inline=dict(inline), attached=())
    return change(state, [put(changed)])


class Trial:
    """Finds what calls of `entity` need, by deciding on them without identity policies, and with all permissions."""

    def __init__(self, state: State, entity: User | Role) -> None:
        self._bare = with_policies(state, entity, {})
        self._full = with_policies(state, entity, {"everything": _EVERYTHING})

    def needs(self, call: Call, plan: Plan, facts: FactsOf) -> Needs:
        """The needs of `call`, of which `plan` has the checks. `facts` are those of its resources."""
        alone = [plan._replace(checks=(check,)) for check in plan.checks]
        lacking = [one for one in alone if not authz.decide(self._bare, call, one, facts).allowed]
        allowed = [authz.decide(self._full, call, one, facts) for one in lacking]
        return Needs(
            tuple(_permission(authorization, call.params) for authorization in allowed if authorization.allowed),
            tuple(_unattainable(*pair) for pair in zip(lacking, allowed, strict=True) if not pair[1].allowed),
        )


def _permission(authorization: Authorization, params: Mapping[str, Any]) -> Permission:
    ruling = authorization.rulings[0]
    check = ruling.check  # with the ARN that was decided on: a key's, where the call has its alias
    conditions = narrowing(check.action, ruling.request.context, params)
    return Permission(check.action, check.resource, check.kind, conditions)


def _unattainable(plan: Plan, authorization: Authorization) -> Unattainable:
    (check,) = plan.checks
    failing = authorization.failing
    return Unattainable(
        check.action, check.resource, authorization.fault().message if failing is None else failing.reason
    )


def distinct(permissions: Iterable[Permission]) -> tuple[Permission, ...]:
    """The permissions, each once, sorted by their text."""
    return tuple(sorted(set(permissions), key=lambda one: (one.action, str(one.resource), one.kind, one.conditions)))
