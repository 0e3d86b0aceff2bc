"""Jobs of access reports: a report is requested, and can be read with the id of its job for some time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from locum.core.errors import Fault
from locum.services.iam.faults import no_such_entity
from locum.services.verbs import Context
from locum.state import AccessReport, Event, OrganizationAccessReport, remove
from locum.state.reports import REPORT_SECONDS

R = TypeVar("R", AccessReport, OrganizationAccessReport)


def find(context: Context, kind: type[R], job: str) -> R:
    """The report of the job with the id `job`, unless it has expired. Raises NoSuchEntity."""
    report = context.state.get(kind, context.account, job)
    if report is None or not _is_readable(context, report):
        raise missing(job)
    return report


def missing(job: str) -> Fault:
    """NoSuchEntity: the job does not exist, or belongs to another principal."""
    return no_such_entity(f"The job with id {job} cannot be found.")


def expired(context: Context, kind: type[R]) -> Iterator[Event]:
    """Events that remove the account's expired reports of one kind."""
    for report in context.state.table(kind, context.account).values():
        if not _is_readable(context, report):
            yield remove(report)


def _is_readable(context: Context, report: AccessReport | OrganizationAccessReport) -> bool:
    return context.now < report.requested + REPORT_SECONDS
