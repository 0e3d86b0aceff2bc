"""Policy documents, as labs write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

EC2: Final = "ec2.amazonaws.com"
LAMBDA: Final = "lambda.amazonaws.com"


def allow(action: str | Sequence[str], resource: str | Sequence[str] = "*", **condition: Any) -> dict[str, Any]:
    """A statement; `condition` as in a policy, operator by operator."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def deny(action: str | Sequence[str], resource: str | Sequence[str] = "*", **condition: Any) -> dict[str, Any]:
    """The same that denies."""
    return allow(action, resource, **condition) | {"Effect": "Deny"}


def document(*statements: Mapping[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(condition: Mapping[str, Any] | None = None, **principal: str | Sequence[str]) -> str:
    """A trust policy: trusting(Service="ec2.amazonaws.com"), trusting(AWS=arn)."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return document(statement | ({"Condition": dict(condition)} if condition else {}))
