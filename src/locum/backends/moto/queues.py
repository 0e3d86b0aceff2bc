"""The replaced parts of moto's SQS: queues keep their policies, let go of messages, and are quick when they are full.

moto goes through all messages of a queue several times for each that is sent or received.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

DELETED_MESSAGES: Final = 10_000
"""Receipt handles by queue. DeleteMessage succeeds with one of a message that was deleted before."""

_DEDUPLICATION: Final = "ContentBasedDeduplication"


def adjust() -> None:
    """Replace what is named here, once moto's SQS is loaded."""
    module = importlib.import_module("moto.sqs.models")
    _keep_policies(module.Queue)
    _forget_deleted_messages(module.Queue)
    _count_when_asked(module.Queue)
    _find_visible_messages(module.Queue, module.unix_time_millis)


def _keep_policies(queue: Any) -> None:
    """Have SetQueueAttributes leave a queue's policy alone where it does not name it. moto would remove it."""
    original = queue._set_attributes

    def set_attributes(self: Any, attributes: Mapping[str, Any], now: float | None = None) -> None:
        kept = getattr(self, "_policy_json", None)
        original(self, attributes, now)
        if "Policy" not in attributes and kept is not None:
            self._policy_json = kept

    queue._set_attributes = set_attributes


class _Latest(dict[str, None]):
    """A set of names that has the latest of them alone, as far as moto's queues use one."""

    def update(self, names: Iterable[str]) -> None:  # type: ignore[override]
        """Add `names`."""
        super().update(dict.fromkeys(names))
        while len(self) > DELETED_MESSAGES:
            del self[next(iter(self))]


def _forget_deleted_messages(queue: Any) -> None:
    """Have each queue know the latest DELETED_MESSAGES receipt handles of deleted messages. moto keeps all for ever."""
    original = queue.__init__

    def make(self: Any, name: str, region: str, account_id: str, **kwargs: Any) -> None:
        original(self, name, region, account_id, **kwargs)
        self.deleted_messages = _Latest()

    queue.__init__ = make


class _Attributes(Mapping[str, Any]):
    """The attributes of a queue, made where others are read than the one that sending reads for each message."""

    def __init__(self, queue: Any, make: Callable[[Any], dict[str, Any]]) -> None:
        self._queue = queue
        self._make = make

    @cached_property
    def _all(self) -> dict[str, Any]:
        return self._make(self._queue)

    def __getitem__(self, name: str) -> Any:
        if name == _DEDUPLICATION and self._queue.fifo_queue:
            return str(self._queue.content_based_deduplication).lower()
        if name == _DEDUPLICATION:
            raise KeyError(name)
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def _count_when_asked(queue: Any) -> None:
    """Have a queue's messages counted where the numbers are asked for, and not where one is sent."""
    make = queue.attributes.fget
    queue.attributes = property(lambda self: _Attributes(self, make))


def _find_visible_messages(queue: Any, milliseconds: Callable[[], float]) -> None:
    """Have the visible messages of a queue found by one look at the clock. moto takes two for each message."""

    def visible(self: Any) -> list[Any]:
        now = milliseconds()
        return [message for message in self._messages if message.visible_at < now and message.delayed_until <= now]

    queue.messages = property(visible)
