"""Authentication of requests: from the claim in a request to its Caller, or AWS's error.

The secret is in the state (long-term keys) or in the session token (temporary ones). The signature is verified before
anything else of the token or the key is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from locum import sigv4
from locum.core.calls import BY_HEADER, Signing
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.identifiers import TEMPORARY_KEY
from locum.core.principal import NOBODY, Caller, Principal, principal_of
from locum.credentials import InvalidToken, KeyRing, open_secret, open_session
from locum.sigv4 import HEADER, Failure
from locum.sigv4.faults import fault
from locum.state import AccessKey, State, User, organizations
from locum.state.indexes import ACCESS_KEY_ID
from locum.wire import Codec, bucket_of_host

if TYPE_CHECKING:
    from botocore.model import OperationModel


class Signer(NamedTuple):
    """The caller whose key a request names, before verification of the signature. `secret` is the secret access key."""

    caller: Caller
    secret: str

    def __repr__(self) -> str:
        return f"Signer({self.caller.access_key_id})"


UNSIGNED: Final = Signer(NOBODY, "")


class Signers:
    """A cache of `signer_of` for long-term keys, valid while the state is the identical value."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring
        self._state: State | None = None
        self._signers: dict[str, Signer] = {}

    def find(self, state: State, claim: sigv4.Claim | None) -> Signer:
        """The result of `signer_of`, cached for long-term keys."""
        if claim is None or claim.session_token:
            return signer_of(state, self._keyring, claim)
        if self._state is not state:
            self._state, self._signers = state, {}
        found = self._signers.get(claim.access_key_id)
        if found is None:
            found = self._signers[claim.access_key_id] = signer_of(state, self._keyring, claim)
        return found


def signer_of(state: State, keyring: KeyRing, claim: sigv4.Claim | None) -> Signer:
    """The signer that a request claims. Raises Fault for an unknown key, an invalid session or a closed account.

    This is the first step of a request, so that one with an unknown key costs no more.
    """
    if claim is None:
        return UNSIGNED
    temporary = claim.access_key_id.startswith(TEMPORARY_KEY)
    signer = _temporary(keyring, claim) if temporary else _long_term(state, keyring, claim)
    if signer.caller.principal.account in organizations.suspended(state):
        raise refused(Failure.UNKNOWN_KEY, claim)
    return signer


def verified(
    signer: Signer,
    request: HttpRequest,
    claim: sigv4.Claim | None,
    now: float,
    codec: Codec,
) -> bytes:
    """Verify that `signer` signed the request, or that it may be unsigned, and return its payload. Raises Fault.

    `now` is by the wall clock, as the date of the signature is.
    """
    if claim is None:
        _check_may_be_unsigned(codec.model, codec.protocol)
        return request.body
    bucket = ""
    if claim.algorithm == sigv4.SIGV2:
        if codec.service != "s3":
            raise refused(Failure.UNSUPPORTED, claim)
        bucket = bucket_of_host(request.headers.get("host", ""))
    return sigv4.verify(request, claim, signer.secret, now, unsigned_payload=codec.unsigned_payload, host_bucket=bucket)


def check_session(signer: Signer, claim: sigv4.Claim | None, now: float) -> None:
    """Raise Fault where the session of `signer` has ended by `now`, the plane's time."""
    session = signer.caller.session
    if session is not None and claim is not None and now >= session.expires_at:
        raise refused(Failure.EXPIRED_TOKEN, claim)


def signing_of(claim: sigv4.Claim, now: float) -> Signing:
    """The way a request was signed, for the condition keys of S3."""
    if claim.mechanism is not HEADER:
        return Signing(claim.mechanism.value, claim.algorithm, claim.age(now))
    mark = claim.payload
    if mark is None or "-" not in mark:  # a hash
        return BY_HEADER
    return Signing(claim.mechanism.value, claim.algorithm, None, mark)


def refused(kind: Failure, claim: sigv4.Claim) -> Fault:
    """The fault of a failed authentication, as the service of the claim words it."""
    return fault(kind, claim.family, members={"AWSAccessKeyId": claim.access_key_id})


def _long_term(state: State, keyring: KeyRing, claim: sigv4.Claim) -> Signer:
    key = state.first(AccessKey, ACCESS_KEY_ID, claim.access_key_id)
    principal = None if key is None or not key.active or claim.session_token else principal_of_key(state, key)
    if key is None or principal is None:
        raise refused(Failure.UNKNOWN_KEY, claim)
    return Signer(Caller(principal, key.id), open_secret(keyring, key.id, key.secret))


def _temporary(keyring: KeyRing, claim: sigv4.Claim) -> Signer:
    if not claim.session_token:
        raise refused(Failure.UNKNOWN_KEY, claim)
    try:
        session, secret = open_session(keyring, claim.access_key_id, claim.session_token)
    except InvalidToken:
        raise refused(Failure.INVALID_TOKEN, claim) from None
    return Signer(Caller(principal_of(session), claim.access_key_id, session), secret)


def principal_of_key(state: State, key: AccessKey) -> Principal | None:
    """The user or root user of a long-term key; None where the user no longer exists."""
    if not key.user:
        return Principal.root(key.account)
    user = state.get(User, key.account, key.user)
    return None if user is None else Principal.user(user.account, user.arn, user.id, user.name)


def _check_may_be_unsigned(operation: OperationModel, protocol: str) -> None:
    """Raise Fault (missing authentication token) unless `operation` may be called without a signature.

    Those are the operations of S3, where a bucket policy may allow anonymous access, and those without authentication
    in the service model (AssumeRoleWithWebIdentity and the like, which have a token or an assertion).
    """
    service = operation.service_model.service_name
    if service != "s3" and operation.auth_type != "none" and operation.auth != ["smithy.api#noAuth"]:
        raise sigv4.failure(Failure.MISSING, service, protocol)
