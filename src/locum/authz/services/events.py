"""Amazon EventBridge: rules and their event bus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, account_of
from locum.core.arn import PARTITION, Arn
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State

_PARTNER: Final = "aws.partner/"
"""How the names of the event buses of partners begin. EventBridge API Reference, CreateEventBus."""


def _rule(state: State, call: Call, values: Values) -> Iterable[str]:
    """`rule/name` on the default event bus, `rule/bus/name` on another, which may be given by ARN."""
    bus, name = values
    account, bus = account_of(bus or "", call.caller.account), (bus or "default").rsplit("/", 1)[-1]
    path = "" if bus == "default" else f"{bus}/"
    return (arn_of(f"arn:{PARTITION}:events:{call.region}:{account}:rule/{path}", name or UNKNOWN),)


def _bus(state: State, call: Call, values: Values) -> Iterable[str]:
    """An event bus by name or ARN. Only what follows the last slash is its name: `event-bus/orders` is `orders`.

    The names of partner event buses have slashes; such a name is also taken as a backend would, by its end.
    """
    given = (values[0] or "").rstrip("/")
    arn, account = Arn.find(given), account_of(given, call.caller.account)
    region, path = (call.region, given) if arn is None else (arn.region, arn.resource.removeprefix("event-bus/"))
    head = f"arn:{PARTITION}:events:{region}:{account}:event-bus/"
    if path.startswith(_PARTNER):
        yield head + path
    yield arn_of(head, path.rsplit("/", 1)[-1] or UNKNOWN)


FUNCTIONS: Final = Functions(resolvers={"events_bus": _bus, "events_rule": _rule})
