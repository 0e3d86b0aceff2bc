"""A decision case that passes, and others that differ from it."""

from __future__ import annotations

import json
from typing import Any

ME = "111111111111"


def statement(effect: str = "Allow", action: str = "*", **more: Any) -> dict[str, Any]:
    """One statement on everything."""
    return {"Effect": effect, "Action": action, "Resource": "*", **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def raw_case(name: str = "reads", **more: Any) -> dict[str, Any]:
    """A user who may read an object, and what differs from that."""
    request = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resource_account": ME, "context": {}}
    return {
        "id": name,
        "principal_arn": f"arn:aws:iam::{ME}:user/alice",
        "identity_policies": [policy(statement(action="s3:GetObject"))],
        "request": request,
        "expected": "ALLOW",
        **more,
    }


def failing(name: str = "writes") -> dict[str, Any]:
    """A case that comes out otherwise than it expects."""
    return raw_case(name, identity_policies=[policy(statement(action="s3:PutObject"))])


def lines(*cases: dict[str, Any]) -> str:
    """A file of `cases`, JSON Lines."""
    return "".join(f"{json.dumps(case)}\n" for case in cases)
