"""Last accessed reports: the last uses of the services that a user's, group's, role's or policy's policies grant.

A report is requested, and read with the id of its job. The job completes at once: the content is computed when it is
read, from the policies and the recorded calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.analysis.granted import Grants
from locum.authz import service_reference
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.iam import last_use
from locum.services.iam.kinds import Bounded
from locum.services.iam.pagination import page
from locum.services.iam.reports import access_subjects, jobs
from locum.services.iam.reports.access_subjects import Subject
from locum.services.iam.shapes import Shape
from locum.services.verbs import Context, LastUse, Operation, Outcome, Params, looks_up, writes
from locum.state import AccessReport, User, put

_LATEST: Final = 10**12
"""A time in epoch seconds beyond all others: differences from it sort the latest first."""


class _Access(NamedTuple):
    """One entity's last use of one action."""

    entity: Bounded
    use: LastUse


def generate_service_last_accessed_details(context: Context, params: Params) -> Outcome:
    """GenerateServiceLastAccessedDetails. It also removes the account's expired reports."""
    access_subjects.subject(context, params["Arn"])
    report = AccessReport(
        account=context.account,
        id=request_id(context.entropy),
        subject=params["Arn"],
        granularity=params.get("Granularity", "SERVICE_LEVEL"),
        requester=context.caller.principal.unique_id,
        requested=int(context.now),
    )
    return Outcome({"JobId": report.id}, (*jobs.expired(context, AccessReport), put(report)))


def get_service_last_accessed_details(context: Context, params: Params) -> Outcome:
    """GetServiceLastAccessedDetails: the services are ordered by namespace."""
    report = _report(context, params)
    try:
        subject = access_subjects.subject(context, report.subject)
    except Fault as gone:
        return Outcome({**_failed(report, gone), "ServicesLastAccessed": []})
    grants = Grants(subject.documents)
    found = page(params, grants.services(), str)
    accesses = _by_service(context, subject)
    detailed = report.granularity == "ACTION_LEVEL"
    listed = [
        _service(namespace, accesses.get(namespace, ()), grants.actions(namespace) if detailed else None)
        for namespace in found.items
    ]
    return Outcome({**_completed(report), "JobType": report.granularity, "ServicesLastAccessed": listed, **found.rest})


def get_service_last_accessed_details_with_entities(context: Context, params: Params) -> Outcome:
    """GetServiceLastAccessedDetailsWithEntities: the latest uses first, entities without a use last."""
    report = _report(context, params)
    namespace = params["ServiceNamespace"].lower()
    try:
        subject = access_subjects.subject(context, report.subject)
    except Fault as gone:
        return Outcome({**_failed(report, gone), "EntityDetailsList": []})
    entities = subject.entities if Grants(subject.documents).service(namespace) else ()
    found = page(params, (_entity(context, entity, namespace) for entity in entities), _latest_first)
    return Outcome({**_completed(report), "EntityDetailsList": found.items, **found.rest})


# -- jobs -----------------------------------------------------------------------------------------------------------


def _report(context: Context, params: Params) -> AccessReport:
    """The report of the job. Raises NoSuchEntity.

    "The JobId ... must be used by the same role within a session, or by the same user".
    """
    report = jobs.find(context, AccessReport, params["JobId"])
    if report.requester != context.caller.principal.unique_id:
        raise jobs.missing(report.id)
    return report


def _completed(report: AccessReport) -> Shape:
    return {"JobStatus": "COMPLETED", "JobCreationDate": report.requested, "JobCompletionDate": report.requested}


def _failed(report: AccessReport, fault: Fault) -> Shape:
    """The answer for a report whose subject no longer exists."""
    error = {"Code": fault.code, "Message": fault.message}
    return {**_completed(report), "JobStatus": "FAILED", "Error": error, "IsTruncated": False}


# -- contents -------------------------------------------------------------------------------------------------------


def _by_service(context: Context, subject: Subject) -> Mapping[str, Sequence[_Access]]:
    found: dict[str, list[_Access]] = {}
    for entity in subject.entities:
        for use in last_use.uses(context, entity.id):
            found.setdefault(last_use.service_of(use), []).append(_Access(entity, use))
    return found


def _service(namespace: str, accesses: Sequence[_Access], actions: Iterable[str] | None) -> Shape:
    """A ServiceLastAccessed structure; with `actions`, including the last access of each."""
    shape: dict[str, Any] = {"ServiceName": service_reference.services()[namespace], "ServiceNamespace": namespace}
    last = _last(accesses)
    if last is not None:
        shape["LastAuthenticated"] = int(last.use.at)
        shape["LastAuthenticatedEntity"] = last.entity.arn
        shape["LastAuthenticatedRegion"] = last_use.region_of(last.use)
    shape["TotalAuthenticatedEntities"] = len({access.entity.id for access in accesses})
    if actions is not None:
        shape["TrackedActionsLastAccessed"] = _tracked(namespace, accesses, actions)
    return shape


def _tracked(namespace: str, accesses: Iterable[_Access], actions: Iterable[str]) -> list[Shape]:
    by_action: dict[str, list[_Access]] = {}
    for access in accesses:
        by_action.setdefault(access.use.action.lower(), []).append(access)
    return [_action(name, _last(by_action.get(f"{namespace}:{name}".lower(), ()))) for name in actions]


def _action(name: str, last: _Access | None) -> Shape:
    if last is None:
        return {"ActionName": name}
    return {
        "ActionName": name,
        "LastAccessedEntity": last.entity.arn,
        "LastAccessedTime": int(last.use.at),
        "LastAccessedRegion": last_use.region_of(last.use),
    }


def _last(accesses: Iterable[_Access]) -> _Access | None:
    return max(accesses, key=lambda access: access.use.at, default=None)


def _entity(context: Context, entity: Bounded, namespace: str) -> Shape:
    used = (use for use in last_use.uses(context, entity.id) if last_use.service_of(use) == namespace)
    last = last_use.latest(used)
    info = {
        "Arn": entity.arn,
        "Name": entity.name,
        "Type": "USER" if isinstance(entity, User) else "ROLE",
        "Id": entity.id,
        "Path": entity.path,
    }
    return {"EntityInfo": info, **({} if last is None else {"LastAuthenticated": int(last.at)})}


def _latest_first(shape: Shape) -> str:
    return f"{_LATEST - shape.get('LastAuthenticated', 0):013d} {shape['EntityInfo']['Id']}"


OPERATIONS: Final[dict[str, Operation]] = {
    "GenerateServiceLastAccessedDetails": writes(generate_service_last_accessed_details),
    "GetServiceLastAccessedDetails": looks_up(get_service_last_accessed_details),
    "GetServiceLastAccessedDetailsWithEntities": looks_up(get_service_last_accessed_details_with_entities),
}
