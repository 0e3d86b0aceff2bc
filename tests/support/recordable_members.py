"""Which strings of a request may be in its record: what records are held against, written the other way round.

A member may be recorded unless its name says that it holds what somebody wrote, rather than what something is called.
"""

from __future__ import annotations

import re
from typing import Final

from locum.wire import Codec
from support.marked_requests import Member

SERVICES: Final = (
    "acm", "apigateway", "apigatewayv2", "appsync", "athena", "autoscaling", "backup", "batch", "bedrock-runtime",
    "cloudformation", "cloudfront", "cloudtrail", "cloudwatch", "codebuild", "codepipeline", "cognito-identity",
    "cognito-idp", "config", "dms", "dynamodb", "dynamodbstreams", "ec2", "ecr", "ecs", "efs", "eks", "elasticache",
    "elb", "elbv2", "emr", "events", "firehose", "glue", "iam", "iot-data", "kafka", "kinesis", "kms", "lambda",
    "logs", "mq", "opensearch", "organizations", "rds", "rds-data", "redshift", "route53", "s3", "s3control",
    "sagemaker", "sagemaker-runtime", "scheduler", "secretsmanager", "ses", "sesv2", "sns", "sqs", "ssm",
    "stepfunctions", "sts", "timestream-query", "timestream-write", "transfer", "wafv2", "xray",
)  # fmt: skip

_S3_OBJECTS: Final = (
    r"(?!\w*LockConfiguration)(Get|Put|Delete|Head|Copy|Restore|Select|Rename|CompleteMultipart)Object\w*"
)
_CONTENT: Final = {
    "bedrock-runtime": (r"\w+", r"\w*(Id|Arn|Identifier|Version)"),
    "dynamodb": (
        r"Batch(Get|Write)Item|(Get|Put|Update|Delete)Item|Query|Scan|Transact\w+|\w*Execute\w+",
        r"TableName|IndexName|RequestItems|TransactItems\.\w+\.TableName",
    ),
    "dynamodbstreams": (r"Get\w+", r"StreamArn|ShardId|SequenceNumber"),
    "events": (r"PutEvents", r"EndpointId|Entries\.EventBusName"),
    "firehose": (r"PutRecord(Batch)?", r"DeliveryStreamName"),
    "iot-data": (r"\w+", r"thingName|shadowName|clientId|topic"),
    "kinesis": (r"PutRecords?|GetRecords", r"StreamName|StreamARN|StreamId|ShardId"),
    "lambda": (r"Invoke\w*", r"FunctionName|Qualifier"),
    "logs": (r"PutLogEvents|FilterLogEvents|StartQuery", r"log(Group|Stream)(Name|Identifier)(Prefix)?s?"),
    "rds-data": (r"\w+", r"resourceArn|secretArn|database|schema|transactionId"),
    "s3": (
        rf"{_S3_OBJECTS}|\w*MultipartUpload|UploadPart\w*",
        r"Bucket|Key|VersionId|UploadId|\w+Source|If(None)?Match|Expected\w*BucketOwner|Grant\w+|Delete\.Objects\.\w+",
    ),
    "sagemaker-runtime": (r"\w+", r"\w+(Id|Name|Identifier)"),
    "ses": (r"Send\w+", r"\w+Arn|ConfigurationSetName|Template|TemplateName"),
    "sesv2": (r"Send(Bulk|Custom)?\w*Email", r"\w+Arn|ConfigurationSetName|EndpointId|(\w+\.Template\.)?TemplateName"),
    "sns": (r"Publish(Batch)?", r"TopicArn|TargetArn"),
    "sqs": (r"(Send|Receive|Delete)Message(Batch)?|ChangeMessageVisibility(Batch)?", r"QueueUrl"),
    "timestream-query": (r"Query|PrepareQuery", r""),
    "timestream-write": (r"WriteRecords", r"DatabaseName|TableName"),
    "xray": (r"PutTraceSegments|PutTelemetryRecords", r""),
}
"""Operations on the content of resources, and the paths of those members that identify a resource."""

_KEYS: Final = re.compile(r"(\w+\.)*\w*[tT]ags(ToAdd)?|(\w+\.)*\w*EncryptionContext(Subset)?")
"""Maps whose keys are recorded: tags, and what KMS has in CloudTrail in plain text."""

_WRITTEN: Final = re.compile(
    r"\w*("
    r"apikey|args|arguments?|attributes|body|buildspec|code|commands?|comment|content|cookies?|credentials?|data"
    r"|definition|document|email|email_?address|environment|expression|headers?|html|inputs?|jdbc_?url|messages?|metadata"
    r"|mfa|outputs?|parameters?|passw(or)?ds?|payload|phonenumber|plaintext|privatekey|properties|query|querystring"
    r"|reason|regex|script|secret|statements?|subject|template|templatebody|text|token|userdata|values?|variables?"
    r")",
    re.IGNORECASE,
)
_NEVERTHELESS: Final = re.compile(
    r"(.*\.)?("
    r"\w*tag(s|set|list|ging|slist|specifications?|stoadd)?\.(\w+\.)*\w+|\w*tags|tagvalues?|conditionvalue"
    r"|\w*(filters?|filterlist|filterswithoperator|dimensions|dimensioncondition|targets)\.values?"
    r"|\w*policy\w*|scheduleexpression|\w*encryptioncontext(subset)?"
    r"|(instancetype|description|ikeversions)\.value|lookupattributes\.attributevalue"
    r"|(compute|service)environment|(\w*task|job)definition|statuscode"
    r")",
    re.IGNORECASE,
)
"""Of what is written, that which stands where a name does: tags, the values of filters, what Batch and ECS call so;
and policies."""

_OWN: Final = frozenset({"iam", "organizations", "sts"})
_SECRET: Final = re.compile(
    r"\w*(password|secretaccesskey|(?<!remove)privatekey|tokencode|webidentitytoken|samlassertion|authenticationcode\d)",
    re.IGNORECASE,
)


def may_be_recorded(codec: Codec, member: Member) -> bool:
    """Whether the string of a member may be in the record of its call, among the parameters and elsewhere."""
    path, last = str(member), member.path[-1]
    if member.sensitive or member.kind in ("blob", "document"):
        return False
    if codec.service in _OWN:
        return _SECRET.fullmatch(last) is None
    if member.kind == "enumeration":  # a value that the enumeration does not have
        return False
    operations, identifiers = _CONTENT.get(codec.service, ("", ""))
    if re.fullmatch(operations, codec.operation):
        return re.fullmatch(identifiers, path) is not None
    if member.kind == "key":
        return _KEYS.fullmatch(path) is not None
    return _NEVERTHELESS.fullmatch(path) is not None or _WRITTEN.fullmatch(last) is None
