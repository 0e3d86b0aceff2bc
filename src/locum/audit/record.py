"""The audit record of one call, allowed or denied.

A record is written once and rarely read, so it is stored as a JSON array (msgspec's `array_like`): a third
smaller than an object, and encoded in a few microseconds. FIELDS MAY ONLY BE ADDED AT THE END, with a
default: old records are read by position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from locum.audit.identity import Identity
from locum.core.principal import PrincipalKind
from locum.store.journal import AuditRow, Use


class Resource(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A resource of a call. `type` is CloudFormation's name (`AWS::IAM::Role`)."""

    type: str
    name: str
    arn: str = ""
    account: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The record of one call.

    `at` is the time of the answer in epoch seconds, `account` the one whose event history has the record. `parameters`,
    `answer`, `explanation` and `extra` (CloudTrail's additionalEventData) are JSON values, or JSON as `msgspec.Raw`,
    without secrets. `answer` is only recorded for mutating calls. `verdict` is `allow`, `explicit-deny`,
    `implicit-deny`, or empty without a decision; `determining` has the determining statements, `denial` the message of
    a denial (which the client does not get in the mode `observe`). `management` is false for data events, which are not
    in CloudTrail's event history. `tls` is protocol version and cipher suite. `invoked_by` is the service that made the
    call.

    Further input of the decision is recorded so that it can be repeated (`calls.replay`): `protocol`, `referer`,
    `presigned`, `second_factor` and, for calls of services, `via` (the services that call with the permissions of their
    caller) and `source_*` (the resource on whose behalf). `effect` is the id of the committed effect that the call
    carries out, `cause` the request id of the call that caused it. `signing` are the fields of
    `core.calls.Signing`, None where they are its defaults. `endpoint` is the VPC endpoint that it came through: id, VPC
    and account. `injected` tells of the fault on request that refused the call.
    """

    event_id: str
    request_id: str
    at: float
    account: str
    region: str
    event_source: str
    service: str
    operation: str
    identity: Identity
    read_only: bool = False
    management: bool = True
    source_ip: str = ""
    user_agent: str = ""
    secure: bool = False
    status: int = 200
    parameters: Any = None
    answer: Any = None
    error_code: str = ""
    error_message: str = ""
    resources: tuple[Resource, ...] = ()
    invoked_by: str = ""
    verdict: str = ""
    determining: tuple[str, ...] = ()
    denial: str = ""
    explanation: Any = None
    mode: str = "enforce"
    shared_event_id: str = ""
    extra: Any = None
    event_type: str = "AwsApiCall"
    host: str = ""
    tls: tuple[str, str] = ("", "")
    protocol: str = ""
    referer: str = ""
    presigned: bool = False
    second_factor: bool = False
    via: tuple[str, ...] = ()
    source_account: str = ""
    source_arn: str = ""
    effect: str = ""
    cause: str = ""
    signing: tuple[str, str, int | None, str] | None = None
    endpoint: tuple[str, str, str] = ("", "", "")
    injected: str = ""

    @property
    def denied(self) -> bool:
        """Whether the policies deny the call, in either mode."""
        return self.verdict in DENIALS

    @property
    def stranger(self) -> bool:
        """Whether nobody was authenticated."""
        return self.identity.kind == PrincipalKind.ANONYMOUS

    def row(self, use: Use | None = None) -> AuditRow:
        """The row of the record for the store; `use` is the last-used information of the call."""
        identity = self.identity
        return AuditRow(
            self.at,
            self.account,
            self.event_id,
            self.request_id,
            self.operation,
            self.event_source,
            identity.username,
            identity.access_key_id,
            identity.principal_arn,
            self.read_only,
            self.verdict in DENIALS,
            self.management,
            tuple((r.type, r.name) for r in self.resources) if self.resources else (),
            encode(self),
            use,
            self.stranger,
        )


DENIALS: Final = frozenset({"explicit-deny", "implicit-deny"})

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode

_decoder: Final = msgspec.json.Decoder(Record)


def encode(value: Any) -> bytes:
    """Encode a record, or one of its fields, as JSON.

    Lone surrogates, which JSON (a policy document, an error of a backend) can express but UTF-8 cannot encode, become
    question marks, so that any call can be recorded.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_encodable(value))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    if isinstance(value, Mapping):
        return {_encodable(name): _encodable(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    return value


def decode(data: bytes) -> Record:
    """Decode a record that `Record.row` encoded. Raises msgspec.MsgspecError for other data."""
    return _decoder.decode(data)


def readable(record: Record) -> dict[str, Any]:
    """The fields of `record` by name, as JSON values, for display."""
    fields = msgspec.structs.asdict(record)
    fields["identity"] = msgspec.structs.asdict(record.identity)
    fields["resources"] = [msgspec.structs.asdict(resource) for resource in record.resources]
    plain: dict[str, Any] = msgspec.to_builtins(fields)
    return plain
