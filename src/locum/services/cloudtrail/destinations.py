"""Where a trail delivers to: whether CloudTrail may write there, asked of the services before a trail is kept.

CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail", "Amazon SNS topic policy for CloudTrail", "Configure
AWS KMS key policies for CloudTrail", "Sending events to CloudWatch Logs". Nothing is written.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.actors import ServiceRole, on_behalf_of, service_principal
from locum.core.arn import PARTITION, Arn
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Caller, Source
from locum.services.cloudtrail import files
from locum.services.cloudtrail.faults import invalid_combination
from locum.services.verbs import Context
from locum.state.organizations import organization_of
from locum.state.trails import CLOUDTRAIL, Trail

SESSION: Final = "CloudTrail"
_NOT_FOUND: Final = 404
_TOPIC: Final = "SNS Topic does not exist or the topic policy is incorrect!"

Asked = Generator[Ask, Mapping[str, Any], Trail]


def principal_of(trail: Trail) -> Caller:
    """CloudTrail, acting for a trail (aws:SourceArn)."""
    return service_principal(CLOUDTRAIL, trail.account, trail.arn)


def role_of(trail: Trail) -> ServiceRole:
    """The role in which CloudTrail writes to the log group of a trail."""
    return ServiceRole(CLOUDTRAIL, trail.log_role, SESSION, Source(trail.account, trail.arn))


def checked(ctx: Context, trail: Trail) -> Asked:
    """The trail, whose key is named by its ARN, if CloudTrail may write to all of its destinations. Raises Fault."""
    _check_form(trail)
    yield from _check_bucket(ctx, trail)
    if trail.key_arn:
        trail = yield from _with_key(trail)
    if trail.topic:
        yield from _check_topic(trail)
    if trail.log_group:
        yield from _check_log_group(trail)
    return trail


def topic_arn(given: str, region: str, account: str) -> str:
    """The ARN of the topic with this name or ARN; empty for none."""
    if not given or given.startswith("arn:"):
        return given
    return f"arn:{PARTITION}:sns:{region}:{account}:{given}"


def encryption_context(trail: Trail) -> dict[str, str]:
    """The encryption context of a trail's files."""
    return {"aws:cloudtrail:arn": trail.arn}


def _check_form(trail: Trail) -> None:
    if bool(trail.log_group) != bool(trail.log_role):
        raise invalid_combination("You must specify both a CloudWatch Logs log group ARN and a role ARN, or neither.")
    if trail.log_group and _group_name(trail.log_group) is None:
        raise _no_log_group()


def _group_name(arn: str) -> str | None:
    """The name of the log group with this ARN, with or without `:*`."""
    found = Arn.find(arn)
    if found is None or found.service != "logs" or not found.resource.startswith("log-group:"):
        return None
    return found.resource.removeprefix("log-group:").removesuffix(":*")


def log_group_of(trail: Trail) -> str:
    """The name of the log group of a trail."""
    return _group_name(trail.log_group) or ""


def _no_log_group() -> Fault:
    return Fault(
        "InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN.", 400
    )


def _check_bucket(ctx: Context, trail: Trail) -> Generator[Ask, Mapping[str, Any], None]:
    actor, bucket = principal_of(trail), {"Bucket": trail.bucket}
    try:
        yield Ask(ServiceCall(actor, "s3", "GetBucketAcl", bucket, trail.region))
        for place in _places(ctx, trail):
            params = {**bucket, "Key": f"{place}/CloudTrail/", "ACL": files.ACL}
            yield Ask(ServiceCall(actor, "s3", "PutObject", params, trail.region), decided_only=True)
    except Fault as fault:
        if (yield from _is_missing(ctx, trail)):
            message = f"S3 bucket {trail.bucket} does not exist!"
            raise Fault("S3BucketDoesNotExistException", message, 400) from fault
        message = f"Incorrect S3 bucket policy is detected for bucket: {trail.bucket}"
        raise Fault("InsufficientS3BucketPolicyException", message, 400) from fault


def _is_missing(ctx: Context, trail: Trail) -> Generator[Ask, Mapping[str, Any], bool]:
    """Whether there is no such bucket, as far as the caller may know."""
    caller = on_behalf_of(ctx.caller, CLOUDTRAIL)
    try:
        yield Ask(ServiceCall(caller, "s3", "HeadBucket", {"Bucket": trail.bucket}, trail.region))
    except Fault as fault:
        return fault.status == _NOT_FOUND
    return False


def _places(ctx: Context, trail: Trail) -> list[str]:
    """The folders that must be writable: that of the account, and that of the organization for its trail."""
    organization = organization_of(ctx.state, trail.account) if trail.organization else None
    ids = [""] if organization is None else ["", organization.id]
    return [files.place(trail.prefix, identifier, trail.account) for identifier in ids]


def _with_key(trail: Trail) -> Asked:
    actor, key = principal_of(trail), trail.key_arn
    arn = Arn.find(key)
    region = trail.region if arn is None else arn.region
    try:
        told = yield Ask(ServiceCall(actor, "kms", "DescribeKey", {"KeyId": key}, region))
        found = told["KeyMetadata"]
        if not found["Enabled"]:
            raise Fault("KmsKeyDisabledException", f"The KMS key {key} is disabled.", 400)
        context = {"EncryptionContext": encryption_context(trail), "KeySpec": "AES_256", "KeyId": found["Arn"]}
        yield Ask(ServiceCall(actor, "kms", "GenerateDataKey", context, region), decided_only=True)
    except Fault as fault:
        if fault.code == "KmsKeyDisabledException":
            raise
        if fault.code == "NotFoundException":
            raise Fault("KmsKeyNotFoundException", f"The KMS key {key} does not exist.", 400) from fault
        raise Fault(
            "InsufficientEncryptionPolicyException",
            f"Insufficient permissions to access S3 bucket {trail.bucket} or KMS key {key}.",
            400,
        ) from fault
    return replace(trail, key_arn=found["Arn"])


def _check_topic(trail: Trail) -> Generator[Ask, Mapping[str, Any], None]:
    arn = Arn.find(trail.topic)
    if arn is None or arn.service != "sns":
        raise Fault("InvalidSnsTopicNameException", f"SNS Topic name is not valid: {trail.topic}", 400)
    params = {"TopicArn": trail.topic, "Message": "CloudTrail validation message."}
    try:
        yield Ask(ServiceCall(principal_of(trail), "sns", "Publish", params, arn.region), decided_only=True)
    except Fault as fault:
        raise Fault("InsufficientSnsTopicPolicyException", _TOPIC, 400) from fault


def _check_log_group(trail: Trail) -> Generator[Ask, Mapping[str, Any], None]:
    arn = Arn.find(trail.log_group)
    assert arn is not None
    stream = {"logGroupName": log_group_of(trail), "logStreamName": files.stream_name(trail.account, trail.region)}
    events = {**stream, "logEvents": [{"timestamp": 0, "message": "{}"}]}
    try:
        for operation, params in (("CreateLogStream", stream), ("PutLogEvents", events)):
            yield Ask(ServiceCall(role_of(trail), "logs", operation, params, arn.region), decided_only=True)
    except Fault as fault:
        message = "Access denied. Check the permissions for your role."
        raise Fault("InvalidCloudWatchLogsRoleArnException", message, 400) from fault
