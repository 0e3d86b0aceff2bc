"""Amazon EventBridge: rules and their event bus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, account_of
from locum.core.arn import PARTITION
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def _rule(state: State, call: Call, values: Values) -> Iterable[str]:
    """`rule/name` on the default event bus, `rule/bus/name` on another, which may be given by ARN."""
    bus, name = values
    account, bus = account_of(bus or "", call.caller.account), (bus or "default").rsplit("/", 1)[-1]
    path = "" if bus == "default" else f"{bus}/"
    return (arn_of(f"arn:{PARTITION}:events:{call.region}:{account}:rule/{path}", name or UNKNOWN),)


FUNCTIONS: Final = Functions(resolvers={"events_rule": _rule})
