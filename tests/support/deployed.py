"""Functions of Lambda in a plane: deployed, with roles of their own, and invoked."""

from __future__ import annotations

import json
from typing import Any

from locum.audit import Record
from support.functions import package
from support.inprocess import InProcess
from support.plane import ACCOUNT, REGION, RunningPlane, allow, document, fresh, trusting

TRUSTS_LAMBDA = trusting(Service="lambda.amazonaws.com")
MAY_LOG = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*")
ECHO = "def handler(event, context): return {'event': event, 'id': context.aws_request_id}"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"


def role(plane: InProcess | RunningPlane, trust: str = TRUSTS_LAMBDA, *statements: dict[str, Any]) -> str:
    """The ARN of a new role."""
    name, iam = fresh("role"), plane.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*statements))
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def deployed(plane: InProcess | RunningPlane, main: str = ECHO, **changes: Any) -> str:
    """The name of a new function."""
    fields = {
        "FunctionName": fresh("function"),
        "Runtime": "python3.11",
        "Role": changes.get("Role") or role(plane),
        "Handler": "main.handler",
        "Timeout": 60,
        "Code": {"ZipFile": package(main=main)},
        **changes,
    }
    name: str = plane.client("lambda").create_function(**fields)["FunctionName"]
    return name


def invoked(plane: InProcess, name: str, **parameters: Any) -> tuple[dict[str, Any], Any]:
    """The answer, and its payload."""
    answer = plane.client("lambda", read_timeout=60).invoke(FunctionName=name, **parameters)
    payload = answer.pop("Payload").read()
    return answer, json.loads(payload) if payload else None


def records(plane: InProcess, operation: str, about: str) -> list[Record]:
    """Those of an operation on, or for, a function."""
    return [r for r in plane.records() if r.operation == operation and about in f"{r.parameters} {r.source_arn}"]
