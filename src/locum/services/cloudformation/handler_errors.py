"""The error codes of resource handlers, and what a handler tells of a call that was refused.

CloudFormation CLI User Guide, "Handler error codes"; Cloud Control API Reference, HandlerErrorCode.
"""

from __future__ import annotations

import json
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
    "ResourceExistsException": "AlreadyExists",
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

_OF_TYPES: Final = {
    ("AWS::IAM::InstanceProfile", "AccessDenied"): "GeneralServiceException",
    ("AWS::IAM::ManagedPolicy", "ValidationError"): "GeneralServiceException",
    ("AWS::IAM::Role", "ValidationError"): "GeneralServiceException",
    ("AWS::IAM::User", "DeleteConflict"): "GeneralServiceException",
}
"""A type and AWS's error code -> that of the handler of this type."""

_TAKEN: Final = "has been taken in this account"  # a service-linked role, in the words of IAM

_GROUP: Final = "AWS::Logs::LogGroup"
_KEY: Final = "AWS::KMS::Key"
_TOLD_AS_THERE: Final = frozenset(
    {"AWS::DynamoDB::Table", "AWS::ECR::Repository", "AWS::IAM::Role", "AWS::IAM::User", _GROUP}
)
"""Types whose handlers tell of what is there by its identifier, and not in the words of the service."""

_TAGGING: Final = {
    "AWS::IAM::Role": ("iam:CreateRole", "iam:TagRole"),
    _KEY: ("kms:CreateKey", "kms:TagResource"),
    _GROUP: ("logs:TagResource",),
}
"""Types whose handlers take it for a refusal of tags that one of these actions is denied where there are any."""

_TAGS: Final = (
    "Encountered a permissions error performing a tagging operation, please add required tag permissions. See "
    "https://repost.aws/knowledge-center/cloudformation-tagging-permission-error for how to resolve. Resource handler "
    'returned message: "{}"'
)
_CLIENTS: Final = {
    "CertificateManager": "Acm",
    "Cognito": "CognitoIdentityProvider",
    "DynamoDB": "DynamoDb",
    "Events": "EventBridge",
    "KinesisFirehose": "Firehose",
    "Logs": "CloudWatchLogs",
    "StepFunctions": "Sfn",
}


def handler_code(fault: Fault, kind: str = "") -> str:
    """The code of a handler, of the type `kind`, for the fault that a call of it got."""
    if fault.code == INTERNAL[0] and not fault.request_id:
        return "InternalFailure"
    if _TAKEN in fault.message:
        return "AlreadyExists"
    if found := _OF_TYPES.get((kind, fault.code)) or _CODES.get(fault.code):
        return found
    if is_gone(fault):
        return "NotFound"
    if "not authorized" in fault.message:
        return "AccessDenied"
    if fault.code.endswith(("AlreadyExists", "AlreadyExistsException")):
        return "AlreadyExists"
    return "ServiceInternalError" if fault.status >= _INTERNAL else "GeneralServiceException"


def handler_message(fault: Fault, kind: str, identifier: str = "") -> str:
    """What the handler of the type `kind` tells of a fault: the service's own text, and of which call it is.

    `identifier` is that of what was to be made, if it was given.
    """
    if not fault.request_id:
        return fault.message
    if identifier and kind in _TOLD_AS_THERE and handler_code(fault) == "AlreadyExists":
        if kind == _GROUP:
            identifier = json.dumps({"/properties/LogGroupName": identifier}, separators=(",", ":"))
        return f"Resource of type '{kind}' with identifier '{identifier}' already exists."
    told = f"Service: {_service(kind)}, Status Code: {fault.status}, Request ID: {fault.request_id}"
    return f"{fault.message} ({told}) (SDK Attempt Count: 1)"


def refusal_of_tags(fault: Fault, kind: str) -> tuple[str, str] | None:
    """What is told where a resource with tags could not be made for want of permissions, and the handler's code.

    None where the fault is another one, or the handlers of the type tell it as it is.
    """
    denied = any(f"perform: {action} " in fault.message for action in _TAGGING.get(kind, ()))
    if not denied or handler_code(fault) != "AccessDenied":
        return None
    told = "Unauthorized tagging operation" if kind == _KEY else handler_message(fault, kind)
    return _TAGS.format(told), "UnauthorizedTaggingOperation"


def _service(kind: str) -> str:
    """The name that handlers have for the service of a type: that of its client in the AWS SDK for Java."""
    service = kind.split("::")[1] if kind.count("::") == 2 else kind
    return _CLIENTS.get(service, service.capitalize() if service.isupper() else service)
