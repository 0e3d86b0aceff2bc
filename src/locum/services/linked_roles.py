"""Service-linked roles that services have Organizations make in the accounts of an organization."""

from __future__ import annotations

from typing import Final

from locum.core.actors import ServiceRole
from locum.core.arn import iam_arn
from locum.core.calls import ServiceCall
from locum.core.principal import Source
from locum.state import Role, State
from locum.state.service_linked_roles import linked_service

ORGANIZATIONS: Final = "organizations.amazonaws.com"
_SESSION: Final = "AWSOrganizations"
_GLOBAL: Final = "us-east-1"  # of IAM and Organizations


def linked_role_arn(account: str, service: str) -> str:
    """The ARN of the service-linked role of a service in `account`."""
    linked = linked_service(service)
    assert linked is not None
    return iam_arn(account, "role", linked.path, linked.role)


def has_linked_role(state: State, account: str, service: str) -> bool:
    """Whether the service-linked role of a service is there in `account`."""
    linked = linked_service(service)
    return linked is not None and state.get(Role, account, linked.role.lower()) is not None


def linked_role_call(account: str, service: str) -> ServiceCall:
    """The call that creates the service-linked role of `service` in an account of an organization: Organizations'.

    Organizations User Guide, "AWS Organizations and service-linked roles": AWSServiceRoleForOrganizations "allows AWS
    Organizations to create service-linked roles for other AWS services".
    """
    actor = ServiceRole(ORGANIZATIONS, linked_role_arn(account, ORGANIZATIONS), _SESSION, Source(account))
    return ServiceCall(actor, "iam", "CreateServiceLinkedRole", {"AWSServiceName": service}, _GLOBAL)
