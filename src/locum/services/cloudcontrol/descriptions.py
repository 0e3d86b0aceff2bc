"""Resources as they are, and requests: what the Cloud Control API tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.asking import Asking, asking
from locum.services.cloudcontrol import models
from locum.services.cloudcontrol.handlers import NOT_FOUND, handler, listed, listed_by, read
from locum.services.cloudcontrol.lookup import existing, progress
from locum.services.cloudformation.asked import Asked
from locum.services.cloudformation.identifiers import Identified, identified, identifier_of, identifier_paths, is_told
from locum.services.cloudformation.providers.base import Provider
from locum.services.pagination import Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, asks, reads
from locum.state import ResourceRequest

_LATEST: Final = 1e11
"""A time after all others (epoch seconds): the latest requests are the first ones."""


def _bad_token() -> Fault:
    return models.invalid("The value for NextToken is not valid.")


_RESOURCES: Final = Pagination("MaxResults", "NextToken", "NextToken", 100, _bad_token)
"""[U] How many resources a page has is for the handlers of AWS."""
_REQUESTS: Final = Pagination("MaxResults", "NextToken", "NextToken", 20, _bad_token)
"""API Reference, ListResourceRequests: "The default is 20"."""


def get_resource(ctx: Context, params: Params) -> Asking:
    """cloudcontrol:GetResource."""
    kind = params["TypeName"]
    provider, it = handler(kind, "READ", params), identified(kind, params["Identifier"])
    found = yield from read(ctx, params, provider, it)
    shown = {"Identifier": it.identifier, "Properties": models.text_of(models.shown(kind, found, it))}
    return Outcome({"TypeName": kind, "ResourceDescription": shown})


def list_resources(ctx: Context, params: Params) -> Asking:
    """cloudcontrol:ListResources. Of each resource it shows the properties that identify it."""
    kind = params["TypeName"]
    provider = handler(kind, "LIST", params)
    model = models.model_in(params["ResourceModel"], "ResourceModel") if "ResourceModel" in params else {}
    missing = [name for name in listed_by(kind) if name not in model]
    if missing:
        problems = "\n".join(f"#: required key [{name}] not found" for name in missing)
        raise Fault(
            "InvalidRequestException",
            f"Missing or invalid ResourceModel property in {kind} list handler request input.Required property: "
            f" ({problems})",
        )
    found = yield from listed(ctx, params, provider, model)
    page = _RESOURCES.page(params, set(found), str)
    described: list[dict[str, str]] = []
    for physical in page.items:
        try:
            described += [(yield from _described(ctx, params, provider, physical, model))]
        except Fault as fault:
            if fault.code != NOT_FOUND:  # it is gone since it was listed
                raise
    return Outcome({"TypeName": kind, "ResourceDescriptions": described, **page.rest})


def _described(
    ctx: Context, params: Params, provider: Provider, physical: str, model: Mapping[str, Any]
) -> Asked[dict[str, str]]:
    """The description of a resource in a list. It is read where its physical id does not tell what it is."""
    kind = params["TypeName"]
    paths = identifier_paths(kind)
    if is_told(kind, model):
        identifier = identifier_of(kind, physical, model)
    elif provider.read is None:
        raise Fault("UnsupportedActionException", f"Resource type {kind} does not support LIST action")
    else:
        found = yield from read(ctx, params, provider, Identified(physical, physical, dict(model)))
        identifier = identifier_of(kind, physical, {**model, **found.properties}, found.attributes)
    values = [identifier] if len(paths) < 2 else identifier.split("|")
    own = {".".join(path): value for path, value in zip(paths, values, strict=False)}
    return {"Identifier": identifier, "Properties": models.text_of(own)}


def get_resource_request_status(ctx: Context, params: Params) -> Outcome:
    """cloudcontrol:GetResourceRequestStatus."""
    return Outcome({"ProgressEvent": progress(ctx, existing(ctx, params["RequestToken"]), with_model=True)})


def _under_way(ctx: Context, params: Params) -> float | None:
    """The time at which a request came whose operation is under way (epoch seconds)."""
    it = existing(ctx, params["RequestToken"])
    return it.at if it.under_way else None


def list_resource_requests(ctx: Context, params: Params) -> Outcome:
    """cloudcontrol:ListResourceRequests, the latest first."""
    wanted = params.get("ResourceRequestStatusFilter", {})
    operations, statuses = wanted.get("Operations"), wanted.get("OperationStatuses")
    found = [
        it
        for it in ctx.state.table(ResourceRequest, ctx.account).values()
        if it.region == ctx.region
        and (it.under_way or ctx.now < it.expires)
        and (not operations or it.operation in operations)
        and (not statuses or it.status in statuses)
    ]
    page = _REQUESTS.page(params, found, lambda it: f"{_LATEST - it.at:018.6f}/{it.id}")
    return page.outcome("ResourceRequestStatusSummaries", lambda it: progress(ctx, it))


OPERATIONS: Final[dict[str, Operation]] = {
    "GetResource": asks(asking(get_resource))._replace(computes=True),
    "GetResourceRequestStatus": reads(get_resource_request_status)._replace(computes=True, pending=_under_way),
    "ListResourceRequests": reads(list_resource_requests),
    "ListResources": asks(asking(list_resources))._replace(computes=True),
}
