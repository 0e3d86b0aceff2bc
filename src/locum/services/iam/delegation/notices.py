"""What IAM tells the requestor's SNS topic of a delegation request.

IAM User Guide, "Notification Types": "StateChange Notifications: Sent when a delegation request transitions to a new
state". "ExchangeToken Notifications: Sent when a customer releases the delegation token (state Finalized). This
notification includes the exchange token you need to obtain credentials." Both of them once it is finalized.
"""

from __future__ import annotations

import json

from locum.core.clock import iso8601_ms
from locum.credentials.delegation import seal_exchange_token
from locum.services.verbs import Context, Notice
from locum.state import DelegationRequest


def state_change(context: Context, request: DelegationRequest) -> Notice:
    """That `request` has the state that it has now."""
    return _notice(context, request, {"Type": "StateChange"})


def exchange_token(context: Context, request: DelegationRequest) -> Notice:
    """A token for `request`, which was finalized, and how long it is good."""
    token = seal_exchange_token(context.keyring, request.account, request.id, context.entropy)
    return _notice(
        context,
        request,
        {"Type": "ExchangeToken", "ExchangeToken": token, "ExpiresAt": iso8601_ms(request.access_until)},
    )


def _notice(context: Context, request: DelegationRequest, said: dict[str, str]) -> Notice:
    common = {
        "RequestId": request.id,
        "RequestorWorkflowId": request.workflow,
        "State": request.stage,
        "OwnerAccountId": request.owner_account,
        "UpdatedAt": iso8601_ms(context.now),
    }
    return Notice(request.channel, json.dumps({**common, **said}, separators=(",", ":")))
