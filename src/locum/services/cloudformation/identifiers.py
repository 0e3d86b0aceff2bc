"""Primary identifiers of resources, and the physical ids that `Ref` gives: each made of the other.

A primary identifier has the values of the properties that the schema of a type names, joined by `|`. With most types it
is the physical id as well; with those of `_REF` the physical id is one of the values.

Cloud Control API User Guide, "Identifying resources".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from locum.core.errors import Fault
from locum.services.cloudformation.json_objects import json_object
from locum.services.cloudformation.schemas import Path, schema_of, values_at

Identifier = Mapping[str, str]
"""The values of the properties that identify a resource, by their names."""

_SEPARATOR: Final = "|"
_REF: Final = {
    "AWS::ApiGateway::Authorizer": "AuthorizerId",
    "AWS::ApiGateway::Deployment": "DeploymentId",
    "AWS::ApiGateway::Model": "Name",
    "AWS::ApiGateway::RequestValidator": "RequestValidatorId",
    "AWS::ApiGateway::Resource": "ResourceId",
    "AWS::ApiGateway::Stage": "StageName",
    "AWS::ApiGatewayV2::Authorizer": "AuthorizerId",
    "AWS::ApiGatewayV2::Deployment": "DeploymentId",
    "AWS::ApiGatewayV2::Integration": "IntegrationId",
    "AWS::ApiGatewayV2::Route": "RouteId",
    "AWS::ApiGatewayV2::Stage": "StageName",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "Arn",
    "AWS::AutoScaling::LifecycleHook": "LifecycleHookName",
    "AWS::AutoScaling::ScheduledAction": "ScheduledActionName",
    "AWS::Cognito::UserPoolClient": "ClientId",
    "AWS::Cognito::UserPoolDomain": "Domain",
    "AWS::Cognito::UserPoolGroup": "GroupName",
    "AWS::EC2::EIP": "PublicIp",
    "AWS::ECS::Service": "ServiceArn",
    "AWS::Glue::Table": "Name",
    "AWS::Lambda::Permission": "Id",
    "AWS::Logs::LogStream": "LogStreamName",
    "AWS::Logs::MetricFilter": "FilterName",
    "AWS::Logs::SubscriptionFilter": "FilterName",
    "AWS::Route53::RecordSet": "Name",
}
"""Types whose identifier has several values, and the property of which the physical id is the value."""

_ZONE: Final = "/hostedzone/"
"""What an answer of Route 53 may have before the id of a hosted zone."""

_QUEUE: Final = re.compile(r"https?://[^/?#]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_RULE: Final = re.compile(r"arn:[^:]*:events:[^:]*:[^:]*:rule/(?:default/)?(?P<name>.+)")


def _of_rule(arn: str) -> str:
    """The physical id of a rule: `NAME`, or `BUS|NAME` where the bus is not the default one."""
    found = _RULE.fullmatch(arn)
    return found["name"].replace("/", _SEPARATOR) if found else arn


_OTHERWISE: Final[Mapping[str, Callable[[str], str]]] = {"AWS::Events::Rule": _of_rule}
"""Types whose identifier is one value, of which the physical id is made."""


class Identified(NamedTuple):
    """A resource by its primary identifier: its physical id, and the values of the properties that identify it."""

    identifier: str
    physical: str
    properties: Mapping[str, str]


def identifier_of(
    kind: str, physical: str, properties: Mapping[str, Any], attributes: Mapping[str, Any] | None = None
) -> str:
    """The primary identifier of a resource of type `kind` that is there.

    `properties` and `attributes` are those that are known of it. Raises Fault where one of the values is not.
    """
    paths = identifier_paths(kind)
    if not paths or (len(paths) > 1 and kind not in _REF):
        return physical
    own = _REF.get(kind)
    found = [physical if path[0] == own else _value(path, properties, attributes or {}) for path in paths]
    if len(found) == 1:
        found = [found[0] or physical]
    if None in found:
        missing = ".".join(paths[found.index(None)])
        raise Fault("InternalFailure", f"{kind} {physical} is identified by {missing}, which is not known", 500)
    return _SEPARATOR.join(map(str, found))


def identifier_given(kind: str, properties: Mapping[str, Any]) -> str:
    """The primary identifier of a resource that is to be made, where its properties give it; else empty."""
    values = [values_at(properties, path) for path in identifier_paths(kind)]
    return _SEPARATOR.join(values) if all(isinstance(value, str) and value for value in values) else ""


def is_told(kind: str, properties: Mapping[str, Any]) -> bool:
    """Whether the physical id of a resource and these properties of it tell its primary identifier."""
    if kind in _OTHERWISE:
        return False
    others = [path for path in identifier_paths(kind) if path[0] != _REF[kind]] if kind in _REF else ()
    return all(isinstance(values_at(properties, path), str) for path in others)


def identified(kind: str, identifier: str) -> Identified:
    """The resource of type `kind` with this primary identifier: its text, or a JSON object of its properties.

    Raises Fault ValidationException where it cannot be one.
    """
    if identifier.lstrip().startswith("{"):
        try:
            return identified_by(kind, json_object(identifier, 2))
        except ValueError as error:
            raise _not_one(identifier_paths(kind)) from error
    paths = identifier_paths(kind)
    values = [identifier] if len(paths) < 2 else identifier.split(_SEPARATOR)
    if not all(values) or len(values) != max(len(paths), 1):
        raise Fault("ValidationException", f"Identifier {identifier} is not valid for identifier {_shown(paths)}")
    found = {".".join(path): value for path, value in zip(paths, values, strict=False)}
    return Identified(identifier, _physical(kind, identifier, found), found)


def identified_by(kind: str, properties: Mapping[str, Any]) -> Identified:
    """The resource of type `kind` with these values of its identifying properties, and no others.

    Raises Fault ValidationException where those are not what the primary identifier has.
    """
    paths = identifier_paths(kind)
    names = [".".join(path) for path in paths]
    if set(properties) != set(names) or not all(isinstance(value, str) and value for value in properties.values()):
        raise _not_one(paths)
    identifier = _SEPARATOR.join(properties[name] for name in names)
    return identified(kind, identifier)


def identifier_paths(kind: str) -> tuple[Path, ...]:
    """The paths of the properties that the primary identifier of a type is made of; none where it has no schema."""
    schema = schema_of(kind)
    return () if schema is None else schema.identifier


def _physical(kind: str, identifier: str, values: Mapping[str, str]) -> str:
    if kind in _REF:
        return values[_REF[kind]]
    return _OTHERWISE[kind](identifier) if kind in _OTHERWISE else identifier


def _value(path: Path, properties: Mapping[str, Any], attributes: Mapping[str, Any]) -> Any:
    given = attributes.get(".".join(path))
    return values_at(properties, path) if given is None else given


def _not_one(paths: tuple[Path, ...]) -> Fault:
    return Fault(
        "ValidationException",
        f"When specifying the identifier as JSON, you must specify exactly one identifier from [{_shown(paths)}], "
        "and no additional properties can be specified",
    )


def _shown(paths: tuple[Path, ...]) -> str:
    return f"[{', '.join('/properties/' + '/'.join(path) for path in paths)}]"


# -- identifiers of resources to import ------------------------------------------------------------------


def identifying(kind: str) -> tuple[str, ...]:
    """The names of the properties that identify a resource of type `kind`."""
    return tuple(path[-1] for path in identifier_paths(kind))


def physical_ids(kind: str, identifier: Identifier) -> Iterator[str]:
    """The physical ids that a resource with this identifier may have, the likeliest first."""
    values = [identifier[name] for name in identifying(kind)]
    found = [identified_by(kind, identifier).physical, _SEPARATOR.join(values), *reversed(values)]
    found += [value.replace("/", ":").rpartition(":")[2] for value in values if value.startswith("arn:")]
    yield from dict.fromkeys(found)


def is_same(one: str, other: str) -> bool:
    """Whether two physical ids are the same; those of queues are URLs, whose hosts may be several."""
    one, other = (it.removeprefix(_ZONE) for it in (one, other))
    return one == other or ("://" in one and "://" in other and urlsplit(one).path == urlsplit(other).path)


def may_be_same(one: str, other: str) -> bool:
    """Whether two physical ids may be those of one resource of a type: a name, and the ARN of what has that name."""
    parts = [it.split(_SEPARATOR) for it in (one, other)]
    return len(parts[0]) == len(parts[1]) and all(map(_may_be_same, *parts))


def _may_be_same(one: str, other: str) -> bool:
    if one.startswith("arn:") is other.startswith("arn:"):
        return is_same(one, other)
    arn, name = (one, other) if one.startswith("arn:") else (other, one)
    return arn.endswith((f"/{name}", f":{name}"))


def is_whole(kind: str, identifier: Identifier) -> bool:
    """Whether the values of an identifier have the form that they have on AWS: ARNs and URLs of queues are whole."""
    return not any(
        (name.endswith(("Arn", "ARN")) and not value.startswith("arn:"))
        or (name == "QueueUrl" and not _QUEUE.fullmatch(value))
        for name, value in identifier.items()
        if name in identifying(kind)
    )
