"""The interpreter of a process that serves."""

from __future__ import annotations

import gc
import sys


def tune_interpreter() -> None:
    """Exclude all present objects from garbage collection, and make it less frequent.

    Requests make almost no cycles, and the service models have none.
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    sys.setswitchinterval(0.001)  # seconds: the longest that a commit waits for the interpreter
