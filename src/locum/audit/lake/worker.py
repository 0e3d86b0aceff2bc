"""The process with the column store. It ends with its plane, with a request that takes too long, or with its memory.

Statements of clients run here and not in the plane: what they can exhaust is this process.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from typing import Final

from locum.audit.lake.database import Database
from locum.audit.lake.messages import framed, receive, requests, send

_ADDRESSES: Final = 3 << 30
"""Octets of address space: DuckDB's own limit does not count every text that an expression makes."""
_FILES: Final = 64
_FRAMES: Final = 3_000
_NICENESS: Final = 5
_WATCH: Final = 1.0
"""Seconds."""


def _end_with(parent: int) -> None:
    """End this process, whatever it does, once `parent` is no longer its parent."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(_WATCH)
    os._exit(1)


def main() -> None:
    """Answer the requests at standard input, with the column store whose path is the last argument."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    out = os.dup(1)
    os.dup2(2, 1)
    os.umask(0o077)
    os.nice(_NICENESS)
    sys.setrecursionlimit(_FRAMES)
    for kind, most in ((resource.RLIMIT_AS, _ADDRESSES), (resource.RLIMIT_NOFILE, _FILES), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))
    database = Database(sys.argv[-1])
    while (message := receive(0)) is not None:
        reply = database.answer(requests.decode(message))
        send(out, framed(reply))
        if reply.exhausted:
            break
    database.close()
