"""Operations on attached managed policies and permissions boundaries of users, groups and roles."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from locum.services.iam import managed, shapes
from locum.services.iam.faults import no_such_entity, not_attachable, quota_exceeded
from locum.services.iam.kinds import Bounded, Identity, Kind
from locum.services.iam.limits import ATTACHED_POLICIES
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put
from locum.state.service_linked_roles import PATH as SERVICE_LINKED

I = TypeVar("I", bound=Identity)  # noqa: E741 - an identity
B = TypeVar("B", bound=Bounded)


def operations(kind: Kind[I]) -> dict[str, Operation]:
    """Make Attach...Policy, Detach...Policy and ListAttached...Policies for one kind of identity."""

    def attach(context: Context, params: Params) -> Outcome:
        arn = params["PolicyArn"]
        managed.parsed(arn)
        entity = kind.to_change(context, params)
        _check_attachable(context, kind, arn)
        if arn in entity.attached:
            return Outcome({})
        if len(entity.attached) >= ATTACHED_POLICIES:
            raise quota_exceeded(f"PoliciesPer{kind.noun}", ATTACHED_POLICIES)
        return Outcome({}, (put(replace(entity, attached=(*entity.attached, arn))),))

    def detach(context: Context, params: Params) -> Outcome:
        arn = params["PolicyArn"]
        managed.parsed(arn)
        entity = kind.to_change(context, params)
        if arn not in entity.attached:
            raise no_such_entity(f"Policy {arn} was not found.")
        left = tuple(other for other in entity.attached if other != arn)
        return Outcome({}, (put(replace(entity, attached=left)),))

    def list_attached(context: Context, params: Params) -> Outcome:
        prefix = params.get("PathPrefix", "/")
        arns = (arn for arn in kind.of(context, params).attached if managed.path_of(arn).startswith(prefix))
        return page(params, arns, managed.by_name).outcome("AttachedPolicies", shapes.attached)

    return {
        f"Attach{kind.noun}Policy": writes(attach),
        f"Detach{kind.noun}Policy": writes(detach),
        f"ListAttached{kind.noun}Policies": reads(list_attached),
    }


def boundary_operations(kind: Kind[B]) -> dict[str, Operation]:
    """Make Put...PermissionsBoundary and Delete...PermissionsBoundary for one kind of identity."""

    def put_boundary(context: Context, params: Params) -> Outcome:
        entity = kind.to_change(context, params)
        arn = boundary(context, params)
        return Outcome({}, () if arn == entity.boundary else (put(replace(entity, boundary=arn)),))

    def delete_boundary(context: Context, params: Params) -> Outcome:
        entity = kind.to_change(context, params)
        return Outcome({}, (put(replace(entity, boundary="")),) if entity.boundary else ())

    return {
        f"Put{kind.noun}PermissionsBoundary": writes(put_boundary),
        f"Delete{kind.noun}PermissionsBoundary": writes(delete_boundary),
    }


def boundary(context: Context, params: Params) -> str:
    """The PermissionsBoundary in `params`, empty where there is none.

    Raises NoSuchEntity where the policy does not exist, InvalidInput or ValidationError for another ARN.
    """
    arn: str = params.get("PermissionsBoundary", "")
    if arn and managed.facts(context, arn) is None:
        raise no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")
    return arn


def _check_attachable(context: Context, kind: Kind[I], arn: str) -> None:
    facts = managed.facts(context, arn)
    if facts is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    if facts.path.startswith(SERVICE_LINKED):
        raise not_attachable(f"Cannot attach a Service Role Policy to a Customer {kind.noun}.")
