"""The KMS keys that each operation of a service uses in its caller's name, and how: a table.

S3 User Guide, "Using server-side encryption with AWS KMS keys (SSE-KMS)"; API Reference, UploadPart: "the requester
    needs permissions for the kms:Decrypt action on the UploadPart and UploadPartCopy APIs"; CompleteMultipartUpload
    and HeadObject need it for checksums
SQS Developer Guide, "Key management"; SNS Developer Guide, "Key management"
Secrets Manager User Guide, "Secret encryption and decryption": "Most PutSecretValue and UpdateSecret requests do not
    trigger a Decrypt operation"; "The RotateSecret operation does not call GenerateDataKey"
Systems Manager User Guide, "AWS KMS encryption for Parameter Store SecureString parameters"
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from locum.authz.services.s3 import s3_source
from locum.core.resources import ResourceFacts

Members = Mapping[str, Any]
Keys = Callable[[Members, ResourceFacts], Iterable["Used"]]

GENERATE: Final = "GenerateDataKey"
_DECRYPT: Final = "Decrypt"
_ENCRYPT: Final = "Encrypt"


class Used(NamedTuple):
    """A key, as it was named.

    `parameter` is the name of the parameter that is under it where the resource is a path of them, `region` that of the
    key where it is not the call's.
    """

    key: str
    parameter: str = ""
    region: str = ""


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


def of_new_object(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The key that an object is put under: that of the request, or the default of the bucket."""
    if params.get("SSEKMSKeyId"):
        return (Used(str(params["SSEKMSKeyId"])),)
    asked = str(params.get("ServerSideEncryption") or "aws:kms")
    own = params.get("SSECustomerAlgorithm") or not asked.startswith("aws:kms")
    return () if own else (Used(facts.attributes.get("default_kms_key", "")),)


def of_upload(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The key that the parts of an upload are put under."""
    return (Used(facts.attributes.get(f"kms_key/upload/{params.get('UploadId')}", "")),)


def _of_replicas(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The keys of the replicas of a secret, each in the region that it is for."""
    for replica in params.get("AddReplicaRegions") or ():
        yield Used(str(replica.get("KmsKeyId") or ""), region=str(replica.get("Region") or ""))


def _of_new_version(params: Members, facts: ResourceFacts) -> Iterable[Used]:
    """The key of a secret of which a call may put a version that is there already."""
    known = str(params.get("ClientRequestToken", "")) in facts.attributes.get("versions", "").split()
    return _kept({}, facts) if known else ()


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
    return [used for used in keys if "/" not in used.parameter[length + 1 :]]


def _has_value(params: Members) -> bool:
    return any(params.get(name) for name in ("SecretString", "SecretBinary", "KmsKeyId"))


def _shows_checksum(params: Members) -> bool:
    """Whether HeadObject asks for the checksum, which is encrypted with the object."""
    return params.get("ChecksumMode") == "ENABLED"


def _verifies_checksums(params: Members) -> bool:
    """Whether CompleteMultipartUpload has checksums to compare those of the parts with."""
    parts = (params.get("MultipartUpload") or {}).get("Parts") or ()
    return any(name.startswith("Checksum") for given in (params, *parts) for name in given)


def _is_decrypted(params: Members) -> bool:
    return bool(params.get("WithDecryption"))


def _is_advanced(params: Members) -> bool:
    return params.get("Tier") == "Advanced"


S3: Final = "aws:s3:arn"
_PUT: Final = KeyUse("object", (GENERATE,), of_new_object, S3)
_GET: Final = KeyUse("object", (_DECRYPT,), _kept, S3)
_SOURCE: Final = KeyUse("source", (_DECRYPT,), _of_source, S3)
_PART: Final = KeyUse("object", (_DECRYPT,), of_upload, S3)
_SEND: Final = KeyUse("queue", (GENERATE, _DECRYPT), _kept, "aws:sqs:arn")
_PUBLISH: Final = KeyUse("topic", (GENERATE, _DECRYPT), _kept, "aws:sns:topicArn")
_SECRET: Final = KeyUse("Secret", (GENERATE, _DECRYPT), _named_or_kept("KmsKeyId"), "SecretARN", _has_value)
_READ_SECRET: Final = KeyUse("Secret", (_DECRYPT,), lambda _params, facts: _kept({}, facts), "SecretARN")
_READ_PARAMETER: Final = KeyUse("parameter", (_DECRYPT,), _of_versions, "PARAMETER_ARN", _is_decrypted)

KEY_USES: Final[Mapping[tuple[str, str], tuple[KeyUse, ...]]] = {
    ("s3", "PutObject"): (_PUT,),
    ("s3", "CreateMultipartUpload"): (_PUT,),
    ("s3", "CopyObject"): (_SOURCE, _PUT),
    ("s3", "UploadPart"): (_PART,),
    ("s3", "UploadPartCopy"): (_SOURCE, _PART),
    ("s3", "CompleteMultipartUpload"): (_PART._replace(only=_verifies_checksums),),
    ("s3", "GetObject"): (_GET,),
    ("s3", "HeadObject"): (_GET._replace(only=_shows_checksum),),
    ("s3", "SelectObjectContent"): (_GET,),
    ("sqs", "SendMessage"): (_SEND,),
    ("sqs", "SendMessageBatch"): (_SEND,),
    ("sqs", "ReceiveMessage"): (KeyUse("queue", (_DECRYPT,), _kept, "aws:sqs:arn"),),
    ("sns", "Publish"): (_PUBLISH, _PUBLISH._replace(kind="target")),
    ("sns", "PublishBatch"): (_PUBLISH,),
    ("secretsmanager", "CreateSecret"): (_SECRET,),
    ("secretsmanager", "UpdateSecret"): (_SECRET,),
    ("secretsmanager", "PutSecretValue"): (
        _SECRET._replace(operations=(GENERATE,)),
        _READ_SECRET._replace(keys=_of_new_version),
    ),
    ("secretsmanager", "ReplicateSecretToRegions"): (
        _READ_SECRET,
        KeyUse("Secret", (GENERATE, _ENCRYPT), _of_replicas, "SecretARN"),
    ),
    ("secretsmanager", "GetSecretValue"): (_READ_SECRET,),
    ("secretsmanager", "BatchGetSecretValue"): (_READ_SECRET,),
    ("ssm", "PutParameter"): (
        KeyUse("parameter", (_ENCRYPT,), _of_parameter, "PARAMETER_ARN", lambda params: not _is_advanced(params)),
        KeyUse("parameter", (GENERATE, _ENCRYPT), _of_parameter, "PARAMETER_ARN", _is_advanced),
    ),
    ("ssm", "GetParameter"): (_READ_PARAMETER,),
    ("ssm", "GetParameters"): (_READ_PARAMETER,),
    ("ssm", "GetParameterHistory"): (_READ_PARAMETER._replace(keys=_of_history),),
    ("ssm", "GetParametersByPath"): (_READ_PARAMETER._replace(keys=_below),),
}
