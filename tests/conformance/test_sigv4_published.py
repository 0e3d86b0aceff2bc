"""The signatures that AWS has published, as literal tables.

S3 API Reference, "Signature Calculations for the Authorization Header" (single chunk, multiple chunks, trailing
headers) and "Authenticating Requests: Using Query Parameters"; the AWS Signature Version 4 test suite; IAM User
Guide, "Create a signed AWS API request".
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import read, verify
from support.signers import KEY_ID, SECRET, changed

S3_NOW = 1_369_353_600.0  # 2013-05-24T00:00:00Z
SUITE_NOW = 1_440_938_160.0  # 2015-08-30T12:36:00Z
SUITE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Example(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    signed: str
    signature: str
    body: bytes = b""


S3_HOST = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z"}
S3_EXAMPLES = {
    "GET Object": Example(
        "GET",
        "/test.txt",
        "",
        S3_HOST | {"range": "bytes=0-9", "x-amz-content-sha256": EMPTY},
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "PUT Object": Example(
        "PUT",
        "/test%24file.text",
        "",
        S3_HOST
        | {
            "date": "Fri, 24 May 2013 00:00:00 GMT",
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
            "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        },
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        b"Welcome to Amazon S3.",
    ),
    "GET Bucket Lifecycle": Example(
        "GET",
        "/",
        "lifecycle",
        S3_HOST | {"x-amz-content-sha256": EMPTY},
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "Get Bucket (List Objects)": Example(
        "GET",
        "/",
        "max-keys=2&prefix=J",
        S3_HOST | {"x-amz-content-sha256": EMPTY},
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}

SUITE_HOST = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
HOST_DATE = "host;x-amz-date"
VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SUITE = {
    "get-vanilla": Example("GET", "/", "", SUITE_HOST, HOST_DATE, VANILLA),
    "get-vanilla-query": Example("GET", "/", "", SUITE_HOST, HOST_DATE, VANILLA),
    "get-vanilla-empty-query-key": Example(
        "GET",
        "/",
        "Param1=value1",
        SUITE_HOST,
        HOST_DATE,
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    "get-vanilla-query-order-key-case": Example(
        "GET",
        "/",
        "Param2=value2&Param1=value1",
        SUITE_HOST,
        HOST_DATE,
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-query-unreserved": Example(
        "GET",
        "/",
        f"{UNRESERVED}={UNRESERVED}",
        SUITE_HOST,
        HOST_DATE,
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    "get-unreserved": Example(
        "GET",
        f"/{UNRESERVED}",
        "",
        SUITE_HOST,
        HOST_DATE,
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    "get-slashes (normalized)": Example(
        "GET",
        "//example//",
        "",
        SUITE_HOST,
        HOST_DATE,
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    "get-header-value-trim": Example(
        "GET",
        "/",
        "",
        SUITE_HOST | {"my-header1": " value1", "my-header2": ' "a   b   c"'},
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-vanilla": Example(
        "POST", "/", "", SUITE_HOST, HOST_DATE, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    ),
    "post-header-key-sort": Example(
        "POST",
        "/",
        "",
        SUITE_HOST | {"my-header1": "value1"},
        "host;my-header1;x-amz-date",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-x-www-form-urlencoded": Example(
        "POST",
        "/",
        "",
        SUITE_HOST | {"content-type": "application/x-www-form-urlencoded"},
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        b"Param1=value1",
    ),
}


def authorized(example: Example, scope: str, key_id: str = KEY_ID) -> HttpRequest:
    header = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}/aws4_request,"
        f"SignedHeaders={example.signed},Signature={example.signature}"
    )
    return HttpRequest(
        example.method, example.path, example.query, example.headers | {"authorization": header}, example.body
    )


def verified(request: HttpRequest, secret: str, now: float) -> bytes:
    claim = read(request)
    assert claim is not None
    return verify(request, claim, secret, now)


@pytest.mark.parametrize("name", S3_EXAMPLES)
def test_the_examples_of_the_s3_reference_verify(name: str) -> None:
    example = S3_EXAMPLES[name]
    assert verified(authorized(example, "20130524/us-east-1/s3"), SECRET, S3_NOW) == example.body


@pytest.mark.parametrize("name", SUITE)
def test_the_published_test_suite_verifies(name: str) -> None:
    example = SUITE[name]
    request = authorized(example, "20150830/us-east-1/service", "AKIDEXAMPLE")
    assert verified(request, SUITE_SECRET, SUITE_NOW) == example.body


@pytest.mark.parametrize("path", ["/example/..", "/./", "/example1/example2/../.."])
def test_a_path_that_only_normalization_makes_the_signed_one_is_refused(path: str) -> None:
    """Here Locum is stricter than the suite: the bearer of a request must not lead it elsewhere."""
    request = authorized(SUITE["get-vanilla"]._replace(path=path), "20150830/us-east-1/service", "AKIDEXAMPLE")
    with pytest.raises(Fault, match="InvalidSignatureException"):
        verified(request, SUITE_SECRET, SUITE_NOW)


def test_the_list_users_example_of_the_iam_guide_verifies() -> None:
    example = Example(
        "GET",
        "/",
        "Action=ListUsers&Version=2010-05-08",
        {
            "host": "iam.amazonaws.com",
            "x-amz-date": "20150830T123600Z",
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        },
        "content-type;host;x-amz-date",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    )
    assert verified(authorized(example, "20150830/us-east-1/iam", "AKIDEXAMPLE"), SUITE_SECRET, SUITE_NOW) == b""


PRESIGNED = HttpRequest(
    "GET",
    "/test.txt",
    "X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    {"host": "examplebucket.s3.amazonaws.com"},
)


def test_the_presigned_url_of_the_s3_reference_verifies_until_it_expires() -> None:
    assert verified(PRESIGNED, SECRET, S3_NOW) == b""
    assert verified(PRESIGNED, SECRET, S3_NOW + 86_400) == b""
    with pytest.raises(Fault, match="AccessDenied: Request has expired"):
        verified(PRESIGNED, SECRET, S3_NOW + 86_401)


CHUNKED = {
    "host": "s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
}


def framed(signatures: tuple[str, str, str], end: str) -> bytes:
    sizes = ("10000", "400", "0")
    heads = [f"{size};chunk-signature={signature}\r\n" for size, signature in zip(sizes, signatures, strict=True)]
    return f"{heads[0]}{'a' * 65536}\r\n{heads[1]}{'a' * 1024}\r\n{heads[2]}{end}".encode()


UPLOAD = Example(
    "PUT",
    "/examplebucket/chunkObject.txt",
    "",
    CHUNKED | {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-length": "66824"},
    "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
    "x-amz-storage-class",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    framed(
        (
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ),
        "\r\n",
    ),
)
TRAILED = Example(
    "PUT",
    "/examplebucket/chunkObject.txt",
    "",
    CHUNKED
    | {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "x-amz-trailer": "x-amz-checksum-crc32c",
    },
    "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;"
    "x-amz-trailer",
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    framed(
        (
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ),
        "x-amz-checksum-crc32c:sOO8/Q==\r\n"
        "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    ),
)


@pytest.mark.parametrize("example", [UPLOAD, TRAILED], ids=["chunks", "trailer"])
def test_the_chunked_uploads_of_the_s3_reference_verify(example: Example) -> None:
    assert verified(authorized(example, "20130524/us-east-1/s3"), SECRET, S3_NOW) == b"a" * 66_560


@pytest.mark.parametrize("name", S3_EXAMPLES)
def test_no_published_example_verifies_with_another_secret_or_method(name: str) -> None:
    request = authorized(S3_EXAMPLES[name], "20130524/us-east-1/s3")
    with pytest.raises(Fault, match="SignatureDoesNotMatch"):
        verified(request, SECRET[::-1], S3_NOW)
    with pytest.raises(Fault, match="SignatureDoesNotMatch"):
        verified(changed(request, method="DELETE"), SECRET, S3_NOW)
