"""The error codes of resource handlers, and what a handler tells of a call that was refused.

CloudFormation CLI User Guide, "Handler error codes"; Cloud Control API Reference, HandlerErrorCode.
"""

from __future__ import annotations

import re
from typing import Final

from locum.core.errors import INTERNAL, Fault
from locum.services.cloudformation.providers.base import is_gone

_INTERNAL: Final = 500
_CODES: Final = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "UnauthorizedOperation": "AccessDenied",
    "AlreadyExists": "AlreadyExists",
    "EntityAlreadyExists": "AlreadyExists",
    "ParameterAlreadyExists": "AlreadyExists",
    "BucketAlreadyExists": "AlreadyExists",
    "BucketAlreadyOwnedByYou": "AlreadyExists",
    "ResourceInUseException": "AlreadyExists",
    "ValidationError": "InvalidRequest",
    "ValidationException": "InvalidRequest",
    "InvalidParameterValueException": "InvalidRequest",
    "MalformedPolicyDocument": "InvalidRequest",
    "DeleteConflict": "InvalidRequest",
    "InvalidInput": "InvalidRequest",
    "InvalidParameter": "InvalidRequest",
    "InvalidRequest": "InvalidRequest",
    "NotStabilized": "NotStabilized",
    "NotUpdatable": "NotUpdatable",
    "ConflictException": "ResourceConflict",
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

_ROLE: Final = re.compile(r"Role with name (\S+) already exists\.")
_CLIENTS: Final = {
    "CertificateManager": "Acm",
    "Cognito": "CognitoIdentityProvider",
    "DynamoDB": "DynamoDb",
    "Events": "EventBridge",
    "KinesisFirehose": "Firehose",
    "Logs": "CloudWatchLogs",
    "StepFunctions": "Sfn",
}


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
    there = _ROLE.fullmatch(fault.message) if kind == "AWS::IAM::Role" else None
    if there is not None:
        return f"Resource of type '{kind}' with identifier '{there[1]}' already exists."
    told = f"Service: {_service(kind)}, Status Code: {fault.status}, Request ID: {fault.request_id}"
    return f"{fault.message} ({told}) (SDK Attempt Count: 1)"


def _service(kind: str) -> str:
    """The name that handlers have for the service of a type: that of its client in the AWS SDK for Java."""
    service = kind.split("::")[1] if kind.count("::") == 2 else kind
    return _CLIENTS.get(service, service.capitalize() if service.isupper() else service)
