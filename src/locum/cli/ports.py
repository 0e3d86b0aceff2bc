"""The port of the gateway: taken before anything else is done, or told why it cannot be."""

from __future__ import annotations

import os
import socket

from locum.core.errors import ConfigurationError


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on `port` of `host`; 0 picks a free one. Raises ConfigurationError where it cannot."""
    try:
        return socket.create_server((host, port), reuse_port=False)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ConfigurationError(f"cannot listen on {host}:{port} ({reason}); choose another --port") from error
