"""The requests that moto's handlers are given."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, Request

from locum.backends import translate
from locum.backends.port import BackendCall

FORM_PROTOCOLS: Final = ("query", "ec2")
_NAMED_BY_THE_END: Final = frozenset({"glacier", "pipes", "resiliencehub", "scheduler"})
"""Services of which moto reads a resource's name at the end of the URL, after the last `/` or `/tags/`: a query string
has to end as the path does."""


class PlainRequest(Request):  # type: ignore[misc] # moto has no types
    """A request whose body is not parsed as a form. The Content-Type of an S3 object may be that of a form.

    Nor is the body copied, or kept in a cycle of objects, as a request that is in its own environment is.
    """

    def __init__(self, environ: dict[str, Any], body: bytes) -> None:
        super().__init__(environ, populate_request=False)
        self._body = body

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> bytes | str:
        return self._body.decode(errors="replace") if as_text else self._body

    @property
    def want_form_data_parsed(self) -> bool:
        return False


def environ_of(call: BackendCall, host: str, restated: translate.Restated, protocol: str) -> dict[str, Any]:
    """The request as a WSGI environment, of which moto's request object is made."""
    query = _query(call, restated, protocol)
    uri = f"{restated.path}?{query}" if query else restated.path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": restated.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _decoded(restated.path),
        "QUERY_STRING": query,
        "RAW_URI": uri,
        "REQUEST_URI": uri,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "HTTP_HOST": host,
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(restated.body),
        "HTTP_X_MOTO_ACCOUNT_ID": call.account,
        "HTTP_AUTHORIZATION": (
            f"AWS4-HMAC-SHA256 Credential=LOCUM/20260101/{call.region}/{call.signing_name}/aws4_request"
        ),
    }
    _add_headers(environ, restated.headers)
    environ["CONTENT_LENGTH"] = str(len(restated.body))
    client_host = call.request.headers.get("host", host)
    if call.service == "sqs" and ".amazonaws.com" not in client_host:
        # moto makes a queue's URL of the request's host: it must lead back to the gateway. (AWS's host names do
        # already, and moto would use their region instead of the call's.)
        environ["HTTP_HOST"] = client_host
        environ["wsgi.url_scheme"] = "https" if call.request.secure else "http"
    if "origin" in call.request.headers:
        environ["HTTP_ORIGIN"] = call.request.headers["origin"]
    return environ


def _query(call: BackendCall, restated: translate.Restated, protocol: str) -> str:
    """The query string. It is not empty where moto would then look for parameters in the body or the headers."""
    if protocol == "json":
        return f"Action={call.operation}"
    if protocol in FORM_PROTOCOLS:
        return ""
    if call.service in _NAMED_BY_THE_END:
        end = f"x-id={call.operation}/tags/{restated.path.rpartition('/')[2]}"
        return f"{restated.query}&{end}" if restated.query else end
    return restated.query or f"x-id={call.operation}"


def _add_headers(environ: dict[str, Any], headers: Mapping[str, str]) -> None:
    preserved: dict[str, str] = {}
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = value
        if "_" in name and name.startswith("x-amz-meta-"):
            preserved[key] = name
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved


def _decoded(path: str) -> str:
    """PATH_INFO: percent-decoded, its UTF-8 octets as Latin-1 characters (PEP 3333)."""
    if "%" not in path:
        return path
    return unquote_to_bytes(path).decode("latin-1")
