"""Whatever is asked of IAM, in whatever order, what it leaves behind holds together."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from locum.core.errors import Fault
from locum.state import AccessKey, Group, InstanceProfile, Policy, Role, State, User, change, decode, encode, managed
from support.iam_plane import ACCOUNT, ADMIN, EC2_TRUST, READ, Plane, arn, trusting

Call = tuple[str, dict[str, Any]]

names = st.sampled_from(["a", "B", "b", "c"])
arns = st.sampled_from([ADMIN, *(arn("policy", name) for name in "abc")])
versions = st.sampled_from(["v1", "v2", "v3"])
trusts = st.sampled_from([EC2_TRUST, *(trusting(arn(kind, name)) for kind in ("user", "role") for name in "abc")])


def call(operation: str, **params: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    return st.tuples(st.just(operation), st.fixed_dictionaries(params))


calls = st.one_of(
    call("CreateRole", RoleName=names, AssumeRolePolicyDocument=trusts),
    call("UpdateAssumeRolePolicy", RoleName=names, PolicyDocument=trusts),
    call("DeleteRole", RoleName=names),
    call("CreateUser", UserName=names),
    call("UpdateUser", UserName=names, NewUserName=names),
    call("DeleteUser", UserName=names),
    call("CreateGroup", GroupName=names),
    call("UpdateGroup", GroupName=names, NewGroupName=names),
    call("DeleteGroup", GroupName=names),
    call("AddUserToGroup", GroupName=names, UserName=names),
    call("RemoveUserFromGroup", GroupName=names, UserName=names),
    call("CreateInstanceProfile", InstanceProfileName=names),
    call("AddRoleToInstanceProfile", InstanceProfileName=names, RoleName=names),
    call("RemoveRoleFromInstanceProfile", InstanceProfileName=names, RoleName=names),
    call("DeleteInstanceProfile", InstanceProfileName=names),
    call("CreatePolicy", PolicyName=names, PolicyDocument=st.just(READ)),
    call("CreatePolicyVersion", PolicyArn=arns, PolicyDocument=st.just(READ), SetAsDefault=st.booleans()),
    call("SetDefaultPolicyVersion", PolicyArn=arns, VersionId=versions),
    call("DeletePolicyVersion", PolicyArn=arns, VersionId=versions),
    call("DeletePolicy", PolicyArn=arns),
    call("CreateAccessKey", UserName=names),
    *(
        call(f"{verb}{noun}Policy", PolicyArn=arns, **{f"{noun}Name": names})
        for verb in ("Attach", "Detach")
        for noun in ("User", "Role", "Group")
    ),
    call("PutUserPermissionsBoundary", UserName=names, PermissionsBoundary=arns),
    call("PutRolePermissionsBoundary", RoleName=names, PermissionsBoundary=arns),
    call("DeleteRolePermissionsBoundary", RoleName=names),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(calls, min_size=20, max_size=80))
def test_nothing_dangles_and_no_id_comes_back(sequence: list[Call]) -> None:
    plane = Plane()
    given_out: set[str] = set()
    replayed = plane.state
    for operation, params in sequence:
        before = ids(plane.state)
        try:
            plane.call(operation, **params)
        except Fault:
            continue
        replayed = change(replayed, decode(encode(plane.events)))
        new = ids(plane.state) - before
        assert not new & given_out
        given_out |= new
    assert replayed == plane.state
    check(plane.state)


def ids(state: State) -> set[str]:
    kinds = (User, Group, Role, Policy, InstanceProfile)
    return {entity.id for kind in kinds for entity in state.table(kind, ACCOUNT).values()}


def check(state: State) -> None:
    policies = {policy.arn for policy in state.every(Policy)}
    roles, users, groups = state.table(Role, ACCOUNT), state.table(User, ACCOUNT), state.table(Group, ACCOUNT)
    for identity in (*roles.values(), *users.values(), *groups.values()):
        used = {*identity.attached, getattr(identity, "boundary", "")} - {""}
        assert all(a in policies or managed.get(a) for a in used)
        assert len(identity.attached) == len(set(identity.attached)) <= 10
    for user in users.values():
        assert set(user.groups) <= set(groups)
    for profile in state.every(InstanceProfile):
        assert len(profile.roles) <= 1
        assert set(profile.roles) <= set(roles)
    for key in state.every(AccessKey):
        assert key.user in users
    for policy in state.every(Policy):
        numbers = [version.number for version in policy.versions]
        assert policy.default in numbers
        assert len(numbers) == len(set(numbers)) <= 5
        assert max(numbers) < policy.next_number
