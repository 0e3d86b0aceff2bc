"""S3's website endpoints (`BUCKET.s3-website-REGION.amazonaws.com`): pages for browsers, which sign nothing.

Each page is a call of GetObject or HeadObject that nobody in particular makes: decided and recorded as such.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

from locum import wire
from locum.calls import Calls, RequestContext
from locum.calls.website_rules import Configuration, error_page, everywhere, indexed, routed
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.core.s3_errors import METHOD_NOT_ALLOWED
from locum.gateway.answers import with_request_id

_OPERATIONS: Final = {"GET": "GetObject", "HEAD": "HeadObject"}
_PASSED_ON: Final = (
    "host", "user-agent", "referer", "origin", "range", "if-match", "if-none-match", "if-modified-since",
    "if-unmodified-since",
)  # fmt: skip
_REDIRECT: Final = "x-amz-website-redirect-location"


class Websites:
    """Answers requests to website endpoints."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def answer(self, context: RequestContext, bucket: str) -> HttpResponse:
        """The page for a request, an error's among them. The request itself is recorded by the page that it gets."""
        request = context.request
        try:
            if request.method not in _OPERATIONS:
                members = {"Method": request.method, "ResourceType": "OBJECT"}
                raise Fault(*METHOD_NOT_ALLOWED, members=members)
            configuration = await self._calls.bucket_settings.read("GetBucketWebsite", bucket, context.region)
            if configuration is None:
                text = "The specified bucket does not have a website configuration"
                raise Fault("NoSuchWebsiteConfiguration", text, 404)
        except Fault as fault:
            return _bodiless(request, error_page(self._calls.refuse(context, fault), context.request_id))
        key = unquote(request.raw_path[1:], errors="replace")
        redirect = everywhere(configuration, request) or routed(configuration, request, key)
        if redirect is not None:
            return redirect.answer()
        return _bodiless(request, await self._page(context, bucket, configuration, key))

    async def _page(self, context: RequestContext, bucket: str, configuration: Configuration, key: str) -> HttpResponse:
        try:
            return await self._object(context, bucket, indexed(configuration, key))
        except Fault as error:
            fault = error
        request = context.request
        redirect = routed(configuration, request, key, fault.status)
        if redirect is not None:
            return redirect.answer()
        document = (configuration.get("ErrorDocument") or {}).get("Key")
        if document and 400 <= fault.status < 500:
            try:
                page = await self._object(self._calls.begin(request), bucket, document)
                return HttpResponse(fault.status, page.headers, page.body)
            except Fault:
                pass
        return error_page(fault, context.request_id)

    async def _object(self, context: RequestContext, bucket: str, key: str) -> HttpResponse:
        """The object, or the redirect that it is. Raises Fault, which is recorded."""
        sent = context.request
        codec = context.codec = wire.codec_of("s3", _OPERATIONS[sent.method])
        assert codec is not None
        headers = {name: sent.headers[name] for name in _PASSED_ON if name in sent.headers}
        headers["host"] = "s3.amazonaws.com"
        path = f"/{quote(bucket, safe='')}/{quote(key, safe='/~')}"
        context.request = HttpRequest(sent.method, path, "", headers, b"", sent.source_ip, sent.secure)
        try:
            self._calls.name(context, codec, codec.parse(context.request, b""))
            answer = await self._calls.take(context)
        except Fault as fault:
            raise self._calls.refuse(context, fault) from fault
        assert isinstance(answer, HttpResponse)
        if answer.status >= 400:
            raise Fault("NoSuchKey" if answer.status == 404 else "AccessDenied", _text(answer.status), answer.status)
        location = next((value for name, value in answer.headers if name.lower() == _REDIRECT), "")
        if location:
            return HttpResponse(301, [("Location", location)])
        return with_request_id(answer, codec, context.request_id)


def _text(status: int) -> str:
    return "The specified key does not exist." if status == 404 else "Access Denied"


def _bodiless(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """`answer` without content where it is to a HEAD, whose object brings its own length."""
    if request.method == "HEAD" and answer.status >= 400:
        answer.body = b""
    return answer
