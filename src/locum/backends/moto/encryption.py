"""The KMS keys that resources in moto are encrypted under, as attributes of their facts.

kms_key                     the key of the resource, as it was named: an id, an ARN, an alias
kms_key/VERSION             that of a version of an object
bucket_key                  `true` where an object is under the S3 Bucket Key of its bucket
kms_key/upload/ID, bucket_key/upload/ID     those of an upload that is not completed
default_kms_key, default_bucket_key     what the bucket has for new objects
versions                    the ids of the versions of a secret
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

_KMS: Final = "aws:kms"
UPLOAD_BUCKET_KEY: Final = "locum_bucket_key"
"""The attribute of an upload in moto for whether its request asked for the S3 Bucket Key (None: it did not say)."""


def of_secret(secret: Any) -> dict[str, str]:
    """The key of a secret, and which versions it has."""
    return {**of(secret), "versions": " ".join(map(str, secret.versions))}


def of(resource: Any) -> dict[str, str]:
    """The key of a queue, topic or secret."""
    key = getattr(resource, "kms_master_key_id", None) or getattr(resource, "kms_key_id", None)
    return {"kms_key": str(key)} if key else {}


def of_object(bucket: Any, name: str, versions: Sequence[Any], parts: Collection[str]) -> Mapping[str, str]:
    """The keys of an object, of new ones, and of those of its versions and uploads whose ids are in `parts`.

    `versions` are these versions and the current one, which is the last.
    """
    found = _default(bucket.encryption) if bucket.encryption else {}
    for part in parts:
        upload = bucket.multiparts.get(part)
        if upload is not None and upload.key_name == name:
            found |= _of_upload(upload, found)
    for version in versions:
        key = _of_version(version)
        if key and version.version_id in parts:
            found[f"kms_key/{version.version_id}"] = key
        if key and version is versions[-1]:
            found["kms_key"] = key
            found["bucket_key"] = _truth(version.bucket_key_enabled)
    return found


def _of_version(version: Any) -> str:
    """The key of a version of an object; empty for a delete marker and for what is not under a KMS key."""
    algorithm = getattr(version, "encryption", None) or ""
    return str(version.kms_key_id or "") if str(algorithm).startswith(_KMS) else ""


def _of_upload(upload: Any, default: Mapping[str, str]) -> dict[str, str]:
    """The key of an upload: its own, or the default of the bucket where that applies."""
    algorithm = str(upload.sse_encryption or _KMS)
    key = (upload.kms_key_id or default.get("default_kms_key")) if algorithm.startswith(_KMS) else None
    if not key:
        return {}
    asked = getattr(upload, UPLOAD_BUCKET_KEY, None)
    of_bucket = default.get("default_bucket_key") if asked is None else asked
    return {f"kms_key/upload/{upload.id}": str(key), f"bucket_key/upload/{upload.id}": _truth(of_bucket)}


def _default(configuration: Any) -> dict[str, str]:
    """The default of a bucket, of whose configuration moto checks nothing."""
    rule = configuration.get("Rule") if isinstance(configuration, Mapping) else None
    applied = rule.get("ApplyServerSideEncryptionByDefault") if isinstance(rule, Mapping) else None
    if not isinstance(rule, Mapping) or not isinstance(applied, Mapping):
        return {}
    key = applied.get("KMSMasterKeyID")
    if not key or not str(applied.get("SSEAlgorithm", "")).startswith(_KMS):
        return {}
    return {"default_kms_key": str(key), "default_bucket_key": _truth(rule.get("BucketKeyEnabled"))}


def _truth(value: Any) -> str:
    return "true" if str(value).lower() == "true" else "false"


def of_parameter(parameters: Mapping[str, list[Any]], resource: str) -> dict[str, str]:
    """The keys of a parameter and of those below it; `resource` is that of its ARN, `parameter/NAME`."""
    name = resource.removeprefix("parameter/")
    keys = [_of_secure(version) for version in parameters.get(name) or parameters.get(f"/{name}") or ()]
    path = f"/{name}/" if name else ""  # names without a slash are at the root
    below = [
        (key, each)
        for each, versions in parameters.items()
        if each.startswith(path) and versions and (key := _of_secure(versions[-1]))
    ]
    found = {
        "kms_key": keys[-1] if keys else "",
        "kms_keys": json.dumps(list(dict.fromkeys(filter(None, keys)))),
        "kms_keys_below": json.dumps(below),
    }
    return {attribute: value for attribute, value in found.items() if value}


def _of_secure(version: Any) -> str:
    """The key of a version of a parameter; empty where it is no SecureString."""
    return str(version.keyid or "") if version.parameter_type == "SecureString" else ""
