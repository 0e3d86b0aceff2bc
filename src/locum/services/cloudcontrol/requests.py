"""Requests to make, change and delete resources are taken and cancelled; `agents.resource_requests` does what they ask.

What is wrong with a request is told at once, as far as the schema of the type and the state of the resource tell it.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from locum.core.clock import DAY
from locum.core.errors import Fault
from locum.core.identifiers import request_id, unique_id
from locum.services.asking import Asking, asking
from locum.services.cloudcontrol import models
from locum.services.cloudcontrol.handlers import handler, read
from locum.services.cloudcontrol.lookup import existing, progress
from locum.services.cloudformation.identifiers import Identified, identified, identifier_paths
from locum.services.cloudformation.schemas import values_at
from locum.services.cloudformation.sealing import Seals
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, writes
from locum.state import ResourceRequest, put
from locum.state.autoscaling import regional
from locum.state.cloudcontrol import resource_key
from locum.state.indexes import REQUEST_OF_CLIENT, REQUEST_OF_RESOURCE, REQUESTS_UNDER_WAY, scoped

MOST_UNDER_WAY: Final = 1000
"""Requests of an account in a region that are under way. [U] AWS does not publish its limits."""
_TOKENS_LAST: Final = 1.5 * DAY
"""API Reference, CreateResource: "A client token is valid for 36 hours once used"."""
_CANCELLED: Final = "The request was canceled before it began."


def create_resource(ctx: Context, params: Params) -> Outcome:
    """cloudcontrol:CreateResource."""
    kind = params["TypeName"]
    handler(kind, "CREATE", params)
    model = models.model_in(params["DesiredState"], "DesiredState")
    models.check_new(kind, model)
    values = [values_at(model, path) for path in identifier_paths(kind)]
    named = "|".join(values) if values and all(isinstance(value, str) for value in values) else ""
    it = Identified(named, "", {})
    if (before := _same(ctx, params, "CREATE", it)) is not None:
        return _answer(ctx, before)
    return _taken(ctx, _sealed(ctx, _new(ctx, params, "CREATE", it), wanted=model))


def update_resource(ctx: Context, params: Params) -> Asking:
    """cloudcontrol:UpdateResource."""
    kind = params["TypeName"]
    provider, it = handler(kind, "UPDATE", params), identified(kind, params["Identifier"])
    if (before := _same(ctx, params, "UPDATE", it)) is not None:
        return _answer(ctx, before)
    _check_free(ctx, kind, it.identifier)
    found = yield from read(ctx, params, provider, it)
    now = models.shown(kind, found, it)
    wanted = models.patched(now, params["PatchDocument"])
    models.check_changes(kind, provider, now, wanted)
    made = _new(ctx, params, "UPDATE", it)
    states = {"wanted": models.settable(kind, wanted), "before": models.settable(kind, now)}
    return _taken(ctx, _sealed(ctx, made, **states, attributes=dict(found.attributes)))


def delete_resource(ctx: Context, params: Params) -> Outcome:
    """cloudcontrol:DeleteResource."""
    kind = params["TypeName"]
    handler(kind, "DELETE", params)
    it = identified(kind, params["Identifier"])
    if (before := _same(ctx, params, "DELETE", it)) is not None:
        return _answer(ctx, before)
    return _taken(ctx, _sealed(ctx, _new(ctx, params, "DELETE", it), before=dict(it.properties)))


def cancel_resource_request(ctx: Context, params: Params) -> Outcome:
    """cloudcontrol:CancelResourceRequest.

    What has begun is given up before its next call. Where a restart interrupted it, it goes on to its end: what it has
    made by then is not known otherwise.
    """
    it = existing(ctx, params["RequestToken"])
    if it.status.startswith("CANCEL_"):
        return _answer(ctx, it)
    if not it.under_way:
        raise models.invalid(
            f"Request with token {it.id} is in {it.status} state: only resource operations requests with a status of "
            "PENDING or IN_PROGRESS can be canceled."
        )
    changed = done(it, "CANCEL_COMPLETE", reason=_CANCELLED)
    if it.begun:
        changed = replace(it, status="CANCEL_IN_PROGRESS")
    return _answer(ctx, changed)._replace(events=(put(changed),))


def done(it: ResourceRequest, status: str, **more: Any) -> ResourceRequest:
    """A request that is done with, of which nothing is kept but what was given."""
    return replace(it, status=status, wanted=b"", before=b"", attributes=b"", **more)


def _answer(ctx: Context, it: ResourceRequest) -> Outcome:
    return Outcome({"ProgressEvent": progress(ctx, it, with_model=True)})


def _taken(ctx: Context, it: ResourceRequest) -> Outcome:
    """The outcome in which a request is under way. Raises Fault ConcurrentOperationException, ThrottlingException."""
    if it.identifier:
        _check_free(ctx, it.type, it.identifier)
    if ctx.state.count(REQUESTS_UNDER_WAY, scoped(ctx.account, ctx.region)) >= MOST_UNDER_WAY:
        raise Fault("ThrottlingException", "Rate exceeded", 400)
    return _answer(ctx, it)._replace(events=(put(it),))


def _check_free(ctx: Context, kind: str, identifier: str) -> None:
    """Check that no other request about a resource is under way. Raises Fault ConcurrentOperationException."""
    key = scoped(ctx.account, resource_key(ctx.region, kind, identifier))
    other = ctx.state.first(ResourceRequest, REQUEST_OF_RESOURCE, key)
    if other is not None:
        raise Fault(
            "ConcurrentOperationException",
            f"Another resource operation is currently being performed on this resource: RequestToken {other.id}",
            400,
        )


def _new(ctx: Context, params: Params, operation: str, it: Identified) -> ResourceRequest:
    made = ResourceRequest(
        account=ctx.account,
        region=ctx.region,
        id=request_id(ctx.entropy),
        type=params["TypeName"],
        operation=operation,
        status="IN_PROGRESS",
        at=ctx.now,
        caller=ctx.caller,
        seed=unique_id("", ctx.entropy) + unique_id("", ctx.entropy),
        cause=ctx.call_of("cloudcontrol", operation, params).request_id,
        identifier=it.identifier,
        physical=it.physical,
        role=params.get("RoleArn", ""),
        client_token=params.get("ClientToken", ""),
    )
    return _sealed(ctx, made, given=_digest(params, operation, it))


def _digest(params: Params, operation: str, it: Identified) -> str:
    """What makes a request another one."""
    document = params.get("DesiredState", params.get("PatchDocument", ""))
    told = params["TypeName"], operation, it.identifier, params.get("RoleArn", ""), document
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _sealed(ctx: Context, it: ResourceRequest, **values: Any) -> ResourceRequest:
    """A request with values that nobody else is to read."""
    seals = Seals(ctx.keyring, ctx.entropy)
    return replace(it, **{name: seals.seal(it.account, it.id, value) for name, value in values.items()})


def _same(ctx: Context, params: Params, operation: str, it: Identified) -> ResourceRequest | None:
    """The request that has the client token of a call already. Raises Fault where it is another one.

    User Guide, "Ensuring resource operation requests are unique when using Cloud Control API".
    """
    token = params.get("ClientToken")
    if token is None:
        return None
    key = scoped(ctx.account, regional(ctx.region, token))
    found = [other for other in ctx.state.find(REQUEST_OF_CLIENT, key) if isinstance(other, ResourceRequest)]
    before = next((other for other in found if ctx.now < other.at + _TOKENS_LAST), None)
    if before is None or _opened(ctx, before) == _digest(params, operation, it):
        return before
    raise Fault(
        "ClientTokenConflictException",
        f"ClientToken {token} is already associated with an existing operation with RequestToken {before.id}",
        400,
    )


def _opened(ctx: Context, it: ResourceRequest) -> Any:
    return Seals(ctx.keyring, ctx.entropy).open(it.account, it.id, it.given)


OPERATIONS: Final[dict[str, Operation]] = {
    "CancelResourceRequest": writes(cancel_resource_request),
    "CreateResource": writes(create_resource)._replace(rehearsed=True),
    "DeleteResource": writes(delete_resource)._replace(rehearsed=True),
    "UpdateResource": asks_and_writes(asking(update_resource))._replace(rehearsed=True),
}
