"""The authentication errors of AWS's services: one table with a row per failure and a column per service family.

Sources: the "Common errors" pages of the services' API references; S3 API Reference, "List of error codes" and
"Authenticating requests"; EC2 API Reference, "Error codes"; IAM User Guide, "Troubleshoot Signature Version 4".
Where a page gives no text, it is the text that the services are known to send. Callers fill in the braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.core.http import HttpRequest


class Family(Enum):
    """A group of services with the same authentication errors."""

    QUERY = auto()
    """The query protocol (IAM, STS, ...), and REST with XML other than S3."""
    JSON = auto()
    """JSON 1.0 and 1.1, CBOR."""
    REST_JSON = auto()
    EC2 = auto()
    S3 = auto()


S3: Final = Family.S3
_QUERY: Final = Family.QUERY


class Failure(Enum):
    """An authentication failure. The gateway itself raises the first four."""

    MISSING = auto()
    """The operation requires a signature, and the request has none."""
    UNKNOWN_KEY = auto()
    """No such access key, or an inactive one."""
    INVALID_TOKEN = auto()
    """The session token cannot be decrypted, or belongs to another access key."""
    EXPIRED_TOKEN = auto()
    UNSUPPORTED = auto()
    """Signature Version 2, SigV4A or another scheme."""
    TWO_MECHANISMS = auto()
    INCOMPLETE_HEADER = auto()
    INCOMPLETE_QUERY = auto()
    NO_DATE = auto()
    HEADER_SCOPE = auto()
    QUERY_SCOPE = auto()
    UNSIGNED_HEADER = auto()
    STALE = auto()
    """Signed by header, more than `MAX_SKEW` ago."""
    EARLY = auto()
    STALE_URL = auto()
    """A presigned URL past its expiry."""
    EARLY_URL = auto()
    SIGNATURE = auto()
    NO_PAYLOAD_HASH = auto()
    PAYLOAD_HASH = auto()
    """x-amz-content-sha256 is neither a digest nor one of the known constants."""
    PAYLOAD_MISMATCH = auto()
    CUT_BODY = auto()
    BODY_LENGTH = auto()
    NO_LENGTH = auto()
    CHUNK_SIZE = auto()
    TRAILER = auto()
    TRAILER_NAME = auto()
    CHECKSUM_VALUE = auto()
    CHECKSUM = auto()


class _Answer(NamedTuple):
    code: str
    status: int
    text: str


_Row = Mapping[Family, _Answer]


def _row(code: str, status: int, json_code: str, text: str, ec2: _Answer | None = None, *, s3: _Answer) -> _Row:
    """EC2 answers as the query services do, unless told otherwise."""
    return {
        Family.QUERY: _Answer(code, status, text),
        Family.JSON: _Answer(json_code, 400, text),
        Family.REST_JSON: _Answer(json_code, 403, text),
        Family.EC2: ec2 or _Answer(code, status, text),
        Family.S3: s3,
    }


def _body(code: str, status: int, text: str) -> _Row:
    """The errors of S3 payloads. No other service has such payloads."""
    return dict.fromkeys(Family, _Answer(code, status, text))


_EC2_FAILURE: Final = _Answer("AuthFailure", 401, "AWS was not able to validate the provided access credentials")
_EC2_EXPIRED: Final = _Answer("RequestExpired", 400, "Request has expired.")
_BAD_TOKEN: Final = "The security token included in the request is invalid."  # noqa: S105 - a message
_SKEWED: Final = _Answer(
    "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."
)
_EXPIRED: Final = "Signature expired: {date} is now earlier than {limit} ({now} - {span}.)"
_NOT_YET: Final = "Signature not yet current: {date} is still later than {limit} ({now} + {span}.)"
_INCOMPLETE: Final = ("IncompleteSignature", 400, "IncompleteSignatureException", "{detail}")
_MISMATCH: Final = ("SignatureDoesNotMatch", 403, "InvalidSignatureException")

# fmt: off
_TABLE: Final[Mapping[Failure, _Row]] = {
    Failure.MISSING: _row(
        "MissingAuthenticationToken", 403, "MissingAuthenticationTokenException",
        "Request is missing Authentication Token",
        _Answer("MissingAuthenticationToken", 403, "The request must contain valid credentials."),
        s3=_Answer("AccessDenied", 403, "Access Denied")),
    Failure.UNKNOWN_KEY: _row(
        "InvalidClientTokenId", 403, "UnrecognizedClientException", _BAD_TOKEN, _EC2_FAILURE,
        s3=_Answer("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")),
    Failure.INVALID_TOKEN: _row(
        "InvalidClientTokenId", 403, "UnrecognizedClientException", _BAD_TOKEN, _EC2_FAILURE,
        s3=_Answer("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")),
    Failure.EXPIRED_TOKEN: _row(
        "ExpiredToken", 403, "ExpiredTokenException", "The security token included in the request is expired",
        _EC2_EXPIRED,
        s3=_Answer("ExpiredToken", 400, "The provided token has expired.")),
    Failure.UNSUPPORTED: _row(
        *_INCOMPLETE,
        s3=_Answer("InvalidRequest", 400, "The authorization mechanism you have provided is not supported. "
                   "Please use AWS4-HMAC-SHA256.")),
    Failure.TWO_MECHANISMS: _row(
        *_MISMATCH, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        s3=_Answer("InvalidArgument", 400, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                   "Signature query string parameter or the Authorization header should be specified")),
    Failure.INCOMPLETE_HEADER: _row(
        *_INCOMPLETE,
        s3=_Answer("AuthorizationHeaderMalformed", 400, "The authorization header is malformed; {s3}")),
    Failure.INCOMPLETE_QUERY: _row(
        *_INCOMPLETE,
        s3=_Answer("AuthorizationQueryParametersError", 400, "{s3}")),
    Failure.NO_DATE: _row(
        *_INCOMPLETE,
        s3=_Answer("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")),
    Failure.HEADER_SCOPE: _row(
        *_MISMATCH, "{detail}", _EC2_FAILURE,
        s3=_Answer("AuthorizationHeaderMalformed", 400, "The authorization header is malformed; {s3}")),
    Failure.QUERY_SCOPE: _row(
        *_MISMATCH, "{detail}", _EC2_FAILURE,
        s3=_Answer("AuthorizationQueryParametersError", 400, "Error parsing the X-Amz-Credential parameter; {s3}")),
    Failure.UNSIGNED_HEADER: _row(
        *_MISMATCH, "{detail} must be a 'SignedHeader' in the AWS Authorization.", _EC2_FAILURE,
        s3=_Answer("AccessDenied", 403, "There were headers present in the request which were not signed")),
    Failure.STALE: _row(*_MISMATCH, _EXPIRED, _EC2_EXPIRED, s3=_SKEWED),
    Failure.EARLY: _row(*_MISMATCH, _NOT_YET, _EC2_EXPIRED, s3=_SKEWED),
    Failure.STALE_URL: _row(
        *_MISMATCH, _EXPIRED, _EC2_EXPIRED, s3=_Answer("AccessDenied", 403, "Request has expired")),
    Failure.EARLY_URL: _row(
        *_MISMATCH, _NOT_YET, _EC2_EXPIRED, s3=_Answer("AccessDenied", 403, "Request is not yet valid")),
    Failure.SIGNATURE: _row(
        *_MISMATCH, "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details.", _EC2_FAILURE,
        s3=_Answer("SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature "
                   "you provided. Check your key and signing method.")),
    Failure.NO_PAYLOAD_HASH: _body(
        "InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256"),
    Failure.PAYLOAD_HASH: _body(
        "InvalidArgument", 400, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."),
    Failure.PAYLOAD_MISMATCH: _body(
        "XAmzContentSHA256Mismatch", 400,
        "The provided 'x-amz-content-sha256' header does not match what was computed."),
    Failure.CUT_BODY: _body("IncompleteBody", 400, "The request body terminated unexpectedly"),
    Failure.BODY_LENGTH: _body(
        "IncompleteBody", 400,
        "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header."),
    Failure.NO_LENGTH: _body("MissingContentLength", 411, "You must provide the Content-Length HTTP header."),
    Failure.CHUNK_SIZE: _body(
        "InvalidChunkSizeError", 403, "Only the last chunk is allowed to have a size less than 8192 bytes"),
    Failure.TRAILER: _body(
        "MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not "
        "conform to our published schema."),
    Failure.TRAILER_NAME: _body(
        "InvalidRequest", 400, "The value specified in the x-amz-trailer header is not supported"),
    Failure.CHECKSUM_VALUE: _body("InvalidRequest", 400, "Value for {detail} trailing header is invalid."),
    Failure.CHECKSUM: _body("BadDigest", 400, "The {detail} you specified did not match the calculated checksum."),
}
# fmt: on

S3_SIGNING_NAMES: Final = frozenset(("s3", "s3express", "s3-outposts", "s3-object-lambda"))
"""Services that sign as S3 does: the path is encoded once, and the payload hash is a header."""

_S3_SERVICES: Final = S3_SIGNING_NAMES | {"s3control"}
# fmt: off
_QUERY_SERVICES: Final = frozenset((
    "autoscaling", "cloudformation", "cloudfront", "elasticache", "elasticbeanstalk", "elasticloadbalancing", "iam",
    "monitoring", "rds", "redshift", "route53", "ses", "sns", "sts",
))
# fmt: on
_FORM: Final = "application/x-www-form-urlencoded"
_PROTOCOLS: Final[Mapping[str, Family]] = {
    "query": Family.QUERY,
    "rest-xml": Family.QUERY,
    "json": Family.JSON,
    "smithy-rpc-v2-cbor": Family.JSON,
    "rest-json": Family.REST_JSON,
    "ec2": Family.EC2,
}


def family(service: str, protocol: str = "") -> Family:
    """The family of a service, by its signing name (or botocore's name) and botocore's protocol where known."""
    if service in _S3_SERVICES:
        return S3
    if service == "ec2":
        return Family.EC2
    return _PROTOCOLS.get(protocol) or (_QUERY if service in _QUERY_SERVICES else Family.JSON)


def family_of(request: HttpRequest, service: str = "") -> Family:
    """The family, from the form of a request whose operation is not known yet. `service` may be unknown too."""
    headers = request.headers
    if service in _S3_SERVICES or service == "ec2" or service in _QUERY_SERVICES:
        return family(service)
    if "x-amz-target" in headers or "smithy-protocol" in headers:
        return Family.JSON
    if "Action=" in request.query_string or headers.get("content-type", "").startswith(_FORM):
        return Family.QUERY
    if not service and "json" not in headers.get("content-type", ""):
        return Family.S3
    return Family.REST_JSON


def fault(kind: Failure, of: Family, *, members: Mapping[str, Any] | None = None, **details: object) -> Fault:
    """The error for `kind` in the family `of`. `details` fill in the text; `members` are S3's further elements."""
    code, status, text = _TABLE[kind][of]
    return Fault(code, text.format(**details), status, members=members if of is Family.S3 else None)


def code_of(kind: Failure, of: Family) -> tuple[str, int]:
    """The code and the HTTP status of the error for `kind` in the family `of`."""
    found = _TABLE[kind][of]
    return found.code, found.status


def failure(
    kind: Failure, service: str, protocol: str = "", *, members: Mapping[str, Any] | None = None, **details: object
) -> Fault:
    """The error of `service` (signing name or botocore's name) for `kind`; `protocol` as botocore names it.

    MISSING, UNKNOWN_KEY, INVALID_TOKEN and EXPIRED_TOKEN take no details.
    """
    return fault(kind, family(service, protocol), members=members, **details)
