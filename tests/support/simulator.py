"""Documents and questions for the policy simulator."""

from __future__ import annotations

import json
from typing import Any

from support.iam_plane import Plane, arn

BUCKET = "arn:aws:s3:::bucket"
A, B = f"{BUCKET}/a", f"{BUCKET}/b"
ANN = arn("user", "ann")
IAM, RESOURCE, BOUNDARY = "IAM Policy", "Resource Policy", "Permissions Boundary Policy"
"""SourcePolicyType, as the API answers it."""


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


def allow(action: str = "s3:GetObject", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "s3:GetObject", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def bucket_policy(principal: str, effect: str = "Allow") -> str:
    return document({**allow(resource=f"{BUCKET}/*"), "Effect": effect, "Principal": {"AWS": principal}})


ALLOW, DENY, ALL = document(allow()), document(deny()), document(allow("*"))


def simulated(plane: Plane, operation: str, **params: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = plane.call(operation, **params)["EvaluationResults"]
    return results


def custom(plane: Plane, *documents: str, **params: Any) -> dict[str, Any]:
    given = {"ActionNames": ["s3:GetObject"], **params}
    (result,) = simulated(plane, "SimulateCustomPolicy", PolicyInputList=list(documents), **given)
    return result


def sources(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(s["SourcePolicyId"], s["SourcePolicyType"]) for s in result["MatchedStatements"]]


def entry(name: str, kind: str, *values: str) -> dict[str, Any]:
    return {"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": list(values)}


def when(key: str, value: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}
