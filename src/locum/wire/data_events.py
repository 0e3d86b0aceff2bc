"""Data events: the operations that work on the content of resources, and what is recorded of their requests.

CloudTrail User Guide, "Logging data events": "Data events provide information about the resource operations performed
on or within a resource." Of such a request only the identifiers of the resources are recorded, which are listed here by
service; an operation without a list has none recorded but the ARNs, ids and names at the top of its request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from botocore.model import OperationModel

Paths: TypeAlias = "Mapping[str, Paths]"
"""Members that are recorded, by name: a member without any of its own is recorded as it is where it is a string."""

_S3_OF_BUCKETS: Final = frozenset(
    {"DeleteObjects", "HeadBucket", "ListMultipartUploads", "ListObjects", "ListObjectsV2", "ListObjectVersions",
     "WriteGetObjectResponse"}
)  # fmt: skip
"""S3 User Guide, "Amazon S3 CloudTrail events": these, and whatever is about one object."""

_ALL: Final = r"\w+"
_OPERATIONS: Final = {
    "appconfigdata": _ALL,
    "bedrock-agent-runtime": _ALL,
    "bedrock-agentcore": _ALL,
    "bedrock-runtime": _ALL,
    "cloudfront-keyvaluestore": _ALL,
    "cloudsearchdomain": _ALL,
    "cloudtrail-data": _ALL,
    "cloudwatch": r"PutMetricData|GetMetric(Data|Statistics|WidgetImage)|PutMetricStream\w*Records",
    "comprehend": r"(BatchDetect|Detect|Classify|Contains)\w+",
    "connectparticipant": _ALL,
    "customer-profiles": r"(Put|Search|Get|Create|Update|Merge)Profile\w*|PutProfileObject",
    "dynamodb": r"(Batch|Transact|Execute)\w+|(Get|Put|Update|Delete)Item|Query|Scan|SearchVectors",
    "dynamodbstreams": r"GetRecords|GetShardIterator",
    "ebs": _ALL,
    "events": r"PutEvents|PutPartnerEvents|TestEventPattern",
    "evs": r"PutEvents",
    "firehose": r"PutRecord(Batch)?",
    "forecastquery": _ALL,
    "geo-maps": _ALL,
    "geo-places": _ALL,
    "geo-routes": _ALL,
    "iot-data": _ALL,
    "iotsitewise": r"(BatchPut|BatchGet|Get)AssetProperty\w+|ExecuteQuery|InvokeAssistant",
    "kendra": r"Query|Retrieve|BatchPutDocument|SubmitFeedback",
    "kendra-ranking": r"Rescore",
    "kinesis": r"PutRecords?|GetRecords|GetShardIterator|SubscribeToShard",
    "kinesis-video-archived-media": _ALL,
    "kinesis-video-media": _ALL,
    "lambda": r"Invoke\w*",
    "lex-runtime": _ALL,
    "lexv2-runtime": _ALL,
    "logs": r"(Put|Get|Filter)LogEvents|GetLog(Record|Object)|StartLiveTail|StartQuery|Test\w+",
    "mediastore-data": _ALL,
    "medical-imaging": r"\w*ImageSet\w*|GetImageFrame",
    "neptunedata": _ALL,
    "payment-cryptography-data": _ALL,
    "personalize-events": _ALL,
    "personalize-runtime": _ALL,
    "pi": r"GetResourceMetrics|DescribeDimensionKeys",
    "pinpoint": r"SendMessages|SendUsersMessages|PutEvents|SendOTPMessage|VerifyOTPMessage",
    "pinpoint-email": r"SendEmail",
    "pinpoint-sms-voice": r"SendVoiceMessage",
    "pinpoint-sms-voice-v2": r"Send\w+Message|SendDestinationNumberVerificationCode",
    "polly": r"SynthesizeSpeech|StartSpeechSynthesisTask",
    "qbusiness": r"Chat|ChatSync|BatchPutDocument|PutFeedback|SearchRelevantContent",
    "rds-data": _ALL,
    "redshift-data": r"\w*ExecuteStatement",
    "rekognition": r"(Detect|Recognize|Compare|Search|Index)\w+",
    "sagemaker-a2i-runtime": _ALL,
    "sagemaker-featurestore-runtime": _ALL,
    "sagemaker-metrics": _ALL,
    "sagemaker-runtime": _ALL,
    "sdb": r"(Batch)?(Put|Get|Delete)Attributes|Select",
    "ses": r"Send\w+|TestRenderTemplate",
    "sesv2": r"Send\w+|TestRenderEmailTemplate",
    "sns": r"Publish(Batch)?",
    "socialmessaging": r"SendWhatsAppMessage|PostWhatsAppMessageMedia",
    "sqs": r"(Send|Receive|Delete)Message(Batch)?|ChangeMessageVisibility(Batch)?",
    "stepfunctions": r"SendTask\w+|TestState",
    "swf": r"(Poll|Respond|Record|Signal|Start)\w+",
    "textract": r"(Analyze|Detect)\w+",
    "timestream-query": r"Query|PrepareQuery",
    "timestream-write": r"WriteRecords",
    "translate": r"Translate(Text|Document)",
    "verifiedpermissions": r"(Batch)?IsAuthorized\w*",
    "workmailmessageflow": _ALL,
    "xray": r"Put\w+(Segments|Records)|GetTraceSummaries|BatchGetTraces",
}  # fmt: skip

_TABLES: Final = "Get.TableName Put.TableName Update.TableName Delete.TableName ConditionCheck.TableName"
_IDENTIFIERS: Final = {
    "s3": "Bucket Key VersionId UploadId CopySource RenameSource Prefix Delimiter Marker KeyMarker VersionIdMarker "
    "UploadIdMarker StartAfter IfMatch IfNoneMatch ExpectedBucketOwner ExpectedSourceBucketOwner "
    "Delete.Objects.Key Delete.Objects.VersionId GrantFullControl GrantRead GrantReadACP GrantWrite GrantWriteACP",
    "dynamodb": "TableName IndexName RequestItems " + " ".join(f"TransactItems.{name}" for name in _TABLES.split()),
    "dynamodbstreams": "StreamArn ShardId SequenceNumber",
    "sqs": "QueueUrl",
    "sns": "TopicArn TargetArn",
    "lambda": "FunctionName Qualifier",
    "kinesis": "StreamName StreamARN StreamId ConsumerARN ShardId",
    "firehose": "DeliveryStreamName",
    "events": "EndpointId Entries.EventBusName",
    "cloudtrail-data": "channelArn auditEvents.id",
    "cloudwatch": "Namespace",
    "iot-data": "thingName shadowName topic clientId",
    "logs": "logGroupName logStreamName logGroupIdentifier logGroupNames logGroupIdentifiers logStreamNames "
    "logStreamNamePrefix logStreamNamePrefixes",
    "rds-data": "resourceArn secretArn database schema transactionId",
    "ses": "SourceArn FromArn ReturnPathArn ConfigurationSetName Template TemplateArn TemplateName",
    "sesv2": "FromEmailAddressIdentityArn ConfigurationSetName EndpointId TemplateName Content.Template.TemplateName "
    "DefaultContent.Template.TemplateName",
    "stepfunctions": "roleArn",
    "xray": "",
}  # fmt: skip
_IDENTIFIER: Final = re.compile(r"(\w*(Arn|ARN|Id|Identifier|Name)|arn|id|identifier|name|domain)s?")


def is_data_event(model: OperationModel) -> bool:
    """Whether CloudTrail takes calls of an operation for data events: they are not in its event history."""
    service, operation = model.service_model.service_name, model.name
    if service == "s3":
        return operation in _S3_OF_BUCKETS or (model.input_shape is not None and "Key" in model.input_shape.members)
    pattern = _OPERATIONS.get(service)
    return pattern is not None and re.fullmatch(pattern, operation) is not None


def identifiers(model: OperationModel) -> Paths:
    """The members of a data event's request that are recorded."""
    listed = _IDENTIFIERS.get(model.service_model.service_name)
    return _tree(listed) if listed is not None else {name: {} for name in _plain_identifiers(model)}


def _plain_identifiers(model: OperationModel) -> Iterator[str]:
    shape = model.input_shape
    for name, member in () if shape is None else shape.members.items():
        item = member.member if member.type_name == "list" else member
        if item.type_name == "string" and _IDENTIFIER.fullmatch(name):
            yield name


@cache
def _tree(listed: str) -> Paths:
    root: dict[str, Paths] = {}
    for path in listed.split():
        node = root
        for name in path.split("."):
            node = node.setdefault(name, {})  # type: ignore[assignment] # what is built is not read before it is done
    return root
