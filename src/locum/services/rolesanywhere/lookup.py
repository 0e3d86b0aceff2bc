"""The common part of the operations on all kinds of resources: finding them, lists, switching them on and off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from locum.core.system_tags import is_refused
from locum.services.pagination import Pagination
from locum.services.rolesanywhere.faults import not_found, not_implemented, validation
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put, remove
from locum.state.anywhere import AnywhereEntity, AnywhereProfile, CertificateSubject, RevocationList, TrustAnchor
from locum.state.autoscaling import regional

T = TypeVar("T", TrustAnchor, AnywhereProfile, RevocationList, CertificateSubject)

MOST_TAGS: Final = 200
LARGEST_PAGE: Final = 1000
LISTS: Final = Pagination("pageSize", "nextToken", "nextToken", 50, lambda: validation("Invalid nextToken"))
ALIASED: Final = ("aliasName", "crlDpRevocationEnabled")


class Kind(NamedTuple):
    """A kind of resource, and its members in the API: `member` of an answer, `id` of a request."""

    entity: type[Any]
    member: str
    members: str
    id: str
    title: str
    show: Callable[[Any], dict[str, Any]]


def find(ctx: Context, entity: type[T], identifier: str, title: str) -> T:
    """The resource with that id in the account and region. Raises Fault ResourceNotFoundException."""
    found = ctx.state.get(entity, ctx.account, regional(ctx.region, identifier))
    if found is None:
        raise not_found(title)
    return found


def all_of(ctx: Context, entity: type[T]) -> list[T]:
    """The resources of a kind in the account and region."""
    return [it for it in ctx.state.table(entity, ctx.account).values() if it.region == ctx.region]


def check_limit(ctx: Context, entity: type[Any], most: int, title: str) -> None:
    """Raise Fault where the quota of the account and region is reached."""
    if len(all_of(ctx, entity)) >= most:
        raise validation(f"You have reached the limit of {most} {title} in this Region")


def check_aliases(params: Params) -> None:
    """Raise Fault for what is not implemented."""
    for member in ALIASED:
        if params.get(member):
            raise not_implemented(member)


def tags_of(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags of a request. Raises Fault ValidationException."""
    tags: dict[str, str] = {}
    for tag in given:
        if is_refused(tag["key"]):
            raise validation("Tag keys that start with aws: are reserved")
        tags[tag["key"]] = tag["value"]
    return tags


def changed(ctx: Context, found: T, show: Callable[[T], dict[str, Any]], member: str, **changes: Any) -> Outcome:
    """The outcome of a change to a resource."""
    made: Any = replace(found, updated=int(ctx.now), **changes)
    return Outcome({member: show(made)}, (put(made),))


def common_operations(kind: Kind, name: str, plural: str) -> dict[str, Operation]:
    """The operations Get, List, Delete, Enable and Disable of a kind of resource."""

    def get(ctx: Context, params: Params) -> Outcome:
        return Outcome({kind.member: kind.show(find(ctx, kind.entity, params[kind.id], kind.title))})

    def listed(ctx: Context, params: Params) -> Outcome:
        size = params.get("pageSize", LISTS.default)
        if not 1 <= size <= LARGEST_PAGE:
            raise validation(f"pageSize must be between 1 and {LARGEST_PAGE}")
        return LISTS.page(params, all_of(ctx, kind.entity), lambda it: it.id).outcome(kind.members, kind.show)

    def delete(ctx: Context, params: Params) -> Outcome:
        found: AnywhereEntity = find(ctx, kind.entity, params[kind.id], kind.title)
        return Outcome({kind.member: kind.show(found)}, (remove(found),))

    def switch(enabled: bool) -> Callable[[Context, Params], Outcome]:
        def run(ctx: Context, params: Params) -> Outcome:
            found = find(ctx, kind.entity, params[kind.id], kind.title)
            return changed(ctx, found, kind.show, kind.member, enabled=enabled)

        return run

    return {
        f"Delete{name}": writes(delete),
        f"Disable{name}": writes(switch(enabled=False)),
        f"Enable{name}": writes(switch(enabled=True)),
        f"Get{name}": reads(get),
        f"List{plural}": reads(listed),
    }
