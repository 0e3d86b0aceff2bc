"""Versions and aliases of Lambda functions in a call, where moto would take the function for them.

A qualifier is in the name (`name:1`) or beside it. moto ignores it in many calls, and in others reads it in one of the
two places alone: a call that was allowed on a version would read or change the function.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Final

from moto.awslambda.exceptions import UnknownFunctionException

from locum.backends.moto.models import models_of
from locum.backends.moto.s3 import not_implemented
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse

_NAMED: Final = re.compile(r"(?:.*:)?function:(?P<bare>[^:]+)(?::(?P<of_arn>.*))?|(?P<name>[^:]+):(?P<own>[^:]*)")
_SETTINGS: Final = re.compile(r"[A-Z][a-z]+Function(?:EventInvoke|Url)Configs?")
_VERSION: Final = re.compile(r"[0-9]+")
_OF_VERSION: Final = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]*:.*")
_LATEST: Final = "$LATEST"


def apart(call: BackendCall) -> BackendCall:
    """`call` with the function's bare name, and beside it the qualifier that was in the name.

    Raises Fault for a qualifier that moto would ignore, or that Lambda does not take there.
    """
    params = call.params
    found, own = _parsed(call)
    _check(call, own or params.get("Qualifier") or "")
    shape = call.model.input_shape
    if found is None or shape is None or (own and "Qualifier" not in shape.members):
        return call
    qualifier = {"Qualifier": own} if own else {}
    return replace(call, params={**params, "FunctionName": found["bare"] or found["name"], **qualifier})


def named(call: BackendCall) -> tuple[str, str]:
    """The bare name of the function of a call, and the qualifier, wherever it is."""
    found, own = _parsed(call)
    bare = (found["bare"] or found["name"]) if found else str(call.params.get("FunctionName", ""))
    return bare, own or str(call.params.get("Qualifier") or "")


def _parsed(call: BackendCall) -> tuple[re.Match[str] | None, str]:
    found = _NAMED.fullmatch(str(call.params.get("FunctionName", "")))
    return found, (found["of_arn"] or found["own"] or "") if found else ""


def _check(call: BackendCall, qualifier: str) -> None:
    if _OF_VERSION.fullmatch(str(call.params.get("Resource", ""))):
        raise _invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    if _SETTINGS.fullmatch(call.operation) and qualifier not in ("", _LATEST):
        raise not_implemented(call)
    if call.operation == "DeleteFunction" and qualifier and not _VERSION.fullmatch(qualifier):
        raise _invalid("Neither an alias nor $LATEST can be deleted without deleting the function.")
    if call.operation == "CreateFunction" and qualifier:
        raise _invalid("The name of a function has no qualifier.")


def _invalid(text: str) -> Fault:
    return Fault("InvalidParameterValueException", text, 400)


def policy(call: BackendCall) -> HttpResponse | None:
    """The answer to GetPolicy and RemovePermission, as of a version or alias by itself; None where moto's is the same.

    moto has one policy for a function with all its versions and aliases, and tells and changes all of it.
    """
    if call.operation not in ("GetPolicy", "RemovePermission"):
        return None
    kept, name = _policy_of(call), ":".join(filter(None, (call.params["FunctionName"], call.params.get("Qualifier"))))
    if kept is None:
        return None
    own = [found for found in kept.statements if str(found.get("Resource", "")).endswith(f":function:{name}")]
    if call.operation == "RemovePermission":
        own = [found for found in own if found.get("Sid") == call.params.get("StatementId")]
    if not own:
        return call.codec.fault(
            Fault("ResourceNotFoundException", "The resource you requested does not exist.", 404), ""
        )
    if call.operation == "RemovePermission":
        return None
    document = {"Version": "2012-10-17", "Id": "default", "Statement": own}
    return call.codec.serialize({"Policy": json.dumps(document), "RevisionId": kept.revision}, "")


def _policy_of(call: BackendCall) -> Any:
    models = models_of("lambda", call.account, call.region)
    try:
        return None if models is None else models.get_function(call.params["FunctionName"], None).policy
    except UnknownFunctionException:
        return None
