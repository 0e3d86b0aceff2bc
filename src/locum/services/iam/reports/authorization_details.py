"""GetAccountAuthorizationDetails: the users, groups, roles and policies of the account with their relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.iam import last_use, managed, shapes
from locum.services.iam.documents import encoded
from locum.services.iam.faults import validation_error
from locum.services.iam.kinds import GROUP, POLICY, ROLE, USER, Identity
from locum.services.iam.pagination import page, position
from locum.services.iam.policy_versions import newest_first
from locum.services.iam.shapes import Shape
from locum.services.verbs import Context, Operation, Outcome, Params, looks_up
from locum.state import Group, InstanceProfile, Policy, Role, User
from locum.state import managed as aws_managed
from locum.state.indexes import PROFILES_OF_ROLE, scoped


class _Section(NamedTuple):
    """One value of Filter: the list of the answer, its entities, and the function that shows one."""

    member: str
    entities: Callable[[Context], Iterable[Any]]
    show: Callable[[Context, Any], Shape]


class _Item(NamedTuple):
    section: _Section
    entity: Any
    order: str


def get_account_authorization_details(context: Context, params: Params) -> Outcome:
    """GetAccountAuthorizationDetails: users, roles, groups and policies, four lists that are paginated as one."""
    names = set(params.get("Filter") or _SECTIONS)
    _check_marker(params, names)
    found = page(params, _items(context, names), lambda item: item.order)
    answer: dict[str, Any] = {section.member: [] for section in _SECTIONS.values()}
    for section, entity, _ in found.items:
        answer[section.member].append(section.show(context, entity))
    return Outcome({**answer, **found.rest})


def _items(context: Context, names: set[str]) -> Iterator[_Item]:
    for rank, (name, section) in enumerate(_SECTIONS.items()):
        if name in names:
            for entity in section.entities(context):
                yield _Item(section, entity, f"{_marker_prefix(names)} {rank} {entity.name.lower()}")


def _marker_prefix(names: Iterable[str]) -> str:
    """The prefix of markers: the values of Filter, sorted, as their order is irrelevant."""
    return ",".join(sorted(names))


def _check_marker(params: Params, names: set[str]) -> None:
    """Raise ValidationError unless Marker is of a list with the same Filter."""
    try:
        after = position(params)
    except Fault:
        after = ""
    if after is not None and not after.startswith(f"{_marker_prefix(names)} "):
        raise validation_error("Marker and Filter do not match")


def _user(context: Context, user: User) -> Shape:
    groups = sorted(GROUP.named(context, key).name for key in user.groups)
    policies = {"UserPolicyList": _inline(user)} if user.inline else {}
    return {
        **shapes.user(user),
        **policies,
        "GroupList": groups,
        "AttachedManagedPolicies": _attached(user),
        **shapes.boundary(user),
        "Tags": shapes.tag_list(user.tags),
    }


def _group(_context: Context, group: Group) -> Shape:
    return {**shapes.group(group), "GroupPolicyList": _inline(group), "AttachedManagedPolicies": _attached(group)}


def _role(context: Context, role: Role) -> Shape:
    holders = context.state.find(PROFILES_OF_ROLE, scoped(role.account, role.key))
    profiles = sorted((p for p in holders if isinstance(p, InstanceProfile)), key=lambda profile: profile.key)
    return {
        **shapes.role_base(context, role),
        "InstanceProfileList": [shapes.profile(context, profile) for profile in profiles],
        "RolePolicyList": _inline(role),
        "AttachedManagedPolicies": _attached(role),
        **shapes.boundary(role),
        "Tags": shapes.tag_list(role.tags),
        "RoleLastUsed": last_use.role_last_used(context, role),
    }


def _policy(context: Context, policy: Policy) -> Shape:
    versions = sorted(policy.versions, key=newest_first)
    return {
        **shapes.policy(context, policy),
        "PolicyVersionList": [shapes.whole_version(policy, version) for version in versions],
    }


def _inline(entity: Identity) -> list[Shape]:
    return [
        {"PolicyName": name, "PolicyDocument": encoded(document)} for name, document in sorted(entity.inline.items())
    ]


def _attached(entity: Identity) -> list[Shape]:
    return [shapes.attached(arn) for arn in sorted(entity.attached, key=managed.by_name)]


def _aws_policies_in_use(context: Context) -> Iterator[Policy]:
    """The AWS managed policies that the account uses; others are not part of its authorization details."""
    used = (
        summary.arn
        for summary in aws_managed.every()
        if shapes.attachments(context, summary.arn) or shapes.boundary_uses(context, summary.arn)
    )
    return filter(None, map(aws_managed.get, used))


_SECTIONS: Final[dict[str, _Section]] = {
    "User": _Section("UserDetailList", USER.all, _user),
    "Role": _Section("RoleDetailList", ROLE.all, _role),
    "Group": _Section("GroupDetailList", GROUP.all, _group),
    "LocalManagedPolicy": _Section("Policies", POLICY.all, _policy),
    "AWSManagedPolicy": _Section("Policies", _aws_policies_in_use, _policy),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "GetAccountAuthorizationDetails": looks_up(get_account_authorization_details),
}
