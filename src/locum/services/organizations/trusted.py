"""Trusted access of services, and delegated administrators.

User Guide, "AWS services that you can use with AWS Organizations".
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.organizations import shapes
from locum.services.organizations.access import Scope, administered_reads, by_management
from locum.services.organizations.accounts import account_of, joined
from locum.services.organizations.faults import (
    constraint_violation,
    fault,
    not_all_features,
    unrecognized_service,
)
from locum.services.organizations.pagination import listed
from locum.services.verbs import Operation, Outcome, Params, writes
from locum.state import put
from locum.state.organizations import ALL_FEATURES, delegates_of

_SERVICE_NAMES: Final = """
access-analyzer account application-signals.cloudwatch auditmanager aws-artifact-account-sync backup
bcm-data-exports.billing ce cloudtrail compute-optimizer config config-multiaccountsetup controltower
cost-optimization-hub.bcm detective devops-guru ds ec2 ec2.application-autoscaling emr-serverless fms guardduty
health iam inspector2 ipam license-management.marketplace license-manager license-manager-linux-subscriptions
license-manager.member-account macie malware-protection.guardduty managedservices
member.org.stacksets.cloudformation mgn network-flow-monitor.networkmanager networkmanager notifications
observabilityadmin private-marketplace.marketplace procurement-insights.marketplace q
ram reachabilityanalyzer.networkinsights reporting.trustedadvisor resource-explorer-2 security-ir securityhub
securitylake servicecatalog servicequotas shield ssm ssm-quicksetup sso stacksets.cloudformation storage-lens.s3
tagpolicies.tag topology.networkmanager user-subscriptions vpc-lattice wellarchitected
"""

_SERVICES: Final = frozenset(f"{name}.amazonaws.com" for name in _SERVICE_NAMES.split())
"""The service principals that work with Organizations, from the same page of the User Guide."""


def enable_aws_service_access(scope: Scope, params: Params) -> Outcome:
    """EnableAWSServiceAccess. Idempotent."""
    service, enabled = _service(params), scope.organization.services
    if scope.organization.feature_set != ALL_FEATURES:
        raise not_all_features()
    if service in enabled:
        return Outcome({})
    return Outcome({}, (put(replace(scope.organization, services={**enabled, service: scope.now})),))


def disable_aws_service_access(scope: Scope, params: Params) -> Outcome:
    """DisableAWSServiceAccess: also deregisters the service's delegated administrators."""
    service, enabled = _service(params), scope.organization.services
    if service not in enabled:
        return Outcome({})
    remaining = {name: since for name, since in enabled.items() if name != service}
    events = [put(it.deregistered(service)) for it in delegates_of(scope.context.state, scope.management, service)]
    return Outcome({}, (put(replace(scope.organization, services=remaining)), *events))


def list_aws_service_access_for_organization(scope: Scope, params: Params) -> Outcome:
    """ListAWSServiceAccessForOrganization."""
    return listed(
        params,
        "EnabledServicePrincipals",
        scope.organization.services.items(),
        lambda item: item[0],
        lambda item: {"ServicePrincipal": item[0], "DateEnabled": item[1]},
    )


def register_delegated_administrator(scope: Scope, params: Params) -> Outcome:
    """RegisterDelegatedAdministrator."""
    service, account = _service(params), params["AccountId"]
    _check_not_management(scope, account)
    member = account_of(scope, account)
    if member.closed:
        raise constraint_violation(
            "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
            "You cannot register a suspended account as a delegated administrator.",
        )
    if service not in scope.organization.services:
        raise constraint_violation(
            "SERVICE_ACCESS_NOT_ENABLED",
            "You attempted to register a delegated administrator before you enabled service access. Call the "
            "EnableAWSServiceAccess API first.",
        )
    if service in member.delegations:
        raise fault(
            "AccountAlreadyRegistered",
            "The provided account is already a delegated administrator for your organization.",
        )
    return Outcome({}, (put(member.registered(service, scope.now)),))


def deregister_delegated_administrator(scope: Scope, params: Params) -> Outcome:
    """DeregisterDelegatedAdministrator."""
    service, account = _service(params), params["AccountId"]
    _check_not_management(scope, account)
    member = account_of(scope, account)
    if service not in member.delegations:
        raise _not_registered()
    return Outcome({}, (put(member.deregistered(service)),))


def list_delegated_administrators(scope: Scope, params: Params) -> Outcome:
    """ListDelegatedAdministrators."""
    service = _service(params) if "ServicePrincipal" in params else ""
    found = delegates_of(scope.context.state, scope.management, service)
    return listed(params, "DelegatedAdministrators", found, joined, lambda member: shapes.administrator(scope, member))


def list_delegated_services_for_account(scope: Scope, params: Params) -> Outcome:
    """ListDelegatedServicesForAccount."""
    member = account_of(scope, params["AccountId"])
    if not member.delegations:
        raise _not_registered()
    return listed(
        params,
        "DelegatedServices",
        member.delegations.items(),
        lambda item: item[0],
        lambda item: {"ServicePrincipal": item[0], "DelegationEnabledDate": item[1]},
    )


def _service(params: Params) -> str:
    service = str(params["ServicePrincipal"])
    if service not in _SERVICES:
        raise unrecognized_service()
    return service


def _check_not_management(scope: Scope, account: str) -> None:
    if account == scope.management:
        raise constraint_violation(
            "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
            "You cannot register master account/yourself as delegated administrator for your organization.",
        )


def _not_registered() -> Fault:
    return fault(
        "AccountNotRegistered",
        "The provided account is not a registered delegated administrator for your organization.",
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "EnableAWSServiceAccess": writes(by_management(enable_aws_service_access)),
    "DisableAWSServiceAccess": writes(by_management(disable_aws_service_access)),
    "RegisterDelegatedAdministrator": writes(by_management(register_delegated_administrator)),
    "DeregisterDelegatedAdministrator": writes(by_management(deregister_delegated_administrator)),
    **dict(
        (
            administered_reads("ListAWSServiceAccessForOrganization", list_aws_service_access_for_organization),
            administered_reads("ListDelegatedAdministrators", list_delegated_administrators),
            administered_reads("ListDelegatedServicesForAccount", list_delegated_services_for_account),
        )
    ),
}
