"""Permissions that a call adds to a policy one by one (AddPermission): the statements that they become.

A service makes the statement of parameters. Here it is made of them as well, so that it is held against the same rules
as a policy that is put as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from locum.authz.resource_policies.flaws import Flaw, FlawedPolicy
from locum.core.arn import root_arn
from locum.core.function_permissions import statement
from locum.core.identifiers import ACCOUNT_ID

Statement = dict[str, Any]


class Permission(NamedTuple):
    """A permission in parameters, of which `made` makes the statement; None where the call adds none.

    `principal` is the member that names its principal and is replaced by the stored form; empty: it stays as it is.
    """

    made: Callable[[Mapping[str, Any]], Statement | None]
    principal: str = ""

    def read(self, params: Mapping[str, Any]) -> str | None:
        """The policy that has this statement alone. Raises FlawedPolicy."""
        made = self.made(params)
        if made is None:
            return None
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **made}]})

    def replaced(self, params: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The parameters with the principal of the policy `text`."""
        if not self.principal:
            return dict(params)
        principal = json.loads(text)["Statement"][0]["Principal"]
        name = next(iter(principal.values())) if isinstance(principal, dict) else principal
        return {**params, self.principal: name}


def on_function(params: Mapping[str, Any]) -> Statement:
    """The statement of Lambda's AddPermission and AddLayerVersionPermission."""
    return statement(params, "*")


def on_queue(params: Mapping[str, Any]) -> Statement | None:
    """The statement of SQS's AddPermission."""
    return _of_accounts(params.get("AWSAccountIds"), params.get("Label", ""), "sqs:*")


def on_topic(params: Mapping[str, Any]) -> Statement | None:
    """The statement of SNS's AddPermission."""
    return _of_accounts(params.get("AWSAccountId"), params.get("Label", ""), "sns:*")


def _of_accounts(accounts: list[str] | None, label: str, action: str) -> Statement | None:
    if not accounts:
        return None
    for account in accounts:
        if not ACCOUNT_ID.fullmatch(account):
            raise FlawedPolicy(Flaw.PRINCIPAL, f"{account} is no account", account)
    return {"Sid": label, "Principal": {"AWS": [root_arn(account) for account in accounts]}, "Action": action}


def on_bus(params: Mapping[str, Any]) -> Statement | None:
    """The statement of EventBridge's PutPermission, where it does not put a whole policy."""
    if "Policy" in params or not params.get("Principal"):
        return None
    condition = params.get("Condition") or {}
    restricted = {condition.get("Type", ""): {condition.get("Key", ""): condition.get("Value", "")}}
    principal = params["Principal"]
    return {
        "Sid": params.get("StatementId", ""),
        "Principal": "*" if principal == "*" else {"AWS": principal},
        "Action": params.get("Action", ""),
        **({"Condition": restricted} if condition else {}),
    }
