"""Assertions about decisions: made of the plane's record, not of what a client was told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from botocore.exceptions import ClientError

from locum.testing.denials import Denial, all_explained, concerns, denial_of, is_denied
from locum.testing.link import Record

Since = Callable[[], Callable[[], list[Record]]]
"""Begins to watch: what it returns tells the records of the calls since then."""

_MOST: Final = 5
"""Calls that a failed assertion explains."""


class Denied:
    """A block of which a call is to be denied, one that concerns `action`, of `role` (an ARN) where one is named.

    The denial may end the block. `reason` is to be in AWS's message or in the explanation. At its end it raises
    AssertionError, whose text is the explanation, where that is not so.
    """

    def __init__(self, since: Since, action: str, reason: str = "", role: str = "") -> None:
        self._since = since
        self._action = action
        self._reason = reason
        self._role = role
        self._denial: Denial | None = None

    @property
    def denial(self) -> Denial:
        """The denial. Raises LookupError before the end of the block."""
        if self._denial is None:
            raise LookupError("the denial is known once the block has ended")
        return self._denial

    def __enter__(self) -> Denied:
        self._made = self._since()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        if error is not None and not isinstance(error, ClientError):
            return False
        records = self._made()
        found = [record for record in records if self._is_meant(record)]
        if error is not None and not _told_of(error, found):
            other = _told_of(error, records)
            if not other:
                return False
            raise AssertionError(_text(f"{self._action} was to be denied, and another call failed", other)) from None
        if not found:
            about = [one for one in records if concerns(one, self._action)] or records
            raise AssertionError(_text(f"{self._action} was not denied", about)) from None
        denials = [denial_of(record) for record in found]
        self._denial = next((denial for denial in denials if denial.because(self._reason)), None)
        if self._denial is None:
            headline = f"{self._action} was denied, but not because of {self._reason!r}"
            raise AssertionError(_text(headline, found)) from None
        return True

    def _is_meant(self, record: Record) -> bool:
        caller = record["identity"]["arn"], record["identity"]["issuer_arn"]
        return is_denied(record) and concerns(record, self._action) and (not self._role or self._role in caller)


class Allowed:
    """A block of which no call is to be denied, and one that concerns `action` allowed, where one is named.

    At its end it raises AssertionError, whose text is the explanation, where that is not so. What fails for another
    reason is raised as it is.
    """

    def __init__(self, since: Since, action: str | None = None) -> None:
        self._since = since
        self._action = action

    def __enter__(self) -> None:
        self._made = self._since()

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        records = self._made()
        refused = [record for record in records if is_denied(record)]
        if error is not None and not (isinstance(error, ClientError) and _told_of(error, refused)):
            return
        if refused:
            raise AssertionError(_text("a call was denied", refused)) from None
        action = self._action
        if action is not None and not any(concerns(one, action) and one["verdict"] == "allow" for one in records):
            raise AssertionError(_text(f"{action} was not called, or not decided on", records))


def _told_of(error: ClientError, records: Sequence[Record]) -> list[Record]:
    """Those of the records that are of the call that failed with `error`."""
    told = error.response.get("ResponseMetadata", {}).get("RequestId", "")
    return [record for record in records if record["request_id"] == told]


def _text(headline: str, records: Sequence[Record]) -> str:
    if not records:
        return f"{headline}: no call of this account is recorded"
    more = f"\n\nand {len(records) - _MOST} more" if len(records) > _MOST else ""
    return f"{headline}\n\n{all_explained(records[:_MOST])}{more}"
