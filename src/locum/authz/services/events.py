"""Amazon EventBridge: rules and their event bus."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, KeyReader, Values, account_of
from locum.authz.paths import UNKNOWN_VALUE
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


def _creator_account(state: State, call: Call, check: Check) -> list[str]:
    """events:creatorAccount: the account in which a rule is made, or was: that of its event bus."""
    return [call.caller.account if call.operation == "PutRule" else account_of(check.resource, call.caller.account)]


def _pattern(*path: str) -> KeyReader:
    """The reader of the values that the event pattern of PutRule asks for at `path`.

    A comparison other than with a text, and alternatives (`$or`), are values that are not known.
    """

    def read(state: State, call: Call, check: Check) -> list[str]:
        try:
            at = json.loads(call.params.get("EventPattern") or "{}")
        except ValueError:
            return [UNKNOWN_VALUE]
        alternatives: list[str] = []
        for step in path:
            if not isinstance(at, dict):
                return [UNKNOWN_VALUE]
            alternatives += [UNKNOWN_VALUE] if "$or" in at else []
            at = at.get(step)
            if at is None:
                return alternatives
        values = at if isinstance(at, list) else [at]
        return alternatives + [value if isinstance(value, str) else UNKNOWN_VALUE for value in values]

    return read


FUNCTIONS: Final = Functions(
    resolvers={"events_bus": _bus, "events_rule": _rule},
    keys={
        "creator_account": _creator_account,
        "pattern_detail_type": _pattern("detail-type"),
        "pattern_principal_id": _pattern("detail", "userIdentity", "principalId"),
        "pattern_service": _pattern("detail", "service"),
        "pattern_source": _pattern("source"),
        "pattern_type_code": _pattern("detail", "eventTypeCode"),
    },
)
