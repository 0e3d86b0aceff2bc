"""Parsing of a request's signature, from its Authorization header or its query string, before verification.

S3 API Reference, "Authenticating Requests: Using the Authorization Header" and "Using Query Parameters"; IAM User
Guide, "Authentication methods":

    Authorization: AWS4-HMAC-SHA256 Credential=<key id>/<date>/<region>/<service>/aws4_request,
                   SignedHeaders=<name>;<name>, Signature=<hexadecimal>

    ?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=...&X-Amz-Date=...&X-Amz-Expires=...
    &X-Amz-SignedHeaders=...&X-Amz-Security-Token=...&X-Amz-Signature=...

1. A request with both, or with a parameter twice, is refused, as its signer would be ambiguous.
2. A presigned URL of Signature Version 2 is S3's (`version2`). Such a signature in the header or for another service,
   SigV4A and other schemes are refused as unsupported.
3. A request with neither is unsigned.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import canonical, version2
from locum.sigv4.claim import HEADER, QUERY, Claim, Scope
from locum.sigv4.faults import Failure, Family, family_of, fault
from locum.sigv4.keys import ALGORITHM, TERMINATOR
from locum.sigv4.times import basic_of_http_date, epoch_of

MAX_EXPIRES: Final = 604_800
"""The largest X-Amz-Expires, in seconds: seven days."""

_FIELDS: Final = ("Credential", "Signature", "SignedHeaders")
_REQUIRED: Final = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
_SIGNED_QUERY: Final = ("Signature", "X-Amz-", "AWSAccessKeyId")
"""What a query string with a signature has at least one of."""
_PRESIGNED_PARAMETERS: Final = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature")


_REGION: Final = re.compile(r"[a-z0-9-]{1,64}")
"""The syntax of a region. A colon would add fields to the ARNs that contain it; a dot would change the region for a
backend that reads it from host names."""
_LONGEST_HEAD: Final = 1024  # characters; bounds the memory of the cache
_USUAL_HEAD: Final = re.compile(
    rf"{ALGORITHM} Credential=([A-Za-z0-9]+)/([0-9]{{8}})/([a-z0-9-]{{1,64}})/([a-z0-9-]+)/{TERMINATOR}, "
    r"SignedHeaders=([a-z0-9;-]+)"
)


def read(request: HttpRequest) -> Claim | None:
    """Parse the signature of `request`; None where it is unsigned. Raises Fault where it is malformed."""
    header = request.headers.get("authorization")
    if not request.query_string or not any(mark in request.query_string for mark in _SIGNED_QUERY):
        return None if header is None else _from_header(request, header)
    query = _parameters(request)
    presigned = any(name in query for name in _PRESIGNED_PARAMETERS)
    of_version_2 = "AWSAccessKeyId" in query or ("Signature" in query and "SignatureVersion" in query)
    if presigned + of_version_2 + (header is not None) > 1:
        raise fault(Failure.TWO_MECHANISMS, family_of(request), members={"ArgumentName": "Authorization"})
    if header is not None:
        return _from_header(request, header)
    if presigned:
        return _from_query(request, query)
    if not of_version_2:
        return None
    if "SignatureVersion" in query or "Action" in query or "x-amz-target" in request.headers:
        raise _unsupported(request, "Signature Version 2 is not supported; sign with AWS4-HMAC-SHA256.")
    return version2.read(request)


def _parameters(request: HttpRequest) -> dict[str, str]:
    """The query parameters, decoded. Raises Fault where an X-Amz-* parameter is given twice."""
    found: dict[str, str] = {}
    for pair in request.query_string.split("&"):
        name, _, value = pair.partition("=")
        name = canonical.parameter(name)
        if name in found and name.startswith("X-Amz-"):
            text = f"The query-string parameter '{name}' must not be given more than once."
            raise fault(Failure.INCOMPLETE_QUERY, family_of(request), detail=text, s3=text)
        found[name] = canonical.parameter(value)
    return found


class _Head(NamedTuple):
    """An Authorization header without its signature: the same in all of a client's requests of a day."""

    key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]


@lru_cache(4096)
def _head(text: str) -> _Head | None:
    """Parse `text` where it has the format that SDKs use; None where it takes the general parser."""
    match = _USUAL_HEAD.fullmatch(text)
    return match and _Head(match[1], Scope(match[2], match[3], match[4]), tuple(match[5].split(";")))


