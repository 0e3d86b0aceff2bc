"""What an update makes of a resource: nothing, another state of it, or another resource in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.core.system_tags import RESERVED
from locum.services.cloudformation.conformity import violations
from locum.services.cloudformation.drafts import STACK
from locum.services.cloudformation.functions import attribute_parts, function_of
from locum.services.cloudformation.proposals import template_of_version
from locum.services.cloudformation.providers import PROVIDERS, is_custom
from locum.services.cloudformation.providers.base import Properties
from locum.services.cloudformation.schemas import Path, Schema, schema_of, values_at
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import invalid
from locum.state import Stack, State

_NATIVE: Final = frozenset({"AWS::SSM::Parameter"})
"""Types of which AWS words the problems of properties otherwise."""

_TAGS: Final = ("Tags", "TagList", "TagSet")
"""The ends of the names of properties that have tags."""

_CUSTOM_NAMED: Final = (
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
    "Rename {name} and update the stack again."
)


class Difference(NamedTuple):
    """The properties that differ; `fixed` are those of which each takes another resource."""

    changed: frozenset[str]
    fixed: frozenset[str]


def difference(kind: str, before: Properties, after: Properties) -> Difference:
    """The difference of a resource of type `kind` with the properties `before` and `after`."""
    changed = frozenset(name for name in {*before, *after} if before.get(name) != after.get(name))
    provider, schema = PROVIDERS.get(kind), schema_of(kind)
    if not changed or provider is None:
        return Difference(changed, frozenset())
    if is_custom(kind):  # who makes it tells whether it is another one then
        return Difference(changed, changed & {"ServiceToken"})
    if provider.update is None:
        return Difference(changed, changed)
    paths: tuple[Path, ...] = tuple((name,) for name in provider.immutable)
    paths += () if schema is None else schema.fixed
    fixed = {path[0] for path in paths if values_at(before, path) != values_at(after, path)}
    return Difference(changed, frozenset(fixed) & changed)


def check_name(kind: str, before: Properties, after: Properties) -> None:
    """Check that another resource can be made beside the one before: not with its name. Raises Fault."""
    if is_custom(kind):
        raise invalid("Modifying service token is not allowed.")
    schema = schema_of(kind)
    if schema is None:
        return
    for path in schema.identifier:
        name = values_at(after, path)
        if path in schema.fixed and isinstance(name, str) and name == values_at(before, path):
            raise invalid(_CUSTOM_NAMED.format(name=name))


def names_given(kind: str, properties: Properties) -> frozenset[str]:
    """The names that its template gives a resource: one of such a name may be somebody else's."""
    schema = schema_of(kind)
    own = {path[0] for path in schema.identifier if len(path) == 1 and path in schema.fixed} if schema else set()
    given = (properties.get(name) for name in {*own, "Name", f"{kind.rpartition('::')[2]}Name"})
    return frozenset(name for name in given if isinstance(name, str))


def check_properties(kind: str, logical: str, properties: Properties, *, known: bool = True) -> None:
    """Check the properties against the schema of `kind`: their names and, if they are `known`, values. Raises Fault."""
    schema = schema_of(kind) if kind in _NATIVE else None
    if schema is not None and (problems := _native_problems_of(schema, properties)):
        raise invalid(f"Property validation failure: [{', '.join(problems)}]")
    problems = problems_of(kind, properties)
    if known and schema is None and not is_custom(kind):
        problems += violations(kind, properties)
    if problems:
        raise invalid(f"Properties validation failed for resource {logical} with message:\n[{', '.join(problems)}]")


def problems_of(kind: str, properties: Properties) -> list[str]:
    """What is wrong with the names of the properties by the schema of `kind`."""
    schema = schema_of(kind)
    if schema is None:
        return []
    problems = [f"#: required key [{name}] not found" for name in sorted(schema.required - set(properties))]
    strange = set() if is_custom(kind) else set(properties) - schema.properties
    problems += [f"#: extraneous key [{name}] is not permitted" for name in sorted(strange)]
    if not is_custom(kind) and any(key.lower().startswith(RESERVED) for key in _tag_keys(properties)):
        problems.append("#/Tags: aws: prefixed tag key names are not allowed for external use.")
    return problems


def _native_problems_of(schema: Schema, properties: Properties) -> list[str]:
    """What is wrong with the properties of a type of `_NATIVE`."""
    strange = ", ".join(sorted(set(properties) - schema.properties))
    problems = [f"The property {{/{name}}} is required" for name in sorted(schema.required - set(properties))]
    return problems + ([f"Encountered unsupported properties in {{/}}: [{strange}]"] if strange else [])


def unsupported_attribute(template: Template) -> str:
    """What is wrong with the first Fn::GetAtt of an attribute that its type does not have; empty for none."""
    for section in ("Resources", "Outputs"):
        for path, value in _with_paths(template.source.get(section, {}), f"/{section}"):
            function = function_of(value)
            if function is None or function[0] != "Fn::GetAtt":
                continue
            logical, attribute = attribute_parts(function[1])
            kind = template.resources[logical].type
            schema = None if is_custom(kind) or kind == STACK else schema_of(kind)
            if schema is None or not isinstance(attribute, str) or not attribute:
                continue
            if not {attribute, attribute.partition(".")[0]} & (schema.attributes | schema.properties):
                return f"[Error] {path}/Fn::GetAtt: Resource type {kind} does not support attribute {{{attribute}}}."
    return ""


def _with_paths(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, value
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for name, member in members:
        yield from _with_paths(member, f"{path}/{name}")


def _tag_keys(value: Any, name: str = "") -> Iterator[str]:
    """The keys of tags in properties: the resource's own, and those of what it makes or launches."""
    if isinstance(value, Mapping):
        if name.endswith(_TAGS):
            yield from map(str, value)
        for member, item in value.items():
            yield from _tag_keys(item, member)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if name.endswith(_TAGS) and isinstance(item, Mapping):
                yield str(item.get("Key", ""))
            yield from _tag_keys(item)


def removal_policy(state: State, stack: Stack, logical: str) -> str:
    """The PolicyAction of the removal of a resource: `Delete`, `Retain` or `Snapshot`."""
    definition = template_of_version(state, stack, stack.version).resources.get(logical)
    policy = "Delete" if definition is None else definition.deletion_policy
    return "Retain" if policy == "RetainExceptOnCreate" else policy
