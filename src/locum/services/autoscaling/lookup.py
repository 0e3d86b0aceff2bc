"""Look-ups of groups, of their instances and of what belongs to them; pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from locum.core.errors import Fault
from locum.services.autoscaling.faults import no_managed_instance, no_such_group, not_in_group, validation_error
from locum.services.pagination import Page, Pagination
from locum.services.verbs import Context, Params
from locum.state import AutoScalingGroup, GroupInstance, State
from locum.state.autoscaling import OfGroup, regional
from locum.state.indexes import GROUP_OF_INSTANCE, OF_GROUP, scoped

T = TypeVar("T")
O = TypeVar("O", bound=OfGroup)  # noqa: E741 - of a group


def _invalid_token() -> Fault:
    return Fault("InvalidNextToken", "The NextToken value is not valid.")


_LISTS: Final = Pagination("MaxRecords", "NextToken", "NextToken", 50, _invalid_token)
LARGEST_PAGE: Final = 100
"""API Reference, MaxRecords: "The default value is 50 and the maximum value is 100." """


def page_of(
    params: Params, items: Iterable[T], key: Callable[[T], str], *, default: int = 50, most: int = LARGEST_PAGE
) -> Page[T]:
    """The page of `items` for `params`, sorted by `key`, which must be unique. Raises Fault: ValidationError, token."""
    size = int(params.get("MaxRecords", default))
    if size < 1:
        raise validation_error(f"Invalid MaxRecords: {size}. It must be at least 1")
    return _LISTS.page({**params, "MaxRecords": min(size, most)}, items, key)


def group_named(ctx: Context, name: str, *, going: bool = False) -> AutoScalingGroup:
    """The group `name`. Raises Fault where there is none, or (unless `going`) where it is being deleted."""
    found = ctx.state.get(AutoScalingGroup, ctx.account, regional(ctx.region, name))
    if found is None:
        raise no_such_group(name)
    if found.deleting and not going:
        raise validation_error(f"AutoScalingGroup '{name}' is pending delete")
    return found


def group_of_instance(ctx: Context, instance: str) -> tuple[AutoScalingGroup, GroupInstance]:
    """The group that an instance is in, and the instance in it. Raises Fault where it is in none of the region."""
    found = ctx.state.first(AutoScalingGroup, GROUP_OF_INSTANCE, scoped(ctx.account, instance))
    if found is None or found.region != ctx.region:
        raise no_managed_instance(instance)
    return found, members_of(found, [instance])[0]


def members_of(group: AutoScalingGroup, ids: Iterable[str]) -> list[GroupInstance]:
    """The instances of `group` with these ids, in this order. Raises Fault where one is not in it."""
    by_id = {it.id: it for it in group.members}
    for instance in ids:
        if instance not in by_id:
            raise not_in_group(instance, group.name)
    return [by_id[instance] for instance in ids]


def belonging(state: State, group: AutoScalingGroup, kind: type[O]) -> list[O]:
    """Entities of a kind that belong to a group, unordered."""
    return [it for it in state.find(OF_GROUP, scoped(group.account, group.key)) if isinstance(it, kind)]


def groups_in(ctx: Context) -> list[AutoScalingGroup]:
    """The groups of the account in the region, unordered."""
    return [it for it in ctx.state.table(AutoScalingGroup, ctx.account).values() if it.region == ctx.region]
