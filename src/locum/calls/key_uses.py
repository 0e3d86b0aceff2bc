"""The use of a customer managed KMS key by a service, in the name of who calls the service.

An object, a queue, a topic, a secret or a parameter is encrypted under a key: S3 asks KMS for a data key with the
permissions of whoever puts the object, and has it decrypted with those of whoever gets it. IAM User Guide, "Forward
access sessions"; AWS KMS Developer Guide, "kms:ViaService". The caller needs these permissions, by the policy of the
key and its own policies.

AWS managed keys (`alias/aws/s3`) may be used by everybody of the account through their service.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from locum.authz.services.s3 import s3_source
from locum.calls.request_context import RequestContext
from locum.calls.used_keys import GENERATE, KEY_USES, S3, KeyUse, Members, of_new_object, of_upload
from locum.core.actors import on_behalf_of
from locum.core.arn import PARTITION, Arn
from locum.core.calls import BY_HEADER, ServiceCall
from locum.core.errors import Fault
from locum.core.principal import PrincipalKind
from locum.core.resources import ResourceFacts

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


def key_uses(context: RequestContext, facts: Mapping[str, ResourceFacts]) -> Iterable[ServiceCall]:
    """The calls of KMS that the called service makes in its caller's name, each of which the caller must be allowed."""
    codec = context.codec
    assert codec is not None
    rows = KEY_USES.get((codec.service, codec.operation))
    return () if rows is None else _calls(context, rows, facts)


def named_parts(context: RequestContext) -> tuple[str, ...]:
    """The ids of the versions and uploads of S3 objects that a call names, which may be under keys of their own."""
    params = context.params
    if context.codec is None or context.codec.service != "s3" or _PARTS.isdisjoint(params):
        return ()
    if "Delete" in params:
        listed = (params["Delete"] or {}).get("Objects") or ()
        return tuple([str(item["VersionId"]) for item in listed if item.get("VersionId")])
    source = s3_source(str(params["CopySource"]))[2] if "CopySource" in params else ""
    return tuple([str(part) for part in (params.get("VersionId"), params.get("UploadId"), source) if part])


def _calls(
    context: RequestContext, rows: tuple[KeyUse, ...], facts: Mapping[str, ResourceFacts]
) -> Iterator[ServiceCall]:
    assert context.codec is not None
    assert context.plan is not None
    for row in rows:
        of_kind = dict.fromkeys(check.resource for check in context.plan.checks if check.kind == row.kind)
        for resource in of_kind if row.only(context.params) else ():
            of_resource = facts.get(resource, _UNKNOWN)
            for key, name, region in row.keys(context.params, of_resource):
                if key and row.context == S3:
                    _require_signature(context)
                if not key or key.rpartition(":")[2].startswith("alias/aws/"):
                    continue
                actor = on_behalf_of(context.caller, f"{context.codec.service}.amazonaws.com")
                arn = _below(resource, name) if name else of_resource.arn or resource
                params: dict[str, Any] = {
                    "KeyId": _qualified(key, context, of_resource, resource, region),
                    "EncryptionContext": _encryption_context(row, context.params, of_resource, str(arn)),
                }
                for operation in row.operations:
                    more = {"KeySpec": "AES_256"} if operation == GENERATE else {}
                    yield ServiceCall(actor, "kms", operation, {**params, **more}, region or context.region)


def _below(resource: str, parameter: str) -> str:
    """The ARN of a parameter, whose name may lack the first slash, in the account and region of the path `resource`."""
    return f"{resource.partition(':parameter')[0]}:parameter/{parameter.removeprefix('/')}"


_UNKNOWN: Final = ResourceFacts()
_PARTS: Final = frozenset({"VersionId", "UploadId", "CopySource", "Delete"})


def _require_signature(context: RequestContext) -> None:
    """Raise Fault InvalidArgument for what is under a KMS key where nobody in particular calls, or by an old signature.

    S3 User Guide, "Using server-side encryption with AWS KMS keys": "All GET and PUT requests for AWS KMS encrypted
    objects must be made using SSL or TLS. Requests must also be signed using valid credentials [...] (Signature
    Version 4)". TLS is not asked for.
    """
    if context.caller.principal.kind is PrincipalKind.ANONYMOUS or context.signing.algorithm != BY_HEADER.algorithm:
        raise Fault(
            "InvalidArgument",
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
            400,
        )


def _qualified(key: str, context: RequestContext, facts: ResourceFacts, resource: str, region: str) -> str:
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
    return f"arn:{PARTITION}:kms:{region or context.region}:{account or owner}:{kind}{key}"


def _encryption_context(row: KeyUse, params: Members, facts: ResourceFacts, arn: str) -> dict[str, str]:
    """The encryption context: the ARN of the resource, or of its bucket where that has a key of its own.

    S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys": "the encryption context will be your
    bucket ARN instead of the ARN of your object".
    """
    if row.context != S3:
        version = params.get("VersionId") or params.get("ClientRequestToken")
        return {row.context: arn, **({"SecretVersionId": version} if row.kind == "Secret" and version else {})}
    writing = row.keys is of_new_object
    of_bucket = params.get("BucketKeyEnabled") if writing else None
    if of_bucket is None:
        kept = f"bucket_key/upload/{params.get('UploadId')}" if row.keys is of_upload else "bucket_key"
        of_bucket = facts.attributes.get("default_bucket_key" if writing else kept) == "true"
    return {**_given(params if writing else {}), S3: arn.partition("/")[0] if of_bucket else arn}


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
