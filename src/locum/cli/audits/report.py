"""The report of an audit, for a person and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from locum.analysis.audit import RULES, SEVERITIES
from locum.cli.audits.aws_cli import command_line
from locum.core.clock import iso8601

Row = dict[str, Any]
Report = dict[str, Any]

_UNREAD: Final = 10


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values: each call with its command line."""
    findings = [
        {**row, "fixes": [{**fix, "command": command_line(**fix)} for fix in row["fixes"]]}
        for row in report["findings"]
    ]
    return {**report, "findings": findings}


def open_findings(report: Report) -> list[Row]:
    """The findings that nobody has accepted."""
    return [row for row in report["findings"] if not row["accepted"]]


def fails(report: Report, at_least: str) -> bool:
    """Whether there is a finding as severe as `at_least`, or something that could not be looked at."""
    severe = SEVERITIES[: SEVERITIES.index(at_least) + 1]
    return not report["complete"] or any(row["severity"] in severe for row in open_findings(report))


def lines(report: Report) -> Iterator[str]:
    """The report as text: by severity, with what to do."""
    found = open_findings(report)
    for severity in SEVERITIES:
        rows = [row for row in found if row["severity"] == severity]
        if rows:
            yield f"{severity.upper()}  {len(rows)}"
            for rule in dict.fromkeys(row["rule"] for row in rows):
                yield from _of_rule(rule, [row for row in rows if row["rule"] == rule])
            yield ""
    yield from _incomplete(report)
    yield from _scheduled(report)
    yield _total(report, found)


def _of_rule(rule: str, rows: list[Row]) -> Iterator[str]:
    yield f"  {RULES[rule].title} ({rule})"
    for row in rows:
        yield f"    {row['what']}"
        yield f"      on   {row['resource']}"
        yield from (f"      {number}.   {step}" for number, step in enumerate(row["steps"], 1))
        calls = len(row["fixes"])
        told = f", {calls} call{'s' * (calls > 1)} with --fix" if calls else ""
        yield f"      id   {row['id']}{told}"
    yield f"    why  {RULES[rule].why}"
    yield f"    do   {RULES[rule].todo}"


def _incomplete(report: Report) -> Iterator[str]:
    if not report["searched"]:
        yield f"The search for paths was given up after {report['decisions']} decisions: there may be more."
    unread = list(report["unread"].items())
    for what, reason in unread[:_UNREAD]:
        yield f"Not read: {what}: {reason}"
    if len(unread) > _UNREAD:
        yield f"Not read: {len(unread) - _UNREAD} more"


def _scheduled(report: Report) -> Iterator[str]:
    """What has changed since the report before, where it is one of a schedule."""
    schedule = report.get("schedule")
    if schedule is None:
        return
    appeared = set(schedule["appeared"])
    yield from (f"New: {row['what']} ({row['id']})" for row in report["findings"] if row["id"] in appeared)
    yield from (f"Gone: {row['what']} ({row['id']})" for row in schedule["gone"])
    if schedule["error"]:
        yield f"The last audit could not be made: {schedule['error']}"
    yield f"The next audit is at {iso8601(schedule['due'])}, {len(appeared)} new, {len(schedule['gone'])} gone"


def _total(report: Report, found: list[Row]) -> str:
    counts = ", ".join(f"{sum(row['severity'] == one for row in found)} {one}" for one in SEVERITIES)
    accepted = len(report["findings"]) - len(found)
    also = f", {accepted} accepted" if accepted else ""
    accounts = len(report["accounts"])
    where = f"{accounts} account{'s' * (accounts != 1)}, {len(report['administrators'])} administrators"
    return f"{iso8601(report['at'])}  {where}: {counts}{also}"
