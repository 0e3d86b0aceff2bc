"""IAM: users, groups, and the credentials of users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Request, Resource, ended
from locum.services.cloudformation.providers.bundle import Put, bundle
from locum.services.cloudformation.providers.iam_parts import EXISTS, attached, boundary, inline, tags, told
from locum.services.cloudformation.providers.table import Call, Change, Each, Listing, Name, Part, Row, Shown, provider

_USER: Final = {"UserName": "{id}"}
_GROUP: Final = {"GroupName": "{id}"}
_LOGIN: Final = {
    **_USER,
    "Password": "{p.LoginProfile.Password}",
    "PasswordResetRequired": "{p.LoginProfile.PasswordResetRequired}",
}

_USERS: Final = Row(
    service="iam",
    create=Call("CreateUser", takes="Path PermissionsBoundary"),
    name=Name("UserName", 64),
    tags=tags("User", "UserName"),
    exists=EXISTS,
    read=Call("GetUser", {"UserName": "{name}"}),
    physical="{name}",
    attributes={"Arn": "{r.User.Arn}"},
    settings=(
        Change(Call("UpdateUser", _USER, "NewPath=Path"), defaults={"Path": "/"}),
        Change(
            Call("PutUserPermissionsBoundary", _USER, "PermissionsBoundary"),
            removed=Call("DeleteUserPermissionsBoundary", _USER),
        ),
        Change(
            Call("UpdateLoginProfile", _LOGIN),
            on="LoginProfile",
            created=Call("CreateLoginProfile", _LOGIN),
            removed=Call("DeleteLoginProfile", _USER),
            at_creation=True,
        ),
    ),
    items=(
        Each(
            "Groups",
            Call("AddUserToGroup", {**_USER, "GroupName": "{item}"}),
            Call("RemoveUserFromGroup", {**_USER, "GroupName": "{item}"}),
        ),
        inline("User"),
        attached("User"),
    ),
    deletes=(Call("DeleteUser", _USER),),
    shown=Shown(
        members=boundary(),
        parts=(*told("User"), Part("Groups", Call("ListGroupsForUser", _USER), "Groups", "{item.GroupName}")),
        told="Tags",
        lists=Listing(Call("ListUsers"), "Users", "{item.UserName}"),
    ),
)

_GROUPS: Final = Row(
    service="iam",
    create=Call("CreateGroup", takes="Path"),
    name=Name("GroupName", 128),
    exists=EXISTS,
    read=Call("GetGroup", {"GroupName": "{name}"}),
    physical="{name}",
    attributes={"Arn": "{r.Group.Arn}"},
    settings=(Change(Call("UpdateGroup", _GROUP, "NewPath=Path"), defaults={"Path": "/"}),),
    items=(inline("Group"), attached("Group")),
    deletes=(Call("DeleteGroup", _GROUP),),
    shown=Shown(parts=told("Group"), lists=Listing(Call("ListGroups"), "Groups", "{item.GroupName}")),
)

_KEY: Final = {"UserName": "{p.UserName}", "AccessKeyId": "{id}"}
_ACCESS_KEYS: Final = Row(
    service="iam",
    create=Call("CreateAccessKey", takes="UserName"),
    physical="{c.AccessKey.AccessKeyId}",
    attributes={"Id": "{id}", "SecretAccessKey": "{c.AccessKey.SecretAccessKey}"},
    settings=(Change(Call("UpdateAccessKey", _KEY, "Status"), defaults={"Status": "Active"}, at_creation=True),),
    deletes=(Call("DeleteAccessKey", _KEY),),
    unused=frozenset({"Serial"}),
    shown=Shown(
        Call("ListAccessKeys", {"UserName": "{p.UserName}"}),
        "AccessKeyMetadata",
        where={"AccessKeyId": "{id}"},
    ),
)

_DEVICES: Final = Row(
    service="iam",
    create=Call("CreateVirtualMFADevice", takes="Path"),
    name=Name("VirtualMfaDeviceName", 226),
    tags=tags("MFADevice", "SerialNumber"),
    exists=EXISTS,
    physical="{c.VirtualMFADevice.SerialNumber}",
    adopted="arn:aws:iam::{account}:mfa{p.Path}{name}",
    attributes={"SerialNumber": "{id}"},
    deletes=(Call("DeleteVirtualMFADevice", {"SerialNumber": "{id}"}),),
    shaped=lambda properties: {"Path": "/", **properties},
    unused=frozenset({"Users"}),
)
"""A device is enabled with codes that it shows, by its user: as on AWS, `Users` changes nothing."""


def _members(properties: Properties) -> Mapping[str, Put]:
    """What AWS::IAM::UserToGroupAddition puts into a group."""
    found = {}
    for user in properties["Users"]:
        pair = {"GroupName": properties["GroupName"], "UserName": user}
        put = Request("iam", "AddUserToGroup", pair)
        found[f"{properties['GroupName']} {user}"] = Put(put, Request("iam", "RemoveUserFromGroup", pair))
    return found


def _with_profile(made_by: Provider) -> Provider:
    """`made_by`, which deletes a login profile with its user: a user who was given another one is not deleted."""

    def delete(resource: Resource) -> Ending:
        if "LoginProfile" in resource.properties:
            yield from ended(Request("iam", "DeleteLoginProfile", {"UserName": resource.physical}))
        yield from made_by.delete(resource)

    return made_by._replace(delete=delete)


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::IAM::AccessKey": provider(_ACCESS_KEYS),
    "AWS::IAM::Group": provider(_GROUPS),
    "AWS::IAM::User": _with_profile(provider(_USERS)),
    "AWS::IAM::UserToGroupAddition": bundle(_members, 64),
    "AWS::IAM::VirtualMFADevice": provider(_DEVICES),
}
