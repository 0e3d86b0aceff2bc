"""Templates of CloudFormation: their sections as values, and what is wrong with one before anything is evaluated.

CloudFormation User Guide, "Template anatomy" and "CloudFormation quotas".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.functions import (
    CONDITION_FUNCTIONS,
    EQUALS_FORM,
    IMPORT_FORM,
    RULE_FUNCTIONS,
    TRUTHS,
    checked,
    condition_of,
    function_of,
    nested,
    references_of,
    resolved,
)
from locum.services.cloudformation.graphs import circular, ordered
from locum.services.cloudformation.plain_values import plain
from locum.services.cloudformation.providers.snapshots import TYPES as SNAPSHOTS
from locum.services.cloudformation.sections import (
    description_of,
    mapping,
    members_of,
    output,
    parameter,
    rule,
    section_of,
    transforms_of,
)
from locum.services.cloudformation.templates import invalid

MOST: Final = {"resources": 500, "parameters": 200, "outputs": 200, "mappings": 200}
_SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
_RESOURCE_ATTRIBUTES: Final = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
_KEPT: Final = frozenset({"Delete", "Retain", "Snapshot"})
_POLICIES: Final = {"DeletionPolicy": "deletion policy", "UpdateReplacePolicy": "update replace policy"}


class ResourceDefinition(NamedTuple):
    """A resource as its template defines it: nothing of it is evaluated.

    `condition` is empty where there is none. `deletion_policy` and `replace_policy` are what AWS takes where the
    template names none.
    """

    logical: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...]
    condition: str
    deletion_policy: str
    replace_policy: str
    creation_policy: Mapping[str, Any]
    update_policy: Mapping[str, Any]
    metadata: Mapping[str, Any]


class Template(NamedTuple):
    """A template whose structure and references are sound. `source` is all of it, in plain values."""

    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Mapping[str, Mapping[str, Any]]]
    conditions: Mapping[str, Any]
    rules: Mapping[str, Mapping[str, Any]]
    resources: Mapping[str, ResourceDefinition]
    outputs: Mapping[str, Mapping[str, Any]]
    transforms: tuple[str, ...]
    source: Mapping[str, Any]


def parsed(decoded: Mapping[str, Any]) -> Template:
    """The template of a decoded document. Raises Fault ValidationError with CloudFormation's texts.

    Transforms have been applied before: Fn::Transform and Fn::ForEach are errors here.
    """
    source = plain(decoded)
    unknown = [name for name in source if name not in _SECTIONS]
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    if source.get("AWSTemplateFormatVersion", "2010-09-09") != "2010-09-09":
        raise invalid("Template format error: unsupported value for AWSTemplateFormatVersion.")
    resources = section_of(source, "Resources")
    if not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    template = Template(
        description=description_of(source),
        parameters=members_of(source, "Parameters", "Parameter", parameter),
        mappings=members_of(source, "Mappings", "Mappings", mapping),
        conditions=section_of(source, "Conditions"),
        rules=members_of(source, "Rules", "Rules", rule),
        resources=members_of(source, "Resources", "Resource", _resource),
        outputs=members_of(source, "Outputs", "Outputs", output),
        transforms=transforms_of(source),
        source=source,
    )
    _within_quotas(template)
    _functions_checked(template)
    _references_checked(template)
    cycle = circular(_certain(template))
    if cycle:
        raise invalid(f"Circular dependency between resources: [{', '.join(cycle)}]")
    return template


def references(value: Any) -> set[str]:
    """The names that Ref, Fn::GetAtt and Fn::Sub within a value refer to; pseudo parameters are left out."""
    return {reference.name for inner in nested(value) for reference in references_of(inner)}


def evaluated(definition: ResourceDefinition) -> list[Mapping[str, Any]]:
    """The parts of a resource that have functions: properties, metadata, and the two policies."""
    return [definition.properties, definition.metadata, definition.creation_policy, definition.update_policy]


def dependencies(template: Template) -> dict[str, set[str]]:
    """The resources that each resource depends on, by logical id, whatever the conditions are."""
    return {
        name: ({*definition.depends_on} | references(evaluated(definition))) & template.resources.keys()
        for name, definition in template.resources.items()
    }


def _certain(template: Template) -> dict[str, set[str]]:
    """The dependencies that hold in whatever branches of Fn::If are taken."""
    graph: dict[str, set[str]] = {}
    for name, definition in template.resources.items():
        found = {*definition.depends_on}
        left: list[Any] = [*evaluated(definition)]
        while left:
            value = left.pop()
            found.update(reference.name for reference in references_of(value))
            if isinstance(value, Mapping) and "Fn::If" not in value:
                left.extend(value.values())
            elif isinstance(value, list):
                left.extend(value)
        graph[name] = found & template.resources.keys()
    return graph


def _resource(name: str, declared: Any) -> ResourceDefinition:
    if not isinstance(declared, Mapping):
        raise invalid(f"Template format error: [/Resources/{name}] resource definition is malformed")
    if not isinstance(declared.get("Type"), str) or not declared["Type"]:
        raise invalid(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.")
    for attribute in declared:
        if attribute not in _RESOURCE_ATTRIBUTES:
            raise invalid(f"Invalid template resource property '{attribute}'")
    for attribute in ("Properties", "Metadata", "CreationPolicy", "UpdatePolicy"):
        if not isinstance(declared.get(attribute, {}), Mapping):
            where = f"[/Resources/{name}/{attribute}]"
            raise invalid(f"Template format error: {where} Every {attribute} member must be a map")
    if not isinstance(declared.get("Condition", ""), str):
        raise invalid(f"Template format error: Every Condition member must be a string: [/Resources/{name}]")
    properties = declared.get("Properties", {})
    return ResourceDefinition(
        logical=name,
        type=declared["Type"],
        properties=properties,
        depends_on=_depends_on(declared.get("DependsOn", [])),
        condition=declared.get("Condition", ""),
        deletion_policy=_policy(name, "DeletionPolicy", declared, _kept_on_deletion(declared["Type"], properties)),
        replace_policy=_policy(name, "UpdateReplacePolicy", declared, "Delete"),
        creation_policy=declared.get("CreationPolicy", {}),
        update_policy=declared.get("UpdatePolicy", {}),
        metadata=declared.get("Metadata", {}),
    )


def _depends_on(declared: Any) -> tuple[str, ...]:
    names = declared if isinstance(declared, list) else [declared]
    if not all(isinstance(name, str) for name in names):
        raise invalid("Template format error: DependsOn must be a string or list of strings.")
    return tuple(dict.fromkeys(names))


def _kept_on_deletion(kind: str, properties: Mapping[str, Any]) -> str:
    """CloudFormation Template Reference, "DeletionPolicy attribute": of databases, a snapshot is the default."""
    instance = kind == "AWS::RDS::DBInstance" and "DBClusterIdentifier" not in properties
    return "Snapshot" if instance or kind == "AWS::RDS::DBCluster" else "Delete"


def _policy(name: str, attribute: str, declared: Mapping[str, Any], default: str) -> str:
    policy = declared.get(attribute, default)
    known = _KEPT | {"RetainExceptOnCreate"} if attribute == "DeletionPolicy" else _KEPT
    if not isinstance(policy, str) or policy not in known:
        raise invalid(f"Template format error: Unrecognized {attribute} {policy} for resource {name}")
    if policy == "Snapshot" and declared["Type"] not in SNAPSHOTS:
        raise invalid(
            f"Template error: resource type {declared['Type']} does not support {_POLICIES[attribute]} {policy}"
        )
    return policy


def _within_quotas(template: Template) -> None:
    for kind, most in MOST.items():
        number = len(getattr(template, kind))
        if number > most:
            raise invalid(f"Template format error: Number of {kind}, {number}, is greater than maximum allowed, {most}")


def _functions_checked(template: Template) -> None:
    for name in ("Conditions", "Rules", "Resources", "Outputs"):
        section = template.source.get(name, {})
        checked(section)
        for inner in nested(section):
            found = function_of(inner)
            function = found[0] if found else ""
            if name in {"Resources", "Outputs"} and function in CONDITION_FUNCTIONS:
                raise invalid(f"Template error: {function} cannot be partially collapsed")
            if name != "Rules" and function in RULE_FUNCTIONS:
                raise invalid(f"Template error: Cannot use {function} in {name}.")
            if name in {"Conditions", "Rules"} and function == "Fn::ImportValue":
                raise invalid(f"Template error: Cannot use {function} in {name}.")
            if function == "Fn::If" and found and found[1][0] not in template.conditions:
                raise invalid(f"Template error: unresolved condition dependency {found[1][0]} in Fn::If")
            if function == "Fn::FindInMap" and found:
                _map_checked(template, found[1])
            if function == "Fn::Equals" and found:
                _operands_checked(template, found[1])
            if function == "Fn::ImportValue" and references(inner) & template.resources.keys():
                raise invalid(IMPORT_FORM)


def _map_checked(template: Template, argument: Sequence[Any]) -> None:
    name = argument[0]
    if len(argument) == 3 and isinstance(name, str) and name not in template.mappings:
        raise invalid(f"Template error: Mapping named '{name}' is not present in the 'Mappings' section of template.")


def _operands_checked(template: Template, operands: Sequence[Any]) -> None:
    for operand in operands:
        named = function_of(operand)
        declared = template.parameters.get(named[1], {}) if named and named[0] == "Ref" else {}
        if "List" in declared.get("Type", ""):
            raise invalid(EQUALS_FORM)


def _references_checked(template: Template) -> None:
    both = template.parameters.keys() & template.resources.keys()
    if both:
        raise invalid(f"Template format error: Duplicate logical names [{', '.join(sorted(both))}]")
    for name in ("Conditions", "Rules"):
        outside = [
            found for found in sorted(references(template.source.get(name, {}))) if found not in template.parameters
        ]
        if outside:
            raise invalid(
                f"Template format error: Unresolved dependencies [{', '.join(outside)}]. Cannot reference resources in "
                f"the {name} block of the template"
            )
    _conditions_checked(template)
    known = {**template.parameters, **template.resources}
    missing = dict.fromkeys(_unresolved(template.source["Resources"], known, template.resources))
    for definition in template.resources.values():
        missing.update(dict.fromkeys(name for name in definition.depends_on if name not in template.resources))
    resolved("Resources", missing)
    resolved("Outputs", _unresolved(template.source.get("Outputs", {}), known, template.resources))
    for name, declared in template.outputs.items():
        export = declared.get("Export", {})
        functions = {found[0] for inner in nested(export) if (found := function_of(inner))}
        if references(export) & template.resources.keys() or functions & {"Fn::GetAZs", "Fn::ImportValue"}:
            raise invalid(
                f"Template format error: Output {name} is malformed. The Name field of Export must not depend on any "
                "resources, imported values, or Fn::GetAZs."
            )


def _unresolved(value: Any, known: Mapping[str, Any], resources: Mapping[str, Any]) -> list[str]:
    """The names that references within a value have and nothing in the template has."""
    missing: dict[str, None] = {}
    for inner in nested(value):
        for reference in references_of(inner):
            if reference.name == reference.written:
                if reference.name not in known:
                    missing[reference.name] = None
            elif reference.name not in resources:
                if reference.function == "Fn::Sub":
                    raise invalid(
                        "Template error: instance of Fn::Sub references invalid resource attribute " + reference.written
                    )
                raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {reference.name}")
    return list(missing)


def _conditions_checked(template: Template) -> None:
    named = [(definition.condition, "Resources") for definition in template.resources.values()]
    named += [(definition.get("Condition", ""), "Outputs") for definition in template.outputs.values()]
    for condition in template.conditions.values():
        found = function_of(condition)
        if condition_of(condition) is None and (found is None or found[0] not in TRUTHS):
            raise invalid(
                "Template format error: Conditions can only be boolean operations on parameters and other conditions"
            )
        named += [(name, "Conditions") for name in conditions_named(condition)]
    for rule_ in template.rules.values():
        named += [(name, "Rules") for name in conditions_named(rule_)]
    for name, block in named:
        if name and name not in template.conditions:
            raise invalid(
                f"Template format error: Unresolved condition dependency {name} in the {block} block of the template"
            )
    condition_order(template.conditions)


def conditions_named(value: Any) -> list[str]:
    """The conditions that a condition refers to, by `Condition` and Fn::If."""
    found = [name for inner in nested(value) if (name := condition_of(inner)) is not None]
    for inner in nested(value):
        function = function_of(inner)
        if function and function[0] == "Fn::If":
            found.append(function[1][0])
    return found


def condition_order(conditions: Mapping[str, Any]) -> list[str]:
    """The names of conditions, each after those it refers to. Raises Fault ValidationError where there is a cycle."""
    graph = {name: set(conditions_named(condition)) & conditions.keys() for name, condition in conditions.items()}
    cycle = circular(graph)
    if cycle:
        raise invalid(f"Template format error: Circular dependencies between conditions: [{', '.join(cycle)}]")
    return ordered(graph)
