"""Consequences of a change of the state: the calls that services make because an entity has become another.

Whoever commits the change, a caller's verb or an agent, its consequences are entries of the outbox in the same commit
(ADR 19): none is lost or made twice by a restart. What a service tells EventBridge is left out while the backend's
EventBridge has not been used: then there is no rule that could match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from typing import Any, Final, cast

from locum.calls.effects import pending
from locum.calls.runtime import Runtime
from locum.core.actors import ServiceRole
from locum.core.calls import Effect, ServiceCall
from locum.core.identifiers import request_id
from locum.core.service_events import ServiceEvent
from locum.credentials import KeyRing
from locum.state import (
    AutoScalingGroup,
    CommandInvocation,
    Entity,
    Event,
    Instance,
    InstanceRefresh,
    Put,
    ScalingActivity,
    ScalingPolicy,
    StackEvent,
    State,
    change,
    kind_of,
    put,
)
from locum.state.analyzers import AccessFinding, AccessPreview

_FOLLOWED: Final[dict[type[Entity], str]] = {
    AccessFinding: "accessanalyzer",
    AccessPreview: "accessanalyzer",
    CommandInvocation: "ssm",
    Instance: "ec2",
    AutoScalingGroup: "autoscaling",
    InstanceRefresh: "autoscaling",
    ScalingActivity: "autoscaling",
    StackEvent: "cloudformation",
}
"""The service that tells of changes of each kind of entity, in its module `following`."""

_ONLY_EVENTS: Final = frozenset({AccessFinding, AccessPreview, Instance})
"""The kinds of which EventBridge alone is told."""

_MOURNED: Final = {kind_of(ScalingPolicy): (ScalingPolicy, "autoscaling")}
"""The kinds whose end has consequences, and the service that has them, in the function `ended` of that module."""

CAUSE: Final[ContextVar[str]] = ContextVar("locum_cause", default="")
"""The request id of the call whose changes are being committed; empty where no call makes them."""

Following = Callable[[State, Any, float, KeyRing], Iterable[ServiceEvent | ServiceCall]]
"""A service's function for the events and calls of an entity about to be put or removed, at a time (epoch seconds).

The key ring opens what the entity keeps sealed.
"""


class Consequences:
    """The events that put the consequences of others into the outbox, to be committed with them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, state: State, events: Sequence[Event]) -> tuple[Event, ...]:
        """The entries of the outbox that follow from `events`, which are about to be applied to `state`."""
        effects = list(self._effects(state, events))
        if not effects:
            return ()
        runtime, now = self._runtime, self._runtime.clock()
        return tuple(
            put(pending(effect, CAUSE.get(), (state.sequence + 1, position), now, runtime.keyring, runtime.entropy))
            for position, effect in enumerate(effects, len(events))
        )

    def _effects(self, state: State, events: Sequence[Event]) -> Iterator[Effect]:
        """The effects of each event: of an entity that is put, on the state that those before it have made.

        So the last of several invocations that end together ends their command. What is removed is looked up as it
        was, with all that it belongs to.
        """
        runtime, now = self._runtime, self._runtime.clock()
        told = runtime.backends.of("events", "PutEvents").in_use("events")
        before, applied = state, 0
        for position, event in enumerate(events):
            if not _has_consequences(event, told=told):
                continue
            if applied < position:
                before, applied = change(before, events[applied:position]), position
            for each in _following(before if isinstance(event, Put) else state, event, now, runtime.keyring):
                if isinstance(each, ServiceEvent):
                    if not told:
                        continue
                    each = each.call(now)
                yield Effect(request_id(runtime.entropy), each, _lane(each))


def _has_consequences(event: Event, *, told: bool) -> bool:
    """Whether something may follow from an event; `told`: EventBridge is told of it."""
    if isinstance(event, Put):
        kind = type(event.entity)
        return kind in _FOLLOWED and (told or kind not in _ONLY_EVENTS)
    return event.kind in _MOURNED


def _lane(call: ServiceCall) -> str:
    """The lane of a call: calls of one resource to one service in one role are carried out in their order."""
    source = call.actor.source
    of = "" if source is None else source.arn
    role = call.actor.role if isinstance(call.actor, ServiceRole) else ""
    return f"{of} {call.service} {role}"


def _following(state: State, event: Event, now: float, ring: KeyRing) -> Iterable[ServiceEvent | ServiceCall]:
    """The events and calls that follow from one event of the state."""
    if isinstance(event, Put):
        return _function(_FOLLOWED[type(event.entity)], "following")(state, event.entity, now, ring)
    kind, service = _MOURNED[event.kind]
    entity = state.get(kind, event.account, event.key)
    return () if entity is None else _function(service, "ended")(state, entity, now, ring)


@cache
def _function(service: str, name: str) -> Following:
    """A function of the module `following` of a service, which is loaded with the first change that concerns it."""
    return cast("Following", getattr(import_module(f"locum.services.{service}.following"), name))
