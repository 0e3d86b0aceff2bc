"""The zygote: a small process of the plane's from which launchers of instances are forked.

A fork shares the interpreter's memory, so that a launcher takes a few megabytes, and starts in milliseconds. It ends
with the plane; the launchers do not. A message on its socket is a `Launch` as JSON, with one descriptor.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import traceback
from typing import Final

from locum.compute.launcher import Launch, launch

MOST: Final = 1 << 17
"""Octets of a message: user data has 16 KB at most."""


def main() -> None:
    """Fork a launcher for every message, to the end of the connection, whose descriptor is the last argument."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for launchers
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[-1])) as plane:
        while True:
            octets, descriptors, _, _ = socket.recv_fds(plane, MOST, 1)
            if not octets:
                return
            with socket.socket(fileno=descriptors[0]) as under_way:
                if os.fork() == 0:
                    plane.close()
                    _be_launcher(octets, under_way)


def _be_launcher(octets: bytes, under_way: socket.socket) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        under_way.set_inheritable(False)
        launch(Launch.of(json.loads(octets)), under_way)
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)
