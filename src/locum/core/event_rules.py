"""Rules of EventBridge as values."""

from __future__ import annotations

from typing import NamedTuple

DISABLED = "DISABLED"


class EventRule(NamedTuple):
    """A rule of the default bus of an account and region: its schedule or its event pattern (JSON), or empty."""

    account: str
    region: str
    name: str
    schedule: str
    pattern: str
    state: str
