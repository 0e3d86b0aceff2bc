"""The refusal of all that moto would do outside of this process: connections, look-ups of names, processes.

moto posts to subscribers of SNS, starts containers, and calls AWS. A client would reach by it what its own network does
not let it reach: from inside an instance, everything that the plane can. So none of moto's code opens a connection,
in whichever thread and by whichever library, as CPython tells of each attempt before it is made (PEP 578).
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any, Final

from locum.backends.moto.lookups import refusal

_EVENTS: Final = frozenset(
    {
        "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
        "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo",
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.spawn", "pty.spawn",
    }
)  # fmt: skip
"""CPython, "Audit events table"."""


@cache
def keep_in() -> None:
    """Refuse what moto's code does outside of this process, from now on and for as long as the process lives."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS and _is_motos():
        raise refusal(f"open connections or start processes ({event})")


def _is_motos() -> bool:
    """Whether code of moto is on the stack of this thread."""
    frame = inspect.currentframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("moto."):
            return True
        frame = frame.f_back
    return False
