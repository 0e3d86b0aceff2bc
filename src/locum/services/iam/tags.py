"""Tags: their rules, and the three operations of every tagged resource.

IAM User Guide, "Tags for AWS IAM resources": "Tag key values for IAM users and roles are not case sensitive, but
case is preserved." On other resources they are case sensitive. "Tag keys ... can't begin with the text aws:".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from locum.core.letter_case import folded
from locum.services.iam import shapes
from locum.services.iam.faults import invalid_input, limit_exceeded
from locum.services.iam.limits import TAGS
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import (
    InstanceProfile,
    MfaDevice,
    OidcProvider,
    Policy,
    Role,
    SamlProvider,
    ServerCertificate,
    User,
    put,
)
from locum.state.entities import Entity, Tags

Tagged = User | Role | InstanceProfile | Policy | MfaDevice | SamlProvider | OidcProvider | ServerCertificate
T = TypeVar("T", bound=Tagged)

_RESERVED_PREFIX: Final = "aws:"
_CASE_INSENSITIVE: Final = (User, Role)


def given(params: Params, kind: type[Entity]) -> Tags:
    """The tags in `params`. Raises InvalidInput for reserved and duplicate keys."""
    pairs: list[Mapping[str, str]] = params.get("Tags", [])
    tags = {pair["Key"]: pair["Value"] for pair in pairs}
    if any(folded(key).startswith(_RESERVED_PREFIX) for key in tags):
        raise invalid_input("aws: prefixed tag key names are not allowed for external use.")
    if len(set(map(_fold(kind), tags))) != len(pairs):
        note = " Please note that Tag keys are case insensitive." if kind in _CASE_INSENSITIVE else ""
        raise invalid_input(f"Duplicate tag keys found.{note}")
    return tags


def operations(
    noun: str,
    kind: type[T],
    of: Callable[[Context, Params], T],
    to_change: Callable[[Context, Params, str], T] | None = None,
) -> dict[str, Operation]:
    """Make Tag..., Untag... and List...Tags for the resources called `noun` in operation names.

    `of` finds the resource of a request; `to_change` finds it for an action, where some cannot be changed.
    """

    in_order = shapes.tag_list if kind in _CASE_INSENSITIVE else shapes.short_tags_first

    def found(context: Context, params: Params, action: str) -> T:
        return of(context, params) if to_change is None else to_change(context, params, action)

    def tag(context: Context, params: Params) -> Outcome:
        new = given(params, kind)
        entity = found(context, params, f"Tag{noun}")
        tags = {**_without(entity.tags, new, kind), **new}
        if len(tags) > TAGS:
            raise limit_exceeded("The number of tags has reached the maximum limit.")
        return Outcome({}, (put(replace(entity, tags=tags)),))

    def untag(context: Context, params: Params) -> Outcome:
        entity = found(context, params, f"Untag{noun}")
        tags = _without(entity.tags, params["TagKeys"], kind)
        return Outcome({}, () if tags == entity.tags else (put(replace(entity, tags=tags)),))

    def list_tags(context: Context, params: Params) -> Outcome:
        # The marker is the position in the list, as a tag key may be too long for a marker.
        places = enumerate(in_order(of(context, params).tags))
        return page(params, places, lambda place: f"{place[0]:02}").outcome("Tags", lambda place: place[1])

    return {f"Tag{noun}": writes(tag), f"Untag{noun}": writes(untag), f"List{noun}Tags": reads(list_tags)}


def _fold(kind: type[Entity]) -> Callable[[str], str]:
    return folded if kind in _CASE_INSENSITIVE else str


def _without(tags: Tags, keys: Iterable[str], kind: type[Entity]) -> Tags:
    fold = _fold(kind)
    gone = set(map(fold, keys))
    return {key: value for key, value in tags.items() if fold(key) not in gone}
