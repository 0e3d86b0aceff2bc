"""Patches of API Gateway: what an update of a REST API, or of a part of one, is told of its changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties
from locum.services.cloudformation.providers.steps import listed

Patch = dict[str, Any]

_SETTINGS: Final = {
    "CacheDataEncrypted": "caching/dataEncrypted",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CachingEnabled": "caching/enabled",
    "DataTraceEnabled": "logging/dataTrace",
    "LoggingLevel": "logging/loglevel",
    "MetricsEnabled": "metrics/enabled",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
}
SETTINGS: Final = tuple(_SETTINGS)
"""The settings that a stage has for methods."""


def escaped(text: str) -> str:
    """`text` as a step of a path (RFC 6901)."""
    return text.replace("~", "~0").replace("/", "~1")


def replaced(before: Properties, after: Properties, paths: Mapping[str, str]) -> list[Patch]:
    """The patches for changed properties that have a value each: `paths` are by their names. One gone becomes empty."""
    return [
        {"op": "replace", "path": path, "value": after.get(name, "")}
        for name, path in paths.items()
        if before.get(name) != after.get(name)
    ]


def members(before: Any, after: Any, path: str) -> list[Patch]:
    """The patches for a list, whose members are at paths of their own below `path`."""
    had, wanted = listed(before), listed(after)
    gone = [{"op": "remove", "path": f"{path}/{escaped(str(each))}"} for each in had if each not in wanted]
    return gone + [{"op": "add", "path": f"{path}/{escaped(str(each))}"} for each in wanted if each not in had]


def values(before: Any, after: Any, path: str) -> list[Patch]:
    """The patches for a list of texts that are values at `path`."""
    had, wanted = listed(before), listed(after)
    gone = [{"op": "remove", "path": path, "value": each} for each in had if each not in wanted]
    return gone + [{"op": "add", "path": path, "value": each} for each in wanted if each not in had]


def entries(before: Any, after: Any, path: str) -> list[Patch]:
    """The patches for an object, whose members are below `path`."""
    had, wanted = dict(before or {}), dict(after or {})
    gone = [{"op": "remove", "path": f"{path}/{escaped(name)}"} for name in had if name not in wanted]
    return gone + [
        {"op": "replace", "path": f"{path}/{escaped(name)}", "value": value}
        for name, value in wanted.items()
        if had.get(name) != value
    ]


def parts(before: Any, after: Any, path: str) -> list[Patch]:
    """The patches for a structure, whose members begin with a small letter in a path; it is removed as a whole."""
    if before and not after:
        return [{"op": "remove", "path": path}]
    had, wanted = (
        {f"{name[0].lower()}{name[1:]}": value for name, value in (side or {}).items()} for side in (before, after)
    )
    return entries(had, wanted, path)


def method_settings(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[Patch]:
    """The patches for the `MethodSettings` of a stage."""
    had, wanted = _settings(before), _settings(after)
    kept = {path.rsplit("/", 2)[0] for path in wanted}
    gone = {path.rsplit("/", 2)[0] for path in had} - kept
    return [{"op": "remove", "path": path} for path in sorted(gone)] + [
        {"op": "replace", "path": path, "value": value} for path, value in wanted.items() if had.get(path) != value
    ]


def _settings(given: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of methods by their paths: `/~1orders/GET/metrics/enabled`, `/*/*/...` for all methods."""
    found = {}
    for each in given:
        path = str(each.get("ResourcePath", "/*"))
        where = "*" if path in ("/*", "*") else escaped(path)
        for name in SETTINGS:
            if name in each:
                found[f"/{where}/{each.get('HttpMethod', '*')}/{_SETTINGS[name]}"] = each[name]
    return found
