"""The rules of an S3 website: which key a path stands for, and where to a browser is sent.

Amazon S3 User Guide, "Hosting a static website using Amazon S3": "Configuring an index document", "(Optional)
Configuring a webpage redirect".
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse

Configuration = Mapping[str, Any]


class Redirect(NamedTuple):
    """A redirect of a browser."""

    status: int
    location: str

    def answer(self) -> HttpResponse:
        """The response that redirects."""
        return HttpResponse(self.status, [("Location", self.location)])


def everywhere(configuration: Configuration, request: HttpRequest) -> Redirect | None:
    """The redirect of RedirectAllRequestsTo; None where there is none."""
    target = configuration.get("RedirectAllRequestsTo")
    if not target:
        return None
    return Redirect(301, f"{target.get('Protocol') or _scheme(request)}://{target['HostName']}{request.raw_path}")


def indexed(configuration: Configuration, key: str) -> str:
    """`key` with the index document where it is that of the site or of a folder."""
    suffix = (configuration.get("IndexDocument") or {}).get("Suffix", "")
    return f"{key}{suffix}" if not key or key.endswith("/") else key


def routed(configuration: Configuration, request: HttpRequest, key: str, status: int = 0) -> Redirect | None:
    """The redirect of the first routing rule for `key`, or for the error `status` that it got; None without one."""
    for rule in configuration.get("RoutingRules") or ():
        condition, target = rule.get("Condition") or {}, rule.get("Redirect") or {}
        code, prefix = condition.get("HttpErrorCodeReturnedEquals"), condition.get("KeyPrefixEquals", "")
        if not key.startswith(prefix) or (code is not None and code != str(status)) or (code is None and status):
            continue
        if "ReplaceKeyWith" in target:
            key = target["ReplaceKeyWith"]
        elif "ReplaceKeyPrefixWith" in target:
            key = f"{target['ReplaceKeyPrefixWith']}{key.removeprefix(prefix)}"
        host = target.get("HostName") or request.headers.get("host", "")
        location = f"{target.get('Protocol') or _scheme(request)}://{host}/{quote(key, safe='/~')}"
        return Redirect(int(target.get("HttpRedirectCode") or 301), location)
    return None


def error_page(fault: Fault, request_id: str) -> HttpResponse:
    """The page for an error of a website, which is HTML."""
    title = f"{fault.status} {HTTPStatus(fault.status).phrase}"
    items = {"Code": fault.code, "Message": fault.message, "RequestId": request_id}
    listed = "".join(f"<li>{name}: {_escaped(value)}</li>" for name, value in items.items())
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><ul>{listed}</ul><hr/></body></html>"
    return HttpResponse(fault.status, [("Content-Type", "text/html; charset=utf-8")], page.encode())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _scheme(request: HttpRequest) -> str:
    return "https" if request.secure else "http"
