"""Service-linked roles that services have made: by the caller, or by Organizations in the accounts of one."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from locum.core.actors import ServiceRole, on_behalf_of
from locum.core.arn import iam_arn
from locum.core.calls import Ask, Effect, ServiceCall
from locum.core.identifiers import request_id
from locum.core.principal import Source
from locum.services.verbs import Context
from locum.state import Role, State
from locum.state.service_linked_roles import linked_service

ORGANIZATIONS: Final = "organizations.amazonaws.com"
_SESSION: Final = "AWSOrganizations"
_GLOBAL: Final = "us-east-1"  # of IAM and Organizations

MakingRole = Generator[Ask, Mapping[str, Any], tuple[Effect, ...]]


def linked_role_arn(account: str, service: str) -> str:
    """The ARN of the service-linked role of a service in `account`."""
    linked = linked_service(service)
    assert linked is not None
    return iam_arn(account, "role", linked.path, linked.role)


def has_linked_role(state: State, account: str, service: str) -> bool:
    """Whether the service-linked role of a service is there in `account`."""
    linked = linked_service(service)
    found = None if linked is None else state.get(Role, account, linked.role.lower())
    return found is not None and linked is not None and found.path == linked.path  # another one may have its name


def linked_role_call(account: str, service: str) -> ServiceCall:
    """The call that creates the service-linked role of `service` in an account of an organization: Organizations'.

    Organizations User Guide, "AWS Organizations and service-linked roles": AWSServiceRoleForOrganizations "allows AWS
    Organizations to create service-linked roles for other AWS services".
    """
    actor = ServiceRole(ORGANIZATIONS, linked_role_arn(account, ORGANIZATIONS), _SESSION, Source(account))
    return ServiceCall(actor, "iam", "CreateServiceLinkedRole", {"AWSServiceName": service}, _GLOBAL)


def linked_role(ctx: Context, service: str) -> MakingRole:
    """The call of the caller that makes the service-linked role of `service` in its account, where it is not there.

    Raises Fault where the caller may not make it.
    """
    if has_linked_role(ctx.state, ctx.account, service):
        return ()
    actor = on_behalf_of(ctx.caller, service)
    create = ServiceCall(actor, "iam", "CreateServiceLinkedRole", {"AWSServiceName": service}, _GLOBAL)
    yield Ask(create, decided_only=True)
    return (Effect(request_id(ctx.entropy), create, awaited=True),)
