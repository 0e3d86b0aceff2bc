"""Findings that are known and accepted: a baseline, and suppressions with a reason and an end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from locum.core.errors import ConfigurationError

BASELINE: Final = "in the baseline"


class Suppression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that is accepted, by its `id`: why, and up to which day (the last one, in UTC)."""

    id: str
    reason: str
    until: date

    def holds(self, at: float) -> bool:
        """Whether the day is not past at the time `at` (epoch seconds)."""
        end = datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC) + timedelta(days=1)
        return at < end.timestamp()


def baseline(path: Path) -> frozenset[str]:
    """The ids of the findings in a report of `--format json`, or in a list of ids. Raises ConfigurationError."""
    content = _read(path)
    rows = content.get("findings") if isinstance(content, dict) else content
    found = [row.get("id") if isinstance(row, dict) else row for row in rows] if isinstance(rows, list) else [None]
    ids = [one for one in found if isinstance(one, str)]
    if len(ids) < len(found):
        raise ConfigurationError(f"{path} is no baseline: a report of `locum audit --format json`, or a list of ids")
    return frozenset(ids)


def suppressions(path: Path) -> dict[str, Suppression]:
    """The suppressions in a file, by id. Raises ConfigurationError, also where one has no reason."""
    try:
        found = msgspec.convert(_read(path), list[Suppression])
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path} is no list of suppressions with id, reason and until: {error}") from error
    for one in found:
        if not one.reason.strip():
            raise ConfigurationError(f"{path}: the suppression of {one.id} has no reason")
    return {one.id: one for one in found}


def accepted(
    findings: list[dict[str, Any]], known: frozenset[str], suppressed: Mapping[str, Suppression], at: float
) -> list[dict[str, Any]]:
    """The findings with the reason why each is `accepted`: empty where it is not, or not any more."""
    found = []
    for finding in findings:
        suppression = suppressed.get(finding["id"])
        reason = BASELINE if finding["id"] in known else ""
        if suppression is not None and suppression.holds(at):
            reason = f"{suppression.reason} (until {suppression.until})"
        found.append({**finding, "accepted": reason})
    return found


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no JSON: {error}") from error
