"""Looking up delegation requests, and who may do what with one by default.

IAM User Guide, "Managing Permissions for Delegation Requests": "By default, IAM principals who initiate a delegation
request are automatically granted permissions to manage that specific request. They can associate it with their
account, view request details, reject a request, forward it to an administrator for approval, release the exchange
token to the product provider after admin approval, and list delegation requests that they own."

IAM API Reference, GetDelegationRequest: "If a delegation request has no owner or owner account, GetDelegationRequest
[...] can be called by any account. If the owner account is assigned but there is no owner id, only identities within
that owner account can call".

These defaults are a policy on the request: what denies explicitly still does, and there is nothing else to decide.
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
"""In place of an id: the requests that the caller owns, whichever they are."""

_OF_ANYBODY: Final = ("iam:AssociateDelegationRequest", "iam:GetDelegationRequest", "iam:GetHumanReadableSummary")
_OF_OWNER: Final = (
    "iam:GetDelegationRequest",
    "iam:GetHumanReadableSummary",
    "iam:RejectDelegationRequest",
    "iam:SendDelegationToken",
    "iam:UpdateDelegationRequest",
)


def request_of(state: State, identifier: str) -> DelegationRequest | None:
    """The delegation request with this id, whoever asked for it."""
    return state.first(DelegationRequest, DELEGATION_ID, identifier)


def arn_of(request: DelegationRequest, account: str) -> str:
    """Its ARN: in the owner's account; as long as it has none, in that of whoever asks."""
    return iam_arn(request.owner_account or account, KIND, "/", request.id)


def by_arn(state: State, arn: str) -> DelegationRequest | None:
    """The delegation request that has this very ARN."""
    parsed = Arn.find(arn)
    if parsed is None or parsed.service != "iam" or not parsed.resource.startswith(f"{KIND}/"):
        return None
    request = request_of(state, parsed.resource.removeprefix(f"{KIND}/"))
    return request if request is not None and arn_of(request, parsed.account) == arn else None


def default_policy(state: State, arn: str) -> str | None:
    """The policy that a request has of its own accord; None where `arn` is none's."""
    if arn.endswith(f":{KIND}/{OWN}"):
        return _policy({"Effect": "Allow", "Principal": "*", "Action": "iam:ListDelegationRequests"})
    request = by_arn(state, arn)
    if request is None:
        return None
    whose = {"aws:PrincipalAccount": request.owner_account or arn.split(":")[4]}
    if request.owner:  # by the unique id: whoever is called the same later is somebody else
        whose["aws:userid"] = request.owner_id
    actions = _OF_OWNER if request.owner else _OF_ANYBODY
    return _policy({"Effect": "Allow", "Principal": "*", "Action": actions, "Condition": {"StringEquals": whose}})


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {**statement, "Resource": "*"}})
