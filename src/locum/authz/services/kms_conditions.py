"""The condition keys of AWS KMS, from the request, from the key that it uses, and from who makes it.

AWS KMS Developer Guide, "AWS KMS condition keys". Those that are a member of the input and nothing else are in
`kms.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from locum.authz.call import Call, Check, Value
from locum.authz.functions import Circumstances, Reader, TagReader
from locum.authz.paths import scalar
from locum.core.clock import iso8601

ALIASES: Final = "aliases"
"""The attribute in the facts of a key for the names of its aliases, with spaces between them."""

_CONTEXT_OF: Final = {"source": "SourceEncryptionContext", "destination": "DestinationEncryptionContext"}
_ALGORITHM_OF: Final = {"source": "SourceEncryptionAlgorithm", "destination": "DestinationEncryptionAlgorithm"}
_KEY_OF: Final = {"source": "SourceKeyId", "destination": "DestinationKeyId"}
_ENCRYPTING: Final = frozenset(
    {
        *("Decrypt", "Encrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
        *("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"),
    }
)
_OF_GRANTS: Final = frozenset({"CreateGrant", "ListGrants", "RevokeGrant"})


def _is_kms(subject: Circumstances) -> bool:
    return subject.call.service == "kms"


def _side(call: Call, check: Check) -> str:
    """The key that a check of ReEncrypt is about: `source` or `destination`; empty for other operations."""
    if call.operation != "ReEncrypt":
        return ""
    return "destination" if check.kind == "destination" else "source"


def encryption_context(call: Call, check: Check) -> Mapping[str, str]:
    """The encryption context of a call of KMS, for the key that `check` is on."""
    return call.params.get(_CONTEXT_OF.get(_side(call, check), "EncryptionContext")) or {}


def _member(member: str, default: str, *operations: str) -> Reader:
    """The reader of a member of the input of `operations`, with the default that KMS has for it.

    "This type of condition works even when the parameter doesn't appear in the request, such as when you use the
    parameter's default value."
    """

    def read(subject: Circumstances) -> Value | None:
        call = subject.call
        if not _is_kms(subject) or call.operation not in operations:
            return None
        value = call.params.get(member)
        return default or None if value is None else scalar(value)

    return read


def _property(attribute: str, member: str, default: str) -> Reader:
    """The reader of a property of the key: for CreateKey that of the key to be made, else that of the key used."""
    of_new_key = _member(member, default, "CreateKey")

    def read(subject: Circumstances) -> Value | None:
        if _is_kms(subject) and subject.call.operation == "CreateKey":
            return of_new_key(subject)
        return subject.facts.attributes.get(attribute) if _is_kms(subject) else None

    return read


def _multi_region_kind(subject: Circumstances) -> Value | None:
    """kms:MultiRegionKeyType: PRIMARY or REPLICA, of multi-Region keys alone."""
    if _is_kms(subject) and subject.call.operation == "CreateKey":
        return "PRIMARY" if subject.call.params.get("MultiRegion") else None
    return subject.facts.attributes.get("multi_region_key_type") if _is_kms(subject) else None


def _caller_account(subject: Circumstances) -> Value | None:
    return subject.call.caller.account or None if _is_kms(subject) else None


def _via_service(subject: Circumstances) -> Value | None:
    """kms:ViaService: the service that makes the call for a principal, as `s3.us-east-1.amazonaws.com`."""
    call = subject.call
    if not _is_kms(subject) or not call.caller.via:
        return None
    service, _, domain = call.caller.via[-1].partition(".")
    return f"{service}.{call.region}.{domain}"


def _encryption_context(subject: Circumstances) -> Mapping[str, str]:
    """kms:EncryptionContext:KEY: of CreateGrant, the context that the grant is limited to."""
    if not _is_kms(subject):
        return {}
    params = subject.call.params
    if subject.call.operation == "CreateGrant":
        constraints: Mapping[str, Any] = params.get("Constraints") or {}
        return {key: value for pairs in constraints.values() for key, value in (pairs or {}).items()}
    return encryption_context(subject.call, subject.check)


def _context_keys(subject: Circumstances) -> Value | None:
    return tuple(_encryption_context(subject)) or None


def _algorithm(subject: Circumstances) -> Value | None:
    if not _is_kms(subject) or subject.call.operation not in _ENCRYPTING:
        return None
    member = _ALGORITHM_OF.get(_side(subject.call, subject.check), "EncryptionAlgorithm")
    return str(subject.call.params.get(member) or "SYMMETRIC_DEFAULT")


def _constraint(subject: Circumstances) -> Value | None:
    """kms:GrantConstraintType: `EncryptionContextEquals` or `EncryptionContextSubset`."""
    if not _is_kms(subject) or subject.call.operation != "CreateGrant":
        return None
    return next((kind for kind, pairs in (subject.call.params.get("Constraints") or {}).items() if pairs), None)


def _for_aws_resource(subject: Circumstances) -> Value | None:
    """kms:GrantIsForAWSResource: whether a service of AWS makes the call for its caller."""
    if not _is_kms(subject) or subject.call.operation not in _OF_GRANTS:
        return None
    return scalar(bool(subject.call.caller.via))


def _alias_in(key: str) -> str:
    """The name of the alias in a key identifier, as `alias/app`; empty where it is none."""
    name = key.rpartition(":")[2]
    return name if name.startswith("alias/") else ""


def _request_alias(subject: Circumstances) -> Value | None:
    """kms:RequestAlias: the alias by which the request names the key; absent where it names the key otherwise."""
    if not _is_kms(subject):
        return None
    return _alias_in(str(subject.call.params.get(_KEY_OF.get(_side(subject.call, subject.check), "KeyId"), ""))) or None


def _resource_aliases(subject: Circumstances) -> Value | None:
    """kms:ResourceAliases: all aliases of the key, whichever way the request names it."""
    return tuple(subject.facts.attributes.get(ALIASES, "").split()) or None if _is_kms(subject) else None


def _same_key(subject: Circumstances) -> Value | None:
    """kms:ReEncryptOnSameKey: whether the data is encrypted anew under the key that it was encrypted under.

    The check of one side knows its key; the other side is compared by id, ARN or alias.
    """
    if not _is_kms(subject) or not (side := _side(subject.call, subject.check)):
        return None
    params, own = subject.call.params, subject.check.resource
    other = str(params.get(_KEY_OF["source" if side == "destination" else "destination"], ""))
    if side == "destination":
        blob = params.get("CiphertextBlob", b"")
        if isinstance(blob, bytes) and blob.startswith(own.rpartition("/")[2].encode()):
            return "true"
    if alias := _alias_in(other):
        return scalar(alias in subject.facts.attributes.get(ALIASES, "").split())
    return scalar(bool(other) and other.rpartition("/")[2] == own.rpartition("/")[2])


def _valid_to(subject: Circumstances) -> Value | None:
    """kms:ValidTo: when imported key material expires."""
    value = subject.call.params.get("ValidTo") if _is_kms(subject) else None
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return iso8601(value) if isinstance(value, int | float) else value


_SPEC: Final = _property("key_spec", "KeySpec", "SYMMETRIC_DEFAULT")
_USAGE: Final = _property("key_usage", "KeyUsage", "ENCRYPT_DECRYPT")

CONDITIONS: Final[Mapping[str, Reader]] = {
    "kms:bypasspolicylockoutsafetycheck": _member(
        "BypassPolicyLockoutSafetyCheck", "false", "CreateKey", "PutKeyPolicy", "ReplicateKey"
    ),
    "kms:calleraccount": _caller_account,
    "kms:customermasterkeyspec": _SPEC,
    "kms:customermasterkeyusage": _USAGE,
    "kms:encryptionalgorithm": _algorithm,
    "kms:encryptioncontextkeys": _context_keys,
    "kms:expirationmodel": _member("ExpirationModel", "KEY_MATERIAL_EXPIRES", "ImportKeyMaterial"),
    "kms:grantconstrainttype": _constraint,
    "kms:grantisforawsresource": _for_aws_resource,
    "kms:keyorigin": _property("key_origin", "Origin", "AWS_KMS"),
    "kms:keyspec": _SPEC,
    "kms:keyusage": _USAGE,
    "kms:messagetype": _member("MessageType", "RAW", "Sign", "Verify"),
    "kms:multiregion": _property("multi_region", "MultiRegion", "false"),
    "kms:multiregionkeytype": _multi_region_kind,
    "kms:reencryptonsamekey": _same_key,
    "kms:requestalias": _request_alias,
    "kms:resourcealiases": _resource_aliases,
    "kms:rotationperiodindays": _member("RotationPeriodInDays", "365", "EnableKeyRotation"),
    "kms:schedulekeydeletionpendingwindowindays": _member("PendingWindowInDays", "30", "ScheduleKeyDeletion"),
    "kms:validto": _valid_to,
    "kms:viaservice": _via_service,
}
"""The condition keys, in lower case."""

FAMILIES: Final[Mapping[str, TagReader]] = {"kms:encryptioncontext:": _encryption_context}
"""The condition keys that end in a key of the encryption context, which is compared in any letter case."""
