"""Routing of S3's operations by method, bucket or object, query keys and headers.

1. A sub-resource (`?policy`, `?uploads` ...) selects the operations whose template has it.
2. Two of them in one request are refused, as in S3: "Conflicting query string parameters".
3. A sub-resource that the method does not have is MethodNotAllowed. It is never ignored: `DELETE /bucket?foo` deletes
   the bucket, so `DELETE /bucket?acl` must not be routed to DeleteBucket.
4. Of the remaining operations, the one with the most required query parameters and headers in the request is selected
   (`uploadId` and `partNumber`; `x-amz-copy-source`). A presigned URL may have those headers as parameters.
5. `x-id`, which SDKs add, or the host selects among what remains: ListBuckets or ListDirectoryBuckets.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.s3_errors import METHOD_NOT_ALLOWED
from locum.wire.parsers.s3 import s3_address

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

_SERVICE, _BUCKET, _OBJECT = 0, 1, 2
_OBJECT_LAMBDA_PATH = "/WriteGetObjectResponse"


class _Candidate(NamedTuple):
    """An operation and its required query keys and headers, in lower case."""

    operation: str
    needs: frozenset[str]


class S3Router:
    """The router of S3's operations."""

    def __init__(self, model: ServiceModel) -> None:
        groups: dict[tuple[str, int, str], list[OperationModel]] = defaultdict(list)
        for name in model.operation_names:
            operation = model.operation_model(name)
            if not operation.deprecated and operation.http["requestUri"] != _OBJECT_LAMBDA_PATH:
                groups[_place(operation)].append(operation)
        self._groups = {place: _candidates(found, place[2]) for place, found in groups.items()}
        self._sub_resources = frozenset(sub for _, _, sub in groups if sub)

    def find(self, request: HttpRequest) -> str:
        """The name of a request's operation. Raises Fault where there is none."""
        if request.raw_path == _OBJECT_LAMBDA_PATH and "x-amz-request-route" in request.headers:
            return _OBJECT_LAMBDA_PATH[1:]
        address = s3_address(request)
        level = (_OBJECT if address.raw_key else _BUCKET) if address.bucket else _SERVICE
        query = _query(request.query_string)
        sub = self._sub_resource(query) if query else ""
        candidates = self._groups.get((request.method, level, sub), ())
        if len(candidates) == 1 and not candidates[0].needs:
            return candidates[0].operation
        chosen = _choose(candidates, query, request)
        if chosen is None:
            raise Fault(
                *METHOD_NOT_ALLOWED,
                members={
                    "Method": request.method,
                    "ResourceType": sub.upper() or ("SERVICE", "BUCKET", "OBJECT")[level],
                },
            )
        return chosen

    def _sub_resource(self, query: dict[str, str]) -> str:
        found = [
            key for key, value in query.items() if key in self._sub_resources or f"{key}={value}" in self._sub_resources
        ]
        if len(found) > 1:
            raise Fault(
                "InvalidArgument",
                f"Conflicting query string parameters: {', '.join(sorted(found))}",
                members={"ArgumentName": "ResourceType", "ArgumentValue": found[0]},
            )
        if not found:
            return ""
        return found[0] if found[0] in self._sub_resources else f"{found[0]}={query[found[0]]}"


def _place(operation: OperationModel) -> tuple[str, int, str]:
    path, _, literals = operation.http["requestUri"].partition("?")
    level = _OBJECT if "{Key+}" in path else _BUCKET if "{Bucket}" in path else _SERVICE
    return operation.http["method"], level, literals.split("&", 1)[0]


def _candidates(operations: list[OperationModel], sub: str) -> tuple[_Candidate, ...]:
    found = []
    for operation in operations:
        needs = set()
        if len(operations) > 1 or not sub:
            shape = operation.input_shape
            for name in shape.required_members if shape else ():
                serialization = shape.members[name].serialization
                if serialization.get("location") in ("querystring", "header"):
                    needs.add(serialization["name"].lower())
        found.append(_Candidate(operation.name, frozenset(needs)))
    return tuple(sorted(found, key=lambda candidate: -len(candidate.needs)))


def _choose(candidates: tuple[_Candidate, ...], query: dict[str, str], request: HttpRequest) -> str | None:
    if not candidates:
        return None
    present = {key.lower() for key in query} | request.headers.keys()
    matching = [candidate for candidate in candidates if candidate.needs <= present]
    best = [candidate.operation for candidate in matching if len(candidate.needs) == len(matching[0].needs)]
    if not best:
        return None
    directories = "s3express-control" in request.headers.get("host", "")
    wished = "ListDirectoryBuckets" if directories else query.get("x-id", "")
    return wished if wished in best else best[0]


def _query(query_string: str) -> dict[str, str]:
    """The first value of each key, decoded, so that `acl` is the same here as for the backend."""
    query: dict[str, str] = {}
    for pair in query_string.split("&") if query_string else ():
        key, _, value = pair.partition("=")
        if "%" in pair:
            key, value = unquote_plus(key), unquote_plus(value)
        if key:
            query.setdefault(key, value)
    return query
