"""Calls made up from botocore's service models: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import botocore.loaders
import botocore.model

ACCOUNT, REGION = "000000000000", "us-east-1"
GUARDED = (
    "s3", "s3control", "dynamodb", "sqs", "sns", "lambda", "kms", "secretsmanager", "ssm", "logs", "cloudwatch",
    "events", "scheduler", "stepfunctions", "kinesis", "firehose", "ec2", "autoscaling", "elbv2", "ecs", "ecr", "eks",
    "rds", "route53", "cloudformation", "apigateway", "athena", "glue", "iam", "sts", "organizations", "cloudtrail",
)  # fmt: skip
"""The services that people use, by botocore's names."""

_TEXTS = (
    "thing", "a/b/c", "/a/b", "x" * 70, "*", "?", "a*", "${aws:username}", "ſtrange", "", " ", "a:b", "%2e%2e", "true",
    "[]", "{}", "i-0123456789abcdef0", "sg-00000000", "vpc-00000000", ACCOUNT, "111122223333", "us-east-1", "12345678",
    f"arn:aws:iam::{ACCOUNT}:role/made-up", "arn:aws:s3:::made-up/{}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:made-up",
    "arn:aws:*:*:*:*", "arn:aws:kms:us-east-1:111122223333:key/1", '{"Version":"2012-10-17","Statement":[]}',
)  # fmt: skip
_DEPTH = 4
_LIKE_ANOTHER = {
    ("s3", name)
    for name in (
        "GetBucketLifecycle",
        "GetBucketNotification",
        "ListDirectoryBuckets",
        "PutBucketLifecycle",
        "PutBucketNotification",
    )
}
"""Operations whose requests are those of another one where a host name does not tell them apart."""


class GeneratedCall(NamedTuple):
    """A call by botocore's names."""

    service: str
    operation: str
    params: dict[str, Any]


@cache
def model_of(service: str) -> botocore.model.ServiceModel:
    """botocore's model of a service."""
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service)


@cache
def operations(services: tuple[str, ...] = GUARDED) -> tuple[tuple[str, str], ...]:
    """(service, operation) for each operation that a request and an answer are enough for."""
    return tuple(
        (service, name)
        for service in services
        for name in model_of(service).operation_names
        if (service, name) not in _LIKE_ANOTHER
        and not model_of(service).operation_model(name).has_event_stream_input
        and not model_of(service).operation_model(name).has_event_stream_output
    )


def generated_calls(seed: int, count: int, services: tuple[str, ...] = GUARDED) -> Iterator[GeneratedCall]:
    """`count` calls of operations drawn with `seed`, with parameters of the right shapes."""
    draw = random.Random(seed)
    every = operations(services)
    for _ in range(count):
        service, name = draw.choice(every)
        shape = model_of(service).operation_model(name).input_shape
        yield GeneratedCall(service, name, {} if shape is None else _structure(draw, shape, 0))


def _structure(draw: random.Random, shape: Any, depth: int) -> dict[str, Any]:
    wanted = {
        name
        for name in shape.members
        if name in shape.required_members or (depth < _DEPTH and draw.random() < 0.4 / (depth + 1))
    }
    if getattr(shape, "is_tagged_union", False):
        wanted = {draw.choice(sorted(shape.members))}
    return {name: _value(draw, shape.members[name], name, depth + 1) for name in sorted(wanted)}


def _value(draw: random.Random, shape: Any, name: str, depth: int) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _structure(draw, shape, depth) if depth < 2 * _DEPTH else {}
    if kind == "list":
        return [
            _value(draw, shape.member, name, depth + 1) for _ in range(draw.randint(0, 2) if depth < 2 * _DEPTH else 0)
        ]
    if kind == "map":
        count = draw.randint(0, 2) if depth < 2 * _DEPTH else 0
        return {
            _value(draw, shape.key, name, depth + 1): _value(draw, shape.value, name, depth + 1) for _ in range(count)
        }
    return _scalar(draw, shape, kind)


def _scalar(draw: random.Random, shape: Any, kind: str) -> Any:
    if kind == "string":
        named = shape.serialization.get("location") == "uri"  # of nothing there would be another path
        texts = [text for text in _TEXTS if text.strip()] if named else _TEXTS
        return draw.choice(shape.enum) if shape.enum and draw.random() < 0.9 else draw.choice(texts)
    if kind == "boolean":
        return draw.random() < 0.5
    if kind == "timestamp":
        return datetime(2026, 1, 1, tzinfo=UTC)
    if kind == "blob":
        return draw.choice(_TEXTS).encode()
    return draw.choice((0, 1, 2, 7, 60, 3600, -1, 1 << 31))
