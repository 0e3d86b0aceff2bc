"""The decisions of the search: each call of a method, and who is an administrator. All are the evaluator's.

Suppositions about a call: it comes over TLS, from no known address (a policy that allows only some addresses allows
nothing then), and with a second factor where its user has an MFA device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum import authz
from locum.analysis import identities
from locum.analysis.escalation.bindings import BINDERS
from locum.analysis.escalation.effects import EFFECTS, present
from locum.analysis.escalation.methods import EVERYTHING, Act, Bindings, Method
from locum.analysis.escalation.surface import Entity, Surface, asked_for
from locum.authz import Authorization, Call, Check, Plan
from locum.core.actors import service_principal
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import Role, State, User, change, put
from locum.state.indexes import MFA_OF_USER, scoped

_SESSION: Final = "locum-audit"
_UNLIKELY: Final = "zq7x-locum-audit-k3"
"""The name of a resource that no policy is about in particular."""

_PROBES: Final = (
    ("PutUserPolicy", "user"),
    ("AttachUserPolicy", "user"),
    ("CreateAccessKey", "user"),
    ("PutRolePolicy", "role"),
    ("AttachRolePolicy", "role"),
    ("UpdateAssumeRolePolicy", "role"),
    ("CreateRole", "role"),
    ("PassRole", "role"),
    ("PutGroupPolicy", "group"),
    ("CreatePolicyVersion", "policy"),
)
"""What an administrator may do to any user, role, group and policy: the rest of iam:* follows from it."""


class BudgetSpent(Exception):
    """More decisions were asked for than the search may make."""


class Made(NamedTuple):
    """A call of a path: its input, and the permissions that it takes, each with the resource."""

    service: str
    operation: str
    params: Mapping[str, Any]
    permissions: tuple[tuple[str, str], ...]
    region: str


class Hop(NamedTuple):
    """A step of a path: `source` uses `method`, by `calls`, and is then `target`, or an administrator itself.

    Both are ARNs; that of an identity provider stands for everybody whom it authenticates.
    """

    source: str
    target: str
    method: str
    calls: tuple[Made, ...]
    raises: bool = False


class Judge:
    """Decides on calls in `surface`, up to `budget` decisions."""

    def __init__(self, surface: Surface, budget: int) -> None:
        self.surface = surface
        self.decisions = 0
        self._budget = budget
        self._callers: dict[str, Caller] = {}
        self._wearable: dict[tuple[str, str], bool] = {}
        self._probes: dict[str, tuple[Check, ...]] = {}

    def hop(self, method: Method, source: Entity, target: Entity) -> Hop | None:
        """The hop by which `source` uses `method` on `target`, or None where it cannot."""
        if method.service and not self._wears(target, method.service):
            return None
        for bindings in BINDERS[method.binds](self.surface, source, target):
            found = self._tried(method, source, target, bindings)
            if found is not None:
                return found
        return None

    def _tried(self, method: Method, source: Entity, target: Entity, bindings: Bindings) -> Hop | None:
        state = self.surface.state
        calls: list[Made] = []
        for act in method.acts:
            made = self.made(state, source, target, act, bindings)
            if made is None:
                return None
            calls.append(made)
            if act.effect:
                state = EFFECTS[act.effect](state, bindings, target)
        if method.raises and not self.administrator(state, present(state, target)):
            return None
        return Hop(source.arn, target.arn, method.name, tuple(calls), method.raises)

    def made(self, state: State, source: Entity, target: Entity, act: Act, bindings: Bindings) -> Made | None:
        """`act` as a call of `source`, or None where it may not make it."""
        region = bindings.get("region") or self.surface.region
        params = act.filled(bindings)
        call = self._call(act.service, act.operation, params, self.caller_of(source), region)
        call = call._replace(second_factor=self._has_device(source))
        passed = {"iam:passedtoservice": act.passes}
        extra = (Check("iam:PassRole", target.arn, "role", passed),) if act.passes else ()
        return self._decided(state, call, extra)

    def web_identity(self, role: Role, caller: Caller, region: str) -> Made | None:
        """AssumeRoleWithWebIdentity of `role` by `caller`, or None where the trust policy does not let it in."""
        params = {"RoleArn": role.arn, "RoleSessionName": _SESSION, "WebIdentityToken": "TOKEN"}
        return self._decided(
            self.surface.state, self._call("sts", "AssumeRoleWithWebIdentity", params, caller, region), ()
        )

    def administrator(self, state: State, entity: Entity) -> bool:
        """Whether `entity` may do all to any identity of its account that its account may do at all."""
        caller = self.caller_of(entity)
        probes = self._probes_of(state, entity.account)
        call = self._call("iam", "GetUser", {}, caller, self.surface.region)
        call = call._replace(second_factor=self._has_device(entity))
        return all(self._decide(state, call, Plan((check,))).allowed for check in probes)

    def caller_of(self, entity: Entity) -> Caller:
        """A user with an access key, or a session of a role."""
        found = self._callers.get(entity.id)
        if found is None:
            found = self._callers[entity.id] = caller_of(entity, self.surface.now)
        return found

    def _decided(self, state: State, call: Call, extra: tuple[Check, ...]) -> Made | None:
        try:
            plan = authz.plan(state, call)
        except Fault:  # no such call can be made
            return None
        plan = plan._replace(checks=(*plan.checks, *extra))
        if not plan.known or not self._decide(state, call, plan).allowed:
            return None
        permissions = tuple((check.action, str(check.resource)) for check in plan.checks)
        return Made(call.service, call.operation, call.params, permissions, call.region)

    def _decide(self, state: State, call: Call, plan: Plan) -> Authorization:
        self.decisions += 1
        if self.decisions > self._budget:
            raise BudgetSpent
        return authz.decide(state, call, plan, self._facts)

    def _facts(self, arn: str) -> ResourceFacts:
        return self.surface.facts.get(arn, UNKNOWN)

    def _call(self, service: str, operation: str, params: Mapping[str, Any], caller: Caller, region: str) -> Call:
        return Call(service, operation, params, caller, region, self.surface.now, source_ip="", secure=True)

    def _has_device(self, entity: Entity) -> bool:
        if not isinstance(entity, User):
            return False
        return self.surface.state.count(MFA_OF_USER, scoped(entity.account, entity.key)) > 0

    def _wears(self, role: Entity, service: str) -> bool:
        """Whether `service` may assume `role` for its account."""
        key = (role.arn, service)
        if key not in self._wearable:
            sources = ("", *asked_for(role.trust, "aws:sourcearn")) if isinstance(role, Role) else ()
            self._wearable[key] = any(self._assumed_by(service, role, source) for source in sources)
        return self._wearable[key]

    def _assumed_by(self, service: str, role: Entity, source: str) -> bool:
        params = {"RoleArn": role.arn, "RoleSessionName": _SESSION}
        caller = service_principal(service, role.account, source)
        call = self._call("sts", "AssumeRole", params, caller, self.surface.region)
        return self._decided(self.surface.state, call, ()) is not None

    def _probes_of(self, state: State, account: str) -> tuple[Check, ...]:
        """The probes that somebody with all permissions would be allowed; all, where that is none of them."""
        found = self._probes.get(account)
        if found is None:
            whole = whole_power(account)
            world = change(state, [put(whole)])
            every = tuple(
                Check(f"iam:{action}", f"arn:aws:iam::{account}:{kind}/{_UNLIKELY}", kind) for action, kind in _PROBES
            )
            call = self._call("iam", "GetUser", {}, caller_of(whole, self.surface.now), self.surface.region)
            allowed = tuple(one for one in every if self._decide(world, call, Plan((one,))).allowed)
            found = self._probes[account] = allowed or every
        return found


def whole_power(account: str) -> Role:
    """A role with all permissions, which is only supposed."""
    return Role(
        account=account,
        name=_UNLIKELY,
        id="AROALOCUMAUDITLOCUMAU",
        created=0,
        trust="{}",
        inline={"everything": EVERYTHING},
    )


def caller_of(entity: Entity, now: float) -> Caller:
    """A user with an access key, or a session of a role, at the time `now` (epoch seconds)."""
    return identities.caller_of(entity, _SESSION, now)
