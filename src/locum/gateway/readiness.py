"""Whether a node is to be sent calls: what a load balancer asks at `/_locum/ready`, which needs no signature.

    starting   it is not yet complete
    draining   it ends soon: it answers, for those who have not heard yet
    storage    the journal does not work, and what changes something is refused
    stale      it has not heard of the journal for too long, and all calls are refused

`/_locum/health` is another question: whether the process is to be ended and started again.
"""

from __future__ import annotations

import json
from math import isinf
from typing import Final

from locum import __version__
from locum.core.http import HttpResponse
from locum.store import Ledger

STARTING: Final = "starting"
DRAINING: Final = "draining"
STORAGE: Final = "storage"
STALE: Final = "stale"


class Readiness:
    """The readiness of the node of `ledger`: `started` and `drain` tell it where it is."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._phase = STARTING

    def started(self) -> None:
        """The node is complete."""
        self._phase = ""

    def drain(self) -> None:
        """The node ends soon."""
        self._phase = DRAINING

    @property
    def reason(self) -> str:
        """Why the node is to be sent no calls; empty where it is."""
        if self._phase:
            return self._phase
        if self._ledger.failure:
            return STORAGE
        return STALE if self._ledger.stale else ""

    def response(self) -> HttpResponse:
        """The response to the question: 200 or 503. `staleness` is in seconds, null where it is not known yet."""
        reason, age = self.reason, self._ledger.age
        told = {
            "ready": not reason,
            **({"reason": reason} if reason else {}),
            "version": __version__,
            "sequence": self._ledger.state.sequence,
            "staleness": None if isinf(age) else round(age, 3),
        }
        return HttpResponse(503 if reason else 200, [("content-type", "application/json")], json.dumps(told).encode())
