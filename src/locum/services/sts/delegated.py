"""GetDelegatedAccessToken, which exchanges a token for the delegated credentials.

IAM User Guide, "Exchange Tokens" and "Access Duration":
- "The exchange token can only be redeemed by the product provider account that created the delegation request."
- "Credentials expire at: release time + approved duration."
- "The product provider can exchange the token multiple times before expiration".

They are those of the approver at the time of approval, with the policy of the request as a session policy: "If you
don't have access to the requested services and actions, the product provider does not receive these permissions".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from locum.core.errors import Fault
from locum.credentials.delegation import InvalidExchangeToken, open_exchange_token
from locum.services.sts import passed
from locum.services.sts.answers import credentials, packed_size
from locum.services.sts.faults import invalid
from locum.services.verbs import Context, Outcome, Params
from locum.state import DelegationRequest, delegations

_EXPIRED: Final = "The trade-in token has expired."


def get_delegated_access_token(ctx: Context, params: Params) -> Outcome:
    """sts:GetDelegatedAccessToken. Raises ValidationError, ExpiredTradeInTokenException."""
    request = _request(ctx, params["TradeInToken"])
    if ctx.now >= request.access_until:
        raise Fault("ExpiredTradeInTokenException", _EXPIRED, 400)
    assert request.approver is not None  # a finalized request was accepted before
    session = replace(
        request.approver,
        issued_at=int(ctx.now),
        expires_at=request.access_until,
        policy=request.policy,
        instance_id="",
        delegate=request.account,
    )
    given = passed.read(ctx.state, session.account, {"Policy": request.policy})
    return Outcome(
        {
            "Credentials": credentials(ctx, session),
            **packed_size(given),
            "AssumedPrincipal": request.approver_arn,
        }
    )


def _request(ctx: Context, token: str) -> DelegationRequest:
    """The finalized request of the caller's account that `token` is for. Raises ValidationError."""
    try:
        identifier = open_exchange_token(ctx.keyring, ctx.account, token)
    except InvalidExchangeToken:
        raise invalid("Invalid trade-in token") from None
    request = delegations.request_of(ctx.state, identifier)
    if request is None or request.account != ctx.account or request.stage != "FINALIZED":
        raise invalid("Invalid trade-in token")
    return request
