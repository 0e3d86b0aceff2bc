"""GetCallerIdentity and GetAccessKeyInfo."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.core.identifiers import account_of_access_key
from locum.core.principal import PrincipalKind
from locum.services.sts.faults import invalid
from locum.services.verbs import Context, Outcome, Params

_WITHOUT_KEYS: Final = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE})


def get_caller_identity(ctx: Context, params: Params) -> Outcome:
    """sts:GetCallerIdentity. "No permissions are required to perform this operation", but credentials are."""
    principal = ctx.caller.principal
    if principal.kind in _WITHOUT_KEYS:
        raise Fault("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    return Outcome({"UserId": principal.user_id, "Account": principal.account, "Arn": principal.arn})


def get_access_key_info(ctx: Context, params: Params) -> Outcome:
    """sts:GetAccessKeyInfo. The account is in the key id; "this operation does not indicate the state" of the key."""
    try:
        return Outcome({"Account": account_of_access_key(params["AccessKeyId"])})
    except ValueError:
        raise invalid("The specified value for accessKeyId is invalid.") from None
