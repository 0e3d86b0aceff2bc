"""Which records somebody wants to see: of a principal, a role, a service, an action, with a verdict, of a time."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import Final

import msgspec

from locum.audit.record import Record
from locum.core.letter_case import folded

DENIED: Final = "denied"
ALLOWED: Final = "allow"
VERDICTS: Final = (ALLOWED, DENIED, "explicit-deny", "implicit-deny")


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What records have to be; whatever is empty is any.

    `principal` is the ARN of the caller, of its user or role, or the name of a user, `role` the ARN or name of a role,
    `service` a service as it is in the record, `action` an operation as `s3:Get*`, `verdict` one of VERDICTS,
    `instance` the id of the instance that the credentials were delivered to, `access_key` the id of the access key that
    signed, `account` the one whose event history has the record. `since` and `until` are epoch seconds, both inclusive;
    None: any.
    """

    principal: str = ""
    role: str = ""
    service: str = ""
    action: str = ""
    verdict: str = ""
    instance: str = ""
    access_key: str = ""
    account: str = ""
    since: float | None = None
    until: float | None = None

    def matches(self, record: Record) -> bool:
        """Whether a record is one of these."""
        return (
            self._is_of_time(record.at)
            and (not self.service or record.service == folded(self.service))
            and (not self.account or record.account == self.account)
            and (not self.instance or record.identity.instance_id == self.instance)
            and (not self.access_key or record.identity.access_key_id == self.access_key)
            and (not self.verdict or _has(record, self.verdict))
            and (not self.action or _pattern(self.action).fullmatch(_call(record)) is not None)
            and (not self.principal or self.principal in _names(record))
            and (not self.role or _is_role(record, self.role))
        )

    def _is_of_time(self, at: float) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


def _has(record: Record, verdict: str) -> bool:
    return record.denied if verdict == DENIED else record.verdict == verdict


def _call(record: Record) -> str:
    return folded(f"{record.service}:{record.operation}")


@lru_cache(maxsize=64)
def _pattern(action: str) -> re.Pattern[str]:
    return re.compile(translate(folded(action).replace("[", "[[]")))


def _names(record: Record) -> tuple[str, ...]:
    who = record.identity
    return (who.arn, who.principal_arn, *((who.name,) if who.kind == "user" else ()))


def _is_role(record: Record, role: str) -> bool:
    arn = record.identity.issuer_arn
    return ":role/" in arn and role in (arn, arn.rpartition("/")[2])
