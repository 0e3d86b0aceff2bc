"""Which properties of a resource may show a secret: those for which its template refers to one.

A template refers to a secret by a parameter with NoEcho, by a dynamic reference to Secrets Manager or a SecureString,
and by an attribute of a custom resource, whose answers may be secret, or of an access key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from locum.services.cloudformation.functions import Reference, function_of, nested, references_of
from locum.services.cloudformation.parameters import ParameterValue
from locum.services.cloudformation.providers import is_custom
from locum.services.cloudformation.schemas import Path, schema_of
from locum.services.cloudformation.sealing import HIDDEN
from locum.services.cloudformation.template import Template

_REFERENCES: Final = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")
_ACCESS_KEY: Final = "AWS::IAM::AccessKey"


def secret_names(template: Template, parameters: Mapping[str, ParameterValue]) -> frozenset[str]:
    """What may be secret: parameters by their names, attributes as `RESOURCE.NAME`, all of a resource as `RESOURCE.`.

    An attribute may be secret that has the name of a property which is.
    """
    found = {name for name, value in parameters.items() if value.no_echo or _refers(value.resolved)}
    found |= {f"{name}." for name, it in template.resources.items() if is_custom(it.type) or it.type == _ACCESS_KEY}
    while True:
        names = frozenset(found)
        for logical, it in template.resources.items():
            found |= {f"{logical}.{path[0]}" for path in _paths(it.properties, names, ()) if path}
        if found == names:
            return names


def secret_paths(kind: str, declared: Mapping[str, Any], names: frozenset[str]) -> frozenset[Path]:
    """The paths of the properties `declared` in a template that may show a secret, those that only take one as well."""
    schema = schema_of(kind)
    written = {path for path in schema.write_only if "*" not in path} if schema else set()
    written |= {path[: path.index("*")] for path in (schema.write_only if schema else ()) if "*" in path}
    return frozenset({*_paths(declared, names, ()), *written})


def _paths(value: Any, names: frozenset[str], path: Path) -> Iterator[Path]:
    """The paths of what is secret; a list is as a whole."""
    if isinstance(value, Mapping) and function_of(value) is None:
        for name, inner in value.items():
            yield from _paths(inner, names, (*path, name))
    elif _is_secret(value, names):
        yield path


def _is_secret(value: Any, names: frozenset[str]) -> bool:
    if _refers(value):
        return True
    return any(_names(reference, names) for inner in nested(value) for reference in references_of(inner))


def _names(reference: Reference, names: frozenset[str]) -> bool:
    """Whether a function refers to what may be secret. The name of an attribute may be a function itself."""
    if reference.written in names or ("." in reference.written and f"{reference.name}." in names):
        return True
    return "{" in reference.written and any(name.startswith(f"{reference.name}.") for name in names)


def _refers(value: Any) -> bool:
    """Whether a value has a dynamic reference to a secret."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return any(reference in text for reference in _REFERENCES)


def hidden(value: Any, paths: Iterable[Path]) -> Any:
    """`value` with what is at `paths` replaced by asterisks."""
    paths = tuple(paths)
    if () in paths:
        return HIDDEN
    if not isinstance(value, Mapping):
        return HIDDEN if paths else value
    inner = {name: [path[1:] for path in paths if path[0] == name] for name in value}
    return {name: hidden(item, inner[name]) for name, item in value.items()}


def is_hidden(path: Path, paths: Iterable[Path]) -> bool:
    """Whether what is at `path` is, or has, something at `paths`."""
    return any(path[: len(other)] == other[: len(path)] for other in paths)
