"""IAM: roles, instance profiles and policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
)
from locum.services.cloudformation.providers.bundle import Look, Put, bundle
from locum.services.cloudformation.providers.dates import dated
from locum.services.cloudformation.providers.guards import new_only
from locum.services.cloudformation.providers.iam_parts import EXISTS, attached, boundary, inline, tags, told
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.providers.table import Call, Change, Each, Listing, Name, Part, Row, Shown, provider

_VERSIONS: Final = 5
"""Versions that a policy can have."""
_ROLE: Final = {"RoleName": "{id}"}
_PROFILE: Final = {"InstanceProfileName": "{id}"}
_POLICY: Final = {"PolicyArn": "{id}"}
_NOUNS: Final = ("Group", "Role", "User")

_ROLES: Final = Row(
    service="iam",
    create=Call("CreateRole", takes="AssumeRolePolicyDocument Description MaxSessionDuration Path PermissionsBoundary"),
    name=Name("RoleName", 64),
    tags=tags("Role", "RoleName"),
    exists=EXISTS,
    read=Call("GetRole", {"RoleName": "{name}"}),
    physical="{name}",
    attributes={"Arn": "{r.Role.Arn}", "RoleId": "{r.Role.RoleId}"},
    settings=(
        Change(Call("UpdateAssumeRolePolicy", _ROLE, "PolicyDocument=AssumeRolePolicyDocument")),
        Change(
            Call("UpdateRole", _ROLE, "Description MaxSessionDuration"),
            defaults={"Description": "", "MaxSessionDuration": 3600},
        ),
        Change(
            Call("PutRolePermissionsBoundary", _ROLE, "PermissionsBoundary"),
            removed=Call("DeleteRolePermissionsBoundary", _ROLE),
        ),
    ),
    items=(inline("Role"), attached("Role")),
    deletes=(Call("DeleteRole", _ROLE),),
    shaped=lambda properties: {"Description": "", **properties},
    shown=Shown(
        members=boundary(),
        parts=told("Role"),
        told="Description Tags",
        lists=Listing(Call("ListRoles"), "Roles", "{item.RoleName}"),
    ),
)
"""CloudFormation gives every role a description, which may be empty."""

_PROFILES: Final = Row(
    service="iam",
    create=Call("CreateInstanceProfile", takes="Path"),
    name=Name("InstanceProfileName", 128),
    tags=tags("InstanceProfile", "InstanceProfileName"),
    exists=EXISTS,
    read=Call("GetInstanceProfile", {"InstanceProfileName": "{name}"}),
    physical="{name}",
    attributes={"Arn": "{r.InstanceProfile.Arn}"},
    items=(
        Each(
            "Roles",
            Call("AddRoleToInstanceProfile", {**_PROFILE, "RoleName": "{item}"}),
            Call("RemoveRoleFromInstanceProfile", {**_PROFILE, "RoleName": "{item}"}),
            removed_first=True,
        ),
    ),
    deletes=(Call("DeleteInstanceProfile", _PROFILE),),
    shown=Shown(
        parts=(Part("Roles", path="InstanceProfile.Roles", item="{item.RoleName}"),),
        lists=Listing(Call("ListInstanceProfiles"), "InstanceProfiles", "{item.InstanceProfileName}"),
    ),
)

# -- managed policies ------------------------------------------------------------------------------------


def _policy_arn(resource: Resource) -> str:
    name = resource.properties.get("ManagedPolicyName") or resource.name(128)
    return f"arn:aws:iam::{resource.account}:policy{resource.properties.get('Path', '/')}{name}"


def _policy_of(noun: str) -> Each:
    """The users, groups or roles that have a managed policy."""
    members = {**_POLICY, f"{noun}Name": "{item}"}
    return Each(f"{noun}s", Call(f"Attach{noun}Policy", members), Call(f"Detach{noun}Policy", members))


_SHOWN: Final = (
    *("AttachmentCount", "CreateDate", "DefaultVersionId", "IsAttachable"),
    *("PermissionsBoundaryUsageCount", "PolicyId", "UpdateDate"),
)
_MANAGED: Final = Row(
    service="iam",
    create=Call("CreatePolicy", takes="Description Path PolicyDocument"),
    name=Name("ManagedPolicyName", 128, member="PolicyName"),
    exists=EXISTS,
    adopted=_policy_arn,
    read=Call("GetPolicy", _POLICY),
    physical="{c.Policy.Arn}",
    attributes={"PolicyArn": "{id}", **{name: f"{{r.Policy.{name}}}" for name in _SHOWN}},
    settings=(Change(Call("CreatePolicyVersion", {**_POLICY, "SetAsDefault": True}, "PolicyDocument")),),
    items=tuple(map(_policy_of, _NOUNS)),
    deletes=(Call("DeletePolicy", _POLICY),),
    shown=Shown(
        parts=(
            Part(
                "PolicyDocument",
                Call("GetPolicyVersion", {**_POLICY, "VersionId": "{it.DefaultVersionId}"}),
                "PolicyVersion.Document",
            ),
            *(
                Part(f"{noun}s", Call("ListEntitiesForPolicy", _POLICY), f"Policy{noun}s", f"{{item.{noun}Name}}")
                for noun in _NOUNS
            ),
        ),
        lists=Listing(Call("ListPolicies", {"Scope": "Local"}), "Policies", "{item.Arn}"),
    ),
)


def _managed_policies() -> Provider:
    """Managed policies, whose oldest version makes room for a new one, and that are deleted with all their versions."""
    row = provider(_MANAGED)
    row_update = row.update
    assert row_update is not None

    def update(resource: Resource, before: Properties) -> Work:
        if resource.properties["PolicyDocument"] != before["PolicyDocument"]:
            versions = yield from _old_versions(resource.physical)
            if len(versions) >= _VERSIONS - 1:
                yield from _without(resource.physical, versions[:1])
        return (yield from row_update(resource, before))

    def delete(resource: Resource) -> Ending:
        versions = yield from _old_versions(resource.physical)
        yield from _without(resource.physical, versions)
        yield from row.delete(resource)

    return row._replace(update=update, delete=delete)


def _old_versions(arn: str) -> Steps[list[str]]:
    """The versions of a policy, but the default one; the oldest first."""
    try:
        answer = yield Request("iam", "ListPolicyVersions", {"PolicyArn": arn})
    except Fault as fault:
        if is_gone(fault):
            return []
        raise
    versions = (version["VersionId"] for version in answer["Versions"] if not version["IsDefaultVersion"])
    return sorted(versions, key=lambda version: int(version[1:]))


def _without(arn: str, versions: list[str]) -> Ending:
    for version in versions:
        yield from ended(Request("iam", "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": version}))


# -- inline policies -------------------------------------------------------------------------------------


def _puts(properties: Properties) -> Mapping[str, Put]:
    """What AWS::IAM::Policy puts into groups, roles and users."""
    name, document = properties["PolicyName"], properties["PolicyDocument"]
    holders = [(noun, holder) for noun in _NOUNS for holder in properties.get(f"{noun}s") or ()]
    if not holders:
        raise Fault("InvalidRequest", "At least one of [Groups,Roles,Users] must be non-empty.")
    found: dict[str, Put] = {}
    for noun, holder in holders:
        policy: dict[str, Any] = {f"{noun}Name": holder, "PolicyName": name}
        put = Request("iam", f"Put{noun}Policy", {**policy, "PolicyDocument": document})
        found[f"{noun} {holder} {name}"] = Put(put, Request("iam", f"Delete{noun}Policy", policy))
    return found


def _looks(properties: Properties) -> Iterator[Look]:
    for noun in _NOUNS:
        for holder in properties.get(f"{noun}s") or ():
            policy = {f"{noun}Name": holder, "PolicyName": properties["PolicyName"]}
            yield Look(Request("iam", f"Get{noun}Policy", policy), "PolicyDocument", f"{noun}s", holder)


def _inline(noun: str) -> Provider:
    """AWS::IAM::RolePolicy, and those of users and groups."""
    member = f"{noun}Name"
    put = Call(f"Put{noun}Policy", takes=f"PolicyName {member} PolicyDocument")

    def look(resource: Resource) -> Request:
        """A policy can be put where there is another one of that name."""
        given = {name: resource.properties[name] for name in ("PolicyName", member)}
        return Request("iam", f"Get{noun}Policy", given)

    made_by = provider(
        Row(
            service="iam",
            create=put,
            physical=f"{{p.PolicyName}}|{{p.{member}}}",
            settings=(Change(put._replace(given=_holder(member), takes="PolicyDocument")),),
            deletes=(Call(f"Delete{noun}Policy", _holder(member)),),
            shown=Shown(Call(f"Get{noun}Policy", _holder(member)), "", told="PolicyDocument"),
        )
    )
    return new_only(made_by, look)


def _holder(member: str) -> dict[str, str]:
    return {"PolicyName": "{p.PolicyName}", member: f"{{p.{member}}}"}


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::IAM::InstanceProfile": provider(_PROFILES),
    "AWS::IAM::ManagedPolicy": dated(_managed_policies(), "CreateDate", "UpdateDate"),
    "AWS::IAM::Policy": bundle(_puts, 24, _looks, begins=True),
    "AWS::IAM::Role": provider(_ROLES),
    **{f"AWS::IAM::{noun}Policy": _inline(noun) for noun in _NOUNS},
}
