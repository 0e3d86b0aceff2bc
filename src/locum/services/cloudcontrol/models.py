"""Models of resources: their properties as JSON, checked against the schemas of their types, and changed by patches.

Cloud Control API User Guide, "Composing the desired state of a resource", "Composing the patch document".
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import jsonpatch
import msgspec

from locum.core.errors import Fault
from locum.services.cloudformation.changes import problems_of
from locum.services.cloudformation.conformity import violations
from locum.services.cloudformation.identifiers import Identified
from locum.services.cloudformation.json_objects import is_deeper, json_object, json_value
from locum.services.cloudformation.providers.base import Found, Provider
from locum.services.cloudformation.schemas import Path, Schema, schema_of, values_at

_LONGEST: Final = 2 * 262_144
"""Octets of a model and what a patch adds to it. API Reference: "Allow up to 256K length of Resource properties"."""

_DEEPEST: Final = 64
"""Nested objects and arrays. [U] AWS does not publish a limit."""

_REFUSED: Final = (
    *(jsonpatch.JsonPatchException, jsonpatch.JsonPointerException),
    *(TypeError, ValueError, LookupError, RecursionError),
)
"""What the library raises for a patch that is not one, or cannot be applied."""

Model = Mapping[str, Any]


def model_in(text: str, member: str) -> dict[str, Any]:
    """The model that the member of a call has. Raises Fault ValidationException where it is no object."""
    try:
        return json_object(text, _DEEPEST)
    except ValueError as error:
        raise invalid(f"{member} is not a valid JSON object: {error}") from error


def text_of(model: Model) -> str:
    """A model as the API shows it."""
    return msgspec.json.encode(model).decode()


def invalid(message: str) -> Fault:
    """Cloud Control's ValidationException."""
    return Fault("ValidationException", message, 400)


# -- what a model has ------------------------------------------------------------------------------------


def shown(kind: str, found: Found, it: Identified) -> dict[str, Any]:
    """The model of a resource that is there: its properties and attributes, without those that are write-only."""
    schema = _schema(kind)
    there = {**it.properties, **found.properties}
    model = copy.deepcopy({name: value for name, value in there.items() if name in schema.properties})
    for name, value in found.attributes.items():
        path = tuple(name.split("."))
        if path[0] in schema.properties and values_at(model, path) is None:
            _put(model, path, value)
    return without(model, schema.write_only)


def without(model: Model, paths: Iterable[Path]) -> dict[str, Any]:
    """A model without the properties at `paths`."""
    made = copy.deepcopy(dict(model))
    for path in paths:
        for owner in _owners(made, path[:-1]):
            owner.pop(path[-1], None)
    return made


def _owners(value: Any, path: Path) -> Iterator[dict[str, Any]]:
    """The objects at `path`."""
    if not path:
        if isinstance(value, dict):
            yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _owners(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _owners(value[path[0]], path[1:])


def _put(model: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        inner = model.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        model = inner
    model[path[-1]] = value


# -- what it may have ------------------------------------------------------------------------------------


def check_model(kind: str, model: Model) -> None:
    """Check the names of a model against the schema of its type. Raises Fault ValidationException."""
    _refuse(problems_of(kind, model))


def _refuse(problems: list[str]) -> None:
    if problems:
        told = "\n".join(problems)
        raise invalid(f"Model validation failed ({told})")


def check_new(kind: str, model: Model) -> None:
    """Check the model of a new resource. Raises Fault ValidationException."""
    check_model(kind, model)
    _refuse(violations(kind, model))
    given = [path for path in _schema(kind).read_only if _is_given(values_at(model, path))]
    if given:
        raise invalid(f"Invalid create request: readOnlyProperties {_listed(given)} cannot be specified")


def check_changes(kind: str, provider: Provider, before: Model, after: Model) -> None:
    """Check what an update makes of a resource. Raises Fault ValidationException, NotUpdatableException."""
    schema = _schema(kind)
    refused = "Invalid patch update: {} {} cannot be updated"
    if changed := _differing(schema.read_only, before, after):
        raise invalid(refused.format("readOnlyProperties", _listed(changed)))
    fixed = (*schema.fixed, *((name,) for name in sorted(provider.immutable)))
    if changed := _differing(dict.fromkeys(fixed), before, after):
        raise Fault("NotUpdatableException", refused.format("createOnlyProperties", _listed(changed)), 400)
    check_model(kind, after)


def settable(kind: str, model: Model) -> dict[str, Any]:
    """A model without what cannot be set."""
    return without(model, _schema(kind).read_only)


def readable(kind: str, model: Model) -> dict[str, Any]:
    """A model without what is not shown."""
    return without(model, _schema(kind).write_only)


def _differing(paths: Iterable[Path], before: Model, after: Model) -> list[Path]:
    return [path for path in paths if values_at(before, path) != values_at(after, path)]


def _is_given(value: Any) -> bool:
    """Whether there is a value at a path: in one of the items at least, below a list."""
    return any(map(_is_given, value)) if isinstance(value, list) else value is not None


def _listed(paths: Iterable[Path]) -> str:
    return f"[{', '.join('/properties/' + '/'.join(path) for path in paths)}]"


def _schema(kind: str) -> Schema:
    schema = schema_of(kind)
    assert schema is not None
    return schema


# -- patches ---------------------------------------------------------------------------------------------


def patched(model: Model, document: str) -> dict[str, Any]:
    """A model after a patch document (RFC 6902), whose operations are applied in their order.

    Raises Fault ValidationException where it is none, one of its operations is not valid, or one of its tests fails.
    """
    try:
        operations = json_value(document, _DEEPEST)
    except ValueError as error:
        raise invalid(f"Invalid patch document: {error}") from error
    if not isinstance(operations, list) or not all(isinstance(it, dict) for it in operations):
        raise invalid("Invalid patch document: it is no list of operations")
    made, size = copy.deepcopy(dict(model)), len(msgspec.json.encode(model)) + len(document)
    for number, operation in enumerate(map(_from_root, operations)):
        try:
            size += _copied(operation, made)
            if size > _LONGEST:
                raise invalid(f"Invalid patch document: the model is longer than {_LONGEST} characters")
            made = jsonpatch.JsonPatch([operation]).apply(made, in_place=True)
        except jsonpatch.JsonPatchTestFailed as error:
            raise invalid(f"Invalid patch document: the test of operation {number} failed") from error
        except _REFUSED as error:
            raise invalid(f"Invalid patch document: operation {number} cannot be applied") from error
        if not isinstance(made, dict):
            raise invalid("Invalid patch document: a model is an object")
    if is_deeper(made, _DEEPEST):
        raise invalid("Invalid patch document: the model is nested too deeply")
    return made


def _copied(operation: Mapping[str, Any], model: Model) -> int:
    """The octets that an operation copies: each copy may double a model."""
    if operation.get("op") != "copy":
        return 0
    return len(msgspec.json.encode(jsonpatch.JsonPointer(operation["from"]).resolve(model)))


def _from_root(operation: Mapping[str, Any]) -> dict[str, Any]:
    """An operation whose paths begin with a slash, which Cloud Control does not ask for."""
    paths = {name: operation[name] for name in ("path", "from") if isinstance(operation.get(name), str)}
    return {**operation, **{name: path if path[:1] in ("", "/") else f"/{path}" for name, path in paths.items()}}
