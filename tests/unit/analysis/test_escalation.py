"""Known ways to become an administrator, each planted in an account, and accounts where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from locum.analysis.escalation import METHODS, Judge, Surface, Worn
from locum.analysis.escalation.methods import Method
from locum.core.resources import ResourceFacts
from locum.state import (
    AccessKey,
    Instance,
    LoginProfile,
    Member,
    MfaDevice,
    Organization,
    OrganizationPolicy,
    ProfileAssociation,
    State,
)
from support.planted import ADMIN, NOW, REGION, Planted, allow, deny, document, found, trust, ways

ACCOUNT = "111122223333"
OTHER = "444455556666"
GITHUB = "token.actions.githubusercontent.com"
Plant = Callable[[Planted], list[Worn] | None]


def key(at: Planted) -> None:
    at.user("boss", attached=(ADMIN,))
    at.user("mallory", allow("iam:CreateAccessKey", on=at.arn("user", "boss")))


def password(at: Planted) -> None:
    at.put(LoginProfile(account=at.account, user="boss", created=1, changed=1))
    at.user("boss", attached=(ADMIN,))
    at.user("mallory", allow("iam:UpdateLoginProfile"))


def own_policy(at: Planted) -> None:
    at.user("mallory", allow("iam:PutUserPolicy", on=at.arn("user", "${aws:username}")))


def version(at: Planted) -> None:
    policy = at.policy("team", document(allow("iam:CreatePolicyVersion")))
    at.user("mallory", attached=(policy.arn,))


def old_version(at: Planted) -> None:
    harmless = document(allow("iam:SetDefaultPolicyVersion"))
    policy = at.policy("team", document(allow("*")), harmless, default=2)
    at.user("mallory", attached=(policy.arn,))


def group(at: Planted) -> None:
    at.group("admins", attached=(ADMIN,))
    at.user("mallory", allow("iam:AddUserToGroup"))


def pass_to_instance(at: Planted) -> None:
    at.profile(at.admin_role())
    at.user("mallory", allow("iam:PassRole", "ec2:RunInstances"))


def pass_to_function(at: Planted) -> None:
    at.admin_role(service="lambda.amazonaws.com")
    passes = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    at.user("mallory", allow("iam:PassRole", Condition=passes),
            allow("lambda:CreateFunction", "lambda:InvokeFunction",
                  on=f"arn:aws:lambda:*:{at.account}:function:team-*"))  # fmt: skip


def pass_to_stack(at: Planted) -> None:
    at.admin_role(service="cloudformation.amazonaws.com")
    at.user("mallory", allow("iam:PassRole", "cloudformation:CreateStack"))


def trust_policy(at: Planted) -> None:
    at.admin_role()
    at.user("mallory", allow("iam:UpdateAssumeRolePolicy"))


def function_code(at: Planted) -> list[Worn]:
    role = at.admin_role(service="lambda.amazonaws.com")
    at.user("mallory", allow("lambda:UpdateFunctionCode"))
    return [Worn("lambda:function", f"arn:aws:lambda:{REGION}:{at.account}:function:f", "f", role.arn)]


def command(at: Planted) -> list[Worn]:
    role = at.admin_role()
    at.user("mallory", allow("ssm:SendCommand"))
    return [Worn("ec2:instance", f"arn:aws:ec2:{REGION}:{at.account}:instance/i-1", "i-1", role.arn)]


def stack(at: Planted) -> list[Worn]:
    role = at.admin_role(service="cloudformation.amazonaws.com")
    at.user("mallory", allow("cloudformation:UpdateStack"))
    arn = f"arn:aws:cloudformation:{REGION}:{at.account}:stack/s/0123"
    return [Worn("cloudformation:stack", arn, "s", role.arn)]


def replaced_profile(at: Planted) -> None:
    weak, strong = at.profile(at.role("weak", trust=trust(service="ec2.amazonaws.com"))), at.profile(at.admin_role())
    del strong
    at.put(Instance(account=at.account, id="i-1", region=REGION, reservation="r-1", state_changed=1, launched=1,
                    zone="a", private_ip="10.0.0.1"))  # fmt: skip
    at.put(ProfileAssociation(account=at.account, id="iip-assoc-1", region=REGION, instance="i-1", profile=weak.key,
                              profile_id=weak.id, profile_arn=weak.arn, since=1))  # fmt: skip
    at.user("mallory",
            allow("iam:PassRole", "ec2:ReplaceIamInstanceProfileAssociation", "ssm:SendCommand"))  # fmt: skip


def boundary(at: Planted) -> None:
    limit = at.policy("limit", document(allow("iam:DeleteUserPermissionsBoundary", "s3:*")))
    at.user("mallory", allow("*"), boundary=limit.arn)


def boundary_and_policy(at: Planted) -> None:
    limit = at.policy("limit", document(allow("iam:*UserPermissionsBoundary", "iam:PutUserPolicy")))
    at.user("mallory", allow("iam:*UserPermissionsBoundary", "iam:PutUserPolicy"), boundary=limit.arn)


def task(at: Planted) -> None:
    at.admin_role(service="ecs-tasks.amazonaws.com")
    at.user("mallory", allow("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"))


def build(at: Planted) -> None:
    at.admin_role(service="codebuild.amazonaws.com")
    at.user("mallory", allow("iam:PassRole", "codebuild:*"))


def notebook(at: Planted) -> None:
    at.admin_role(service="sagemaker.amazonaws.com")
    at.user("mallory", allow("iam:PassRole", "sagemaker:*"))


def job(at: Planted) -> None:
    at.admin_role(service="glue.amazonaws.com")
    at.user("mallory", allow("iam:PassRole", "glue:CreateJob", "glue:StartJobRun"))


def pipeline(at: Planted) -> None:
    at.admin_role()
    at.user("mallory", allow("iam:PassRole", "datapipeline:*"))


def other_role(at: Planted) -> None:
    at.role("weak", trust=trust(aws=at.account))
    at.user("mallory", allow("sts:AssumeRole", "iam:AttachRolePolicy", on=at.arn("role", "weak")))


PLANTS: dict[str, tuple[Plant, str]] = {
    "key": (key, "iam:CreateAccessKey"),
    "password": (password, "iam:UpdateLoginProfile"),
    "own policy": (own_policy, "iam:PutUserPolicy"),
    "version": (version, "iam:CreatePolicyVersion"),
    "old version": (old_version, "iam:SetDefaultPolicyVersion"),
    "group": (group, "iam:AddUserToGroup"),
    "instance": (pass_to_instance, "iam:PassRole and ec2:RunInstances"),
    "function": (pass_to_function, "iam:PassRole, lambda:CreateFunction and lambda:InvokeFunction"),
    "stack with a role": (pass_to_stack, "iam:PassRole and cloudformation:CreateStack"),
    "trust policy": (trust_policy, "iam:UpdateAssumeRolePolicy and sts:AssumeRole"),
    "code of a function": (function_code, "lambda:UpdateFunctionCode"),
    "command": (command, "ssm:SendCommand"),
    "stack": (stack, "cloudformation:UpdateStack"),
    "profile": (replaced_profile, "iam:PassRole and ec2:ReplaceIamInstanceProfileAssociation"),
    "boundary": (boundary, "iam:DeleteUserPermissionsBoundary"),
    "boundary and policy": (boundary_and_policy, "iam:DeleteUserPermissionsBoundary and iam:PutUserPolicy"),
    "task": (task, "iam:PassRole, ecs:RegisterTaskDefinition and ecs:RunTask"),
    "build": (build, "iam:PassRole, codebuild:CreateProject and codebuild:StartBuild"),
    "notebook": (notebook, "iam:PassRole and sagemaker:CreateNotebookInstance"),
    "job": (job, "iam:PassRole, glue:CreateJob and glue:StartJobRun"),
    "pipeline": (pipeline, "iam:PassRole and datapipeline:PutPipelineDefinition"),
    "another role": (other_role, "iam:AttachRolePolicy and sts:AssumeRole"),
}


def test_the_paths_planted_in_many_accounts_are_all_found_with_their_steps() -> None:
    state, worn, wanted = State(), list[Worn](), dict[str, list[str]]()
    for number, (plant, method) in enumerate(PLANTS.values()):
        at = Planted(f"{number + 1:012d}", state)
        worn += plant(at) or []
        state = at.state
        wanted[at.arn("user", "mallory")] = [method]
    result = found(state, *worn)
    assert result.complete
    assert {path.source: [hop.method for hop in path.hops] for path in result.paths} == wanted
    assert all(made.permissions for path in result.paths for hop in path.hops for made in hop.calls)


@pytest.mark.parametrize("name", PLANTS)
def test_a_deny_of_any_one_call_of_a_path_closes_it(name: str) -> None:
    plant, _ = PLANTS[name]
    at = Planted(ACCOUNT)
    worn = plant(at) or []
    (path,) = found(at.state, *worn).paths
    taken = {action for made in path.hops[0].calls for action, _ in made.permissions}
    for action in taken - {"sts:AssumeRole"}:
        again = Planted(ACCOUNT)
        plant(again)
        limit = again.group("limits", deny(action, "iam:CreatePolicyVersion", "iam:Put*", "iam:Attach*"))
        mallory = next(one for one in again.state.every(type(at.user("x"))) if one.name == "mallory")
        again.user("mallory", inline=mallory.inline, attached=mallory.attached, boundary=mallory.boundary,
                   groups=(limit.key,))  # fmt: skip
        left = {step.method for one in found(again.state, *worn).paths for step in one.hops}
        assert path.hops[0].method not in left, action


def test_a_clean_account_has_no_path() -> None:
    at = Planted(ACCOUNT)
    at.admin_role()
    at.user("boss", attached=(ADMIN,))
    at.group("readers", allow("s3:Get*", "iam:Get*", "iam:List*"))
    at.user("ann", allow("iam:CreateAccessKey", on=at.arn("user", "${aws:username}")), groups=("readers",))
    at.role("app", allow("s3:*"), trust=trust(service="ec2.amazonaws.com"))
    at.user("dev", allow("iam:PassRole", on=at.arn("role", "app")), allow("ec2:RunInstances"))
    result = found(at.state)
    assert (result.paths, result.complete) == ((), True)
    assert result.administrators == (at.arn("role", "admin"), at.arn("user", "boss"))


def test_a_path_leads_over_several_principals_and_is_the_shortest() -> None:
    at = Planted(ACCOUNT)
    top = at.admin_role("top", trust=trust(aws="444455556666"))
    elsewhere = Planted(OTHER, at.state)
    elsewhere.role("bridge", allow("sts:AssumeRole", on=top.arn), trust=trust(aws=elsewhere.arn("user", "mallory")))
    bridge = elsewhere.role("bridge", allow("sts:AssumeRole", on=top.arn), trust=trust(aws=f"{OTHER}"))
    elsewhere.role("long", allow("sts:AssumeRole", on=bridge.arn), trust=trust(aws=OTHER))
    elsewhere.user("mallory", allow("sts:AssumeRole", on=["arn:aws:iam::444455556666:role/*"]))
    result = found(elsewhere.state)
    assert ways(result)["mallory"] == ["sts:AssumeRole", "sts:AssumeRole"]
    path = next(one for one in result.paths if one.source.endswith("mallory"))
    assert [hop.target for hop in path.hops] == [bridge.arn, top.arn]
    assert path.administrator == top.arn


def test_both_sides_have_to_allow_that_a_role_is_assumed() -> None:
    at = Planted(ACCOUNT)
    at.admin_role("top", trust=trust(aws=ACCOUNT))
    at.user("without", allow("s3:*"))
    at.user("with", allow("sts:AssumeRole"))
    assert set(ways(found(at.state))) == {"with"}


def test_a_user_that_the_trust_policy_names_needs_nothing_more() -> None:
    at = Planted(ACCOUNT)
    named = at.user("named")
    at.admin_role("top", trust=trust(aws=named.id))
    assert set(ways(found(at.state))) == {"named"}


def test_an_external_id_is_no_secret() -> None:
    at = Planted(ACCOUNT)
    at.admin_role("top", trust=trust(aws=ACCOUNT, Condition={"StringEquals": {"sts:ExternalId": "42"}}))
    at.user("mallory", allow("sts:AssumeRole"))
    (path,) = found(at.state).paths
    assert path.hops[0].calls[0].params["ExternalId"] == "42"


def test_anybody_of_an_identity_provider_is_told_where_the_subject_is_not_asked_for() -> None:
    at = Planted(ACCOUNT)
    provider = at.provider(GITHUB, "sts.amazonaws.com")
    asked = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
    at.admin_role("top", trust=trust(federated=provider.arn, Condition=asked))
    (path,) = found(at.state).paths
    assert (path.source, path.hops[0].method) == (provider.arn, "sts:AssumeRoleWithWebIdentity")
    asked = {**asked, "StringLike": {f"{GITHUB}:sub": "repo:ours/*"}}
    at.admin_role("top", trust=trust(federated=provider.arn, Condition=asked))
    assert found(at.state).paths == ()


def test_a_second_factor_that_is_asked_for_is_there_only_with_a_device() -> None:
    at = Planted(ACCOUNT)
    at.user("mallory", allow("iam:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    assert found(at.state).administrators == ()
    at.put(MfaDevice(account=ACCOUNT, name="m", seed=b"", created=1, user="mallory", enabled=1))
    assert found(at.state).administrators == (at.arn("user", "mallory"),)


def test_a_user_with_two_keys_loses_one_first() -> None:
    at = Planted(ACCOUNT)
    key(at)
    for number in range(2):
        at.put(AccessKey(account=ACCOUNT, id=f"AKIA{number}", user="boss", secret=b"", created=1))
    assert found(at.state).paths == ()
    at.user("mallory", allow("iam:CreateAccessKey", "iam:DeleteAccessKey"))
    assert ways(found(at.state))["mallory"] == ["iam:DeleteAccessKey and iam:CreateAccessKey"]


def test_attack_the_policy_of_a_function_lets_in_whom_no_identity_policy_does() -> None:
    at = Planted(ACCOUNT)
    role = at.admin_role(service="lambda.amazonaws.com")
    mallory = at.user("mallory")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    text = document({"Effect": "Allow", "Principal": {"AWS": mallory.arn}, "Action": "lambda:UpdateFunctionCode",
                     "Resource": arn})  # fmt: skip
    worn = Worn("lambda:function", arn, "f", role.arn)
    assert found(at.state, worn).paths == ()
    assert ways(found(at.state, worn, facts={arn: ResourceFacts(policy=text)})) == {
        "mallory": ["lambda:UpdateFunctionCode"]
    }


def test_attack_roles_that_assume_one_another_in_a_circle_end() -> None:
    at = Planted(ACCOUNT)
    for number in range(6):
        at.role(f"r{number}", allow("sts:AssumeRole"), trust=trust(aws=ACCOUNT))
    assert found(at.state).paths == ()
    at.role("r3", allow("sts:AssumeRole", "iam:PutRolePolicy"), trust=trust(aws=ACCOUNT))
    result = ways(found(at.state))
    assert result["r3"] == ["iam:PutRolePolicy"]
    assert all(len(steps) <= 2 for steps in result.values())
    assert len(result) == 6


def test_attack_more_than_can_be_searched_is_told_as_incomplete() -> None:
    at = Planted(ACCOUNT)
    for number in range(20):
        at.user(f"u{number}", allow("iam:PutUserPolicy"))
    result = found(at.state, budget=10)
    assert not result.complete


@pytest.mark.nightly
def test_attack_thousands_of_principals_are_searched_within_the_budget() -> None:
    at = Planted(ACCOUNT)
    own: list[dict[str, Any]] = [allow("s3:*", "sts:AssumeRole", "iam:PassRole", "ec2:RunInstances")]
    for number in range(1500):
        at.user(f"u{number}", *own)
        at.role(f"r{number}", *own, trust=trust(aws=ACCOUNT))
    at.user("mallory", allow("iam:PutUserPolicy"))
    result = found(at.state, budget=100_000)
    assert result.complete
    assert set(ways(result)) == {"mallory"}


def test_every_method_has_a_name_of_its_own() -> None:
    assert len({(method.name, method.binds) for method in METHODS}) == len(METHODS)


def test_a_policy_of_ones_own_that_denies_is_overwritten() -> None:
    at = Planted(ACCOUNT)
    at.user("mallory", allow("iam:PutUserPolicy"), deny("iam:CreateRole"))
    assert ways(found(at.state)) == {"mallory": ["iam:PutUserPolicy"]}


def everything_there_is() -> tuple[Planted, list[Worn]]:
    """An account in which every method has something to be made on, and a user who may do all."""
    at = Planted(ACCOUNT)
    limit = at.policy("limit", document(allow("*")))
    denying = at.policy("denying", document(deny("s3:*")))
    versions = [document(allow("*"))] * 5
    full, open_ = at.policy("full", *versions), at.policy("open", *versions[:2])
    at.group("mine", allow("s3:*"))
    at.group("other", allow("*"))
    more: dict[str, Any] = {"inline": {"own": document(deny("s3:*"))}, "boundary": limit.arn}
    attached = (ADMIN, denying.arn, full.arn, open_.arn)
    at.user("boss", attached=attached, groups=("mine",), **more)
    at.user("two-keys", attached=(ADMIN,))
    at.put(LoginProfile(account=ACCOUNT, user="two-keys", created=1, changed=1))
    for number in range(2):
        at.put(AccessKey(account=ACCOUNT, id=f"AKIA{number}", user="two-keys", secret=b"", created=1))
    names = (
        "ec2",
        "lambda",
        "cloudformation",
        "glue",
        "ecs-tasks",
        "codebuild",
        "sagemaker",
        "states",
        "scheduler",
        "ssm",
    )
    services = [f"{name}.amazonaws.com" for name in names]
    principal = {"AWS": ACCOUNT, "Service": services}
    trusted = document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    role = at.role("worn", attached=attached, trust=trusted, **more)
    at.role("bare", attached=(ADMIN,), trust=trusted)
    profile = at.profile(role)
    for name in ("i-1", "i-2"):
        at.put(Instance(account=ACCOUNT, id=name, region=REGION, reservation="r-1", state_changed=1, launched=1,
                        zone="a", private_ip="10.0.0.1"))  # fmt: skip
    at.put(ProfileAssociation(account=ACCOUNT, id="iip-1", region=REGION, instance="i-1", profile=profile.key,
                              profile_id=profile.id, profile_arn=profile.arn, since=1))  # fmt: skip
    kinds = {"ec2:instance": "instance/i-1", "lambda:function": "function:f", "cloudformation:stack": "stack/s/0",
             "codebuild:project": "project/p", "sagemaker:notebook-instance": "notebook-instance/n"}  # fmt: skip
    worn = [
        Worn(kind, f"arn:aws:{kind.split(':')[0]}:{REGION}:{ACCOUNT}:{resource}", resource[-1], role.arn)
        for kind, resource in kinds.items()
    ]
    return at, [one._replace(id="i-1") if one.kind == "ec2:instance" else one for one in worn]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{method.name} {method.binds}")
def test_each_method_is_one_that_who_may_do_all_can_use(method: Method) -> None:
    at, worn = everything_there_is()
    source = at.user("root-like", allow("*"))
    surface = Surface(at.state, NOW, REGION, tuple(worn))
    judge = Judge(surface, 10_000)
    hops = [judge.hop(method, source, target) for target in surface.principals() if target.arn != source.arn]
    used = [hop for hop in hops if hop is not None and hop.calls]
    assert used
    taken = {action for hop in used for made in hop.calls for action, _ in made.permissions}
    assert not method.service or "iam:PassRole" in taken
    nobody = at.user("nobody", allow("s3:*"))
    surface = Surface(at.state, NOW, REGION, tuple(worn))
    assert not any(Judge(surface, 10_000).hop(method, nobody, target) for target in surface.principals())


def under_scp(at: Planted, *statements: dict[str, Any], management: str = "999999999999") -> None:
    """Put the account under a service control policy beside FullAWSAccess."""
    policy = OrganizationPolicy(account=management, id="p-1", type="SERVICE_CONTROL_POLICY", name="limit",
                                content=document(*statements))  # fmt: skip
    at.put(policy)
    at.put(Organization(account=management, id="o-1", root="r-1", created=1, policy_types=("SERVICE_CONTROL_POLICY",),
                        root_policies=("p-FullAWSAccess", "p-1")))  # fmt: skip
    at.put(Member(account=management, id=at.account, parent="r-1", joined=1, name="a", email="a@example.com"))


def test_what_a_service_control_policy_denies_is_no_step() -> None:
    at = Planted(ACCOUNT)
    at.user("mallory", allow("iam:PutUserPolicy"))
    under_scp(at, deny("iam:PutUserPolicy"))
    assert found(at.state).paths == ()


def test_a_service_control_policy_for_all_makes_nobody_less_of_an_administrator() -> None:
    at = Planted(ACCOUNT)
    at.user("boss", attached=(ADMIN,))
    at.user("mallory", allow("iam:CreateAccessKey", on=at.arn("user", "boss")))
    under_scp(at, deny("iam:CreateUser", "iam:AttachUserPolicy"), deny("iam:*", on="arn:aws:iam::*:role/protected"))
    result = found(at.state)
    assert result.administrators == (at.arn("user", "boss"),)
    assert ways(result) == {"mallory": ["iam:CreateAccessKey"]}


def test_a_boundary_that_stays_keeps_a_principal_from_raising_itself() -> None:
    at = Planted(ACCOUNT)
    limit = at.policy("limit", document(allow("iam:PutUserPolicy", "s3:*")))
    at.user("mallory", allow("iam:PutUserPolicy"), boundary=limit.arn)
    assert found(at.state).paths == ()


def test_attack_an_administrator_hidden_behind_a_deny_of_one_action_is_found_as_a_path() -> None:
    at = Planted(ACCOUNT)
    at.user("boss", allow("*"), deny("iam:CreateRole"))
    result = found(at.state)
    assert result.administrators == ()
    assert ways(result) == {"boss": ["iam:PutUserPolicy"]}


def test_attack_a_policy_that_cannot_be_read_allows_nothing_and_ends_nothing() -> None:
    at = Planted(ACCOUNT)
    at.user("broken", inline={"own": "{"})
    at.role("odd", trust="{", attached=(ADMIN,))
    at.user("mallory", allow("iam:PutUserPolicy"))
    assert set(ways(found(at.state))) == {"mallory"}


def test_a_launch_that_is_limited_to_an_image_and_a_subnet_is_found() -> None:
    at = Planted(ACCOUNT)
    role = at.admin_role()
    at.profile(role)
    of_account = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    on = [f"arn:aws:ec2:{REGION}::image/ami-0a1b2c3d", f"{of_account}:subnet/subnet-0a1b2c3d",
          f"{of_account}:security-group/sg-0a1b2c3d",
          *(f"{of_account}:{kind}/*" for kind in ("instance", "network-interface", "volume"))]  # fmt: skip
    at.user("mallory", allow("iam:PassRole", on=role.arn), allow("ec2:RunInstances", on=on))
    (path,) = found(at.state).paths
    assert path.hops[0].calls[0].params["SubnetId"] == "subnet-0a1b2c3d"
