"""Whatever a client sends and botocore signs verifies; whatever is changed in it afterwards does not."""

from __future__ import annotations

import string
from typing import Any
from urllib.parse import quote

from botocore import auth
from hypothesis import assume, given
from hypothesis import strategies as st

from locum.core.http import HttpRequest
from support.signers import changed, check, refusal, signed

URL = "http://localhost:4566"
REFUSED = {"SignatureDoesNotMatch", "InvalidSignatureException", "AccessDenied", "XAmzContentSHA256Mismatch"}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
raw_characters = string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@"
segments = texts.map(lambda text: quote(text, safe="~")) | st.text(raw_characters, max_size=8)
paths = st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts))
words = st.text(string.ascii_letters + string.digits + "-._~%20+!*'():@/", max_size=6).map(
    lambda text: quote(text, safe="+!*'():@/~")
)
queries = st.lists(st.tuples(words, st.none() | words), max_size=5).map(
    lambda pairs: "&".join(name if value is None else f"{name}={value}" for name, value in pairs)
)
values = st.text(string.ascii_letters + string.digits + "  \t,;=\"'", max_size=20)
headers = st.dictionaries(st.sampled_from(["x-amz-meta-a", "x-amz-b", "accept", "content-type", "range"]), values)
bodies = st.binary(max_size=200)
signers = st.sampled_from(
    [
        (auth.SigV4Auth, "lambda"),
        (auth.SigV4QueryAuth, "polly"),
        (auth.S3SigV4Auth, "s3"),
        (auth.S3SigV4QueryAuth, "s3"),
    ]
)
methods = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"])


@st.composite
def requests(draw: st.DrawFn) -> HttpRequest:
    signer, service = draw(signers)
    path, query = draw(paths), draw(queries)
    assume(service == "s3" or not {".", ".."} & set(path.split("/")))
    url = f"{URL}{path}?{query}" if query else URL + path
    options: dict[str, Any] = {"token": draw(st.none() | st.just("token/+="))}
    if signer is auth.SigV4QueryAuth or signer is auth.S3SigV4QueryAuth:
        # botocore decodes and encodes the query anew when it presigns; `+` would become a space.
        assume("+" not in query)
    body = b"" if signer is auth.SigV4QueryAuth else draw(bodies)
    return signed(signer, service, draw(methods), url, body, draw(headers), **options)


@given(requests())
def test_what_botocore_signs_verifies(request: HttpRequest) -> None:
    assert check(request) == request.body


@given(requests(), st.data())
def test_a_path_changed_after_signing_is_refused(request: HttpRequest, data: st.DataObject) -> None:
    position = data.draw(st.integers(1, len(request.raw_path)))
    inserted = data.draw(st.sampled_from(raw_characters + "/"))
    path = request.raw_path[:position] + inserted + request.raw_path[position:]
    assume(path.replace("//", "/") != request.raw_path.replace("//", "/"))
    assume("//" not in path)
    assert refusal(changed(request, raw_path=path)).code in REFUSED


@given(requests(), words, words)
def test_a_query_parameter_added_after_signing_is_refused(request: HttpRequest, name: str, value: str) -> None:
    assume(name)
    joint = "&" if request.query_string else ""
    altered = changed(request, query_string=f"{request.query_string}{joint}{name}={value}")
    assert refusal(altered).code in REFUSED


@given(requests(), methods)
def test_a_method_changed_after_signing_is_refused(request: HttpRequest, method: str) -> None:
    assume(method != request.method)
    assert refusal(changed(request, method=method)).code in REFUSED


@given(requests(), bodies)
def test_a_body_changed_after_signing_is_refused(request: HttpRequest, body: bytes) -> None:
    assume(body != request.body)
    assume("X-Amz-Credential" not in request.query_string or "%2Fs3%2F" not in request.query_string)
    assert refusal(changed(request, body=body)).code in REFUSED


@given(requests(), st.sampled_from(["host", "x-amz-meta-a", "x-amz-b", "range", "x-amz-new"]))
def test_a_header_changed_or_slipped_in_after_signing_is_refused(request: HttpRequest, name: str) -> None:
    assume(name.startswith("x-amz") or name in request.headers)
    assert refusal(changed(request, headers={name: "another"})).code in REFUSED


@given(requests())
def test_another_secret_is_refused(request: HttpRequest) -> None:
    assert refusal(request, "another secret").code in REFUSED
