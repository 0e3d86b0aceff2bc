"""What the checks of an audit look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

import msgspec

from locum.analysis.escalation import Escalations, Worn
from locum.core.clock import DAY
from locum.state import State

DAYS: Final = 90
"""What was not used for so long is unused; an older key is old."""


class Use(msgspec.Struct, frozen=True):
    """The last use of an action, at `at` (epoch seconds), by a user or role (its unique id) or root (the account)."""

    principal: str
    access_key_id: str
    action: str
    at: float


class Exposed(msgspec.Struct, frozen=True):
    """Something that has access keys in it, by their ids, with their secrets: an environment. `where` tells which."""

    account: str
    resource: str
    where: str
    keys: tuple[str, ...]


class Evidence(msgspec.Struct, frozen=True, dict=True):
    """The state at the time `now` (epoch seconds), the last uses by account, and what was read of other services.

    `days`: what was not used for so long is unused.
    """

    state: State
    now: float
    uses: Mapping[str, tuple[Use, ...]] = {}
    escalations: Escalations = Escalations((), (), True, 0)
    worn: tuple[Worn, ...] = ()
    exposed: tuple[Exposed, ...] = ()
    days: int = DAYS

    @property
    def since(self) -> float:
        """The beginning of the time in which something has to be used (epoch seconds)."""
        return self.now - self.days * DAY

    @cached_property
    def by_principal(self) -> Mapping[str, list[Use]]:
        """The last uses by unique id."""
        found: defaultdict[str, list[Use]] = defaultdict(list)
        for uses in self.uses.values():
            for use in uses:
                found[use.principal].append(use)
        return found

    def last_use(self, principal: str, access_key_id: str = "") -> float:
        """When a principal was used last, or one of its keys (epoch seconds); 0 for never."""
        uses: Iterable[Use] = self.by_principal.get(principal, ())
        return max((use.at for use in uses if not access_key_id or use.access_key_id == access_key_id), default=0.0)

    def told(self, at: float) -> str:
        """How long ago a use was, in words."""
        return f"for {int((self.now - at) // DAY)} days" if at else "ever"
