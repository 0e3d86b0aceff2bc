"""Redaction of parameters and answers for audit records.

CloudTrail's format
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
`requestParameters` and `responseElements`): members begin with a lower-case letter, secrets are replaced, blobs are
omitted. Timestamps are ISO 8601. The result can be encoded as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locum.wire.serializers.text import iso8601, special_float

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"

Redactor = Callable[[Mapping[str, Any]], dict[str, Any]]
_Convert = Callable[[Any], Any]

# Members that are secret in any shape, whether the model marks them `sensitive` or not. Lower-case.
_SECRET_MEMBERS = frozenset(
    {
        "authenticationcode1",
        "authenticationcode2",
        "contextassertion",
        "newpassword",
        "oldpassword",
        "password",
        "plaintext",
        "privatekey",
        "samlassertion",
        "secretaccesskey",
        "secretbinary",
        "secretstring",
        "sessiontoken",
        "tokencode",
        "userdata",
        "webidentitytoken",
    }
)

# Members for public material, in which users send a private key by mistake. Lower-case.
_PUBLIC_MATERIAL = frozenset({"certificatebody", "certificatechain", "sshpublickeybody"})
_PRIVATE_KEY = "PRIVATE KEY-----"

# Members that are secret in one service: the content of messages.
# https://docs.aws.amazon.com/sns/latest/dg/logging-using-cloudtrail.html
_SECRET_IN = {"sns": frozenset({"message"}), "sqs": frozenset({"messagebody"})}

# Keys of attributes, environment variables and other maps with secret values: PlatformCredential of SNS.
_SECRET_KEY = re.compile(r"password|passwd|secret|credential|private_?key|api_?key|token", re.IGNORECASE)

# CloudTrail's names of members where they differ from the model's:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
_RENAMED = {"s3": {"Bucket": "bucketName"}}


def compile_redactor(model: OperationModel) -> Redactor:
    """Compile the function that converts an operation's parameters to `requestParameters`.

    Members that the input shape does not have are omitted, as they might be secret.
    """
    service = model.service_model.service_name
    return _compile(model.input_shape, service, _SECRET_IN.get(service, frozenset()))


def recorded_name(service: str, member: str) -> str:
    """CloudTrail's name of a member of an input shape of `service`; `service` is empty for every other structure."""
    return _RENAMED.get(service, {}).get(member, member[:1].lower() + member[1:])


def compile_answer_redactor(model: OperationModel) -> Redactor:
    """Compile the function that converts an operation's answer to `responseElements`."""
    return _compile(model.output_shape, "", frozenset())


def _compile(shape: StructureShape | None, service: str, secret: frozenset[str]) -> Redactor:
    return _Compiler(secret).structure(shape, service) if shape is not None else _redactor({})


class _Compiler:
    """Compiles the shapes of one operation. A structure is registered before its members, as it may be recursive."""

    def __init__(self, secret: frozenset[str]) -> None:
        self._secret = secret
        self._structures: dict[str, Redactor] = {}

    def structure(self, shape: StructureShape, service: str = "") -> Redactor:
        known = self._structures.get(shape.name)
        if known is None:
            members: dict[str, tuple[str, _Convert | None]] = {}
            known = self._structures[shape.name] = _redactor(members)
            for name, member in shape.members.items():
                if member.type_name == "blob" and not _is_secret(name, member):
                    continue
                if member.serialization.get("eventstream"):
                    continue
                members[name] = (recorded_name(service, name), self._member(name, member))
        return known

    def _member(self, name: str, shape: Shape) -> _Convert | None:
        if _is_secret(name, shape) or name.lower() in self._secret:
            return _hide
        return _hide_private_key if name.lower() in _PUBLIC_MATERIAL else self._value(shape)

    def _value(self, shape: Shape) -> _Convert | None:
        """The conversion of values of a shape; None for identity."""
        kind = shape.type_name
        if shape.metadata.get("sensitive"):
            return _hide
        if kind == "structure":
            return None if shape.metadata.get("document") else self.structure(shape)
        if kind == "list":
            return _items(self._value(shape.member))
        if kind == "map":
            return _hide if shape.key.metadata.get("sensitive") else _entries(self._value(shape.value))
        return _SCALARS.get(kind)


def _is_secret(name: str, shape: Shape) -> bool:
    return bool(shape.metadata.get("sensitive")) or name.lower() in _SECRET_MEMBERS


def _hide(_value: Any) -> str:
    return HIDDEN


def _hide_private_key(value: Any) -> Any:
    return HIDDEN if isinstance(value, str) and _PRIVATE_KEY in value else value


def _leave_out(_value: Any) -> None:
    return None


def _number(value: float) -> float | str:
    return special_float(value) or value


_SCALARS: dict[str, _Convert] = {"timestamp": iso8601, "blob": _leave_out, "float": _number, "double": _number}


def _redactor(members: Mapping[str, tuple[str, _Convert | None]]) -> Redactor:
    def redact(values: Mapping[str, Any]) -> dict[str, Any]:
        record = {}
        for name, value in values.items():
            if value is not None and name in members:
                key, convert = members[name]
                record[key] = value if convert is None else convert(value)
        return record

    return redact


def _items(item: _Convert | None) -> _Convert:
    if item is None:
        return list
    if item is _leave_out:
        return lambda _values: []
    return lambda values: [item(value) for value in values]


def _entries(value: _Convert | None) -> _Convert:
    return lambda entries: {
        key: HIDDEN if _SECRET_KEY.search(key) else entry if value is None else value(entry)
        for key, entry in entries.items()
    }
