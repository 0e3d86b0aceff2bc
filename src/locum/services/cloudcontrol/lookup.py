"""Finding requests in the state, and what is told of one: its ProgressEvent."""

from __future__ import annotations

from typing import Any

from locum.core.errors import Fault
from locum.services.cloudcontrol.models import readable, text_of
from locum.services.cloudformation.sealing import Seals
from locum.services.verbs import Context
from locum.state import ResourceRequest
from locum.state.autoscaling import regional


def existing(ctx: Context, token: str) -> ResourceRequest:
    """The request of the account with this token. Raises Fault RequestTokenNotFoundException."""
    found = ctx.state.get(ResourceRequest, ctx.account, regional(ctx.region, token))
    if found is None or (not found.under_way and found.expires <= ctx.now):
        raise Fault("RequestTokenNotFoundException", f"Request with token {token} was not found", 400)
    return found


def progress(ctx: Context, it: ResourceRequest, *, with_model: bool = False) -> dict[str, Any]:
    """The ProgressEvent of a request. The model is that of an update that is under way, as far as it is readable."""
    told: dict[str, Any] = {
        "TypeName": it.type,
        "RequestToken": it.id,
        "Operation": it.operation,
        "OperationStatus": it.status,
        "EventTime": it.at,
    }
    if with_model and it.operation == "UPDATE" and it.wanted:
        model = Seals(ctx.keyring, ctx.entropy).open(it.account, it.id, it.wanted)
        told["ResourceModel"] = text_of(readable(it.type, model))
    optional = {"Identifier": it.identifier, "StatusMessage": it.reason, "ErrorCode": it.error}
    return told | {member: value for member, value in optional.items() if value}