def _from_header(request: HttpRequest, header: str) -> Claim:
    text, _, signature = header.partition(", Signature=")
    head = _head(text) if len(text) <= _LONGEST_HEAD else None
    date = request.headers.get("x-amz-date")
    if head is None or date is None or not signature.isalnum():
        return _from_unusual_header(request, header)
    return _claim(request, head, signature, date, basic=True)


def _from_unusual_header(request: HttpRequest, header: str) -> Claim:
    scheme, _, rest = header.partition(" ")
    if scheme != ALGORITHM:
        raise _wrong_scheme(request, scheme, header)
    fields = _fields(request, rest)
    headers = request.headers
    date = headers.get("x-amz-date", headers.get("date"))
    if date is None or not all(fields.get(name) for name in _FIELDS):
        raise _incomplete(request, header, fields)
    key_id, scope = credential_of(request, fields["Credential"], presigned=False)
    head = _Head(key_id, scope, tuple(fields["SignedHeaders"].lower().split(";")))
    return _claim(request, head, fields["Signature"], date, basic="x-amz-date" in headers)


def _claim(request: HttpRequest, head: _Head, signature: str, date: str, *, basic: bool) -> Claim:
    """The claim of a parsed Authorization header. `basic`: `date` is the value of X-Amz-Date."""
    key_id, scope, signed_headers = head
    family = family_of(request, scope.service)
    date, signed_at = _date(date, family, basic=basic)
    _check_scope_date(scope, date, family, presigned=False)
    headers = request.headers
    return Claim(
        key_id,
        scope,
        date,
        signed_at,
        signed_headers,
        signature,
        family,
        HEADER,
        None,
        headers.get("x-amz-security-token"),
        headers.get("x-amz-content-sha256"),
    )


def _from_query(request: HttpRequest, query: Mapping[str, str]) -> Claim:
    missing = [name for name in _REQUIRED if not query.get(name)]
    if missing:
        raise _incomplete_query(request, missing, query.get("X-Amz-Credential", ""))
    if query["X-Amz-Algorithm"] != ALGORITHM:
        raise _unsupported(request, _unsupported_algorithm(query["X-Amz-Algorithm"]))
    key_id, scope = credential_of(request, query["X-Amz-Credential"], presigned=True)
    family = family_of(request, scope.service)
    date = query["X-Amz-Date"]
    signed_at = epoch_of(date)
    if signed_at is None:
        wanted = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
        raise fault(Failure.INCOMPLETE_QUERY, family, detail=_bad_date(date), s3=wanted)
    expires = _expires(request, query.get("X-Amz-Expires"), family)
    _check_scope_date(scope, date, family, presigned=True)
    headers = request.headers
    return Claim(
        key_id,
        scope,
        date,
        signed_at,
        tuple(query["X-Amz-SignedHeaders"].lower().split(";")),
        query["X-Amz-Signature"],
        family,
        mechanism=QUERY,
        expires=expires,
        session_token=query.get("X-Amz-Security-Token", headers.get("x-amz-security-token")),
        payload=headers.get("x-amz-content-sha256", query.get("X-Amz-Content-Sha256")),
    )


def _fields(request: HttpRequest, text: str) -> dict[str, str]:
    """The `name=value` pairs of an Authorization header."""
    fields: dict[str, str] = {}
    for item in text.replace(",", " ").split():
        name, equals, value = item.partition("=")
        if not equals or name in fields:
            what = "Duplicate" if equals else "Invalid key=value pair (missing equal-sign) in"
            hashed = f"{what} Authorization header (hashed with SHA-256 and encoded with Base64): '{_hashed(item)}'."
            raise fault(Failure.INCOMPLETE_HEADER, family_of(request), detail=hashed, s3=_THREE_COMPONENTS)
        fields[name] = value
    return fields


_THREE_COMPONENTS: Final = (
    "the authorization header requires three components: Credential, SignedHeaders, and Signature."
)


def credential_of(
    request: HttpRequest, text: str, *, presigned: bool, family: Family | None = None
) -> tuple[str, Scope]:
    """The access key id and the scope of a credential. Raises Fault, of the request's family where None is given."""
    parts = text.split("/")
    if len(parts) != 5 or not parts[0]:
        kind = Failure.INCOMPLETE_QUERY if presigned else Failure.INCOMPLETE_HEADER
        s3 = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        raise fault(
            kind,
            family or family_of(request, _service(text)),
            detail="Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{text}'",
            s3=f"Error parsing the X-Amz-Credential parameter; {s3}" if presigned else s3,
        )
    key_id, date, region, service, terminator = parts
    scope = Scope(date, region, service)
    if terminator == TERMINATOR and service and _REGION.fullmatch(region):
        return key_id, scope
    if terminator != TERMINATOR:
        detail = f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
        s3 = f'incorrect terminal "{terminator}". This endpoint uses "{TERMINATOR}".'
    elif not _REGION.fullmatch(region):
        detail = f"Credential should be scoped to a valid region, not '{region[:100]}'."
        s3 = (
            f"the region '{region[:100]}' is wrong."
            if region
            else "a non-empty region must be provided in the credential."
        )
    else:
        detail = s3 = "Credential should be scoped to a service, not ''."
    raise fault(_scope_failure(presigned=presigned), family or family_of(request, service), detail=detail, s3=s3)


