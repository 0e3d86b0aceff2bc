"""The backend of test_effects_survive_kills.py: writes down every message of SNS that it gets, before it answers.

    python effects_backend.py FILE

A line is the invocation id and the message; the port is printed first.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

ANSWER = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId>'
    b"</PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>"
)


def handler(handle: int) -> type[BaseHTTPRequestHandler]:
    lock = Lock()

    class Recording(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            line = f"{self.headers['amz-sdk-invocation-id']} {parse_qs(body)['Message'][0]}\n"
            with lock:
                os.write(handle, line.encode())
                os.fsync(handle)
            self.send_response(200)
            self.send_header("content-length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Recording


class Backend(ThreadingHTTPServer):
    """A server that does not mind whoever goes away."""

    def handle_error(self, *_: Any) -> None:
        """Nothing: the plane was killed."""


if __name__ == "__main__":
    written = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    server = Backend(("127.0.0.1", 0), handler(written))
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
