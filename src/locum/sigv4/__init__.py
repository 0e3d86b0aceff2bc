"""AWS Signature Version 4, from the server's side: who claims to have signed a request, and whether it is true.

`read` the claim, find the secret of its access key, `verify`. Pure: the secret and the time are parameters.
"""

from locum.sigv4.claims import Claim, Scope, read
from locum.sigv4.faults import Failure, failure
from locum.sigv4.framing import unframed
from locum.sigv4.signing import signed_headers
from locum.sigv4.verification import MAX_SKEW, verify

__all__ = ["MAX_SKEW", "Claim", "Failure", "Scope", "failure", "read", "signed_headers", "unframed", "verify"]