def _check_scope_date(scope: Scope, date: str, family: Family, *, presigned: bool) -> None:
    if scope.date == date[:8]:
        return
    raise fault(
        _scope_failure(presigned=presigned),
        family,
        detail="Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        f"'{scope.date}' != '{date[:8]}', from '{date}'.",
        s3=f'Invalid credential date "{scope.date}". This date is not the same as X-Amz-Date: "{date[:8]}".'
        if presigned
        else "Invalid credential date. Date is not the same as X-Amz-Date.",
    )


def _scope_failure(*, presigned: bool) -> Failure:
    return Failure.QUERY_SCOPE if presigned else Failure.HEADER_SCOPE


def _date(text: str, family: Family, *, basic: bool) -> tuple[str, int]:
    """The date in the ISO 8601 basic format, and in epoch seconds. `basic`: it is X-Amz-Date, which has that format."""
    found = text if basic else basic_of_http_date(text)
    signed_at = None if found is None else epoch_of(found)
    if found is None or signed_at is None:
        raise fault(Failure.NO_DATE, family, detail=_bad_date(text))
    return found, signed_at


def _expires(request: HttpRequest, text: str | None, family: Family) -> int | None:
    """X-Amz-Expires in seconds. S3 requires it."""
    if text is None:
        if family is Family.S3:
            raise _incomplete_query(request, ["X-Amz-Expires"], "///s3")
        return None
    if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 12:
        problem = "X-Amz-Expires should be a number"
    elif int(text) < 0:
        problem = "X-Amz-Expires must be non-negative"
    elif int(text) > MAX_EXPIRES:
        problem = (
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{MAX_EXPIRES} seconds"
        )
    else:
        return int(text)
    raise fault(Failure.INCOMPLETE_QUERY, family, detail=problem, s3=problem)


def _wrong_scheme(request: HttpRequest, scheme: str, header: str) -> Fault:
    """The fault for another scheme: it names SigV2 and SigV4A; for the rest AWS lists what a SigV4 header requires."""
    if scheme == "AWS" or scheme.startswith("AWS4-"):
        return _unsupported(request, _unsupported_algorithm(scheme))
    if family_of(request) is Family.S3:
        return _unsupported(request, "")
    return _incomplete(request, header, {})


def _unsupported(request: HttpRequest, detail: str) -> Fault:
    return fault(Failure.UNSUPPORTED, family_of(request), detail=detail)


def _unsupported_algorithm(name: str) -> str:
    return f"Unsupported AWS 'algorithm': '{name}' (only {ALGORITHM} for now)."


def _incomplete(request: HttpRequest, header: str, fields: Mapping[str, str]) -> Fault:
    """The fault that lists the missing parts. The header is hashed: it may hold another mechanism's secret."""
    family = family_of(request, _service(fields.get("Credential", "")))
    dated = "x-amz-date" in request.headers or "date" in request.headers
    if family is Family.S3 and not dated:
        return fault(Failure.NO_DATE, family)
    missing = [f"Authorization header requires '{name}' parameter." for name in _FIELDS if not fields.get(name)]
    if not dated:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    missing.append(f"(Hashed with SHA-256 and encoded with Base64) Authorization={_hashed(header)}")
    return fault(Failure.INCOMPLETE_HEADER, family, detail=" ".join(missing), s3=_THREE_COMPONENTS)


def _incomplete_query(request: HttpRequest, missing: list[str], credential: str = "") -> Fault:
    listed = " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
    return fault(
        Failure.INCOMPLETE_QUERY,
        family_of(request, _service(credential)),
        detail=f"{listed} Re-examine the query-string parameters.",
        s3="Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    )


def _service(credential: str) -> str:
    """The service in a credential, which may be malformed; empty where there is none."""
    parts = credential.split("/")
    return parts[3] if len(parts) > 3 else ""


def _bad_date(text: str) -> str:
    return f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"


def _hashed(text: str) -> str:
    return b64encode(sha256(canonical.octets(text)).digest()).decode()
