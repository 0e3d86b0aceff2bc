"""What an organization does to decisions: SCPs, RCPs, condition keys, closed accounts; and what it costs to ask."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from locum.authz.organizations import NO_ORGANIZATION, organization_context, rcps_apply
from locum.core.principal import NOBODY, Caller, Principal, PrincipalKind, Session
from locum.core.resources import ResourceFacts
from locum.state import AnyEntity, State, remove
from locum.state import change as changed
from support.authority import NOW, World, allow, as_role, as_root, as_user, deny, document, policy, role, trusting, user
from support.organization import (
    DEV,
    FULL,
    ID,
    MANAGEMENT,
    MEMBER,
    PATH,
    RCP,
    ROOT,
    STRANGER,
    TEAM,
    member,
    organization,
    policy_arn,
    rcp,
    scp,
    tree,
    unit,
)

ANN = user("ann", allow("*"))
BOSS = user("boss", allow("*"), account=MANAGEMENT)
EVE = user("eve", allow("*"), account=STRANGER)
ASK = ("sqs:ListQueues", "sqs:ListQueues")
NO_QUEUES = scp("p-noqueues", deny("sqs:*"))


def world(*more: AnyEntity, **fields: Any) -> World:
    return World().having(*tree(**fields), ANN, BOSS, EVE, *more)


# --- SCPs -------------------------------------------------------------------------------------------------------


def at_root() -> tuple[AnyEntity, ...]:
    return (organization(root_policies=(FULL, "p-noqueues")),)


def at_unit() -> tuple[AnyEntity, ...]:
    return (unit(policies=(FULL, "p-noqueues")),)


def at_inner_unit() -> tuple[AnyEntity, ...]:
    return (unit(TEAM, DEV, policies=(FULL, "p-noqueues")),)


def at_account() -> tuple[AnyEntity, ...]:
    return (member(policies=(FULL, "p-noqueues")),)


@pytest.mark.parametrize("attach", [at_root, at_unit, at_inner_unit, at_account])
def test_a_deny_at_any_level_binds_the_account(attach: Any) -> None:
    there = world(NO_QUEUES, *attach())
    told = there.refusal(as_user(ANN), "sqs:ListQueues")
    assert told.endswith(f"with an explicit deny in a service control policy: {policy_arn('p-noqueues')}")
    assert there.allows(as_user(ANN), "sns:ListTopics")


@pytest.mark.parametrize(
    ("who", "bound"),
    [
        (as_user(ANN), True),
        (as_root(MEMBER), True),
        (as_role(role("app", allow("*"))), True),
        (as_user(BOSS), False),
        (as_root(MANAGEMENT), False),
        (as_user(EVE), False),
        (as_role(role("AWSServiceRoleForX", allow("*"), path="/aws-service-role/x.amazonaws.com/")), False),
    ],
    ids=["user", "root", "role", "management user", "management root", "stranger", "service-linked role"],
)
def test_whom_an_scp_binds(who: Caller, bound: bool) -> None:
    roles = [role("app", allow("*")), role("AWSServiceRoleForX", allow("*"), path="/aws-service-role/x.amazonaws.com/")]
    there = world(NO_QUEUES, organization(root_policies=(FULL, "p-noqueues")), *roles)
    assert there.allows(who, "sqs:ListQueues") is not bound


@pytest.mark.parametrize(
    "fields",
    [{"policy_types": ()}, {"policy_types": (RCP,)}, {"feature_set": "CONSOLIDATED_BILLING"}],
    ids=["no type", "another type", "billing only"],
)
def test_an_scp_is_in_force_only_where_its_type_is_enabled(fields: dict[str, Any]) -> None:
    there = world(NO_QUEUES, organization(root_policies=("p-noqueues",), **fields))
    assert there.allows(as_user(ANN), "sqs:ListQueues")


def test_every_level_must_allow() -> None:
    there = world(scp("p-onlysns", allow("sns:*")), unit(policies=("p-onlysns",)))
    assert there.allows(as_user(ANN), "sns:ListTopics")
    told = there.refusal(as_user(ANN), "sqs:ListQueues")
    assert told.endswith("because no service control policy allows the sqs:ListQueues action")


def test_a_level_with_nothing_attached_allows_nothing() -> None:
    assert not world(member(policies=())).allows(as_user(ANN), "sns:ListTopics")


def test_policies_of_one_level_add_up() -> None:
    only = [scp("p-a", allow("sns:*")), scp("p-b", allow("sqs:*"))]
    there = world(*only, member(policies=("p-a", "p-b")))
    assert there.allows(as_user(ANN), "sns:ListTopics")
    assert there.allows(as_user(ANN), "sqs:ListQueues")
    assert not there.allows(as_user(ANN), "s3:ListBuckets")


def test_an_scp_that_cannot_be_read_denies_everything() -> None:
    broken = replace(NO_QUEUES, content="{")
    assert not world(broken, member(policies=(FULL, "p-noqueues"))).allows(as_user(ANN), "sns:ListTopics")


def test_no_scp_grants() -> None:
    poor = user("poor")
    assert not world(poor).allows(as_user(poor), "sqs:ListQueues")


def test_an_account_is_freed_by_the_call_that_moves_it() -> None:
    there = world(NO_QUEUES, unit(policies=(FULL, "p-noqueues")))
    assert not there.allows(as_user(ANN), "sqs:ListQueues")
    there.having(member(parent=ROOT))
    assert there.allows(as_user(ANN), "sqs:ListQueues")
    there.having(member())
    assert not there.allows(as_user(ANN), "sqs:ListQueues")


def test_an_account_that_left_is_bound_no_more() -> None:
    there = world(NO_QUEUES, organization(root_policies=(FULL, "p-noqueues")))
    assert not there.allows(as_user(ANN), "sqs:ListQueues")
    there.state = changed(there.state, [remove(member())])
    assert there.allows(as_user(ANN), "sqs:ListQueues")


def test_a_policy_that_was_changed_is_in_force_at_once() -> None:
    there = world(NO_QUEUES, member(policies=(FULL, "p-noqueues")))
    there.having(scp("p-noqueues", deny("sns:*")))
    assert there.allows(as_user(ANN), "sqs:ListQueues")
    assert not there.allows(as_user(ANN), "sns:ListTopics")


def test_an_scp_binds_what_a_resource_policy_grants() -> None:
    there = world(scp("p-nos3", deny("s3:*")), member(policies=(FULL, "p-nos3")))
    there.facts["arn:aws:s3:::theirs"] = ResourceFacts(STRANGER, document(allow("s3:*", Principal={"AWS": ANN.arn})))
    assert not there.allows(as_user(ANN), "s3:GetObject", Bucket="theirs", Key="k")


def test_the_caller_always_learns_who_it_is() -> None:
    there = world(scp("p-nothing", deny("*")), member(policies=("p-nothing",)))
    assert there.allows(as_user(ANN), "sts:GetCallerIdentity")


# --- RCPs -------------------------------------------------------------------------------------------------------

OURS_ONLY = rcp("p-ours", deny("s3:*", Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ID}}))
BUCKET = "arn:aws:s3:::ours"
OPEN = document({**allow("s3:*", [BUCKET, f"{BUCKET}/*"]), "Principal": "*"})


def guarded(*more: AnyEntity, owner: str = MEMBER) -> World:
    there = world(OURS_ONLY, organization(root_policies=(FULL, "p-ours")), *more)
    there.facts[BUCKET] = ResourceFacts(owner, OPEN)
    return there


@pytest.mark.parametrize(
    ("who", "let_in"),
    [(as_user(ANN), True), (as_user(BOSS), True), (as_user(EVE), False), (as_root(STRANGER), False), (NOBODY, False)],
    ids=["own user", "of the organization", "stranger", "strange root", "nobody"],
)
def test_an_rcp_keeps_strangers_off_a_bucket_that_is_open_to_all(who: Caller, let_in: bool) -> None:
    assert guarded().allows(who, "s3:GetObject", Bucket="ours", Key="k") is let_in


def test_rcps_do_not_speak_of_what_the_management_account_owns() -> None:
    assert guarded(owner=MANAGEMENT).allows(as_user(EVE), "s3:GetObject", Bucket="ours", Key="k")


def test_rcps_do_not_follow_a_member_abroad() -> None:
    there = world(rcp("p-none", deny("s3:*")), organization(root_policies=(FULL, "p-none")))
    there.facts[BUCKET] = ResourceFacts(STRANGER, OPEN)
    assert there.allows(as_user(ANN), "s3:GetObject", Bucket="ours", Key="k")


def test_a_stranger_is_not_told_which_rcp_denied() -> None:
    told = guarded().refusal(as_user(EVE), "s3:GetObject", Bucket="ours", Key="k")
    assert told.endswith("with an explicit deny in a resource control policy")


def test_a_member_is_told_which_rcp_denied() -> None:
    there = world(rcp("p-none", deny("s3:*")), unit(policies=(FULL, "p-none")))
    there.facts[BUCKET] = ResourceFacts(MEMBER)
    told = there.refusal(as_user(ANN), "s3:GetObject", Bucket="ours", Key="k")
    arn = policy_arn("p-none", "resource_control_policy")
    assert told.endswith(f"with an explicit deny in a resource control policy: {arn}")


@pytest.mark.parametrize(
    ("action", "resource", "under"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/k", True),
        ("sts:AssumeRole", "arn:aws:iam::111122223333:role/r", True),
        ("SQS:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q", True),
        ("s3:ListAllMyBuckets", "*", False),
        ("iam:GetRole", "arn:aws:iam::111122223333:role/r", False),
        ("ec2:StartInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", False),
        ("sts:AssumeRole", "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", False),
        ("sts:AssumeRole", "arn:aws:iam::111111111111:role/in/aws-service-role/app", True),
    ],
)
def test_what_rcps_speak_of(action: str, resource: str, under: bool) -> None:
    assert rcps_apply(action, resource) is under


def test_an_rcp_stands_above_a_trust_policy() -> None:
    app = role("app", trust=trusting("*"))
    stays = deny("sts:AssumeRole", Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ID}})
    there = world(rcp("p-stay", stays), app, member(policies=(FULL, "p-stay")))
    asked = {"RoleArn": app.arn, "RoleSessionName": "sess"}
    assert there.allows(as_user(BOSS), "sts:AssumeRole", **asked)
    assert not there.allows(as_user(EVE), "sts:AssumeRole", **asked)


# --- condition keys ---------------------------------------------------------------------------------------------


def context(there: World, who: Caller, owner: str) -> dict[str, Any]:
    there.facts[BUCKET] = ResourceFacts(owner, OPEN)
    (ruling,) = there.ask(who, "s3:GetObject", Bucket="ours", Key="k").rulings
    found = ruling.request.context
    names = ("principalorgid", "principalorgpaths", "resourceorgid", "resourceorgpaths", "resourceaccount")
    return {name: found[f"aws:{name}"] for name in names if f"aws:{name}" in found}


@pytest.mark.parametrize(
    ("who", "owner", "wanted"),
    [
        (
            as_user(ANN),
            MANAGEMENT,
            {
                "principalorgid": ID,
                "principalorgpaths": (PATH,),
                "resourceorgid": ID,
                "resourceorgpaths": (f"{ID}/{ROOT}/",),
                "resourceaccount": MANAGEMENT,
            },
        ),
        (as_user(ANN), STRANGER, {"principalorgid": ID, "principalorgpaths": (PATH,), "resourceaccount": STRANGER}),
        (as_user(EVE), MEMBER, {"resourceorgid": ID, "resourceorgpaths": (PATH,), "resourceaccount": MEMBER}),
        (NOBODY, MEMBER, {"resourceorgid": ID, "resourceorgpaths": (PATH,), "resourceaccount": MEMBER}),
    ],
    ids=["within", "to a stranger", "from a stranger", "nobody"],
)
def test_the_keys_of_the_organization(who: Caller, owner: str, wanted: dict[str, Any]) -> None:
    assert context(world(), who, owner) == wanted


def test_the_organization_of_another_one_is_another() -> None:
    other = replace(organization(), account=STRANGER, id="o-other12345")
    theirs = replace(member(STRANGER, ROOT), account=STRANGER)
    found = context(world(other, theirs), as_user(EVE), MEMBER)
    assert found["principalorgid"] == "o-other12345"
    assert found["resourceorgid"] == ID


# --- messages ---------------------------------------------------------------------------------------------------


def test_a_managed_policy_that_denies_is_named_and_an_inline_one_is_not() -> None:
    never = policy("never", deny("sqs:*"))
    ann = user("bea", allow("*"), attached=(never.arn,))
    told = World().having(never, ann).refusal(as_user(ann), "sqs:ListQueues")
    assert told.endswith(f"with an explicit deny in an identity-based policy: {never.arn}")
    inline = user("cid", allow("*"), deny("sqs:*"))
    told = World().having(inline).refusal(as_user(inline), "sqs:ListQueues")
    assert told.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_that_denies_is_named() -> None:
    never = policy("never", allow("*"), deny("sqs:*"))
    ann = user("bea", allow("*"), boundary=never.arn)
    told = World().having(never, ann).refusal(as_user(ann), "sqs:ListQueues")
    assert told.endswith(f"with an explicit deny in a permissions boundary: {never.arn}")


def test_the_explanation_names_the_scp_and_its_level() -> None:
    there = world(NO_QUEUES, unit(policies=(FULL, "p-noqueues")))
    verdict = there.ask(as_user(ANN), "sqs:ListQueues")
    assert verdict.determining == (f"SCP noqueues (p-noqueues) of unit Dev ({DEV})#0",)
    (check,) = verdict.explanation()["checks"]
    assert f"SCP noqueues (p-noqueues) of unit Dev ({DEV})" in check["explanation"]["changes"][0]
    missing = world(scp("p-onlysns", allow("sns:*")), unit(TEAM, DEV, policies=("p-onlysns",)))
    (check,) = missing.ask(as_user(ANN), "sqs:ListQueues").explanation()["checks"]
    (said,) = check["explanation"]["changes"]
    assert "level 3 of 4" in said
    assert f"SCP onlysns (p-onlysns) of unit Team ({TEAM})" in said


# --- root sessions ----------------------------------------------------------------------------------------------

TASK = "arn:aws:iam::aws:policy/root-task/"


def on_task(name: str, account: str = MEMBER) -> Caller:
    session = Session(
        kind=PrincipalKind.ROOT,
        account=account,
        name=account,
        issuer_arn=BOSS.arn,
        issuer_id=BOSS.id,
        issued_at=int(NOW),
        expires_at=int(NOW) + 900,
        policy_arns=(TASK + name,),
    )
    return Caller(Principal.root(account), "ASIAROOT", session)


@pytest.mark.parametrize(
    ("task", "operation", "params", "may"),
    [
        ("IAMAuditRootUserCredentials", "iam:ListAccessKeys", {}, True),
        ("IAMAuditRootUserCredentials", "iam:GetAccountSummary", {}, True),
        ("IAMAuditRootUserCredentials", "iam:GetUser", {}, True),
        ("IAMAuditRootUserCredentials", "iam:ListMFADevices", {}, True),
        ("IAMAuditRootUserCredentials", "iam:ListAccessKeys", {"UserName": "ann"}, False),
        ("IAMAuditRootUserCredentials", "iam:DeleteAccessKey", {"AccessKeyId": "AKIAX"}, False),
        ("IAMAuditRootUserCredentials", "s3:ListBuckets", {}, False),
        ("IAMDeleteRootUserCredentials", "iam:DeleteAccessKey", {"AccessKeyId": "AKIAX"}, True),
        ("IAMDeleteRootUserCredentials", "iam:DeleteLoginProfile", {}, True),
        ("IAMDeleteRootUserCredentials", "iam:DeleteLoginProfile", {"UserName": "ann"}, False),
        ("IAMDeleteRootUserCredentials", "iam:CreateAccessKey", {}, False),
        ("IAMCreateRootUserPassword", "iam:CreateLoginProfile", {}, True),
        ("IAMCreateRootUserPassword", "iam:CreateUser", {"UserName": "x"}, False),
        ("S3UnlockBucketPolicy", "s3:DeleteBucketPolicy", {"Bucket": "locked"}, True),
        ("S3UnlockBucketPolicy", "s3:GetBucketPolicy", {"Bucket": "locked"}, True),
        ("S3UnlockBucketPolicy", "s3:GetObject", {"Bucket": "locked", "Key": "k"}, False),
        ("S3UnlockBucketPolicy", "s3:DeleteBucketPolicy", {"Bucket": "theirs"}, False),
        ("SQSUnlockQueuePolicy", "sqs:ListQueues", {}, True),
        ("SQSUnlockQueuePolicy", "sqs:DeleteQueue", {"QueueUrl": f"https://sqs/{MEMBER}/q"}, False),
    ],
)
def test_a_root_session_does_its_task_and_nothing_else(
    task: str, operation: str, params: dict[str, Any], may: bool
) -> None:
    there = world()
    locked = document({**deny("*"), "Principal": "*"})
    there.facts["arn:aws:s3:::locked"] = ResourceFacts(MEMBER, locked)
    there.facts["arn:aws:s3:::theirs"] = ResourceFacts(STRANGER, OPEN)
    assert there.allows(on_task(task), operation, **params) is may


def test_a_root_session_is_told_that_its_task_denies() -> None:
    told = world().refusal(on_task("S3UnlockBucketPolicy"), "iam:ListUsers")
    assert told.endswith(f"with an explicit deny in a session policy: {TASK}S3UnlockBucketPolicy")


def test_a_root_session_is_marked_so_that_an_scp_can_let_it_through() -> None:
    no_root = deny(
        "*",
        Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}, "Null": {"aws:AssumedRoot": "true"}},
    )
    there = world(scp("p-noroot", no_root), member(policies=(FULL, "p-noroot")))
    assert not there.allows(as_root(MEMBER), "iam:ListAccessKeys")
    assert there.allows(on_task("IAMAuditRootUserCredentials"), "iam:ListAccessKeys")


def test_asking_for_a_root_session_takes_the_permission_on_the_root_user() -> None:
    target, other = f"arn:aws:iam::{MEMBER}:root", "arn:aws:iam::123456789012:root"
    only = {"StringLike": {"sts:TaskPolicyArn": f"{TASK}IAM*"}}
    ben = user("ben", allow("sts:AssumeRoot", target, Condition=only), account=MANAGEMENT)
    there = world(ben)

    def may(principal: str, task: str) -> bool:
        return there.allows(
            as_user(ben), "sts:AssumeRoot", TargetPrincipal=principal, TaskPolicyArn={"arn": TASK + task}
        )

    assert may(MEMBER, "IAMAuditRootUserCredentials")
    assert may(target, "IAMAuditRootUserCredentials")
    assert not may(other, "IAMAuditRootUserCredentials")
    assert not may(MEMBER, "S3UnlockBucketPolicy")


def test_the_owner_s_root_user_unlocks_a_bucket_and_nobody_else_does() -> None:
    there = world(organization(policy_types=()))
    there.facts["arn:aws:s3:::locked"] = ResourceFacts(MEMBER, document({**deny("*"), "Principal": "*"}))
    assert there.allows(as_root(MEMBER), "s3:DeleteBucketPolicy", Bucket="locked")
    assert not there.allows(as_root(MEMBER), "s3:GetObject", Bucket="locked", Key="k")
    assert not there.allows(as_user(ANN), "s3:DeleteBucketPolicy", Bucket="locked")
    assert not there.allows(as_root(STRANGER), "s3:DeleteBucketPolicy", Bucket="locked")


# --- what it costs ----------------------------------------------------------------------------------------------


def test_where_there_is_no_organization_nothing_is_made() -> None:
    assert organization_context(State(), MEMBER) is NO_ORGANIZATION
    assert organization_context(world().state, STRANGER) == NO_ORGANIZATION


def test_what_was_resolved_is_kept_until_something_of_the_organization_changes() -> None:
    there = world()
    first = organization_context(there.state, MEMBER)
    there.having(user("dan"))
    assert organization_context(there.state, MEMBER) is first
    there.having(member(name="renamed"))
    second = organization_context(there.state, MEMBER)
    assert second is not first
    assert [level[0].source.name.rpartition(" of ")[0] for level in second.scps] == [
        "SCP FullAWSAccess (p-FullAWSAccess)"
    ] * 4
    assert second.management is False
    assert organization_context(there.state, MANAGEMENT).management is True
