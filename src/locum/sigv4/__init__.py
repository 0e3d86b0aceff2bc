"""AWS Signature Version 4: reading and verifying signatures, and signing requests. S3's presigned URLs of version 2.

A server calls `read` for the claimed signature, looks up the secret of its access key, and calls `verify`. Pure: the
secret and the time are parameters.
"""

from locum.sigv4.claim import HEADER, SIGV2, Claim, Mechanism, Scope
from locum.sigv4.claims import read
from locum.sigv4.faults import Failure, failure
from locum.sigv4.forms import read_form, verify_form, verify_signature
from locum.sigv4.framing import without_chunk_framing
from locum.sigv4.signing import signed_headers
from locum.sigv4.verification import MAX_SKEW, verify

__all__ = [
    "HEADER",
    "MAX_SKEW",
    "SIGV2",
    "Claim",
    "Failure",
    "Mechanism",
    "Scope",
    "failure",
    "read",
    "read_form",
    "signed_headers",
    "verify",
    "verify_form",
    "verify_signature",
    "without_chunk_framing",
]
