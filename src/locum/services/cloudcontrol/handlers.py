"""Handlers of resource types: which there are, whose calls they make, and what they read, asked for by a verb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from locum.core.actors import Actor, ServiceRole, on_behalf_of
from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.core.principal import Caller, Source
from locum.services.cloudformation.asked import Asked, asked
from locum.services.cloudformation.handler_errors import handler_code, handler_message
from locum.services.cloudformation.identifiers import Identified
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Found, Provider, Resource
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.schemas import published, schema_of
from locum.services.cloudformation.templates import CLOUDFORMATION
from locum.services.verbs import Context, Params
from locum.state import ResourceRequest

T = TypeVar("T")

_SESSION: Final = "AWSCloudFormation"
_OF_STACKS: Final = "AWS::CloudFormation::"
"""Types whose providers need a stack around them."""

NOT_FOUND: Final = "ResourceNotFoundException"
_NAMES: Final = {"NotFound": NOT_FOUND, "InternalFailure": "HandlerInternalFailureException"}
"""Codes of handlers whose exception is not of their own name."""
_SERVER: Final = frozenset({"HandlerInternalFailureException", "ServiceInternalErrorException"})


def handler(kind: str, action: str, params: Params) -> Provider:
    """The provider of the type `kind` for `action`: CREATE, READ, UPDATE, DELETE or LIST.

    Raises Fault TypeNotFoundException, UnsupportedActionException.
    """
    schema = schema_of(kind)
    if schema is None or "TypeVersionId" in params:  # those of AWS have no versions
        raise Fault("TypeNotFoundException", f"The type '{kind}' cannot be found.")
    provider = PROVIDERS.get(kind)
    known = action.lower() in schema.permissions and not kind.startswith(_OF_STACKS)
    if provider is None or not known or not _has(provider, action):
        raise Fault("UnsupportedActionException", f"Resource type {kind} does not support {action} action")
    return provider


def _has(provider: Provider, action: str) -> bool:
    """Whether there is all that an action takes: nothing is changed or deleted of which nobody can tell what it is."""
    if action == "LIST":
        return provider.list is not None
    if action == "UPDATE" and provider.update is None:
        return False
    return action == "CREATE" or provider.read is not None


def _arn(region: str, account: str, request: str = "*") -> str:
    """The ARN of all resources of an account in a region, as denials have it, or of what a request is about."""
    return f"arn:{PARTITION}:cloudformation:{region}:{account}:resource/{request}"


def actor(region: str, caller: Caller, role: str) -> Actor:
    """Who makes the calls of a handler: the role that was passed, or the caller by way of CloudFormation.

    User Guide, "Specifying credentials for Cloud Control API": "the service role you specify is assumed by the
    CloudFormation service (cloudformation.amazonaws.com)".
    """
    if role:
        return ServiceRole(CLOUDFORMATION, role, _SESSION, Source(caller.account, _arn(region, caller.account)))
    return on_behalf_of(caller, CLOUDFORMATION)


def actor_of(it: ResourceRequest) -> Actor:
    """Who makes the calls of a request."""
    return actor(it.region, it.caller, it.role)


def resource(kind: str, region: str, account: str, request: str = "*", **more: Any) -> Resource:
    """A resource of type `kind` for its provider, that is in no stack: that of a request, by the token of that."""
    arn = _arn(region, account, request)
    given = {"logical": "", "properties": {}, "token": "", "stack_name": "", "stack_arn": arn, **more}
    return Resource(type=kind, region=region, account=account, **given)


def read(ctx: Context, params: Params, provider: Provider, it: Identified) -> Asked[Found]:
    """What the resource of a call is. Raises Fault with the code that a handler's one has in Cloud Control."""
    assert provider.read is not None
    kind = params["TypeName"]
    there = resource(kind, ctx.region, ctx.account, physical=it.physical, properties=it.properties)
    try:
        return (yield from _carried_out(ctx, params, provider.read(there)))
    except Fault as fault:
        raise handler_fault(ctx, kind, fault, it.identifier) from fault


def listed(ctx: Context, params: Params, provider: Provider, model: Mapping[str, Any]) -> Asked[list[str]]:
    """The physical ids of the resources of a call. Raises Fault like `read`."""
    assert provider.list is not None
    kind = params["TypeName"]
    try:
        of = resource(kind, ctx.region, ctx.account, properties=model)
        return (yield from _carried_out(ctx, params, provider.list(of)))
    except Fault as fault:
        raise handler_fault(ctx, kind, fault) from fault


def listed_by(kind: str) -> tuple[str, ...]:
    """The properties without which there is no list of the resources of a type.

    User Guide, "Resources that require additional information": the schema of the list handler names them.
    """
    found = (published(kind) or {}).get("handlers", {}).get("list", {})
    return tuple(found.get("handlerSchema", {}).get("required", ()))


def _carried_out(ctx: Context, params: Params, work: Steps[T]) -> Asked[T]:
    by = actor(ctx.region, ctx.caller, params.get("RoleArn", ""))
    return asked(by, ctx.region, work, ctx.settings.endpoint)


def handler_fault(ctx: Context, kind: str, fault: Fault, identifier: str = "") -> Fault:
    """The Fault of an operation whose handler failed."""
    code = handler_code(fault, kind)
    told = not_found(kind, identifier) if code == "NotFound" and identifier else handler_message(fault, kind)
    name = _NAMES.get(code, code if code.endswith("Exception") else f"{code}Exception")
    message = (
        f"{kind} Handler returned status FAILED: {told} "
        f"(HandlerErrorCode: {code}, RequestToken: {request_id(ctx.entropy)})"
    )
    return Fault(name, message, 500 if name in _SERVER else 400)


def not_found(kind: str, identifier: str) -> str:
    """What a handler tells of a resource that is not there."""
    return f"Resource of type '{kind}' with identifier '{identifier}' was not found."
