"""The credential report: made, kept for four hours, given out.

IAM User Guide, "Generate credential reports for your AWS account": "You can generate a credential report as often as
once every four hours. When you request a report, IAM first checks whether a report for the AWS account has been
generated within the past four hours."

    no report, or an expired one   Generate: STARTED      Get: ReportNotPresent, ReportExpired
    started less than LATENCY ago  Generate: COMPLETE     Get: ReportInProgress
    not older than LIFETIME        Generate: COMPLETE     Get: the report, as it was made

A report is made at once. For LATENCY it is in progress all the same, as it is on AWS, to whoever does not ask whether
it is complete: so a client that forgets to learns of it here.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.iam.faults import report_not_ready
from locum.services.iam.reports.credential_rows import report
from locum.services.verbs import Context, Operation, Outcome, Params, looks_up_and_writes, reads
from locum.state import CredentialReport, put

LIFETIME: Final = 4 * 3600
"""Seconds."""

LATENCY: Final = 1
"""Seconds, at most: the report is complete with the next full one."""

_STARTED: Final = {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}
_COMPLETE: Final = {"State": "COMPLETE"}


def generate_credential_report(context: Context, _params: Params) -> Outcome:
    """GenerateCredentialReport."""
    kept = _kept(context)
    now = int(context.now)
    if kept is None or _is_expired(kept, context.now):
        made = CredentialReport(account=context.account, content=report(context), generated=now + LATENCY)
        return Outcome(dict(_STARTED), (put(made),))
    if kept.generated > context.now:
        return Outcome(dict(_COMPLETE), (put(replace(kept, generated=now)),))
    return Outcome(dict(_COMPLETE))


def get_credential_report(context: Context, _params: Params) -> Outcome:
    """GetCredentialReport."""
    kept = _kept(context)
    if kept is None:
        raise report_not_ready("ReportNotPresent", 410)
    if kept.generated > context.now:
        raise report_not_ready("ReportInProgress", 404)
    if _is_expired(kept, context.now):
        raise report_not_ready("ReportExpired", 410)
    content = kept.content.encode()
    return Outcome({"Content": content, "ReportFormat": "text/csv", "GeneratedTime": kept.generated})


def _kept(context: Context) -> CredentialReport | None:
    return context.state.get(CredentialReport, context.account, context.account)


def _is_expired(kept: CredentialReport, now: float) -> bool:
    return now - kept.generated > LIFETIME


OPERATIONS: Final[dict[str, Operation]] = {
    "GenerateCredentialReport": looks_up_and_writes(generate_credential_report),
    "GetCredentialReport": reads(get_credential_report),
}
