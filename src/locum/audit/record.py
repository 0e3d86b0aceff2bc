"""What is remembered of one call, allowed or denied.

A record is written once and seldom read, so it is stored as a JSON array (msgspec's `array_like`): a third
smaller than an object, and a few microseconds to make. FIELDS MAY ONLY BE ADDED AT THE END, with a
default: old records are read by position.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.audit.identity import Identity
from locum.store.journal import AuditRow, Use


class Resource(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A resource that a call was about. `type` is CloudFormation's name (`AWS::IAM::Role`)."""

    type: str
    name: str
    arn: str = ""
    account: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One call.

    `at` is when it was answered, in epoch seconds; `account` whose event history it belongs to.
    `parameters`, `answer`, `explanation` and `extra` (CloudTrail's additionalEventData) are JSON-able values,
    or JSON as `msgspec.Raw`; secrets were taken out of them before. `answer` is only kept of mutating calls.
    `verdict` is `allow`, `explicit-deny`, `implicit-deny`, or empty where it did not come to a decision;
    `determining` names the statements that decided, `denial` is the message of a denial (which in the mode
    `observe` the client did not see). `management` is false for data events, which CloudTrail's event
    history does not hold. `tls` is protocol version and cipher suite. `invoked_by` is the service that made the call.

    What it takes to decide on the call again is kept as well (`calls.replay`): `protocol`, `referer`, `presigned`,
    `second_factor` and, of a service's call, `via` (with whose caller's permissions, by which services) and `source_*`
    (for which resource). `effect` is the id of the committed effect that the call carries out, `cause` the request id
    of the call that caused it.
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

    @property
    def denied(self) -> bool:
        """Whether the policies deny the call, in either mode."""
        return self.verdict in DENIALS

    def row(self, use: Use | None = None) -> AuditRow:
        """The record as the store takes it; `use` is what the call is a use of."""
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
        )


DENIALS: Final = frozenset({"explicit-deny", "implicit-deny"})

encode: Final = msgspec.json.Encoder(enc_hook=str).encode
"""A record, or one of its fields, as JSON."""

_decoder: Final = msgspec.json.Decoder(Record)


def decode(data: bytes) -> Record:
    """The record that `Record.row` encoded. Raises msgspec.MsgspecError where it is none."""
    return _decoder.decode(data)


def readable(record: Record) -> dict[str, Any]:
    """`record` with its fields by name, as JSON-able values: for whoever shows it to a person."""
    fields = msgspec.structs.asdict(record)
    fields["identity"] = msgspec.structs.asdict(record.identity)
    fields["resources"] = [msgspec.structs.asdict(resource) for resource in record.resources]
    plain: dict[str, Any] = msgspec.to_builtins(fields)
    return plain
