"""The PutObject that a POST form of S3 is, and the answer to the form.

S3 API Reference, "POST Object": "POST is an alternate form of PUT that enables browser-based uploads. Parameters that
are passed to PUT via HTTP Headers are instead passed as form fields to POST."
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.core.s3_errors import MALFORMED_XML
from locum.wire.codec import codec_of
from locum.wire.parsers.malformed import Malformed
from locum.wire.parsers.s3 import bucket_of_host, s3_address
from locum.wire.parsers.xml import read_xml
from locum.wire.post_form import FILENAME, PostForm
from locum.wire.serializers.xml import DECLARATION, escape

MAX_KEY: Final = 1024
"""The longest key of an object, in octets of UTF-8."""

_OWN_NAMES: Final = {"acl": "x-amz-acl"}
_META: Final = "x-amz-meta-"
_NOT_FIELDS: Final = frozenset({"content-length", "x-amz-tagging"})
_HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+\-.^_`|~]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""RFC 9110, section 5.5: in a header, these would end it and begin another."""
_KEPT_HEADERS: Final = ("host", "user-agent", "referer", "origin")
_OF_ANSWER: Final = ("etag", "x-amz-")
_STATUSES: Final = {"200": 200, "201": 201}


def filled(form: PostForm) -> PostForm:
    """`form` with its file's name in place of `${filename}`, which "is recognized by all form fields"."""
    fields = {
        name: value if name in ("policy", "signature", "x-amz-signature") else value.replace(FILENAME, form.filename)
        for name, value in form.fields.items()
    }
    return form._replace(fields=fields)


def put_object_request(request: HttpRequest, form: PostForm) -> HttpRequest:
    """The PutObject of a form whose file was read. Raises Fault where there is no valid key, or no valid tag set."""
    key = form.fields.get("key")
    if key is None:
        text = (
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        )
        raise _argument(text, "key", "")
    if not key:
        text = "User key must have a length greater than 0."
        raise _argument(text, "key", "")
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > MAX_KEY:
        members = {"Size": str(size), "MaxSizeAllowed": str(MAX_KEY)}
        raise Fault("KeyTooLongError", "Your key is too long", members=members)
    body = form.file or b""
    headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
    for name, value in form.fields.items():
        name = _OWN_NAMES.get(name, name)
        if name in _header_names() or name.startswith(_META):
            if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
                raise _argument(f"The field '{name[:100]}' cannot be a header.", name[:100], value[:100])
            headers[name] = value.encode("utf-8").decode("latin-1")
    if form.fields.get("tagging"):
        headers["x-amz-tagging"] = _tags(form.fields["tagging"])
    headers["content-length"] = str(len(body))
    path = _path(request, key)
    return HttpRequest("PUT", path, "", headers, body, request.source_ip, request.secure)


def answer_to_form(request: HttpRequest, form: PostForm, answer: HttpResponse) -> HttpResponse:
    """The answer to a form, from the one to its PutObject: 204, what `success_action_status` says, or a redirect.

    `request` is the PutObject. "If Amazon S3 cannot interpret the URL, it acts as if the field is not present."
    """
    if answer.status >= 300:
        return answer
    bucket, key = s3_address(request).bucket, form.fields["key"]
    headers = [(name, value) for name, value in answer.headers if name.lower().startswith(_OF_ANSWER)]
    etag = next((value for name, value in headers if name.lower() == "etag"), "")
    fields = form.fields
    redirect = _redirect(fields.get("success_action_redirect") or fields.get("redirect") or "")
    if redirect:
        told = urlencode({"bucket": bucket, "key": key, "etag": etag}, quote_via=quote, safe="")
        location = f"{redirect}{'&' if urlsplit(redirect).query else '?'}{told}"
        return HttpResponse(303, [*headers, ("Location", location)])
    location = _location(request, bucket, key)
    headers.append(("Location", location))
    status = _STATUSES.get(fields.get("success_action_status", ""), 204)
    if status != 201:
        return HttpResponse(status, headers)
    elements = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
    body = f"{DECLARATION}<PostResponse>{inner}</PostResponse>".encode()
    return HttpResponse(201, [*headers, ("Content-Type", "application/xml")], body)


@cache
def _header_names() -> frozenset[str]:
    """The headers of PutObject that may be fields: no other field becomes a header."""
    codec = codec_of("s3", "PutObject")
    assert codec is not None
    shapes = codec.model.input_shape.members.values()
    names = {s.serialization["name"].lower() for s in shapes if s.serialization.get("location") == "header"}
    return frozenset(names - _NOT_FIELDS)


def _argument(text: str, name: str, value: str) -> Fault:
    return Fault("InvalidArgument", text, members={"ArgumentName": name, "ArgumentValue": value})


def _path(request: HttpRequest, key: str) -> str:
    bucket = "" if bucket_of_host(request.headers.get("host", "")) else f"/{s3_address(request).bucket}"
    return f"{bucket}/{quote(key, safe='/~', errors='surrogatepass')}"


def _tags(text: str) -> str:
    """The header x-amz-tagging for the tag set in a form, which is XML."""
    try:
        root = read_xml(text.encode("utf-8"))
    except Malformed:
        raise Fault(*MALFORMED_XML) from None
    pairs = [(tag.findtext("{*}Key", ""), tag.findtext("{*}Value", "")) for tag in root.iterfind(".//{*}Tag")]
    return urlencode(pairs, quote_via=quote)


def _redirect(url: str) -> str:
    """`url` where a browser may be sent there, else empty."""
    if not url.isprintable() or " " in url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc and not parts.fragment else ""


def _location(request: HttpRequest, bucket: str, key: str) -> str:
    host = request.headers.get("host", "")
    base = f"{'https' if request.secure else 'http'}://{host}"
    return f"{base}{'' if bucket_of_host(host) else f'/{bucket}'}/{quote(key, safe='', errors='surrogatepass')}"
