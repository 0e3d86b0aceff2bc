"""The report of an audit as SARIF: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from locum import __version__
from locum.analysis.audit import RULES
from locum.cli.audits.aws_cli import command_line

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"high": "error", "medium": "warning", "low": "note"}
_SCORES: Final = {"high": "8.0", "medium": "5.0", "low": "2.0"}
"""GitHub's `security-severity`: over 7.0 is high, over 4.0 medium."""

_RULES: Final = tuple(RULES)


def as_sarif(report: dict[str, Any]) -> dict[str, Any]:
    """The report as a SARIF log with one run. What is accepted is suppressed, with its reason."""
    driver = {"name": "locum audit", "version": __version__, "rules": [_rule(name) for name in _RULES]}
    invocation = {
        "executionSuccessful": report["complete"],
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": f"Not read: {what}: {reason}"}}
            for what, reason in report["unread"].items()
        ],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "results": [_result(row) for row in report["findings"]],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, Any]:
    rule = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.todo},
        "helpUri": rule.page,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"security-severity": _SCORES[rule.severity], "tags": ["security"]},
    }


def _result(row: dict[str, Any]) -> dict[str, Any]:
    steps = "".join(f"\n{number}. {step}" for number, step in enumerate(row["steps"], 1))
    result: dict[str, Any] = {
        "ruleId": row["rule"],
        "ruleIndex": _RULES.index(row["rule"]),
        "level": _LEVELS[row["severity"]],
        "message": {"text": f"{row['what']} {row['todo']}{steps}"},
        "locations": [_location(row["resource"])],
        "partialFingerprints": {"locumFindingId/v1": row["id"]},
        "properties": {"account": row["account"], "commands": [command_line(**fix) for fix in row["fixes"]]},
    }
    if row["accepted"]:
        result["suppressions"] = [{"kind": "external", "justification": row["accepted"]}]
    return result


def _location(resource: str) -> dict[str, Any]:
    """A file, or a resource: its ARN is a URI, whose scheme is `arn`."""
    if not resource.startswith("arn:"):
        path = PurePosixPath(resource).as_posix()
        return {"physicalLocation": {"artifactLocation": {"uri": quote(path)}}}
    return {
        "physicalLocation": {"artifactLocation": {"uri": quote(resource, safe=":/")}},
        "logicalLocations": [{"fullyQualifiedName": resource, "kind": "resource"}],
    }
