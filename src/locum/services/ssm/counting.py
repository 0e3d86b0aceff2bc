"""MaxConcurrency and MaxErrors: numbers, or parts of the targets in percent."""

from __future__ import annotations

import math


def number_in(text: str, targets: int) -> int:
    """The number that `text` (`10` or `10%`) is of so many targets, rounded up."""
    return math.ceil(targets * int(text[:-1]) / 100) if text.endswith("%") else int(text)
