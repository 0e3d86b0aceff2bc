"""Wrong codes of a second factor, counted: whoever has a key alone shall not find out the code by trying.

A code has six digits, and three of them are good at a time: at some thousand calls a second it would take minutes.
RFC 4226, section 7.3: "We RECOMMEND setting a throttling parameter T, which defines the maximum number of possible
attempts for One-Time Password validation."

This counts in one process. Where there are several nodes, the codes of a device are counted in the journal besides
(`services.sts.second_factor`): else each of them could be tried.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from locum.core.errors import Fault
from locum.core.principal import Principal
from locum.credentials.onetime import SPAN, TRIES

_KEPT: Final = 16_384
"""Principals that are remembered."""

_Who = tuple[str, str]


class _Wrong(NamedTuple):
    """`times` a wrong code since the instant `since` (epoch seconds)."""

    since: float
    times: int


class MfaThrottle:
    """The wrong codes of late, by principal: of a user whichever its credentials, of the root user by account."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[_Who, _Wrong] = OrderedDict()

    def admit(self, principal: Principal, now: float) -> None:
        """Raises Fault Throttling where the principal has shown too many wrong codes for one more, even a right one."""
        found = self._wrong.get(_who(principal))
        if found is not None and found.times >= TRIES and now - found.since < SPAN:
            raise Fault("Throttling", "Rate exceeded", 400)

    def failed(self, principal: Principal, now: float) -> None:
        """Count a wrong code."""
        who = _who(principal)
        found = self._wrong.get(who)
        since, times = (now, 0) if found is None or now - found.since >= SPAN else found
        self._wrong[who] = _Wrong(since, times + 1)
        self._wrong.move_to_end(who)
        if len(self._wrong) > _KEPT:
            self._wrong.popitem(last=False)

    def forgive(self, principal: Principal) -> None:
        """Take one back: the code is looked at again, and counted again where it is wrong."""
        found = self._wrong.get(_who(principal))
        if found is not None and found.times:
            self._wrong[_who(principal)] = found._replace(times=found.times - 1)


def _who(principal: Principal) -> _Who:
    return principal.account, principal.unique_id
