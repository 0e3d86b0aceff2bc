"""Cross-origin requests to S3: preflight requests, which nobody signs, and the headers of answers.

Amazon S3 User Guide, "Using cross-origin resource sharing (CORS)": "Amazon S3 evaluates the CORS configuration for the
bucket and uses the first CORSRule rule that matches the incoming browser request". Fetch Standard, "CORS-preflight
request", has what browsers send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from locum.calls.bucket_settings import BucketSettings
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse

Rule = Mapping[str, Any]

_NOT_ALLOWED: Final = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)
_NOT_ENABLED: Final = "CORSResponse: CORS is not enabled for this bucket."
_VARY: Final = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


class CrossOrigin:
    """Answers preflight requests by the CORS rules of buckets."""

    def __init__(self, settings: BucketSettings) -> None:
        self._settings = settings

    async def preflight(self, request: HttpRequest, bucket: str, region: str) -> HttpResponse:
        """The answer to a preflight request. Raises Fault where the bucket's rules do not let the request be made."""
        origin = request.headers.get("origin")
        method = request.headers.get("access-control-request-method")
        if not origin:
            raise Fault("BadRequest", "Insufficient information. Origin request header needed.", 400)
        if not method:
            raise Fault("BadRequest", "Invalid Access-Control-Request-Method: null", 400)
        rules = await self._rules(bucket, region)
        members = {"Method": method, "ResourceType": "OBJECT" if request.raw_path.strip("/") else "BUCKET"}
        if rules is None:
            raise Fault("AccessForbidden", _NOT_ENABLED, 403, members=members)
        wanted = [name.strip().lower() for name in request.headers.get("access-control-request-headers", "").split(",")]
        headers = [name for name in wanted if name]
        found = matching(rules, origin, method, headers)
        if found is None:
            raise Fault("AccessForbidden", _NOT_ALLOWED, 403, members=members)
        return HttpResponse(200, answer_headers(found, origin, headers))

    async def headers(self, request: HttpRequest, bucket: str, region: str, method: str) -> list[tuple[str, str]]:
        """The headers of the answer to a cross-origin request made with `method`; none where no rule matches."""
        origin = request.headers["origin"]
        rules = await self._rules(bucket, region)
        found = None if rules is None else matching(rules, origin, method, [])
        return [] if found is None else answer_headers(found, origin, [])

    async def _rules(self, bucket: str, region: str) -> Sequence[Rule] | None:
        """The CORS rules of a bucket; None where there are none, or no such bucket."""
        told = await self._settings.read("GetBucketCors", bucket, region)
        return None if told is None else told.get("CORSRules") or ()


def matching(rules: Sequence[Rule], origin: str, method: str, headers: Sequence[str]) -> Rule | None:
    """The first rule that lets `origin` make a request with `method` and the lower-case `headers`."""
    for rule in rules:
        if (
            _origin(rule, origin)
            and method in rule.get("AllowedMethods", ())
            and all(any(_matches(p.lower(), name) for p in rule.get("AllowedHeaders", ())) for name in headers)
        ):
            return rule
    return None


def answer_headers(rule: Rule, origin: str, headers: Sequence[str]) -> list[tuple[str, str]]:
    """The headers that let a browser read the answer, by the rule that matched."""
    everybody = _origin(rule, origin) == "*"
    found = [
        ("Access-Control-Allow-Origin", "*" if everybody else origin),
        ("Access-Control-Allow-Methods", ", ".join(rule.get("AllowedMethods", ()))),
    ]
    if headers:
        found.append(("Access-Control-Allow-Headers", ", ".join(headers)))
    if rule.get("ExposeHeaders"):
        found.append(("Access-Control-Expose-Headers", ", ".join(rule["ExposeHeaders"])))
    if "MaxAgeSeconds" in rule:
        found.append(("Access-Control-Max-Age", str(rule["MaxAgeSeconds"])))
    if not everybody:
        found.append(("Access-Control-Allow-Credentials", "true"))
    return [*found, ("Vary", _VARY)]


def _origin(rule: Rule, origin: str) -> str:
    """The first origin of a rule that `origin` matches; empty where none does."""
    return next((pattern for pattern in rule.get("AllowedOrigins", ()) if _matches(pattern, origin)), "")


def _matches(pattern: str, text: str) -> bool:
    """Whether `text` matches a pattern, which "can contain at most one * wildcard character"."""
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)
