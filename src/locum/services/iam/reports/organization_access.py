"""Organizations access reports: the last uses, by accounts, of the services that service control policies allow.

The management account requests a report, and reads it with the id of its job. The job completes at once: the content
is computed when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.analysis.granted import Grants
from locum.authz import service_reference
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.policy import PolicyKind
from locum.services.iam import last_use
from locum.services.iam.faults import access_denied, invalid_input
from locum.services.iam.pagination import page
from locum.services.iam.reports import jobs
from locum.services.iam.shapes import Shape
from locum.services.verbs import Context, LastUse, Operation, Outcome, Params, looks_up, writes
from locum.state import Member, Organization, OrganizationAccessReport, Unit, organizations, put
from locum.state.organizations import SERVICE_CONTROL, OrganizationNode


class _Scope(NamedTuple):
    """The scope of a report. `allows` selects the services; `accounts` are those whose uses count."""

    allows: Callable[[str], bool]
    accounts: tuple[Member, ...]


class _Access(NamedTuple):
    account: Member
    use: LastUse


def generate_organizations_access_report(context: Context, params: Params) -> Outcome:
    """GenerateOrganizationsAccessReport. It also removes expired reports."""
    _organization(context)
    report = OrganizationAccessReport(
        account=context.account,
        id=request_id(context.entropy),
        path=params["EntityPath"],
        policy=params.get("OrganizationsPolicyId", ""),
        requested=int(context.now),
    )
    return Outcome({"JobId": report.id}, (*jobs.expired(context, OrganizationAccessReport), put(report)))


def get_organizations_access_report(context: Context, params: Params) -> Outcome:
    """GetOrganizationsAccessReport."""
    organization = _organization(context)
    report = jobs.find(context, OrganizationAccessReport, params["JobId"])
    dates = {"JobCreationDate": report.requested, "JobCompletionDate": report.requested}
    try:
        scope = _scope(context, organization, report)
    except Fault as wrong:
        error = {"Code": wrong.code, "Message": wrong.message}
        return Outcome({"JobStatus": "FAILED", **dates, "ErrorDetails": error, "IsTruncated": False})
    accesses = _by_service(context, scope)
    namespaces = [namespace for namespace in service_reference.services() if scope.allows(namespace)]
    details = [_detail(context, organization, name, accesses.get(name, ())) for name in namespaces]
    order, reverse = _ORDERS[params.get("SortKey", "SERVICE_NAMESPACE_ASCENDING")]
    places = enumerate(sorted(details, key=order, reverse=reverse))
    found = page(params, places, lambda place: f"{place[0]:05}")
    return Outcome(
        {
            "JobStatus": "COMPLETED",
            **dates,
            "NumberOfServicesAccessible": len(details),
            "NumberOfServicesNotAccessed": sum("LastAuthenticatedTime" not in detail for detail in details),
            "AccessDetails": [detail for _, detail in found.items],
            **found.rest,
        }
    )


def _organization(context: Context) -> Organization:
    """The organization whose management account calls, with SCPs enabled. Raises AccessDenied, InvalidInput."""
    organization = context.state.get(Organization, context.account, context.account)
    if organization is None:
        raise access_denied("You must be signed in to the management account of an organization.")
    if SERVICE_CONTROL not in organization.policy_types:
        raise invalid_input("Service control policies must be enabled in the root of the organization.")
    return organization


# -- scope ----------------------------------------------------------------------------------------------------------


def _scope(context: Context, organization: Organization, report: OrganizationAccessReport) -> _Scope:
    """The scope of `report`. Raises InvalidInput where its path or policy does not exist."""
    node = _node(context, organization, report.path)
    accounts = tuple(_accounts(context, organization, node))
    if isinstance(node, Member) and organizations.is_management(organization, node.id):
        # "the resulting report lists all AWS services, because the management account is not limited by SCPs"
        return _Scope(lambda _namespace: True, accounts)
    if not report.policy:
        levels = [_grants(context, organization, above) for above in _ancestors(context, organization, node)]
        return _Scope(lambda namespace: all(level.service(namespace) for level in levels), accounts)
    policy = organizations.policy_of(context.state, organization, report.policy)
    if policy is None or policy.type != SERVICE_CONTROL:
        raise invalid_input(f"There is no service control policy {report.policy}.")
    under = tuple(member for member in accounts if _applies(context, organization, member, policy.id))
    return _Scope(Grants([policy.content], PolicyKind.SCP).service, under)


def _node(context: Context, organization: Organization, path: str) -> OrganizationNode:
    """The node at the path `o-.../r-.../ou-.../ACCOUNT`, which must match the tree exactly."""
    *_, last = path.rstrip("/").split("/")
    node = organizations.node_of(context.state, organization, last)
    if node is None or _path(context, organization, node) != path.rstrip("/"):
        raise invalid_input(f"There is no entity {path} in the organization.")
    return node


def _ancestors(context: Context, organization: Organization, node: OrganizationNode) -> tuple[OrganizationNode, ...]:
    """The nodes from the root to `node`, inclusive."""
    if isinstance(node, Organization):
        return (node,)
    if isinstance(node, Unit):
        return (organization, *organizations.units_above(context.state, organization, node))
    return organizations.ancestry(context.state, organization, node)


def _path(context: Context, organization: Organization, node: OrganizationNode) -> str:
    return "/".join((organization.id, *map(organizations.target_of, _ancestors(context, organization, node))))


def _accounts(context: Context, organization: Organization, node: OrganizationNode) -> Iterator[Member]:
    """The accounts in `node`; where it is not a single account, without the management account, as SCPs exempt it."""
    if isinstance(node, Member):
        yield node
        return
    units, members = organizations.children(context.state, organization, organizations.target_of(node))
    yield from (member for member in members if not organizations.is_management(organization, member.id))
    for unit in units:
        yield from _accounts(context, organization, unit)


def _grants(context: Context, organization: Organization, node: OrganizationNode) -> Grants:
    """The grants of the SCPs attached directly to `node`."""
    target = organizations.target_of(node)
    found = organizations.attached(context.state, organization, target, SERVICE_CONTROL)
    return Grants([policy.content for policy in found], PolicyKind.SCP)


def _applies(context: Context, organization: Organization, member: Member, policy: str) -> bool:
    return any(policy in organizations.policy_ids(node) for node in _ancestors(context, organization, member))


# -- contents -------------------------------------------------------------------------------------------------------


def _by_service(context: Context, scope: _Scope) -> Mapping[str, Sequence[_Access]]:
    found: dict[str, list[_Access]] = {}
    for member in scope.accounts:
        for use in last_use.uses(context, account=member.id):
            found.setdefault(last_use.service_of(use), []).append(_Access(member, use))
    return found


def _detail(context: Context, organization: Organization, namespace: str, accesses: Iterable[_Access]) -> Shape:
    """An AccessDetail structure.

    "The number of accounts with authenticated principals ... that attempted to access the service".
    """
    detail: dict[str, Any] = {
        "ServiceName": service_reference.services()[namespace],
        "ServiceNamespace": namespace,
        "TotalAuthenticatedEntities": len({access.account.id for access in accesses}),
    }
    last = max(accesses, key=lambda access: access.use.at, default=None)
    if last is not None:
        detail["Region"] = last_use.region_of(last.use)
        detail["EntityPath"] = _path(context, organization, last.account)
        detail["LastAuthenticatedTime"] = int(last.use.at)
    return detail


def _namespace(detail: Shape) -> tuple[Any, ...]:
    return (detail["ServiceNamespace"],)


def _time(detail: Shape) -> tuple[Any, ...]:
    return (detail.get("LastAuthenticatedTime", 0), detail["ServiceNamespace"])


_ORDERS: Final[dict[str, tuple[Callable[[Shape], tuple[Any, ...]], bool]]] = {
    "SERVICE_NAMESPACE_ASCENDING": (_namespace, False),
    "SERVICE_NAMESPACE_DESCENDING": (_namespace, True),
    "LAST_AUTHENTICATED_TIME_ASCENDING": (_time, False),
    "LAST_AUTHENTICATED_TIME_DESCENDING": (_time, True),
}
"""The sort key by SortKey, and whether the order is reversed."""

OPERATIONS: Final[dict[str, Operation]] = {
    "GenerateOrganizationsAccessReport": writes(generate_organizations_access_report),
    "GetOrganizationsAccessReport": looks_up(get_organizations_access_report),
}
