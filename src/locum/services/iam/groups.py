"""Groups and their members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from locum.services.iam import attachments, deletion, inline, shapes
from locum.services.iam.faults import quota_exceeded
from locum.services.iam.kinds import GROUP, USER, by_name
from locum.services.iam.limits import GROUPS_PER_USER
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Event, Group, User, put, remove
from locum.state.indexes import MEMBERS_OF_GROUP, scoped


def create_group(context: Context, params: Params) -> Outcome:
    """CreateGroup."""
    group = Group(
        account=context.account,
        name=GROUP.new_name(context, params["GroupName"]),
        path=params.get("Path", "/"),
        id=GROUP.new_id(context),
        created=int(context.now),
    )
    return Outcome({"Group": shapes.group(group)}, (put(group),))


def get_group(context: Context, params: Params) -> Outcome:
    """GetGroup: the group and a page of its members."""
    group = GROUP.of(context, params)
    answer = page(params, _members(context, group), by_name).outcome("Users", shapes.user).answer
    return Outcome({"Group": shapes.group(group), **answer})


def list_groups(context: Context, params: Params) -> Outcome:
    """ListGroups."""
    return page(params, GROUP.under(context, params), by_name).outcome("Groups", shapes.group)


def update_group(context: Context, params: Params) -> Outcome:
    """UpdateGroup: changes name or path; the unique id and the members stay the same."""
    group = GROUP.of(context, params)
    name = params.get("NewGroupName", group.name)
    if name.lower() != group.key:
        GROUP.unused_name(context, name)
    changed = replace(group, name=name, path=params.get("NewPath", group.path))
    return Outcome({}, tuple(_rename_events(context, group, changed)))


def delete_group(context: Context, params: Params) -> Outcome:
    """DeleteGroup."""
    group = GROUP.of(context, params)
    deletion.check_group(context, group)
    return Outcome({}, (remove(group),))


def add_user_to_group(context: Context, params: Params) -> Outcome:
    """AddUserToGroup: no error where the user is a member already."""
    user = USER.of(context, params)
    group = GROUP.of(context, params)
    if group.key in user.groups:
        return Outcome({})
    if len(user.groups) >= GROUPS_PER_USER:
        raise quota_exceeded("GroupsPerUser", GROUPS_PER_USER)
    return Outcome({}, (put(replace(user, groups=(*user.groups, group.key))),))


def remove_user_from_group(context: Context, params: Params) -> Outcome:
    """RemoveUserFromGroup: no error where the user is not a member."""
    user = USER.of(context, params)
    group = GROUP.of(context, params)
    left = tuple(key for key in user.groups if key != group.key)
    return Outcome({}, () if left == user.groups else (put(replace(user, groups=left)),))


def _members(context: Context, group: Group) -> Iterator[User]:
    for member in context.state.find(MEMBERS_OF_GROUP, scoped(group.account, group.key)):
        if isinstance(member, User):
            yield member


def _rename_events(context: Context, group: Group, changed: Group) -> Iterator[Event]:
    """The events of a rename: the group gets a new key, which its members refer to."""
    if changed.key != group.key:
        yield remove(group)
        for user in _members(context, group):
            groups = tuple(changed.key if key == group.key else key for key in user.groups)
            yield put(replace(user, groups=groups))
    yield put(changed)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateGroup": writes(create_group),
    "GetGroup": reads(get_group),
    "ListGroups": reads(list_groups),
    "UpdateGroup": writes(update_group),
    "DeleteGroup": writes(delete_group),
    "AddUserToGroup": writes(add_user_to_group),
    "RemoveUserFromGroup": writes(remove_user_from_group),
    **inline.operations(GROUP),
    **attachments.operations(GROUP),
}
