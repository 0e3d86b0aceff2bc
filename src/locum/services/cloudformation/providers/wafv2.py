"""WAF: web ACLs, rule groups, and sets of addresses and patterns, which are changed and deleted with a lock token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
)
from locum.services.cloudformation.providers.steps import Steps

_SERVICE: Final = "wafv2"
_FIXED: Final = frozenset({"Capacity", "IPAddressVersion", "Name", "Scope"})
"""Properties of which a change takes another resource."""
_ABSENT: Final = "WAFNonexistentItemException"


class _Kind(NamedTuple):
    """A kind of resources: the noun of its operations, and attributes by the members of what reads it."""

    noun: str
    attributes: Mapping[str, str] = {}


def _named(resource: Resource) -> dict[str, str]:
    """The members that name a resource whose physical id is NAME|ID|SCOPE."""
    name, identifier, scope = resource.physical.split("|")
    return {"Name": name, "Id": identifier, "Scope": scope}


def _tags(resource: Resource) -> list[dict[str, str]]:
    return resource.tag_list(resource.properties.get("Tags"))


def _own(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags" and name not in _FIXED}


def _read(kind: _Kind, resource: Resource) -> Steps[Mapping[str, Any]]:
    return (yield Request(_SERVICE, f"Get{kind.noun}", _named(resource)))


def _made(kind: _Kind, physical: str, found: Mapping[str, Any]) -> Made:
    told = found.get(kind.noun) or {}
    shown = {name: told[member] for name, member in kind.attributes.items() if member in told}
    _, identifier, _ = physical.split("|")
    return Made(physical, {"Id": identifier, "Arn": told.get("ARN", ""), **shown})


def _create(kind: _Kind, resource: Resource) -> Work:
    given = resource.properties
    params = {**given, "Name": given.get("Name") or resource.name(128)}
    params.pop("Tags", None)
    if tags := _tags(resource):
        params["Tags"] = tags
    summary = (yield Request(_SERVICE, f"Create{kind.noun}", params))["Summary"]
    physical = f"{params['Name']}|{summary['Id']}|{params['Scope']}"
    found = yield from _read(kind, replace(resource, physical=physical))
    return _made(kind, physical, found)


def _update(kind: _Kind, resource: Resource, before: Properties) -> Work:
    found = yield from _read(kind, resource)
    changed = _own(resource.properties)
    if changed != _own(before):
        lock = {"LockToken": found["LockToken"]}
        yield Request(_SERVICE, f"Update{kind.noun}", {**_named(resource), **lock, **changed})
    arn = (found.get(kind.noun) or {}).get("ARN")
    added, removed = resource.tag_changes(resource.properties.get("Tags"), before.get("Tags"))
    if removed:
        yield Request(_SERVICE, "UntagResource", {"ResourceARN": arn, "TagKeys": removed})
    if added:
        tags = [{"Key": key, "Value": value} for key, value in added.items()]
        yield Request(_SERVICE, "TagResource", {"ResourceARN": arn, "Tags": tags})
    return _made(kind, resource.physical, found)


def _delete(kind: _Kind, resource: Resource) -> Ending:
    try:
        found = yield from _read(kind, resource)
    except Fault as fault:
        if fault.code == _ABSENT or is_gone(fault):
            return
        raise
    yield from ended(Request(_SERVICE, f"Delete{kind.noun}", {**_named(resource), "LockToken": found["LockToken"]}))


def _provider(kind: _Kind) -> Provider:
    return Provider(
        lambda resource: _create(kind, resource),
        lambda resource: _delete(kind, resource),
        lambda resource, before: _update(kind, resource, before),
        _FIXED,
    )


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::WAFv2::IPSet": _provider(_Kind("IPSet")),
    "AWS::WAFv2::RegexPatternSet": _provider(_Kind("RegexPatternSet")),
    "AWS::WAFv2::RuleGroup": _provider(_Kind("RuleGroup", {"LabelNamespace": "LabelNamespace"})),
    "AWS::WAFv2::WebACL": _provider(_Kind("WebACL", {"Capacity": "Capacity", "LabelNamespace": "LabelNamespace"})),
}
