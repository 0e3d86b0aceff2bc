"""The patience of a listener with its clients: for how long it waits for one that sends or reads nothing.

It is counted in the ticks of the listener, one a second, so that a request costs nothing for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of the waits for a client, in ticks (seconds), and of its connections.

    `silence`: between requests, and before the first one. `head`: from the first octet of a request to the end of its
    headers. `body`: in which `progress` octets of a body must come, or of a response must be read. `connections`: of
    all listeners together; for one more, those that were silent longest are closed.
    """

    silence: int = 75
    head: int = 30
    body: int = 20
    progress: int = 1 << 14
    connections: int = 4096


PATIENCE: Final = Patience()
"""S3 closes a connection that makes no progress after some 20 seconds. AWS does not document the others."""


class Phase(Enum):
    """The phase of a connection: the event that it is waiting for.

    WORK: for the application, so that its client is not to blame. READING: for the client to read. DRAINING: for the
    rest of a body whose request is answered.
    """

    SILENCE = "silence"
    HEAD = "head"
    BODY = "body"
    READING = "reading"
    DRAINING = "draining"
    WORK = "work"


class Watch:
    """The wait of one connection: how long it is in the same phase without progress."""

    __slots__ = ("_mark", "_subject", "phase", "ticks")

    def __init__(self) -> None:
        self.phase = Phase.WORK
        self.ticks = 0
        self._subject: Any = None
        self._mark = 0

    def tick(self, phase: Phase, subject: object, octets: int, patience: Patience) -> bool:
        """Count a second in `phase`; whether the patience is at its end.

        `subject` is the request that it is about. `octets` is what was received, or was read, until now.
        """
        if phase is not self.phase or subject is not self._subject or self._moved(octets, patience):
            self.phase, self._subject, self._mark, self.ticks = phase, subject, octets, 0
            return False
        self.ticks += 1
        return phase is not Phase.WORK and self.ticks >= getattr(patience, _LIMIT[phase])

    def _moved(self, octets: int, patience: Patience) -> bool:
        if self.phase in (Phase.BODY, Phase.READING):
            return octets - self._mark >= patience.progress
        return self.phase is Phase.SILENCE and octets != self._mark


_LIMIT: Final = {
    Phase.SILENCE: "silence",
    Phase.HEAD: "head",
    Phase.BODY: "body",
    Phase.READING: "body",
    Phase.DRAINING: "body",
}
