"""The claim of a request: who says to have signed it, and how."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from locum.sigv4.faults import Family
from locum.sigv4.keys import ALGORITHM, TERMINATOR

SIGV2: Final = "AWS"
"""The name of Signature Version 2, which begins its Authorization headers."""


class Mechanism(StrEnum):
    """The place of a signature, by its name in the condition key s3:authType."""

    HEADER = "REST-HEADER"
    QUERY = "REST-QUERY-STRING"
    FORM = "POST"


HEADER: Final = Mechanism.HEADER
QUERY: Final = Mechanism.QUERY
"""Under names of their own, as are others that each request is compared with: an attribute of an enumeration takes ten
times as long in Python 3.11."""


class Scope(NamedTuple):
    """The credential scope: a day (YYYYMMDD), a region, and a service (its signing name)."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


class Claim(NamedTuple):
    """The unverified signature of a request, with its parameters.

    `date` is the date of the request as it was signed (YYYYMMDD'T'HHMMSS'Z'), `signed_at` the same in epoch seconds.
    `signed_headers` are lower-case names in the order given. `expires` is the lifetime of a presigned URL in seconds,
    None where it has none. `payload` is the declared hash of the payload. `family` selects the wording of errors.

    `algorithm` is `SIGV2` for Signature Version 2, which has neither a scope nor the time of signing: there `expires`
    is the end of the URL in epoch seconds, and `date` the same as it was sent.
    """

    access_key_id: str
    scope: Scope
    date: str
    signed_at: int
    signed_headers: tuple[str, ...]
    signature: str
    family: Family
    mechanism: Mechanism = HEADER
    expires: int | None = None
    session_token: str | None = None
    payload: str | None = None
    algorithm: str = ALGORITHM

    @property
    def presigned(self) -> bool:
        """Whether the signature is in the query string."""
        return self.mechanism is QUERY

    def age(self, now: float) -> int:
        """The condition key s3:signatureAge in milliseconds, of a request that is not signed by header.

        S3 API Reference, "Signature Version 4 Authentication Specific Policy Keys": of presigned URLs and POST forms;
        "In Signature Version 2, this value is always set to 0".
        """
        return 0 if self.algorithm == SIGV2 else int((now - self.signed_at) * 1000)

    def __repr__(self) -> str:
        return f"Claim(access_key_id={self.access_key_id!r}, scope='{self.scope}', date={self.date!r})"
