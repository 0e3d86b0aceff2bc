"""Look-ups of delegation requests, and their default permissions.

IAM User Guide, "Managing Permissions for Delegation Requests": "By default, IAM principals who initiate a delegation
request are automatically granted permissions to manage that specific request. They can associate it with their
account, view request details, reject a request, forward it to an administrator for approval, release the exchange
token to the product provider after admin approval, and list delegation requests that they own."

IAM API Reference, GetDelegationRequest: "If a delegation request has no owner or owner account, GetDelegationRequest
[...] can be called by any account. If the owner account is assigned but there is no owner id, only identities within
that owner account can call".

These defaults are expressed as a resource policy of the request, so that an explicit deny still applies.
"""

from __future__ import annotations

import json
from typing import Any, Final

from locum.core.arn import Arn, iam_arn
from locum.state.delegation import DelegationRequest
from locum.state.indexes import DELEGATION_ID
from locum.state.state import State

KIND: Final = "delegation-request"
OWN: Final = "*"
"""The resource id in an ARN for all requests that the caller owns."""

_ACTIONS_OF_ANYBODY: Final = (
    "iam:AssociateDelegationRequest",
    "iam:GetDelegationRequest",
    "iam:GetHumanReadableSummary",
)
_ACTIONS_OF_OWNER: Final = (
    "iam:GetDelegationRequest",
    "iam:GetHumanReadableSummary",
    "iam:RejectDelegationRequest",
    "iam:SendDelegationToken",
    "iam:UpdateDelegationRequest",
)


def request_of(state: State, identifier: str) -> DelegationRequest | None:
    """The delegation request with this id, of any requestor; or None."""
    return state.first(DelegationRequest, DELEGATION_ID, identifier)


def arn_of(request: DelegationRequest, account: str) -> str:
    """The ARN of a request: in the owner's account, or in `account` while it has no owner."""
    return iam_arn(request.owner_account or account, KIND, "/", request.id)


def by_arn(state: State, arn: str) -> DelegationRequest | None:
    """The delegation request with this ARN, or None."""
    parsed = Arn.find(arn)
    if parsed is None or parsed.service != "iam" or not parsed.resource.startswith(f"{KIND}/"):
        return None
    request = request_of(state, parsed.resource.removeprefix(f"{KIND}/"))
    return request if request is not None and arn_of(request, parsed.account) == arn else None


def default_policy(state: State, arn: str) -> str | None:
    """The default resource policy of a request; None where there is no request with that ARN."""
    if arn.endswith(f":{KIND}/{OWN}"):
        return _policy({"Effect": "Allow", "Principal": "*", "Action": "iam:ListDelegationRequests"})
    request = by_arn(state, arn)
    if request is None:
        return None
    condition = {"aws:PrincipalAccount": request.owner_account or arn.split(":")[4]}
    if request.owner:  # by the unique id, as the name may be used again for another identity
        condition["aws:userid"] = request.owner_id
    actions = _ACTIONS_OF_OWNER if request.owner else _ACTIONS_OF_ANYBODY
    return _policy({"Effect": "Allow", "Principal": "*", "Action": actions, "Condition": {"StringEquals": condition}})


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {**statement, "Resource": "*"}})
