"""The rows of the table of resource types: what a type is made, changed, read and deleted by.

A row says where each value comes from by templates; `templates` has what they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.providers.base import Properties, Resource
from locum.services.cloudformation.providers.templates import filled, used


class Call(NamedTuple):
    """A call: the members filled from templates, and the properties taken as they are.

    `takes` has names of properties, separated by blanks: `Member=Property` where the member has another name than by
    letter case, `*` for all properties that no other part of the row takes.
    """

    operation: str
    given: Mapping[str, Any] = {}
    takes: str = ""

    def properties(self) -> frozenset[str]:
        """The names of the properties taken as they are."""
        return frozenset(taken.rpartition("=")[2] for taken in self.takes.split()) - {"*"}

    def all_properties(self) -> frozenset[str]:
        """The names of the properties taken, those of templates as well."""
        return self.properties() | used(self.given, "p")


class Change(NamedTuple):
    """A call that changes properties: made where one of those that `call` takes, or of `on`, is another than before.

    `removed` is made in its place where none of them is there any more, `created` where none was there before.
    `defaults` are for properties that were there and are not now. With `at_creation` it is also made after the
    creation, where one of them is there, and the call that makes the resource does not take them.
    """

    call: Call
    on: str = ""
    removed: Call | None = None
    defaults: Mapping[str, Any] = {}
    at_creation: bool = False
    created: Call | None = None

    def properties(self) -> frozenset[str]:
        """The names of the properties that it changes."""
        return self.call.properties() | frozenset(self.on.split())


class Each(NamedTuple):
    """A property with a list of what is put by one call each, an `{item}`, and removed by one each.

    Items with the same `key` are the same: they are put again where they differ, if need be after removal of the
    former (`replaced`). What is gone is removed after the others are put, or before (`removed_first`). Where the
    calls that make and delete the resource do it for its items (`apart` is false), they are only changed; where the
    deletion alone does (`goes`), they are not removed before it. `change` is made for an item that is another in
    nothing but the members `varying`.
    """

    property: str
    put: Call
    remove: Call
    key: str = "{item}"
    apart: bool = True
    goes: bool = False
    removed_first: bool = False
    replaced: bool = False
    change: Call | None = None
    varying: frozenset[str] = frozenset()

    def items(self, properties: Properties) -> dict[str, Any]:
        """The items by their keys."""
        items = properties.get(self.property) or ()
        return {json.dumps(filled(self.key, {"item": item}), sort_keys=True): item for item in items}

    def varies(self, item: Mapping[str, Any], former: Mapping[str, Any]) -> bool:
        """Whether an item differs from the former one of its key in nothing but what varies."""
        return all(item.get(name) == former.get(name) for name in {*item, *former} - self.varying)


_PARTS: Final = re.compile("[:/]")


class Name(NamedTuple):
    """The property that names the resource, the longest name in characters, and the member of the call if another.

    `suffix` is what a generated name ends with, by the properties; `head` what it begins with, if not the stack's name:
    nothing where None.
    """

    property: str
    longest: int = 255
    lower: bool = False
    member: str = ""
    suffix: Callable[[Properties], str] | None = None
    head: str | None = ""

    def of(self, resource: Resource, properties: Properties) -> str:
        """The name given, or a generated one; of a resource that is there, its physical id, or the end of that ARN."""
        there = resource.physical
        if there.startswith("arn:"):
            there = _PARTS.split(there)[-1]
        given: str = properties.get(self.property) or there
        if given:
            return given
        suffix = self.suffix(properties) if self.suffix else ""
        return resource.name(self.longest - len(suffix), lower=self.lower, head=self.head) + suffix


class Tags(NamedTuple):
    """How tags are given: at creation in `member` (after it, by `add`, where empty), later by `add` and `remove`.

    `form` is "list" (objects with `key` and `value`), "map", or for EC2 the resource type of TagSpecifications. In
    `add` `{tags}` are the tags as list or map, in `remove` `{keys}` the list of keys, `{tags}` objects with a key.
    `reserved` is whether the service takes tags of AWS's own, `aws:`, from CloudFormation. With `whole`, `add` has all
    tags, in the place of those before, and `remove` is made where there are none.
    """

    add: Call | None = None
    remove: Call | None = None
    member: str = "Tags"
    form: str = "list"
    property: str = "Tags"
    key: str = "Key"
    value: str = "Value"
    reserved: bool = True
    whole: bool = False

    def of(self, resource: Resource, properties: Properties) -> dict[str, str]:
        """The tags that a new resource gets."""
        found = resource.all_tags(properties.get(self.property))
        return {key: value for key, value in found.items() if self.reserved or not key.startswith("aws:")}

    def shaped(self, tags: Mapping[str, str]) -> Any:
        """`tags` as the calls that add them have them."""
        return dict(tags) if self.form == "map" else [{self.key: key, self.value: tags[key]} for key in tags]

    def at_creation(self, tags: Mapping[str, str]) -> Any:
        """`tags` as the call that makes the resource has them."""
        if self.form in ("list", "map"):
            return self.shaped(tags)
        return [{"ResourceType": self.form, "Tags": self.shaped(tags)}]


class Wait(NamedTuple):
    """Until the reading call has, at `path`, one of the values `ready`; one of `failed` ends it with a Fault."""

    path: str
    ready: frozenset[Any]
    failed: frozenset[Any] = frozenset()
    seconds: float = 1.0


class Part(NamedTuple):
    """A property that a call tells, the one that reads the resource where None.

    It is the list at `path` of the answer, or what is there instead of one. Each item becomes `item`, a template with
    the `{item}` and, where `each` is called for it, `{o.PATH}` of the answer; or what the function `item` makes of it.
    Items have the values `where` at paths. A `property` may be a path of names.
    """

    property: str
    call: Call | None = None
    path: str = ""
    item: Any = "{item}"
    each: Call | None = None
    where: Mapping[str, Any] = {}


class Listing(NamedTuple):
    """The call that lists all resources of a type: their physical ids, by a template or function of items at `path`."""

    call: Call
    path: str
    id: Any = "{item}"


class Shown(NamedTuple):
    """How a resource is told as a template would have it.

    `call` tells it, the row's `read` where None. `at` is the path of the structure in its answer, that of the
    attributes where None; of a list, the item that has the values `where` at paths. What has the name of a property
    there, or that which the row's calls give it, is the property, but for those of `hides`, which are something else.
    `members` are templates of others, with `{it.PATH}` of the structure, `{r.PATH}` of the answer. `parts` are told by
    other calls. A property of `members`, `parts` or `told` is not set where it is not shown. Names are separated by
    blanks. A resource is gone that has one of the values `ended` at paths. `id` is what its physical id is made of,
    where the row does not say it. `lists` tells all resources of the type.
    """

    call: Call | None = None
    at: str | None = None
    members: Mapping[str, Any] = {}
    parts: tuple[Part, ...] = ()
    hides: str = ""
    told: str = ""
    where: Mapping[str, Any] = {}
    ended: Mapping[str, Any] = {}
    id: str = ""
    lists: Listing | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """A type of resource as a row.

    `physical` and `attributes` are templates. `read` is made after creation and updates, where an attribute needs it
    or where there is something to wait for, and to adopt what `create` refuses with a code of `exists` because an
    interrupted creation has made it; its physical id is then `adopted`, if it takes another template. `settings` are
    the changes, in their order; those of the `items` follow. `deletes` are made in their order.
    `gone` waits after the deletion; `shaped` turns the properties into those that the calls take; `unused` are
    properties that take effect elsewhere. `region` is where it is, the stack's if empty. `shown` says how it is told,
    where `read` alone does not.
    """

    service: str
    create: Call
    physical: str
    deletes: tuple[Call, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: Name | None = None
    tags: Tags | None = None
    read: Call | None = None
    exists: frozenset[str] = frozenset()
    adopted: str | Callable[[Resource], str] = ""
    settings: tuple[Change, ...] = ()
    items: tuple[Each, ...] = ()
    ready: Wait | None = None
    gone: Wait | None = None
    immutable: frozenset[str] = frozenset()
    shaped: Callable[[Properties], Properties] | None = None
    unused: frozenset[str] = frozenset()
    region: str = ""
    shown: Shown | None = None
