"""The reasons of failures that events tell: those of handlers of resource types, which quote what a service said."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.state import StackResource


def reason_of(fault: Fault, it: StackResource) -> str:
    """The reason of a failure, as events tell it."""
    if fault.code in ("ValidationError", "InvalidRequest") and not fault.request_id:
        return fault.message
    service = it.type.split("::")[1] if it.type.count("::") == 2 else it.type
    told = f"{fault.message} (Service: {service}, Status Code: {fault.status}, Request ID: {fault.request_id})"
    code = _HANDLER_CODES.get(fault.code) or (
        "AccessDenied" if "not authorized" in fault.message else "GeneralServiceException"
    )
    return f'Resource handler returned message: "{told}" (RequestToken: {it.operation}, HandlerErrorCode: {code})'


_HANDLER_CODES: Final = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "UnauthorizedOperation": "AccessDenied",
    "EntityAlreadyExists": "AlreadyExists",
    "BucketAlreadyExists": "AlreadyExists",
    "BucketAlreadyOwnedByYou": "AlreadyExists",
    "ResourceInUseException": "AlreadyExists",
    "NoSuchEntity": "NotFound",
    "ResourceNotFoundException": "NotFound",
    "ValidationError": "InvalidRequest",
    "ValidationException": "InvalidRequest",
    "InvalidParameterValueException": "InvalidRequest",
    "MalformedPolicyDocument": "InvalidRequest",
    "InvalidInput": "InvalidRequest",
}
"""AWS's error code -> that of a resource handler. CloudFormation CLI User Guide, "Handler error codes"."""
