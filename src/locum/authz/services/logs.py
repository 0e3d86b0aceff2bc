"""Amazon CloudWatch Logs: log groups by name, identifier or ARN."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.arn import PARTITION, Arn
from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State

_STREAM: Final = ":log-stream:"


def _group(state: State, call: Call, values: Values) -> Iterable[str]:
    """A log group as all actions but those on tags name it: `log-group:NAME:log-stream:`.

    "User: ... is not authorized to perform: logs:PutRetentionPolicy on resource:
    arn:aws:logs:ca-central-1:...:log-group:/aws/lambda/...:log-stream:". A policy's `log-group:NAME:*` matches it,
    `log-group:NAME` does not.
    """
    yield _arn(call, values[0], _STREAM)


def _stream(state: State, call: Call, values: Values) -> Iterable[str]:
    """A log stream of a log group."""
    group, stream = values
    yield _arn(call, group, _STREAM, stream)


def _tagged_group(state: State, call: Call, values: Values) -> Iterable[str]:
    """A log group as the actions on tags name it, without an ending. Other resources are named by their ARN."""
    yield _arn(call, values[0])


def _destination(state: State, call: Call, values: Values) -> Iterable[str]:
    """A destination of CloudWatch Logs; none where logs are sent to a stream or a function of another service."""
    name = values[0]
    arn = None if name is None else Arn.find(name)
    if arn is None or not name:
        yield own_arn(call, "logs", "destination:", name)
    elif arn.service == "logs":
        form = (arn.partition, arn.resource.startswith("destination:"), arn.region.replace("-", "").isalnum())
        if form != (PARTITION, True, True) or not ACCOUNT_ID.fullmatch(arn.account):
            raise Fault("InvalidParameterException", f"Invalid ARN: {name[:200]}", 400)
        yield name


def _arn(call: Call, group: str | None, *rest: str | None) -> str:
    name = (group or "").removesuffix(":*")
    if name.startswith("arn:"):
        return arn_of(name, *(part or UNKNOWN for part in rest))
    return own_arn(call, "logs", "log-group:", name, *rest)


FUNCTIONS: Final = Functions(
    resolvers={
        "logs_destination": _destination,
        "logs_group": _group,
        "logs_stream": _stream,
        "logs_tagged_group": _tagged_group,
    }
)
