"""What somebody has in their pocket: an application that shows the codes of a virtual MFA device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyotp import HOTP

STEP = 30
"""Seconds."""


@dataclass(frozen=True)
class Authenticator:
    """The device `serial`. Its clock is `ahead` by so many seconds."""

    serial: str
    seed: str
    ahead: float = 0

    @classmethod
    def of(cls, answer: Mapping[str, Any], ahead: float = 0) -> Authenticator:
        """Set up from what CreateVirtualMFADevice answers."""
        device = answer["VirtualMFADevice"]
        return cls(device["SerialNumber"], device["Base32StringSeed"].decode(), ahead)

    def code(self, now: float, later: int = 0) -> str:
        """What it shows at `now` (epoch seconds), or so many steps later."""
        return HOTP(self.seed).at(int(now + self.ahead) // STEP + later)

    def pair(self, now: float) -> dict[str, str]:
        """What it shows now and showed before, as EnableMFADevice and ResyncMFADevice take it."""
        return {"AuthenticationCode1": self.code(now, -1), "AuthenticationCode2": self.code(now)}

    def shown(self, now: float, later: int = 0) -> dict[str, str]:
        """What it shows, as AssumeRole and GetSessionToken take it."""
        return {"SerialNumber": self.serial, "TokenCode": self.code(now, later)}


def wrong(code: str) -> str:
    """A code that is not `code`, nor likely to be any."""
    return f"{(int(code) + 1) % 1_000_000:06}"
