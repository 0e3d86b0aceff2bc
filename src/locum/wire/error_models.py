"""The errors in a service's model, by code or by the name of their shape.

An error has the name of its shape (`NoSuchEntityException`) and the code that AWS documents (`NoSuchEntity`);
they differ where the service uses, or formerly used, the query protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from botocore.model import ServiceModel, StructureShape

# SQS moved from query to json. Its clients still see the query codes, which botocore's model no longer has:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html and the "Errors"
# of each operation there.
_SQS_CODES = {
    "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
    "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
    "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
    "KmsAccessDenied": "KMS.AccessDeniedException",
    "KmsDisabled": "KMS.DisabledException",
    "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException",
    "KmsInvalidState": "KMS.InvalidStateException",
    "KmsNotFound": "KMS.NotFoundException",
    "KmsOptInRequired": "KMS.OptInRequired",
    "KmsThrottled": "KMS.ThrottlingException",
    "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
    "PurgeQueueInProgress": "AWS.SimpleQueueService.PurgeQueueInProgress",
    "QueueDeletedRecently": "AWS.SimpleQueueService.QueueDeletedRecently",
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
}


class ErrorModel(NamedTuple):
    """One error: the name of its shape, the code that AWS documents, and its shape where the model has one."""

    name: str
    code: str
    shape: StructureShape | None = None


# Errors that are in no model, and have two names nevertheless.
_COMMON = (ErrorModel("AccessDeniedException", "AccessDenied"),)


class ErrorModels:
    """The errors of one service. `query_compatible`: it also sends the codes of its former query protocol."""

    def __init__(self, service: ServiceModel | None) -> None:
        shapes = service.error_shapes if service is not None else []
        codes = _SQS_CODES if service is not None and service.service_name == "sqs" else {}
        modelled = [ErrorModel(shape.name, codes.get(shape.name, shape.error_code), shape) for shape in shapes]
        self.query_compatible = service is not None and "awsQueryCompatible" in service.metadata
        known = [*modelled, *_COMMON] if self.query_compatible else modelled
        # A code takes precedence over an equal shape name: SNS has the code ParameterValueInvalid for
        # InvalidParameterValueException, for example.
        self._by_either_name = {error.name: error for error in known} | {error.code: error for error in known}

    def find(self, code: str) -> ErrorModel:
        """The error with that code, or else with that name; one without a shape where the model has neither."""
        return self._by_either_name.get(code) or ErrorModel(code, code)
