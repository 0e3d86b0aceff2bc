"""Findings as structures of the service model."""

from __future__ import annotations

from typing import Any

from locum.lint import Finding, Key, Location, PathElement, Substring


def finding_shape(finding: Finding) -> dict[str, Any]:
    """A ValidatePolicyFinding structure."""
    return {
        "findingType": str(finding.type),
        "issueCode": finding.code,
        "findingDetails": finding.details,
        "learnMoreLink": finding.learn_more,
        "locations": [_location(location) for location in finding.locations],
    }


def _location(location: Location) -> dict[str, Any]:
    span = location.span
    return {
        "path": [_step(step) for step in location.path],
        "span": {
            "start": _position(span.line, span.column, span.start),
            "end": _position(span.end_line, span.end_column, span.end),
        },
    }


def _position(line: int, column: int, offset: int) -> dict[str, int]:
    """A Position: "The line of the position, starting from 1. The column of the position, starting from 0." """
    return {"line": line, "column": column - 1, "offset": offset}


def _step(step: PathElement) -> dict[str, Any]:
    if isinstance(step, int):
        return {"index": step}
    if isinstance(step, Key):
        return {"key": step.name}
    if isinstance(step, Substring):
        return {"substring": {"start": step.start, "length": step.length}}
    return {"value": step}
