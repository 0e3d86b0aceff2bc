"""The statement that a permission on a Lambda function or layer becomes.

Lambda API Reference, AddPermission and AddLayerVersionPermission: the parameters; Lambda Developer Guide, "Working with
resource-based IAM policies in Lambda": the statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_CONDITIONS: Final[Mapping[str, tuple[str, str]]] = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "OrganizationId": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}
"""The restrictions that a permission may ask for: parameter -> condition operator and key."""


def statement(params: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """The statement for the parameters of AddPermission or AddLayerVersionPermission, on the ARN `resource`."""
    conditions: dict[str, dict[str, Any]] = {}
    for member, (operator, key) in _CONDITIONS.items():
        value = params.get(member)
        if value not in (None, "", False):
            conditions.setdefault(operator, {})[key] = "true" if value is True else value
    found = {
        "Sid": params.get("StatementId", ""),
        "Effect": "Allow",
        "Principal": _principal(params.get("Principal", "")),
        "Action": params.get("Action", ""),
        "Resource": resource,
    }
    return {**found, "Condition": conditions} if conditions else found


def _principal(name: str) -> Any:
    """The Principal element: everyone, a service by its name, or an account, user or role."""
    if name == "*":
        return name
    return {"Service" if "." in name and ":" not in name else "AWS": name}
