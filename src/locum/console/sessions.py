"""Who is signed in: sessions by the random name in a cookie. They are kept in memory, and end with the process."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from locum.core.clock import Clock, Entropy
from locum.core.sign_in import SignedIn

MOST: Final = 1_000
"""Sessions that are kept: of more, the one that was not used for the longest time ends."""
MOST_OF_ONE: Final = 50
"""Those of one user, role or federated user: else one would end the sessions of all others by signing in."""
_NOTES: Final = 20


@dataclass(frozen=True, slots=True)
class Note:
    """What a page tells once: that something was done, with the commands of the AWS CLI for it, or an error."""

    text: str
    commands: tuple[str, ...] = ()
    is_error: bool = False
    request_id: str = ""


@dataclass(slots=True)
class Session:
    """Somebody's session. `csrf` is in all forms. `base` is who somebody was before the role was switched."""

    signed: SignedIn
    region: str
    csrf: str = field(repr=False)
    base: SignedIn | None = None
    notes: list[Note] = field(default_factory=list)

    def tell(self, note: Note) -> None:
        """Have the next page tell something."""
        self.notes = [*self.notes[1 - _NOTES :], note]

    def told(self) -> list[Note]:
        """What is to be told, once."""
        notes, self.notes = self.notes, []
        return notes

    def is_csrf(self, text: str) -> bool:
        """Whether `text` is the token of this session's forms."""
        return hmac.compare_digest(self.csrf.encode(), text.encode())


class Sessions:
    """All sessions. `clock` is the wall clock (epoch seconds)."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._kept: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, signed: SignedIn, region: str) -> str:
        """Begin the session of somebody who has signed in; the value of its cookie."""
        name = self._entropy(32).hex()
        own = [digest for digest, session in self._kept.items() if _whose(session) == _principal(signed)]
        if len(own) >= MOST_OF_ONE:
            del self._kept[own[0]]
        self._kept[_digest(name)] = Session(signed, region, self._entropy(32).hex())
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return name

    def find(self, name: str) -> Session | None:
        """The session with that cookie, where it has not ended."""
        digest = _digest(name)
        session = self._kept.get(digest)
        if session is None:
            return None
        first = session.base or session.signed
        if first.keys.expires_at <= self._clock():
            del self._kept[digest]
            return None
        self._kept.move_to_end(digest)
        return session

    def end(self, name: str) -> Session | None:
        """Forget a session."""
        return self._kept.pop(_digest(name), None)


def _whose(session: Session) -> str:
    return _principal(session.base or session.signed)


def _principal(signed: SignedIn) -> str:
    """The ARN without the name of a session or federated user, which is chosen by whoever makes one."""
    return signed.arn if signed.kind in ("root", "user") else signed.arn.rpartition("/")[0]


def _digest(name: str) -> bytes:
    return sha256(name.encode()).digest()
