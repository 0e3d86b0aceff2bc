"""The error codes of resource handlers, and what a handler tells of a call that was refused.

CloudFormation CLI User Guide, "Handler error codes"; Cloud Control API Reference, HandlerErrorCode.
"""

from __future__ import annotations

from typing import Final

from locum.core.errors import INTERNAL, Fault
from locum.services.cloudformation.providers.base import is_gone

_INTERNAL: Final = 500
_CODES: Final = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "UnauthorizedOperation": "AccessDenied",
    "EntityAlreadyExists": "AlreadyExists",
    "BucketAlreadyExists": "AlreadyExists",
    "BucketAlreadyOwnedByYou": "AlreadyExists",
    "ResourceInUseException": "AlreadyExists",
    "ValidationError": "InvalidRequest",
    "ValidationException": "InvalidRequest",
    "InvalidParameterValueException": "InvalidRequest",
    "MalformedPolicyDocument": "InvalidRequest",
    "InvalidInput": "InvalidRequest",
    "InvalidRequest": "InvalidRequest",
    "NotStabilized": "NotStabilized",
    "NotUpdatable": "NotUpdatable",
    "ConflictException": "ResourceConflict",
    "DeleteConflict": "ResourceConflict",
    "ResourceConflictException": "ResourceConflict",
    "LimitExceeded": "ServiceLimitExceeded",
    "LimitExceededException": "ServiceLimitExceeded",
    "ServiceQuotaExceededException": "ServiceLimitExceeded",
    "RequestLimitExceeded": "Throttling",
    "Throttling": "Throttling",
    "ThrottlingException": "Throttling",
    "TooManyRequestsException": "Throttling",
}
"""AWS's error code -> that of a resource handler."""


def handler_code(fault: Fault) -> str:
    """The code of a handler for the fault that a call of it got."""
    if fault.code == INTERNAL[0] and not fault.request_id:
        return "InternalFailure"
    if found := _CODES.get(fault.code):
        return found
    if is_gone(fault):
        return "NotFound"
    if "not authorized" in fault.message:
        return "AccessDenied"
    if fault.code.endswith(("AlreadyExists", "AlreadyExistsException")):
        return "AlreadyExists"
    return "ServiceInternalError" if fault.status >= _INTERNAL else "GeneralServiceException"


def handler_message(fault: Fault, kind: str) -> str:
    """What the handler of the type `kind` tells of a fault: the service's own text, and of which call it is."""
    if not fault.request_id:
        return fault.message
    service = kind.split("::")[1] if kind.count("::") == 2 else kind
    return f"{fault.message} (Service: {service}, Status Code: {fault.status}, Request ID: {fault.request_id})"
