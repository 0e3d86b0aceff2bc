"""PutEvents with the source of an AWS service, which only that service may use: `aws.ec2`, `aws.s3`.

EventBridge API Reference, PutEventsResultEntry: such an entry gets a NotAuthorizedForSourceException in the answer; the
others are put.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from locum.backends.lazy import translation
from locum.calls.batches import restate
from locum.calls.request_context import RequestContext
from locum.calls.service_requests import whole
from locum.core.http import HttpResponse
from locum.core.principal import PrincipalKind
from locum.core.service_events import EVENTS, RESERVED

_REFUSED: Final = {
    "ErrorCode": "NotAuthorizedForSourceException",
    "ErrorMessage": "Not authorized for the source.",
}


def claims_a_service(context: RequestContext) -> bool:
    """Whether a call puts events that claim to be of an AWS service, and nobody of AWS makes it.

    EventBridge passes an event on to another bus as it came, also in the role of the target.
    """
    assert context.codec is not None
    if (context.codec.service, context.codec.operation) != ("events", "PutEvents"):
        return False
    own = context.caller.principal.kind is PrincipalKind.SERVICE or _is_passed_on(context)
    return not own and any(map(_reserved, context.params.get("Entries") or ()))


async def put_others(
    context: RequestContext, carry: Callable[[], Awaitable[HttpResponse]], answered: Callable[[], None]
) -> HttpResponse:
    """The answer to a call of which `carry` puts the other entries; `answered` records it where there are none."""
    codec, entries = context.codec, context.params["Entries"]
    assert codec is not None
    others = [entry for entry in entries if not _reserved(entry)]
    told: Sequence[Mapping[str, Any]] = ()
    if others:
        restate(context, {**context.params, "Entries": others})
        carried = await carry()
        if carried.status >= 300:
            return carried
        body = await whole(carried)
        read = translation().read_answer(codec.model, codec.protocol, carried.status, carried.headers, body)
        told = read.get("Entries", ())
    else:
        answered()
    put = iter(told)
    results = [_REFUSED if _reserved(entry) else next(put, {}) for entry in entries]
    failed = sum("ErrorCode" in result for result in results)
    return codec.serialize({"FailedEntryCount": failed, "Entries": results}, context.request_id)


def _is_passed_on(context: RequestContext) -> bool:
    """Whether EventBridge makes the call in a role, and not with the permissions of its own caller."""
    return context.service == EVENTS and not context.caller.via


def _reserved(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("Source", "")).lower().startswith(RESERVED)
