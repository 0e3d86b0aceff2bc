"""Settings of asynchronous invocations of versions and aliases, beside those of their function, which moto has.

Lambda API Reference, PutFunctionEventInvokeConfig: "The configuration [...] applies to a function, version, or alias".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from moto.awslambda.exceptions import UnknownFunctionException

from locum.backends.moto.models import models_of
from locum.backends.moto.qualifiers import named
from locum.backends.port import BackendCall
from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.core.http import HttpResponse

_KEPT: Final = "locum_invoke_settings"
"""The attribute of a function in moto for the settings of its versions and aliases, by qualifier."""
_SETTINGS: Final = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
_OPERATIONS: Final = frozenset(f"{verb}FunctionEventInvokeConfig" for verb in ("Put", "Update", "Get", "Delete"))


def settings_of(function: Any, qualifier: str) -> Mapping[str, Any] | None:
    """The settings of a version or alias of moto's `function`; None where it has none of its own."""
    found: Mapping[str, Any] | None = getattr(function, _KEPT, {}).get(qualifier)
    return found


def response(call: BackendCall) -> HttpResponse | None:
    """The response to a call that is about the settings of a version or an alias; None to others. Raises Fault."""
    if call.operation not in _OPERATIONS:
        return None
    name, qualifier = named(call)
    if qualifier in ("", "$LATEST"):
        return None
    call.codec.check(call.params)
    return call.codec.serialize(_carried_out(call, name, qualifier), "")


def _carried_out(call: BackendCall, name: str, qualifier: str) -> dict[str, Any]:
    models = models_of("lambda", call.account, call.region)
    arn = f"arn:{PARTITION}:lambda:{call.region}:{call.account}:function:{name}:{qualifier}"
    try:
        if models is None:
            raise UnknownFunctionException(arn)
        models.get_function(name, qualifier)
        function = models.get_function(name)
    except UnknownFunctionException as error:
        raise Fault("ResourceNotFoundException", f"Function not found: {arn}", 404) from error
    kept = function.__dict__.setdefault(_KEPT, {})
    known = kept.get(qualifier)
    if known is None and not call.operation.startswith("Put"):
        text = f"The function {arn} doesn't have an EventInvokeConfig"
        raise Fault("ResourceNotFoundException", text, 404, members={"Type": "User"})
    if call.operation.startswith("Delete"):
        del kept[qualifier]
        return {}
    if not call.operation.startswith("Get"):
        before = {} if call.operation.startswith("Put") else known
        given = {member: call.params[member] for member in _SETTINGS if member in call.params}
        known = kept[qualifier] = {**before, **given, "LastModified": call.origin.at, "FunctionArn": arn}
    return dict(known)
