"""The calls that credentials cannot make, by their kind or their account, regardless of policies.

IAM User Guide, "Compare AWS STS credentials"; STS API Reference, AssumeRole, GetSessionToken, GetFederationToken.

    credentials of          IAM API                      STS API
    the console             as permitted                 as permitted, not GetSessionToken, not GetFederationToken
    GetSessionToken         only with MFA                only AssumeRole, GetScopedCredentials, GetCallerIdentity
    GetFederationToken      none                         only GetScopedCredentials, GetCallerIdentity
    AssumeRoot              as its task policy permits   only GetCallerIdentity
    GetDelegatedAccessToken as permitted                 as with the credentials of the approver
    a role session          as permitted                 not GetSessionToken, not GetFederationToken
    the root user           as permitted                 not AssumeRole
    long-term keys          as permitted                 not GetScopedCredentials
    a deleted user or role  none                         none

Calls of S3 Control are for the caller's own account, which each names in `AccountId`. Amazon S3 API Reference,
GetPublicAccessBlock: "the account ID for the Amazon Web Services account whose configuration you want to retrieve".
"""

from __future__ import annotations

from typing import Final

from locum.authz.call import Call
from locum.core.errors import Fault
from locum.core.principal import PrincipalKind
from locum.core.s3_errors import ACCESS_DENIED

_SCOPING: Final = "GetScopedCredentials"
_OF_USER_SESSIONS: Final = frozenset({"AssumeRole", _SCOPING})
_LONG_TERM_ONLY: Final = frozenset({"GetSessionToken", "GetFederationToken"})


def limit(call: Call) -> Fault | None:
    """The error of a call that the caller's credentials cannot make; None where they can."""
    session, service = call.caller.session, call.service
    if service == "sts":
        return _sts(call)
    if service == "s3control":
        return _s3_control(call)
    if session is None or service != "iam" or session.delegate:
        return None
    kind = call.caller.principal.kind
    if kind is PrincipalKind.FEDERATED_USER:
        return _invalid()
    by_get_session_token = kind in (PrincipalKind.USER, PrincipalKind.ROOT) and not session.from_console
    if by_get_session_token and session.mfa_at is None and not session.assumed_root:
        return _invalid()
    return None


def _sts(call: Call) -> Fault | None:
    kind, operation = call.caller.principal.kind, call.operation
    if kind is PrincipalKind.ROOT and operation == "AssumeRole":
        return Fault("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    session = call.caller.session
    if session is None:
        return _only_with_session(operation) if operation == _SCOPING else None
    if operation == "GetCallerIdentity":
        return None
    if operation in _LONG_TERM_ONLY or session.assumed_root:
        return _not_with_session(operation)
    if kind is PrincipalKind.FEDERATED_USER and operation != _SCOPING:
        return _not_with_session(operation)
    by_get_session_token = kind in (PrincipalKind.USER, PrincipalKind.ROOT) and not session.from_console
    return _not_with_session(operation) if by_get_session_token and operation not in _OF_USER_SESSIONS else None


def _s3_control(call: Call) -> Fault | None:
    account = call.params.get("AccountId")
    return Fault(*ACCESS_DENIED) if account and account != call.caller.account else None


def _not_with_session(operation: str) -> Fault:
    return Fault("AccessDenied", f"Cannot call {operation} with session credentials", 403)


def _only_with_session(operation: str) -> Fault:
    return Fault("AccessDenied", f"Cannot call {operation} without session credentials", 403)


def _invalid() -> Fault:
    return Fault("InvalidClientTokenId", "The security token included in the request is invalid", 403)
