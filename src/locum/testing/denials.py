"""Records of calls as tests see them: what was called, what was decided, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import click

from locum.cli.commands.explain import lines
from locum.testing.link import Record

DENIED: Final = ("explicit-deny", "implicit-deny")


@dataclass(frozen=True)
class Denial:
    """A call that was denied. Its text is what `locum explain` tells of it.

    `action` is the permission that it lacked, or else the operation, `resource` what it lacked it on. `principal` is
    the caller's ARN, `message` what AWS answers, `record` the whole record.
    """

    action: str
    resource: str
    principal: str
    message: str
    request_id: str
    record: Record

    def __str__(self) -> str:
        return explained(self.record)

    def because(self, reason: str) -> bool:
        """Whether `reason` is in the message or the explanation, whatever its case."""
        return reason.casefold() in f"{self.message}\n{self}".casefold()


def is_denied(record: Record) -> bool:
    """Whether the policies denied a call."""
    return record["verdict"] in DENIED


def denial_of(record: Record) -> Denial:
    """The denial in a record."""
    failing = [check for check in _checks(record) if check["verdict"] != "ALLOW"]
    action, resource = (failing[0]["action"], failing[0]["resource"]) if failing else (_call(record), "*")
    message = record["denial"] or record["error_message"]
    return Denial(action, resource, record["identity"]["arn"], message, record["request_id"], record)


def concerns(record: Record, action: str) -> bool:
    """Whether a call is an operation, or took a permission, that `action` (`s3:Get*`, any case) names."""
    named = {_call(record), *(check["action"] for check in _checks(record))}
    return any(fnmatchcase(name.lower(), action.lower()) for name in named)


def explained(record: Record) -> str:
    """What `locum explain` tells of a call, without colours."""
    return click.unstyle("\n".join(lines(record)))


def all_explained(records: Iterable[Record]) -> str:
    """What it tells of several."""
    return "\n\n".join(explained(record) for record in records)


def _checks(record: Record) -> Iterator[dict[str, Any]]:
    yield from (record["explanation"] or {}).get("checks", ())


def _call(record: Record) -> str:
    return f"{record['service']}:{record['operation']}"
