"""AWS Lambda: functions by name, partial ARN or ARN."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values
from locum.core.arn import PARTITION, Arn
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def _function(state: State, call: Call, values: Values) -> Iterable[str]:
    """A function by name, partial ARN (`account:function:name`) or ARN, each with or without a qualifier."""
    name, qualifier = values
    account, region, rest = call.caller.account, call.region, name or ""
    arn = Arn.find(rest)
    if arn is not None:
        account, region, rest = arn.account, arn.region, arn.resource
    head, found, tail = rest.rpartition("function:")
    if found:
        account, rest = head.rstrip(":") or account, tail
    function, _, own = rest.partition(":")
    rest = ":".join(filter(None, (function, own or qualifier)))  # also of `name:`, where the qualifier is used
    return (arn_of(f"arn:{PARTITION}:lambda:{region}:{account}:function:", rest or UNKNOWN),)


def _function_arn(state: State, call: Call, check: Check) -> list[str]:
    """lambda:FunctionArn: the function that an event source mapping or a function URL is for, by whichever name."""
    name = call.params.get("FunctionName")
    return [] if name is None else [str(arn) for arn in _function(state, call, (name, call.params.get("Qualifier")))]


FUNCTIONS: Final = Functions(
    resolvers={"lambda_function": _function},
    keys={"function_arn": _function_arn},
)
