"""The service catalogue for lint, from the Service Authorization Reference.

A service is read on demand and reduced to what lint needs. Partitions and Regions are from botocore.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any, Final

from locum.authz import service_reference as reference
from locum.lint import Action, ConditionKey, ResourceType, Service

_ARRAY: Final = "ArrayOf"
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")
_ANGLED: Final = re.compile(r"<([^<>]*)>")
"""The placeholders in S3's keys of object tags: `s3:ExistingObjectTag/<key>`."""
_KEYS_CACHED: Final = 4096
_ARN_SERVICE: Final = 2


@cache
def catalogue() -> ReferenceCatalogue:
    """The catalogue, shared. Data is read on demand."""
    return ReferenceCatalogue()


class ReferenceCatalogue:
    """A `locum.lint.Catalogue` over the reference and botocore's data files."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._resources: dict[str, tuple[ResourceType, ...]] = {}

    # --- services ---

    def prefixes(self) -> frozenset[str]:
        """The prefixes of all services."""
        return self._prefixes

    @cached_property
    def _prefixes(self) -> frozenset[str]:
        return frozenset(reference.services())

    def service(self, prefix: str) -> Service | None:
        """The service of a lower-case prefix, read on demand; or None."""
        if prefix not in self._prefixes:
            return None
        if prefix not in self._services:
            self._services[prefix] = self._read(prefix)
        return self._services[prefix]

    def _read(self, prefix: str) -> Service:
        types = reference.resource_types(prefix)
        keys = {name: frozenset(map(str.lower, kind.get("conditionKeys", ()))) for name, kind in types.items()}
        return Service(
            prefix,
            {name: _action(entry, keys) for name, entry in reference.actions(prefix).items()},
            self._keys(prefix),
            tuple(_resource_types(types)),
        )

    # --- condition keys ---

    def _keys(self, prefix: str) -> dict[str, ConditionKey]:
        return {key.name.lower(): key for key in map(_key, reference.condition_keys(prefix).values())}

    def key(self, name: str) -> ConditionKey | None:
        """The condition key called `name` (lower-case), first of the service of its prefix, then of any; or None."""
        return self._found(name)

    @cached_property
    def _found(self) -> Callable[[str], ConditionKey | None]:
        return lru_cache(_KEYS_CACHED)(self._find)

    def _find(self, name: str) -> ConditionKey | None:
        service = self.service(name.partition(":")[0])
        if service is not None:
            found = service.keys.get(name) or _templated(service.keys.values(), name)
            if found is not None:
                return found
        if name in self._every_key:
            return self._every_key[name]
        templates = self._every_template
        return _templated(templates.get(name.partition(":")[0], ()), name) or _templated(templates[""], name)

    def owns_keys(self, prefix: str) -> bool:
        """Whether any service has a key that begins with `prefix:`."""
        return prefix in self._key_prefixes

    @cached_property
    def _every_key(self) -> dict[str, ConditionKey]:
        return {name: key for prefix in sorted(self._prefixes) for name, key in self._keys(prefix).items()}

    @cached_property
    def _every_template(self) -> Mapping[str, list[ConditionKey]]:
        """The keys with placeholders by prefix; under "" those with a placeholder in the prefix."""
        found: dict[str, list[ConditionKey]] = {"": []}
        for name, key in self._every_key.items():
            prefix = name.partition(":")[0]
            if "${" in name:
                found.setdefault("" if "${" in prefix else prefix, []).append(key)
        return found

    @cached_property
    def _key_prefixes(self) -> frozenset[str]:
        return frozenset(name.partition(":")[0] for name in self._every_key)

    # --- resources ---

    def resources(self, service: str) -> tuple[ResourceType, ...]:
        """The resource types with `service` in their ARNs, those of the service with that prefix first."""
        if service not in self._resources:
            own = self.service(service)
            mine = [kind for kind in own.resources if _service_of(kind) == service] if own is not None else []
            others = self._every_resource.get(service, ())
            if not mine and not others:
                return ()
            self._resources[service] = tuple(dict.fromkeys((*mine, *others)))
        return self._resources[service]

    @cached_property
    def _every_resource(self) -> Mapping[str, list[ResourceType]]:
        found: defaultdict[str, list[ResourceType]] = defaultdict(list)
        for prefix in sorted(self._prefixes):
            for kind in _resource_types(reference.resource_types(prefix)):
                found[_service_of(kind)].append(kind)
        return found

    # --- partitions and resource control policies ---

    def partitions(self) -> Mapping[str, frozenset[str]]:
        """The Regions by partition."""
        return self._partitions

    @cached_property
    def _partitions(self) -> Mapping[str, frozenset[str]]:
        rows = json.loads((reference.data_of("botocore") / "partitions.json").read_bytes())["partitions"]
        return {row["id"]: frozenset(name for name in row["regions"] if "global" not in name) for row in rows}

    def rcp_services(self) -> frozenset[str]:
        """The prefixes of the services that resource control policies apply to."""
        return reference.resource_controlled()


def _action(entry: Mapping[str, Any], type_keys: Mapping[str, frozenset[str]]) -> Action:
    """An action with its keys: its own, those it has with a resource type, and those of its resource types."""
    names = {name.lower() for name in entry.get("conditionKeys", ())}
    for kind in entry.get("resourceTypes", ()):
        names.update(map(str.lower, kind.get("conditionKeys", ())))
        names |= type_keys.get(kind["name"].lower(), frozenset())
    return Action(entry["name"], frozenset(names))


def _resource_types(types: Mapping[str, Any]) -> Iterator[ResourceType]:
    """The resource types. An entry with two forms of ARN, separated by a comma, makes two."""
    for kind in types.values():
        for arn in kind["arn"].split(", "):
            yield ResourceType(kind["key"], arn)


def _key(entry: Mapping[str, Any]) -> ConditionKey:
    kind = entry["type"]
    return ConditionKey(_ANGLED.sub(r"${\1}", entry["key"]), kind.removeprefix(_ARRAY), kind.startswith(_ARRAY))


def _templated(keys: Iterable[ConditionKey], name: str) -> ConditionKey | None:
    """The key with placeholders that matches `name`, or None."""
    for key in keys:
        if "${" in key.name and _pattern(key.name.lower()).fullmatch(name):
            return key
    return None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A pattern for a template. A placeholder is at least one character; no template has two, so matching is linear."""
    pieces = map(re.escape, _PLACEHOLDER.split(template))
    return re.compile("(?s:.+)".join(pieces))


def _service_of(kind: ResourceType) -> str:
    return [*kind.arn.split(":", _ARN_SERVICE + 1), "", "", ""][_ARN_SERVICE]
