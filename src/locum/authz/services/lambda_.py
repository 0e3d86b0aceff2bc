"""AWS Lambda: functions by name, partial ARN or ARN."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values
from locum.authz.paths import UNKNOWN_VALUE
from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.core.partial_arn import UNKNOWN, UNKNOWN_RESOURCE, arn_of
from locum.state import State

_OF_WHOLE_FUNCTIONS: Final = frozenset(
    {
        "CreateAlias",
        "DeleteAlias",
        "DeleteFunctionCodeSigningConfig",
        "DeleteFunctionConcurrency",
        "GetAlias",
        "GetFunctionCodeSigningConfig",
        "GetFunctionConcurrency",
        "GetFunctionRecursionConfig",
        "ListAliases",
        "ListFunctionEventInvokeConfigs",
        "ListFunctionUrlConfigs",
        "ListProvisionedConcurrencyConfigs",
        "ListVersionsByFunction",
        "PublishVersion",
        "PutFunctionCodeSigningConfig",
        "PutFunctionConcurrency",
        "PutFunctionRecursionConfig",
        "UpdateAlias",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    }
)
"""Operations that take no qualifier. AWS refuses one in the name; a backend may take the function all the same."""

_NAMED: Final = re.compile(
    rf"(?:arn:{PARTITION}:lambda:([a-z0-9-]+):(?=[0-9]))?(?:([0-9]{{12}}):)?(?:function:)?([\w.-]+)(?::(\$?[\w-]*))?",
    re.ASCII,
)
"""The region, the account, the name and the qualifier in a FunctionName. AWS Lambda API Reference, GetFunction."""


def _function(state: State, call: Call, values: Values) -> Iterable[str]:
    """A function by name, partial ARN (`account:function:name`) or ARN, each with or without a qualifier.

    `$LATEST`, in letters of any case, is the function itself, too, and so is every version for operations that are on
    the function as a whole. Raises Fault where the name has another qualifier than the call.
    """
    name, qualifier = values
    found = _NAMED.fullmatch(name or "")
    if name and found is None:
        yield UNKNOWN_RESOURCE
        return
    region, account, function, own = found.groups() if found else (None, None, "", None)
    if own and qualifier and own != qualifier:
        text = "The derived qualifier from the function name does not match the specified qualifier."
        raise Fault("InvalidParameterValueException", text, 400)
    head = f"arn:{PARTITION}:lambda:{region or call.region}:{account or call.caller.account}:function:"
    rest = ":".join(filter(None, (function, own or qualifier)))  # also of `name:`, where the qualifier is used
    yield arn_of(head, rest or UNKNOWN)
    if rest != function and (call.operation in _OF_WHOLE_FUNCTIONS or rest.lower().endswith(":$latest")):
        yield arn_of(head, function or UNKNOWN)


def _function_arn(state: State, call: Call, check: Check) -> list[str]:
    """lambda:FunctionArn: the function that an event source mapping or a function URL is for, by whichever name."""
    name = call.params.get("FunctionName")
    return [] if name is None else [str(arn) for arn in _function(state, call, (name, call.params.get("Qualifier")))]


def _vpcs(state: State, call: Call, check: Check) -> list[str]:
    """lambda:VpcIds: there where the request has subnets. Only the backend knows whose they are."""
    return [UNKNOWN_VALUE] if (call.params.get("VpcConfig") or {}).get("SubnetIds") else []


FUNCTIONS: Final = Functions(
    resolvers={"lambda_function": _function},
    keys={"function_arn": _function_arn, "lambda_vpcs": _vpcs},
)
