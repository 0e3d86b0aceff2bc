"""What becomes of a resource: whether it changes, whether something takes its place, and what it is then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.services.cloudformation.changes import difference
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.providers.in_place import in_place, is_in_place
from locum.services.cloudformation.providers.rolling import will_replace
from locum.services.cloudformation.template import ResourceDefinition
from locum.state import FormerResource, StackResource

_FORMS: Final = ("shown", "kept")
"""What else is kept of the properties of a resource: as they are told, and as an update compares them."""


def left_by_failure(last: Mapping[str, Any], tried: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties kept of a resource that was `last`, and whose update to `tried` failed: it may be either.

    Of each property it is the one that is not that of `properties`, so that an update to these leaves none out.
    """
    done = tried["properties"]
    same = {name for name in {*last["properties"], *done} if done.get(name) == properties.get(name)}

    def either(form: str) -> dict[str, Any]:
        before, after = (kept.get(form, kept["properties"]) for kept in (last, tried))
        found = {name: value for name, value in before.items() if name in same}
        return found | {name: value for name, value in after.items() if name not in same}

    forms = {form: either(form) for form in _FORMS}
    return {**tried, **forms, "properties": _members(last["properties"], done, properties)}


def _either(last: Any, tried: Any, wanted: Any) -> Any:
    """The value that may be there, which was `last`, or is what was `tried`, where it is to be what is `wanted`.

    Of lists and mappings it has what may be there and is not to be, so that it is removed, and of the rest what is
    there for certain, so that all else is put.
    """
    if tried == wanted:
        return last
    kinds = {type(it) for it in (last, tried) if it is not None}
    if kinds == {list}:
        found: Any = _items(last or [], tried or [], wanted if isinstance(wanted, list) else [])
    elif kinds == {dict}:
        found = _members(last or {}, tried or {}, wanted if isinstance(wanted, Mapping) else {})
    else:
        return tried
    return None if not found and (last is None or tried is None) else found


def _items(last: list[Any], tried: list[Any], wanted: list[Any]) -> list[Any]:
    certain = [it for it in tried if it in last or it not in wanted]
    return certain + [it for it in last if it not in tried and it not in wanted]


def _members(last: Mapping[str, Any], tried: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _either(last.get(name), tried.get(name), wanted.get(name)) for name in {**last, **tried}}
    return {name: value for name, value in found.items() if value is not None}


def is_same(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a resource is what it is to be, whatever is shown of it and whatever secrets it has."""
    same: bool = before.get("kept", before["properties"]) == wanted.get("kept", wanted["properties"])
    return same and bool(before.get("tags") == wanted["tags"])


def is_replaced(
    it: StackResource,
    definition: ResourceDefinition,
    before: Mapping[str, Any],
    wanted: Mapping[str, Any],
    update_policy: Mapping[str, Any],
    *,
    back: bool,
) -> bool:
    """Whether another resource takes the place of `it` for what is wanted."""
    if it.type != definition.type:
        return True
    differs = difference(it.type, before["properties"], wanted["properties"])
    policed = is_in_place(it.type, update_policy, back=back)
    fixed = differs.fixed - in_place(it.type) if policed else differs.fixed
    return bool(fixed) or (not back and will_replace(update_policy, differs.changed))


def is_begun(it: StackResource) -> bool:
    """Whether a resource is there that is not complete: its creation is under way, or failed."""
    return bool(it.physical and it.waiting and not it.properties)


def waited(it: StackResource) -> StackResource:
    """`it`, which waits for nothing any more."""
    return replace(it, asked=None, received=b"", notes={})


def replacing(new: StackResource, it: StackResource, former: FormerResource) -> StackResource:
    """`new` in the place of `it`. What an update before took the place of, and failed, is what comes back."""
    if it.former is None:
        return replace(new, former=former, stale=it.stale)
    return replace(new, former=it.former, stale=(*it.stale, former))


def taken_by(it: StackResource) -> tuple[FormerResource, ...]:
    """What a resource took the place of, and is still there."""
    return it.stale if it.former is None else (it.former, *it.stale)


def former_of(it: StackResource) -> FormerResource:
    """`it` as what something else takes the place of."""
    kept = it.properties or it.waiting
    return FormerResource(
        type=it.type, physical=it.physical, properties=kept, attributes=it.attributes, no_echo=it.no_echo
    )


def in_place_of(it: StackResource, former: FormerResource) -> StackResource:
    """What `it` took the place of."""
    return replace(
        it,
        type=former.type,
        physical=former.physical,
        properties=former.properties,
        attributes=former.attributes,
        no_echo=former.no_echo,
        waiting=b"",
        former=None,
    )


def skipped(draft: Draft, it: StackResource, *, forget: bool) -> None:
    """Tell that a resource is left where it is, and `forget` it or keep that."""
    draft.told(it, "DELETE_SKIPPED")
    if forget:
        draft.gone(it)
    else:
        draft.quietly(replace(it, status="DELETE_COMPLETE", retained=True))
