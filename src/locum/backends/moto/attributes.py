"""The names of attributes of queues and topics that moto may be given.

moto sets whatever is named, in any spelling, on its own model: an attribute `policy` would be another way to put a
policy, `account_id` would give the queue away. AWS refuses names that it does not know.
"""

from __future__ import annotations

from typing import Any, Final

from locum.backends.port import BackendCall
from locum.core.errors import Fault

SERVICES: Final = frozenset({"sqs", "sns"})

# SQS API Reference, SetQueueAttributes and CreateQueue.
_OF_QUEUES: Final = frozenset(
    {
        "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
        "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod", "Policy",
        "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled",
        "VisibilityTimeout",
    }
)  # fmt: skip

# SNS API Reference, SetTopicAttributes and CreateTopic.
_FEEDBACK: Final = ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")
_OF_TOPICS: Final = frozenset(
    {
        "ArchivePolicy", "ContentBasedDeduplication", "DeliveryPolicy", "DisplayName", "FifoThroughputScope",
        "FifoTopic", "KmsMasterKeyId", "Policy", "SignatureVersion", "TracingConfig",
    }
    | {f"{kind}{name}" for kind in ("Application", "Firehose", "HTTP", "Lambda", "SQS") for name in _FEEDBACK}
)  # fmt: skip


def check(call: BackendCall) -> None:
    """Raise the service's Fault for an attribute of a queue or topic that it does not have."""
    if call.service == "sqs" and call.operation in ("CreateQueue", "SetQueueAttributes"):
        for name in _named(call.params.get("Attributes")):
            if name not in _OF_QUEUES:
                raise Fault("InvalidAttributeName", f"Unknown Attribute {name}.")
    elif call.service == "sns" and call.operation in ("CreateTopic", "SetTopicAttributes"):
        single = call.params.get("AttributeName")
        for name in (*_named(call.params.get("Attributes")), *([] if single is None else [single])):
            if name not in _OF_TOPICS:
                raise Fault("InvalidParameter", "Invalid parameter: AttributeName")


def _named(attributes: Any) -> list[str]:
    return list(attributes or ())
