"""The REPORT line of an invocation: what it took of time and memory.

Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions". Init is billed, as on AWS since August 2025.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final, NamedTuple

_STATUS: Final = {"timeout": "timeout", "fatal": "error", "ended": "error"}
"""By the kind of the outcome, where it is not success; an error that the handler raises is a success of the runtime."""


class Times(NamedTuple):
    """Seconds that an invocation took, and that Init took before it, None where there was none."""

    taken: float
    init: float | None


def report(request_id: str, memory: int, kind: str, times: Times, pid: int) -> str:
    """The line of an invocation with an outcome of `kind`, in the process `pid` of a function with `memory` MiB."""
    taken, init = times.taken * 1000, (times.init or 0.0) * 1000
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {taken:.2f} ms",
        f"Billed Duration: {math.ceil(taken + init)} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {_peak_memory(pid)} MB",
    ]
    if times.init is not None:
        fields.append(f"Init Duration: {init:.2f} ms")
    if kind in _STATUS:
        fields.append(f"Status: {_STATUS[kind]}")
    return "\t".join([*fields, ""])


def init_report(taken: float, phase: str, kind: str) -> str:
    """The line of an Init that failed, as `kind` says, after so many seconds, in the phase `init` or `invoke`."""
    return f"INIT_REPORT Init Duration: {taken * 1000:.2f} ms\tPhase: {phase}\tStatus: {_STATUS[kind]}"


def _peak_memory(pid: int) -> int:
    """The most MiB of memory that a process has had; 0 where it is gone. proc_pid_status(5)."""
    if not pid:
        return 0
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return 0 if found is None else -(-int(found[1]) // 1024)
