"""Entities as structures in answers.

AWS returns different members of the same structure in different answers; they are as in recorded answers of AWS. For
a role, CreateRole omits MaxSessionDuration and Description, ListRoles the tags and the boundary, GetRole nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

from locum.core.arn import Arn
from locum.services.iam import last_use, trust
from locum.services.iam.documents import encoded
from locum.services.iam.kinds import Bounded
from locum.services.verbs import Context
from locum.state import AccessKey, Account, Group, InstanceProfile, Named, Policy, PolicyVersion, Role, User
from locum.state.entities import Tags
from locum.state.indexes import ATTACHED_POLICY, BOUNDARY_POLICY, scoped

Shape = dict[str, Any]


def tag_list(tags: Tags) -> list[Shape]:
    """The tags of a user or role, by key."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def short_tags_first(tags: Tags) -> list[Shape]:
    """The tags of other resources, which AWS orders by length, then by key: a, b, z, abc."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags, key=lambda key: (len(key), key))]


def given_tags(tags: Tags) -> Shape:
    """The Tags member of a Create's answer: in the order of the request; no member where there are none."""
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}


def own_tags(tags: Tags) -> Shape:
    """The Tags member of a Get's answer for a user or role; no member where there are none."""
    return {"Tags": tag_list(tags)} if tags else {}


def boundary(entity: Bounded) -> Shape:
    """The PermissionsBoundary member; no member where there is none.

    AWS returns the type `Policy`, although the model says `PermissionsBoundaryPolicy`.
    """
    if not entity.boundary:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": entity.boundary}}


def _named(entity: Named, noun: str) -> Shape:
    return {
        "Path": entity.path,
        f"{noun}Name": entity.name,
        f"{noun}Id": entity.id,
        "Arn": entity.arn,
        "CreateDate": entity.created,
    }


def user(entity: User) -> Shape:
    """A user in a list."""
    return _named(entity, "User")


def root(account: Account) -> Shape:
    """The root user, as a User structure."""
    return {"UserId": account.account, "Arn": account.arn, "CreateDate": account.created}


def group(entity: Group) -> Shape:
    """A group."""
    return _named(entity, "Group")


def role_base(context: Context, entity: Role) -> Shape:
    """The members of a role that all answers have."""
    document = encoded(trust.shown(context.state, entity.trust))
    return {**_named(entity, "Role"), "AssumeRolePolicyDocument": document}


def described(entity: PolicyFacts) -> Shape:
    """The Description member; no member where it is empty."""
    return {"Description": entity.description} if entity.description else {}


def role_description(entity: Role) -> Shape:
    """The Description member of a role; no member where it was given none. An empty one is shown."""
    return {} if entity.description is None else {"Description": entity.description}


def listed_role(context: Context, entity: Role) -> Shape:
    """A role in ListRoles."""
    return {**role_base(context, entity), **role_description(entity), "MaxSessionDuration": entity.max_session}


def whole_role(context: Context, entity: Role) -> Shape:
    """A role in GetRole. It reads the record of last uses, which blocks."""
    last_used = {"RoleLastUsed": last_use.role_last_used(context, entity)}
    return {**listed_role(context, entity), **boundary(entity), **own_tags(entity.tags), **last_used}


def profile(context: Context, entity: InstanceProfile) -> Shape:
    """An instance profile in a list."""
    roles = [context.state.get(Role, entity.account, key) for key in entity.roles]
    return {**_named(entity, "InstanceProfile"), "Roles": [role_base(context, r) for r in roles if r is not None]}


class PolicyFacts(Protocol):
    """The properties of a policy in lists: of a customer managed one, or an AWS managed one without documents."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def default(self) -> int: ...
    @property
    def created(self) -> int: ...
    @property
    def updated(self) -> int: ...
    @property
    def description(self) -> str: ...


def attachments(context: Context, arn: str) -> int:
    """The number of the account's users, groups and roles that the policy `arn` is attached to."""
    return context.state.count(ATTACHED_POLICY, scoped(context.account, arn))


def boundary_uses(context: Context, arn: str) -> int:
    """The number of the account's users and roles whose permissions boundary is the policy `arn`."""
    return context.state.count(BOUNDARY_POLICY, scoped(context.account, arn))


def policy(context: Context, entity: PolicyFacts) -> Shape:
    """A managed policy in a list."""
    return {
        **_named_policy(entity),
        "DefaultVersionId": version_id(entity.default),
        "AttachmentCount": attachments(context, entity.arn),
        "PermissionsBoundaryUsageCount": boundary_uses(context, entity.arn),
        "IsAttachable": True,
        "UpdateDate": entity.updated,
    }


def _named_policy(entity: PolicyFacts) -> Shape:
    return {
        "PolicyName": entity.name,
        "PolicyId": entity.id,
        "Arn": entity.arn,
        "Path": entity.path,
        "CreateDate": entity.created,
    }


def version_id(number: int) -> str:
    """A version id, such as `v1`."""
    return f"v{number}"


def listed_version(entity: Policy, version: PolicyVersion) -> Shape:
    """A policy's version without its document."""
    return {
        "VersionId": version_id(version.number),
        "IsDefaultVersion": version.number == entity.default,
        "CreateDate": version.created,
    }


def whole_version(entity: Policy, version: PolicyVersion) -> Shape:
    """A policy's version with its document."""
    return {"Document": encoded(version.document), **listed_version(entity, version)}


def attached(arn: str) -> Shape:
    """An attached managed policy."""
    return {"PolicyName": Arn.parse(arn).resource.rsplit("/", 1)[-1], "PolicyArn": arn}


def access_key(key: AccessKey, user_name: str) -> Shape:
    """An access key without its secret; the root user's has no user name."""
    return {
        **({"UserName": user_name} if user_name else {}),
        "AccessKeyId": key.id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created,
    }
