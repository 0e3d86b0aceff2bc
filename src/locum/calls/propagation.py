"""Delayed propagation of IAM's changes: what a service knows of IAM is what IAM was some seconds ago.

IAM User Guide, "Changes that I make are not always immediately visible": "IAM achieves high availability by replicating
data across multiple servers [...] the change is committed [...] but it can take time for the replication".

A call has to be allowed by both, what IAM is and what it was: so a delay never allows what a change has forbidden. What
is decided on, and looked up in a call, by what IAM was:

- the permissions of the caller and of the roles that it assumes or passes;
- the instance profile in a call of EC2: `Invalid IAM Instance Profile name`;
- the principals in a trust policy or resource policy: `Invalid principal in policy`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from threading import Lock
from typing import Final

from locum import authz
from locum.calls import access_points
from locum.calls.denial_messages import refusal
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.calls.verbs import verb_context
from locum.core.clock import Clock
from locum.core.errors import Fault
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.services.iam import trust
from locum.state import Entity, Event, Group, InstanceProfile, Policy, Role, State, User, change, kind_of, put, remove

Lookup = Callable[[State], object]

_REPLICATED: Final[tuple[type[Entity], ...]] = (Group, InstanceProfile, Policy, Role, User)
_TRUST_POLICIES: Final = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}


class Delay:
    """The states of the last `seconds`, by the wall clock: the first one is there from the beginning."""

    def __init__(self, seconds: float, wall: Clock, state: State) -> None:
        self._seconds = seconds
        self._wall = wall
        self._states: deque[tuple[float, State]] = deque([(float("-inf"), state)])
        self._merged: tuple[State, State, State] | None = None
        self._lock = Lock()  # decisions by large policies are made in threads

    def note(self, state: State) -> None:
        """`state` is published."""
        self._states.append((self._wall(), state))

    def state(self, present: State) -> State:
        """`present`, with IAM as it was."""
        limit = self._wall() - self._seconds
        with self._lock:
            while len(self._states) > 1 and self._states[1][0] <= limit:
                self._states.popleft()
            before, merged = self._states[0][1], self._merged
        if merged is None or merged[0] is not before or merged[1] is not present:
            merged = self._merged = (before, present, change(present, _undoing(before, present)))
        return merged[2]


class Propagation:
    """The delayed propagation of a plane. `note` is told of each state that is published."""

    def __init__(self, runtime: Runtime, seconds: float) -> None:
        self._runtime = runtime
        self._delay = Delay(seconds, runtime.clock.wall, runtime.ledger.state)
        self.note = self._delay.note

    def check(self, context: RequestContext, facts: Mapping[str, ResourceFacts]) -> None:
        """Raise Fault where a call that is allowed is not yet. Of services' calls, their assumption of roles alone."""
        codec, plan = context.codec, context.plan
        assert codec is not None
        assert plan is not None
        if context.service and codec.operation != "AssumeRole":
            return
        before, call = self._delay.state(context.state), context.call()
        authorization = authz.decide(before, call, plan, lambda arn: facts.get(arn, UNKNOWN))
        if not authorization.allowed:
            context.authorization = authorization
            fault = refusal(authorization, self._runtime.keyring, self._runtime.entropy)
            raise access_points.told(context, facts, fault)
        unassumable = authz.unassumable_role(before, call, plan) if plan.checks else None
        if unassumable is not None:
            raise unassumable
        for lookup in self._lookups(context, call):
            if _is_found(lookup, context.state):
                lookup(before)

    def _lookups(self, context: RequestContext, call: authz.Call) -> Iterator[Lookup]:
        """The lookups in IAM of the names in a call. Each raises the service's Fault where a name is not there."""
        params = context.params
        launched = params.get("LaunchSpecification") or params  # that of a Spot request
        if call.service == "ec2" and isinstance(given := launched.get("IamInstanceProfile"), dict):
            named_profile = import_module("locum.services.ec2.profiles").named_profile
            ctx = verb_context(self._runtime, context)
            yield lambda state: named_profile(ctx._replace(state=state), given)
        if call.service == "iam" and (member := _TRUST_POLICIES.get(call.operation)) in params:
            yield partial(_trust_policy, params[member])
        if context.operation is None:
            admitted = import_module(
                "locum.authz.resource_policies"
            ).admitted  # late, as at the first call of a backend
            yield lambda state: admitted(state, call)


def _trust_policy(document: str, state: State) -> object:
    return trust.stored(state, document)


def _is_found(lookup: Lookup, state: State) -> bool:
    try:
        lookup(state)
    except Fault:
        return False  # it is not there at all, as the verb says
    return True


def _undoing(before: State, present: State) -> Iterator[Event]:
    """The events that make of what IAM is in `present` what it was in `before`."""
    for kind in _REPLICATED:
        name = kind_of(kind)
        accounts = {*before.tables.get(name, {}), *present.tables.get(name, {})}
        for account in accounts:
            old, new = before.table(kind, account), present.table(kind, account)
            if old is new:
                continue
            yield from (put(entity) for key, entity in old.items() if new.get(key) is not entity)  # type: ignore[arg-type]
            yield from (remove(entity) for key, entity in new.items() if key not in old)
