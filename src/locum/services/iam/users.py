"""Users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from locum.core.principal import PrincipalKind
from locum.services.iam import attachments, deletion, inline, shapes, tags
from locum.services.iam.account import account_of
from locum.services.iam.kinds import GROUP, USER, by_name, user_or_caller
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import (
    AccessKey,
    Event,
    LoginProfile,
    MfaDevice,
    ServiceSpecificCredential,
    SigningCertificate,
    SshPublicKey,
    User,
    put,
    remove,
)
from locum.state.indexes import CREDENTIALS_OF_USER, KEYS_OF_USER, MFA_OF_USER, scoped

_OWNED: Final = (AccessKey, MfaDevice, SshPublicKey, SigningCertificate, ServiceSpecificCredential)
"""The entities that refer to a user by its key."""


def create_user(context: Context, params: Params) -> Outcome:
    """CreateUser."""
    new_tags = tags.given(params, User)
    user = User(
        account=context.account,
        name=USER.new_name(context, params["UserName"]),
        path=params.get("Path", "/"),
        id=USER.new_id(context),
        created=int(context.now),
        boundary=attachments.boundary(context, params),
        tags=new_tags,
    )
    shown = {**shapes.user(user), **shapes.boundary(user), **shapes.given_tags(new_tags)}
    return Outcome({"User": shown}, (put(user),))


def get_user(context: Context, params: Params) -> Outcome:
    """GetUser: without a name, the calling user or root user."""
    if "UserName" not in params and context.caller.principal.kind is PrincipalKind.ROOT:
        return Outcome({"User": shapes.root(account_of(context))})
    user = user_or_caller(context, params)
    return Outcome({"User": {**_listed(context)(user), **shapes.boundary(user), **shapes.own_tags(user.tags)}})


def list_users(context: Context, params: Params) -> Outcome:
    """ListUsers."""
    return page(params, USER.under(context, params), by_name).outcome("Users", _listed(context))


def _listed(context: Context) -> Callable[[User], shapes.Shape]:
    """What lists of users have of one, with the time of the last sign-in with the password."""

    def listed(user: User) -> shapes.Shape:
        profile = context.state.get(LoginProfile, user.account, user.key)
        used = {"PasswordLastUsed": profile.used} if profile is not None and profile.used else {}
        return {**shapes.user(user), **used}

    return listed


def update_user(context: Context, params: Params) -> Outcome:
    """UpdateUser: changes name or path; the unique id, which trust policies refer to, stays the same."""
    user = USER.of(context, params)
    name = params.get("NewUserName", user.name)
    if name.lower() != user.key:
        USER.unused_name(context, name)
    changed = replace(user, name=name, path=params.get("NewPath", user.path))
    return Outcome({}, tuple(_rename_events(context, user, changed)))


def delete_user(context: Context, params: Params) -> Outcome:
    """DeleteUser."""
    user = USER.of(context, params)
    deletion.check_user(context, user)
    return Outcome({}, (remove(user),))


def list_groups_for_user(context: Context, params: Params) -> Outcome:
    """ListGroupsForUser."""
    groups = (GROUP.named(context, key) for key in USER.of(context, params).groups)
    return page(params, groups, by_name).outcome("Groups", shapes.group)


def _rename_events(context: Context, user: User, changed: User) -> list[Event]:
    """The events of a rename: the user gets a new key, which its credentials refer to."""
    if changed.key == user.key:
        return [put(changed)]
    owner = scoped(user.account, user.key)
    moved: list[Event] = [
        put(replace(entity, user=changed.key))
        for index in (KEYS_OF_USER, CREDENTIALS_OF_USER, MFA_OF_USER)
        for entity in context.state.find(index, owner)
        if isinstance(entity, _OWNED)
    ]
    profile = context.state.get(LoginProfile, user.account, user.key)
    if profile is not None:
        moved += [remove(profile), put(replace(profile, user=changed.key))]
    return [remove(user), put(changed), *moved]


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateUser": writes(create_user),
    "GetUser": reads(get_user),
    "ListUsers": reads(list_users),
    "UpdateUser": writes(update_user),
    "DeleteUser": writes(delete_user),
    "ListGroupsForUser": reads(list_groups_for_user),
    **tags.operations("User", User, USER.of),
    **inline.operations(USER),
    **attachments.operations(USER),
    **attachments.boundary_operations(USER),
}
