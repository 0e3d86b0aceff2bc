"""Look-ups of instances by id, and of their profile associations.

Instances of another account or region are not found, nor are those that were terminated more than an hour ago. EC2 User
Guide, "Terminate your instance": "After you terminate an instance, it remains visible in the console for a short while,
and then the entry is automatically deleted."
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from locum.services.ec2.faults import malformed_instance_id, no_such_instances
from locum.services.verbs import Context
from locum.state import Instance, Removed, remove

VISIBLE_AFTER_END: Final = 3600
"""Seconds for which a terminated instance is visible."""

STATE_CODES: Final = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}

_INSTANCE_ID: Final = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")


def instance(ctx: Context, instance_id: str) -> Instance:
    """The instance `instance_id`. Raises Fault: InvalidInstanceID.Malformed, InvalidInstanceID.NotFound."""
    return instances(ctx, (instance_id,))[0]


def instances(ctx: Context, ids: Iterable[str]) -> list[Instance]:
    """The instances `ids`, each once, in this order. Raises Fault as `instance`, for all missing ones."""
    wanted = list(dict.fromkeys(ids))
    for text in wanted:
        if not _INSTANCE_ID.fullmatch(text):
            raise malformed_instance_id(text)
    found = {text: ctx.state.get(Instance, ctx.account, text) for text in wanted}
    missing = [text for text, it in found.items() if it is None or not visible(ctx, it)]
    if missing:
        raise no_such_instances(missing)
    return [it for it in found.values() if it is not None]


def visible_instances(ctx: Context) -> Iterator[Instance]:
    """All visible instances of the account in the region, in no order."""
    return (it for it in ctx.state.table(Instance, ctx.account).values() if visible(ctx, it))


def removals_of_expired(ctx: Context) -> tuple[Removed, ...]:
    """The events that remove the instances of the account that were terminated more than an hour ago."""
    table = ctx.state.table(Instance, ctx.account)
    return tuple(remove(it) for it in table.values() if _is_expired(ctx, it))


def state_of(name: str) -> dict[str, object]:
    """An `InstanceState`."""
    return {"Code": STATE_CODES[name], "Name": name}


def visible(ctx: Context, it: Instance) -> bool:
    """Whether `it` is in the region and was not terminated more than an hour ago."""
    return it.region == ctx.region and not _is_expired(ctx, it)


def _is_expired(ctx: Context, it: Instance) -> bool:
    return it.state == "terminated" and ctx.now - it.state_changed >= VISIBLE_AFTER_END
