"""The use of a customer managed KMS key by a service, in the name of who calls the service.

An object, a queue, a topic, a secret or a parameter is encrypted under a key: S3 asks KMS for a data key with the
permissions of whoever puts the object, and has it decrypted with those of whoever gets it. IAM User Guide, "Forward
access sessions"; AWS KMS Developer Guide, "kms:ViaService". The caller needs these permissions, by the policy of the
key and its own policies.

    S3 User Guide, "Using server-side encryption with AWS KMS keys (SSE-KMS)"
    SQS Developer Guide, "Key management"; SNS Developer Guide, "Key management"
    Secrets Manager User Guide, "Secret encryption and decryption"
    Systems Manager User Guide, "AWS KMS encryption for Parameter Store SecureString parameters"

AWS managed keys (`alias/aws/s3`) may be used by everybody of the account through their service.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.authz.services.s3 import s3_source
from locum.calls.request_context import RequestContext
from locum.core.actors import on_behalf_of
from locum.core.arn import PARTITION, Arn
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.resources import ResourceFacts

Members = Mapping[str, Any]
Keys = Callable[[Members, ResourceFacts], Iterable["Used"]]

_GENERATE: Final = "GenerateDataKey"
_DECRYPT: Final = "Decrypt"
_ENCRYPT: Final = "Encrypt"
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


class Used(NamedTuple):
    """A key, as it was named, and the name of the parameter that is under it where the resource is a path of them."""

    key: str
    parameter: str = ""


class KeyUse(NamedTuple):
    """A use of keys in an operation.

    `kind` is the type of the resources (`Check.kind`) that are encrypted, `operations` are those of KMS that are
    called. `keys` returns the keys, of which an empty one is none. `context` is the name in the encryption context that
    the ARN of what is encrypted has. `only` says for which requests that is so.
    """

    kind: str
    operations: tuple[str, ...]
    keys: Keys
    context: str
    only: Callable[[Members], bool] = lambda params: True


def _kept(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The key that the resource is encrypted under; of an object, its version that is asked for."""
    version = params.get("VersionId")
    return (Used(facts.attributes.get(f"kms_key/{version}" if version else "kms_key", "")),)


