"""Decisions made again: a recorded call, on any state.

A record keeps who called, with which session policies and tags, and the request context: so the call can be planned
and decided once more, on the state as it is or as it would be with other policies. What the record hides (a message, a
password) is absent then; no condition key is read from such a member.
"""

from __future__ import annotations

from dataclasses import replace

from locum import authz, wire
from locum.audit import Record, caller_of
from locum.authz import Authorization
from locum.core.calls import BY_HEADER, Call, Signing
from locum.core.principal import Source
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import State


def recorded_call(record: Record) -> Call | None:
    """The call that `record` tells of; None where it was refused before it was known what it calls."""
    codec = wire.codec_of(record.service, record.operation)
    if codec is None:
        return None
    source = Source(record.source_account, record.source_arn) if record.source_account or record.source_arn else None
    return Call(
        record.service,
        record.operation,
        wire.restored(codec.model, record.parameters),
        replace(caller_of(record.identity), source=source, via=record.via),
        record.region,
        record.at,
        "" if record.invoked_by else record.source_ip,
        record.secure,
        record.user_agent,
        record.referer,
        _signing(record),
        record.request_id,
        record.protocol,
        record.second_factor,
    )


def _signing(record: Record) -> Signing:
    """How a recorded call was signed; older records only tell a presigned one of Signature Version 4."""
    if record.signing is not None:
        return Signing(*record.signing)
    return Signing("REST-QUERY-STRING") if record.presigned else BY_HEADER


def decided_again(record: Record, state: State, facts: dict[str, ResourceFacts]) -> Authorization | None:
    """The decision on a recorded call on `state`, with `facts` of the resources by ARN; None as `recorded_call`."""
    call = recorded_call(record)
    if call is None:
        return None
    return authz.decide(state, call, authz.plan(state, call), lambda arn: facts.get(arn, UNKNOWN))
