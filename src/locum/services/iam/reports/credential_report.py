"""The credential report: generated, stored for four hours, returned.

IAM User Guide, "Generate credential reports for your AWS account": "You can generate a credential report as often as
once every four hours. When you request a report, IAM first checks whether a report for the AWS account has been
generated within the past four hours."

    no report, or an expired one   Generate: STARTED      Get: ReportNotPresent, ReportExpired
        started less than LATENCY ago  Generate: COMPLETE     Get: ReportInProgress
        not older than LIFETIME        Generate: COMPLETE     Get: the stored report

    A report is generated at once. Get nevertheless reports it as in progress for LATENCY, as AWS does, so that clients
    that do not wait for COMPLETE fail here as well.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.iam.faults import report_not_ready
from locum.services.iam.reports.credential_rows import report
from locum.services.verbs import Context, Operation, Outcome, Params, looks_up_and_writes, reads
from locum.state import CredentialReport, put

LIFETIME: Final = 4 * 3600
"""The age in seconds at which a report expires."""

LATENCY: Final = 1
"""The time in seconds until a report is complete, at most: it ends with a whole second."""

_STARTED: Final = {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}
_COMPLETE: Final = {"State": "COMPLETE"}


def generate_credential_report(context: Context, _params: Params) -> Outcome:
    """GenerateCredentialReport."""
    stored = _stored(context)
    now = int(context.now)
    if stored is None or _is_expired(stored, context.now):
        made = CredentialReport(account=context.account, content=report(context), generated=now + LATENCY)
        return Outcome(dict(_STARTED), (put(made),))
    if stored.generated > context.now:
        return Outcome(dict(_COMPLETE), (put(replace(stored, generated=now)),))
    return Outcome(dict(_COMPLETE))


def get_credential_report(context: Context, _params: Params) -> Outcome:
    """GetCredentialReport."""
    stored = _stored(context)
    if stored is None:
        raise report_not_ready("ReportNotPresent", 410)
    if stored.generated > context.now:
        raise report_not_ready("ReportInProgress", 404)
    if _is_expired(stored, context.now):
        raise report_not_ready("ReportExpired", 410)
    content = stored.content.encode()
    return Outcome({"Content": content, "ReportFormat": "text/csv", "GeneratedTime": stored.generated})


def _stored(context: Context) -> CredentialReport | None:
    return context.state.get(CredentialReport, context.account, context.account)


def _is_expired(stored: CredentialReport, now: float) -> bool:
    return now - stored.generated > LIFETIME


OPERATIONS: Final[dict[str, Operation]] = {
    "GenerateCredentialReport": looks_up_and_writes(generate_credential_report),
    "GetCredentialReport": reads(get_credential_report),
}
