"""Changes of a stack and its resources that are committed together, with the events that tell of them."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.clock import Entropy
from locum.core.identifiers import request_id
from locum.state import Event, Stack, StackEvent, StackResource, put, remove

STACK: Final = "AWS::CloudFormation::Stack"
_NEXT: Final = 0.001
"""Seconds between two events, at least: clients order them by their times, which are in whole milliseconds."""

_CLEANUP: Final = "_CLEANUP_IN_PROGRESS"
"""Of the status of a stack whose events tell no properties of resources."""


class Draft:
    """Changes of `stack` at `now`. `events` are those of the state."""

    def __init__(self, stack: Stack, now: float, entropy: Entropy) -> None:
        self.stack = stack
        self._now = now
        self._entropy = entropy
        self._events: list[Event] = []

    def status(self, status: str, reason: str = "", **changes: Any) -> None:
        """Give the stack a status, of which an event tells, and other values."""
        self.stack = replace(self.stack, status=status, reason=reason, **changes)
        self._tell(self.stack.name, self.stack.arn, STACK, status, reason)

    def change(self, **changes: Any) -> None:
        """Give the stack other values."""
        self.stack = replace(self.stack, **changes)

    def resource(self, it: StackResource, *, told: str = "") -> None:
        """Give a resource its status, of which an event tells, with the reason `told` where that is another one."""
        self._events.append(put(replace(it, at=self._now)))
        physical = it.physical or ("" if it.former is None else it.former.physical)
        self._tell(it.logical, physical, it.type, it.status, told or it.reason, it.waiting or it.properties)

    def quietly(self, it: StackResource) -> None:
        """Keep a resource, without an event."""
        self._events.append(put(it))

    def told(self, it: StackResource, status: str, reason: str = "") -> None:
        """Tell of a resource that is not kept, or of a status that it does not have any more."""
        self._tell(it.logical, it.physical, it.type, status, reason, it.properties or it.waiting)

    def also(self, *events: Event) -> None:
        """Change what belongs to something else, together with the stack."""
        self._events.extend(events)

    def gone(self, it: StackResource) -> None:
        """Forget a resource."""
        self._events.append(remove(it))

    @property
    def events(self) -> tuple[Event, ...]:
        """The changes, as events of the state."""
        return (put(self.stack), *self._events)

    @property
    def beside(self) -> tuple[Event, ...]:
        """The changes of all but the stack itself, as events of the state."""
        return tuple(self._events)

    def _begin(self) -> None:
        """The reason of an operation is not told of the stack any more, once there is an event of a resource."""
        if self.stack.status.endswith("_IN_PROGRESS"):
            self.stack = replace(self.stack, reason="")

    def _tell(self, logical: str, physical: str, kind: str, status: str, reason: str, properties: bytes = b"") -> None:
        if kind != STACK or logical != self.stack.name:
            self._begin()
        number, at = self.stack.events + 1, round(max(self._now, self.stack.told + _NEXT), 3)
        if self.stack.status.endswith(_CLEANUP):
            properties = b""
        self.stack = replace(self.stack, events=number, told=at)
        self._events.append(
            put(
                StackEvent(
                    account=self.stack.account,
                    region=self.stack.region,
                    stack=self.stack.id,
                    id=request_id(self._entropy),
                    order=number,
                    at=at,
                    logical=logical,
                    physical=physical,
                    type=kind,
                    status=status,
                    reason=reason,
                    properties=properties,
                    token=self.stack.client_token,
                )
            )
        )
