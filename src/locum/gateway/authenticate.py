"""Who is calling: from the claim in a request to a Caller, or AWS's error for each way to fail.

The secret comes from the state (long-term keys) or out of the session token itself (temporary ones);
the signature is verified before anything that the token or the key says is believed.
"""

from __future__ import annotations

from botocore.model import OperationModel

from locum import sigv4
from locum.core.http import HttpRequest
from locum.core.identifiers import TEMPORARY_KEY
from locum.core.principal import NOBODY, Caller, Principal, PrincipalKind, Session
from locum.credentials import InvalidToken, KeyRing, open_secret, open_session
from locum.sigv4 import Failure
from locum.state import AccessKey, State, User
from locum.state.indexes import ACCESS_KEY_ID
from locum.wire import Codec


def authenticate(
    state: State, keyring: KeyRing, request: HttpRequest, claim: sigv4.Claim | None, now: float, codec: Codec
) -> tuple[Caller, bytes]:
    """The caller and the verified payload. An unsigned request is nobody's. Raises Fault."""
    if claim is None:
        return NOBODY, request.body
    if claim.access_key_id.startswith(TEMPORARY_KEY):
        return _temporary(keyring, request, claim, now, codec)
    return _long_term(state, keyring, request, claim, now, codec)


def _long_term(
    state: State, keyring: KeyRing, request: HttpRequest, claim: sigv4.Claim, now: float, codec: Codec
) -> tuple[Caller, bytes]:
    key = state.first(AccessKey, ACCESS_KEY_ID, claim.access_key_id)
    if key is None or not key.active or claim.session_token:
        raise sigv4.failure(Failure.UNKNOWN_KEY, claim.scope.service, codec.protocol)
    principal = principal_of_key(state, key)
    if principal is None:
        raise sigv4.failure(Failure.UNKNOWN_KEY, claim.scope.service, codec.protocol)
    body = sigv4.verify(
        request, claim, open_secret(keyring, key.id, key.secret), now, unsigned_payload=_unsigned(codec)
    )
    return Caller(principal, key.id), body


def principal_of_key(state: State, key: AccessKey) -> Principal | None:
    """The principal behind a long-term key: a user, or root; None where the user is gone."""
    if not key.user:
        return Principal.root(key.account)
    user = state.get(User, key.account, key.user)
    return None if user is None else Principal.user(user.account, user.arn, user.id, user.name)


def _temporary(
    keyring: KeyRing, request: HttpRequest, claim: sigv4.Claim, now: float, codec: Codec
) -> tuple[Caller, bytes]:
    service = claim.scope.service
    if not claim.session_token:
        raise sigv4.failure(Failure.UNKNOWN_KEY, service, codec.protocol)
    try:
        session, secret = open_session(keyring, claim.access_key_id, claim.session_token)
    except InvalidToken:
        raise sigv4.failure(Failure.INVALID_TOKEN, service, codec.protocol) from None
    body = sigv4.verify(request, claim, secret, now, unsigned_payload=_unsigned(codec))
    if now >= session.expires_at:
        raise sigv4.failure(Failure.EXPIRED_TOKEN, service, codec.protocol)
    return Caller(principal_of_session(session), claim.access_key_id, session), body


def principal_of_session(session: Session) -> Principal:
    """The principal that temporary credentials speak for."""
    if session.kind is PrincipalKind.ROLE_SESSION:
        return Principal.role_session(session.issuer_arn, session.issuer_id, session.name)
    if session.kind is PrincipalKind.FEDERATED_USER:
        return Principal.federated_user(session.account, session.name, session.issuer_arn, session.issuer_id)
    if session.kind is PrincipalKind.ROOT:
        return Principal.root(session.account)
    return Principal.user(session.account, session.issuer_arn, session.issuer_id, session.name)


def _unsigned(codec: Codec) -> bool:
    """Whether the service model says that the operation's payload is not signed."""
    return codec.model.auth_type == "v4-unsigned-body" or bool(codec.model.unsigned_payload)


def require_unsigned(operation: OperationModel, protocol: str) -> None:
    """Raise Fault (missing authentication token) unless `operation` is one that may come without a signature.

    Those are S3's, where a bucket policy may let anybody in, and what the service model says takes no
    authentication (AssumeRoleWithWebIdentity and the like, which carry proof of their own).
    """
    service = operation.service_model.service_name
    if service != "s3" and operation.auth_type != "none" and operation.auth != ["smithy.api#noAuth"]:
        raise sigv4.failure(Failure.MISSING, service, protocol)