def _of_source(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The key of the object, or of its version, that is copied."""
    return _kept({"VersionId": s3_source(str(params.get("CopySource", "")))[2]}, facts)


def _of_new_object(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The key that an object is put under: that of the request, or the default of the bucket."""
    if params.get("SSEKMSKeyId"):
        return (Used(str(params["SSEKMSKeyId"])),)
    asked = str(params.get("ServerSideEncryption") or "aws:kms")
    own = params.get("SSECustomerAlgorithm") or not asked.startswith("aws:kms")
    return () if own else (Used(facts.attributes.get("default_kms_key", "")),)


def _named_or_kept(member: str) -> Keys:
    return lambda params, facts: (Used(str(params.get(member) or facts.attributes.get("kms_key", ""))),)


def _of_parameter(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The key that a SecureString is put under; the one that it had where the request names none, as moto has it."""
    if params.get("Type") in ("String", "StringList"):
        return ()
    return (Used(str(params.get("KeyId") or facts.attributes.get("kms_key", ""))),)


def _of_versions(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The keys of a parameter: that of its newest version, unless others are asked for, by number or label."""
    names = params.get("Names") or [params.get("Name", "")]
    selected = any(":" in str(name).rpartition(":parameter")[2] for name in names)
    return _of_history(params, facts) if selected else _kept({}, facts)


def _of_history(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    return [Used(key) for key in json.loads(facts.attributes.get("kms_keys", "[]"))]


def _below(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The keys of the parameters in a path; of those further below, too, where it is read recursively."""
    keys = [Used(*pair) for pair in json.loads(facts.attributes.get("kms_keys_below", "[]"))]
    if params.get("Recursive"):
        return keys
    length = len(str(params.get("Path", "")).rstrip("/")) + 1
    return [used for used in keys if "/" not in used.parameter[length:]]


def _has_value(params: Members) -> bool:
    return any(params.get(name) for name in ("SecretString", "SecretBinary", "KmsKeyId"))


def _is_decrypted(params: Members) -> bool:
    return bool(params.get("WithDecryption"))


def _is_advanced(params: Members) -> bool:
    return params.get("Tier") == "Advanced"


_S3: Final = "aws:s3:arn"
_PUT: Final = KeyUse("object", (_GENERATE,), _of_new_object, _S3)
_GET: Final = KeyUse("object", (_DECRYPT,), _kept, _S3)
_SOURCE: Final = KeyUse("source", (_DECRYPT,), _of_source, _S3)
_SEND: Final = KeyUse("queue", (_GENERATE, _DECRYPT), _kept, "aws:sqs:arn")
_PUBLISH: Final = KeyUse("topic", (_GENERATE, _DECRYPT), _kept, "aws:sns:topicArn")
_SECRET: Final = KeyUse("Secret", (_GENERATE, _DECRYPT), _named_or_kept("KmsKeyId"), "SecretARN", _has_value)
_READ_SECRET: Final = KeyUse("Secret", (_DECRYPT,), lambda _params, facts: _kept({}, facts), "SecretARN")
_READ_PARAMETER: Final = KeyUse("parameter", (_DECRYPT,), _of_versions, "PARAMETER_ARN", _is_decrypted)

_TABLE: Final[Mapping[tuple[str, str], tuple[KeyUse, ...]]] = {
    ("s3", "PutObject"): (_PUT,),
    ("s3", "CreateMultipartUpload"): (_PUT,),
    ("s3", "CopyObject"): (_SOURCE, _PUT),
    ("s3", "UploadPartCopy"): (_SOURCE,),
    ("s3", "GetObject"): (_GET,),
    ("s3", "SelectObjectContent"): (_GET,),
    ("sqs", "SendMessage"): (_SEND,),
    ("sqs", "SendMessageBatch"): (_SEND,),
    ("sqs", "ReceiveMessage"): (KeyUse("queue", (_DECRYPT,), _kept, "aws:sqs:arn"),),
    ("sns", "Publish"): (_PUBLISH, _PUBLISH._replace(kind="target")),
    ("sns", "PublishBatch"): (_PUBLISH,),
    ("secretsmanager", "CreateSecret"): (_SECRET,),
    ("secretsmanager", "UpdateSecret"): (_SECRET,),
    ("secretsmanager", "PutSecretValue"): (_SECRET,),
    ("secretsmanager", "GetSecretValue"): (_READ_SECRET,),
    ("secretsmanager", "BatchGetSecretValue"): (_READ_SECRET,),
    ("ssm", "PutParameter"): (
        KeyUse("parameter", (_ENCRYPT,), _of_parameter, "PARAMETER_ARN", lambda params: not _is_advanced(params)),
        KeyUse("parameter", (_GENERATE, _ENCRYPT), _of_parameter, "PARAMETER_ARN", _is_advanced),
    ),
    ("ssm", "GetParameter"): (_READ_PARAMETER,),
    ("ssm", "GetParameters"): (_READ_PARAMETER,),
    ("ssm", "GetParameterHistory"): (_READ_PARAMETER._replace(keys=_of_history),),
    ("ssm", "GetParametersByPath"): (_READ_PARAMETER._replace(keys=_below),),
}


def key_uses(context: RequestContext, facts: Mapping[str, ResourceFacts]) -> Iterable[ServiceCall]:
    """The calls of KMS that the called service makes in its caller's name, each of which the caller must be allowed."""
    codec = context.codec
    assert codec is not None
    rows = _TABLE.get((codec.service, codec.operation))
    return () if rows is None else _calls(context, rows, facts)


def _calls(
    context: RequestContext, rows: tuple[KeyUse, ...], facts: Mapping[str, ResourceFacts]
) -> Iterator[ServiceCall]:
    assert context.codec is not None
    assert context.plan is not None
    for row in rows:
        of_kind = dict.fromkeys(check.resource for check in context.plan.checks if check.kind == row.kind)
        for resource in of_kind if row.only(context.params) else ():
            of_resource = facts.get(resource, _UNKNOWN)
            for key, name in row.keys(context.params, of_resource):
                if not key or key.rpartition(":")[2].startswith("alias/aws/"):
                    continue
                actor = on_behalf_of(context.caller, f"{context.codec.service}.amazonaws.com")
                arn = f"{resource.partition(':parameter')[0]}:parameter{name}" if name else of_resource.arn or resource
                params: dict[str, Any] = {
                    "KeyId": _qualified(key, context, of_resource, resource),
                    "EncryptionContext": _encryption_context(row, context.params, of_resource, str(arn)),
                }
                for operation in row.operations:
                    more = {"KeySpec": "AES_256"} if operation == _GENERATE else {}
                    yield ServiceCall(actor, "kms", operation, {**params, **more}, context.region)


_UNKNOWN: Final = ResourceFacts()


def _qualified(key: str, context: RequestContext, facts: ResourceFacts, resource: str) -> str:
    """The ARN of a key or alias, which for S3's writing is one of the caller, else of the resource's account.

    S3 API Reference, PutObject: "If the KMS key doesn't exist in the same account that's issuing the command, you must
    use the full Key ARN not the Key ID"; PutBucketEncryption: "AWS KMS resolves the key within the requester's
    account".
    """
    if key.startswith("arn:"):
        return key
    arn = Arn.find(resource)
    owner = facts.account or ("" if arn is None else arn.account)
    account = context.caller.account if arn is None or not arn.account else owner
    kind = "" if key.startswith("alias/") else "key/"
    return f"arn:{PARTITION}:kms:{context.region}:{account or owner}:{kind}{key}"


def _encryption_context(row: KeyUse, params: Members, facts: ResourceFacts, arn: str) -> dict[str, str]:
    """The encryption context: the ARN of the resource, or of its bucket where that has a key of its own.

    S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys": "the encryption context will be your
    bucket ARN instead of the ARN of your object".
    """
    if row.context != _S3:
        version = params.get("VersionId") or params.get("ClientRequestToken")
        return {row.context: arn, **({"SecretVersionId": version} if row.kind == "Secret" and version else {})}
    writing = row.keys is _of_new_object
    of_bucket = params.get("BucketKeyEnabled") if writing else None
    if of_bucket is None:
        of_bucket = facts.attributes.get("default_bucket_key" if writing else "bucket_key") == "true"
    return {**_given(params if writing else {}), _S3: arn.partition("/")[0] if of_bucket else arn}


def _given(params: Members) -> dict[str, str]:
    """The encryption context in the request. Raises Fault where it cannot be read."""
    text = params.get("SSEKMSEncryptionContext")
    if not text:
        return {}
    try:
        found = json.loads(base64.b64decode(text, validate=True))
        return {str(key): str(value) for key, value in found.items()}
    except (ValueError, AttributeError) as error:
        raise Fault("InvalidArgument", "The header x-amz-server-side-encryption-context is invalid.", 400) from error


_AS_TOLD_BY_KMS: Final = {"sqs": "KmsAccessDenied", "sns": "KMSAccessDenied", "ssm": "AccessDeniedException"}


def refused(service: str, fault: Fault, request_id: str) -> Fault:
    """The error of `service` for a key that its caller may not use, of which KMS said `fault`."""
    if fault.code not in _DENIED:
        return fault
    if service == "secretsmanager":
        return Fault("AccessDeniedException", "Access to KMS is not allowed", 400)
    code = _AS_TOLD_BY_KMS.get(service)
    if code is None:
        return Fault("AccessDenied", fault.message, 403)
    told = (
        f"Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: {request_id}; Proxy: null"
    )
    return Fault(code, f"{fault.message} ({told})", 400)
