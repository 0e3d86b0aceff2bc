"""Notifications about a delegation request to the requestor's SNS topic.

IAM User Guide, "Notification Types": "StateChange Notifications: Sent when a delegation request transitions to a new
state". "ExchangeToken Notifications: Sent when a customer releases the delegation token (state Finalized). This
notification includes the exchange token you need to obtain credentials." A finalized request causes both.

"SNS Topic Configuration": the topic's policy must let the service principal iam.amazonaws.com publish. "If the topic
policy is not correctly configured, you will not receive state change notifications or the exchange token."
"""

from __future__ import annotations

import json
from typing import Final

from locum.core.actors import service_principal
from locum.core.arn import Arn
from locum.core.calls import Effect, ServiceCall
from locum.core.clock import iso8601_ms
from locum.core.identifiers import request_id
from locum.credentials.delegation import seal_exchange_token
from locum.services.verbs import Context
from locum.state import DelegationRequest, delegations

_IAM: Final = "iam.amazonaws.com"


def state_change(context: Context, request: DelegationRequest) -> Effect:
    """A StateChange notification with the state of `request`."""
    return _notification(context, request, {"Type": "StateChange"})


def exchange_token(context: Context, request: DelegationRequest) -> Effect:
    """An ExchangeToken notification for `request`, which is finalized, with a new token and its expiry."""
    token = seal_exchange_token(context.keyring, request.account, request.id, context.entropy)
    return _notification(
        context,
        request,
        {"Type": "ExchangeToken", "ExchangeToken": token, "ExpiresAt": iso8601_ms(request.access_until)},
    )


def _notification(context: Context, request: DelegationRequest, details: dict[str, str]) -> Effect:
    common = {
        "RequestId": request.id,
        "RequestorWorkflowId": request.workflow,
        "State": request.stage,
        "OwnerAccountId": request.owner_account,
        "UpdatedAt": iso8601_ms(context.now),
    }
    message = json.dumps({**common, **details}, separators=(",", ":"))
    iam = service_principal(_IAM, context.account, delegations.arn_of(request, context.account))
    topic = Arn.parse(request.channel)
    parameters = {"TopicArn": request.channel, "Message": message}
    return Effect(
        request_id(context.entropy), ServiceCall(iam, "sns", "Publish", parameters, topic.region), request.channel
    )
