"""The reasons of failures that events tell: those of handlers of resource types, which quote what a service said."""

from __future__ import annotations

import re
from typing import Final

from locum.core.errors import Fault
from locum.state import StackResource


def reason_of(fault: Fault, it: StackResource) -> str:
    """The reason of a failure, as events tell it."""
    if fault.code in ("ValidationError", "InvalidRequest") and not fault.request_id:
        return fault.message
    told = (
        f"{fault.message} (Service: {_service(it.type)}, Status Code: {fault.status}, Request ID: {fault.request_id})"
    )
    told += " (SDK Attempt Count: 1)"
    there = _ROLE.fullmatch(fault.message) if it.type == "AWS::IAM::Role" else None
    if there is not None:
        told = f"Resource of type '{it.type}' with identifier '{there[1]}' already exists."
    elif fault.code == "AlreadyExists":  # what the handler itself found
        told = fault.message
    code = _HANDLER_CODES.get(fault.code) or (
        "AccessDenied" if "not authorized" in fault.message else "GeneralServiceException"
    )
    return f'Resource handler returned message: "{told}" (RequestToken: {it.operation}, HandlerErrorCode: {code})'


def _service(kind: str) -> str:
    """The name that handlers have for the service of a type: that of its client in the AWS SDK for Java."""
    service = kind.split("::")[1] if kind.count("::") == 2 else kind
    return _CLIENTS.get(service, service.capitalize() if service.isupper() else service)


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
_HANDLER_CODES: Final = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "UnauthorizedOperation": "AccessDenied",
    "AlreadyExists": "AlreadyExists",
    "EntityAlreadyExists": "AlreadyExists",
    "ParameterAlreadyExists": "AlreadyExists",
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
    "InvalidParameter": "InvalidRequest",
}
"""AWS's error code -> that of a resource handler. CloudFormation CLI User Guide, "Handler error codes"."""
