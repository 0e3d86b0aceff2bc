"""An OpenID Connect issuer with real keys: its tokens, good and forged, and the server where its keys are found."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwk, jws

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/keys"


@cache
def key(algorithm: str, number: int = 1) -> jwk.RSAKey | jwk.ECKey:
    """A key pair for RS... or ES..., the same whenever it is asked for."""
    curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
    curve = curves.get(algorithm)
    made: jwk.RSAKey | jwk.ECKey = jwk.ECKey.generate_key(curve) if curve else jwk.RSAKey.generate_key(2048)
    return made


def public(algorithm: str = "RS256", kid: str = "one", number: int = 1, **members: Any) -> dict[str, Any]:
    """The public JSON Web Key of `key(algorithm, number)`."""
    return {**key(algorithm, number).as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithm, **members}


def key_set(*keys: Mapping[str, Any]) -> str:
    """A JSON Web Key Set."""
    return json.dumps({"keys": keys})


def signed(
    claims: Mapping[str, Any], algorithm: str = "RS256", kid: str | None = "one", number: int = 1, **header: Any
) -> str:
    """`claims`, signed with `key(algorithm, number)`."""
    told = {"alg": algorithm, "typ": "JWT", **({} if kid is None else {"kid": kid}), **header}
    return jws.serialize_compact(told, json.dumps(claims).encode(), key(algorithm, number), algorithms=[algorithm])


class Issuer:
    """A server on this machine. `documents` are what it answers by path; `asked` the paths that were asked for."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.documents: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme, host = ("http", "127.0.0.1") if context is None else ("https", "localhost")
        self.host = f"{host}:{self._server.server_port}"
        self.url = f"{scheme}://{self.host}"
        self.tells(public())

    def tells(self, *keys: Mapping[str, Any], **configuration: Any) -> None:
        """From now on these are its keys."""
        told = {"issuer": self.url, "jwks_uri": self.url + KEYS, **configuration}
        self.documents = {CONFIGURATION: json.dumps(told).encode(), KEYS: key_set(*keys).encode()}

    @contextmanager
    def serving(self) -> Iterator[Issuer]:
        """Answer, for as long as the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            body = issuer.documents.get(self.path)
            self.send_response(404 if body is None else issuer.status)
            for name, value in issuer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
            """Say nothing."""

    return Handler
