"""AWS Signature Version 4: reading and verifying signatures, and signing requests.

A server calls `read` for the claimed signature, looks up the secret of its access key, and calls `verify`. Pure: the
secret and the time are parameters.
"""

from locum.sigv4.claims import Claim, Scope, read
from locum.sigv4.faults import Failure, failure
from locum.sigv4.framing import without_chunk_framing
from locum.sigv4.signing import signed_headers
from locum.sigv4.verification import MAX_SKEW, verify

__all__ = [
    "MAX_SKEW",
    "Claim",
    "Failure",
    "Scope",
    "failure",
    "read",
    "signed_headers",
    "verify",
    "without_chunk_framing",
]
