"""The checks of an audit: what each finds, and what it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from locum.analysis.audit import RULES, Evidence, Exposed, Finding, Use, audited
from locum.analysis.escalation import Worn
from locum.core.clock import DAY
from locum.state import (
    AccessKey,
    Account,
    Instance,
    InstanceProfile,
    LoginProfile,
    Member,
    MetadataOptions,
    MfaDevice,
    Organization,
    ProfileAssociation,
    Role,
    State,
    User,
)
from support.planted import ADMIN, NOW, REGION, Planted, allow, document, found, trust

ACCOUNT = "111122223333"
STRANGER = "999999999999"
OLD = NOW - 200 * DAY
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture
def at() -> Planted:
    return Planted(ACCOUNT)


def evidence(at: Planted, *uses: Use, **more: Any) -> Evidence:
    return Evidence(at.state, NOW, {at.account: uses}, found(at.state), **more)


def of(rule: str, at: Planted, *uses: Use, **more: Any) -> list[Finding]:
    """The findings of one rule."""
    assert rule in RULES
    return [one for one in audited(evidence(at, *uses, **more)) if one.rule == rule]


def use(entity: User | Role, action: str = "s3:GetObject", key: str = "", days: float = 1) -> Use:
    return Use(entity.id, key, action, NOW - days * DAY)


def old(entity: Any, at: Planted, **more: Any) -> Any:
    """`entity` as if it was made long ago."""
    return at.put(replace(entity, created=OLD, **more))


def key_of(at: Planted, user: str, key: str = KEY_ID, *, created: int = OLD, active: bool = True) -> None:
    at.put(AccessKey(account=at.account, id=key, user=user, secret=b"", created=created, active=active))


def instance_of(at: Planted, profile: InstanceProfile | None = None, **more: Any) -> Instance:
    made = Instance(account=at.account, id="i-1", region=REGION, reservation="r-1", state_changed=1, launched=1,
                    zone="a", private_ip="10.0.0.1", **more)  # fmt: skip
    at.put(made)
    if profile is not None:
        at.put(ProfileAssociation(account=at.account, id="iip-1", region=REGION, instance=made.id,
                                  profile=profile.key, profile_id=profile.id, profile_arn=profile.arn,
                                  since=1))  # fmt: skip
    return made


def operations(finding: Finding) -> list[str]:
    return [fix.operation for fix in finding.fixes]


def test_a_role_that_was_not_used_is_deleted_with_what_it_has(at: Planted) -> None:
    role = old(at.role("idle", allow("s3:*", on="arn:aws:s3:::b"), attached=(ADMIN,)), at)
    at.profile(role)
    (finding,) = of("unused-role", at)
    assert operations(finding) == [
        "RemoveRoleFromInstanceProfile",
        "DetachRolePolicy",
        "DeleteRolePolicy",
        "DeleteRole",
    ]
    assert of("unused-role", at, use(role, days=89)) == []
    assert len(of("unused-role", at, use(role, days=91))) == 1


def test_what_is_new_or_service_linked_is_not_unused(at: Planted) -> None:
    at.role("new")
    old(at.role("AWSServiceRoleForX", path="/aws-service-role/x.amazonaws.com/"), at)
    assert of("unused-role", at) == []


def test_a_user_that_was_not_used_loses_its_credentials(at: Planted) -> None:
    user = old(at.user("idle"), at)
    key_of(at, "idle")
    at.put(LoginProfile(account=ACCOUNT, user="idle", created=OLD, changed=OLD))
    (finding,) = of("unused-user", at)
    assert operations(finding) == ["UpdateAccessKey", "DeleteLoginProfile"]
    assert of("unused-user", at, use(user)) == []


def test_a_key_and_a_password_that_were_not_used_are_told_of_a_user_that_was(at: Planted) -> None:
    user = old(at.user("ann"), at)
    key_of(at, "ann")
    at.put(LoginProfile(account=ACCOUNT, user="ann", created=OLD, changed=OLD))
    uses = use(user, key="AKIAOTHER")
    assert [KEY_ID in one.what for one in of("unused-access-key", at, uses)] == [True]
    assert len(of("unused-password", at, uses)) == 1
    assert of("unused-access-key", at, use(user, key=KEY_ID)) == []
    at.put(LoginProfile(account=ACCOUNT, user="ann", created=OLD, changed=OLD, used=NOW - DAY))
    assert of("unused-password", at, uses) == []


def test_an_old_key_in_use_is_to_be_rotated(at: Planted) -> None:
    user = old(at.user("ann"), at)
    key_of(at, "ann")
    assert len(of("old-access-key", at, use(user, key=KEY_ID))) == 1
    key_of(at, "ann", active=False)
    assert of("old-access-key", at, use(user, key=KEY_ID)) == []
    key_of(at, "ann", created=NOW - 80 * DAY)
    assert of("old-access-key", at, use(user, key=KEY_ID)) == []


def test_keys_of_root_users_are_told_and_that_of_the_installation_is_its_own(at: Planted) -> None:
    assert of("root-access-key", at) == []
    key_of(at, "")
    assert [one.severity for one in of("root-access-key", at)] == ["high"]
    at.put(Account(account=ACCOUNT, created=1, founding=True))
    (finding,) = of("root-access-key", at)
    assert (finding.severity, finding.fixes) == ("low", ())


def test_a_password_without_a_device_is_told(at: Planted) -> None:
    at.user("ann")
    assert of("password-without-mfa", at) == []
    at.put(LoginProfile(account=ACCOUNT, user="ann", created=NOW, changed=NOW))
    assert len(of("password-without-mfa", at)) == 1
    at.put(MfaDevice(account=ACCOUNT, name="ann", seed=b"", created=1, user="ann", enabled=1))
    assert of("password-without-mfa", at) == []


def test_profiles_that_nobody_wears_or_without_a_role_are_told(at: Planted) -> None:
    profile = old(at.profile(at.role("web")), at)
    assert [operations(one) for one in of("unused-profile", at)] == [
        ["RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"]
    ]
    instance_of(at, profile)
    assert of("unused-profile", at) == []
    old(profile, at, roles=())
    (finding,) = of("profile-without-role", at)
    assert finding.fixes == ()  # an instance wears it


def test_metadata_without_a_token_is_told_of_instances_that_are_there(at: Planted) -> None:
    instance_of(at)
    assert of("imdsv1-allowed", at) == []
    instance_of(at, metadata=MetadataOptions(tokens="optional"))
    (finding,) = of("imdsv1-allowed", at)
    assert finding.fixes[0].params["HttpTokens"] == "required"
    instance_of(at, metadata=MetadataOptions(tokens="optional", endpoint="disabled"))
    assert of("imdsv1-allowed", at) == []
    instance_of(at, metadata=MetadataOptions(tokens="optional"), state="terminated")
    assert of("imdsv1-allowed", at) == []


def test_a_role_that_different_applications_wear_is_told(at: Planted) -> None:
    role = at.role("Both")
    at.profile(role)
    assert of("shared-role", at) == []
    function = Worn("lambda:function", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", "f", role.arn)
    (finding,) = of("shared-role", at, worn=(function,))
    assert finding.resource == role.arn
    assert "instance profile Both, lambda function f" in finding.what
    instance = Worn("ec2:instance", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", "i-1", role.arn)
    assert of("shared-role", at, worn=(instance,)) == []  # by the profile that was counted


@pytest.mark.parametrize("who", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111122223333:root", "*"]}])
def test_a_role_that_anybody_can_assume_is_told_unless_something_says_who(at: Planted, who: Any) -> None:
    statement = {"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}
    at.role("open", trust=document(statement))
    (finding,) = of("trust-of-anyone", at)
    assert json.loads(finding.fixes[0].params["PolicyDocument"])["Statement"][0]["Effect"] == "Deny"
    for condition in ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, {"StringLike": {"aws:PrincipalArn": "arn:x*"}}):
        at.role("open", trust=document({**statement, "Condition": condition}))
        assert of("trust-of-anyone", at) == []
    for condition in ({"StringLike": {"aws:PrincipalOrgID": "*"}}, {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
                      {"Bool": {"aws:SecureTransport": "true"}}):  # fmt: skip
        at.role("open", trust=document({**statement, "Condition": condition}))
        assert len(of("trust-of-anyone", at)) == 1, condition


def organized(at: Planted, *members: str) -> None:
    at.put(
        Organization(
            account=ACCOUNT,
            id="o-1",
            root="r-1",
            created=1,
        )
    )
    for member in (ACCOUNT, *members):  # the management account is a member as well
        at.put(Account(account=member, created=1))
        at.put(Member(account=ACCOUNT, id=member, parent="r-1", joined=1, name=member, email=f"{member}@example.com"))


def test_strangers_are_told_and_lose_their_place_in_the_trust_policy(at: Planted) -> None:
    own = at.user("own")
    at.role("shared", trust=trust(aws=[STRANGER, own.id]))
    (finding,) = of("trust-of-stranger", at)
    assert (finding.severity, STRANGER in finding.what) == ("high", True)
    (statement,) = json.loads(finding.fixes[0].params["PolicyDocument"])["Statement"]
    assert statement["Principal"] == {"AWS": [own.arn]}


def test_the_accounts_of_the_organization_are_no_strangers(at: Planted) -> None:
    organized(at, STRANGER)
    at.role("shared", trust=trust(aws=STRANGER))
    assert of("trust-of-stranger", at) == []
    assert of("trust-without-external-id", at) == []
    at.put(Account(account="888888888888", created=1))
    at.role("shared", trust=trust(aws="888888888888"))
    assert [one.severity for one in of("trust-of-stranger", at)] == ["medium"]


def test_a_third_party_without_an_external_id_is_told(at: Planted) -> None:
    at.role("shared", trust=trust(aws=f"arn:aws:iam::{STRANGER}:role/vendor"))
    (finding,) = of("trust-without-external-id", at)
    changed = finding.fixes[0].params["PolicyDocument"]
    at.role("shared", trust=changed)
    assert of("trust-without-external-id", at) == []
    assert len(of("trust-of-stranger", at)) == 1


def test_a_service_is_to_say_for_whom_where_aws_recommends_it(at: Planted) -> None:
    at.role("machine", trust=trust(service="states.amazonaws.com"))
    (finding,) = of("service-trust-without-source", at)
    changed = finding.fixes[0].params["PolicyDocument"]
    assert json.loads(changed)["Statement"][0]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    at.role("machine", trust=changed)
    assert of("service-trust-without-source", at) == []
    at.role("machine", trust=trust(service="ec2.amazonaws.com"))
    assert of("service-trust-without-source", at) == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (allow("*"), "all-actions"),
        (allow("*:*"), "all-actions"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "all-actions"),
        (allow("s3:*"), "all-actions-of-a-service"),
        (allow("s3:PutObject"), "writes-on-everything"),
        ({"Effect": "Allow", "Action": "s3:Delete*", "NotResource": "arn:aws:s3:::b"}, "writes-on-everything"),
    ],
)
def test_a_policy_without_bounds_is_told_once_by_the_severest_rule(
    at: Planted, statement: dict[str, Any], rule: str
) -> None:
    at.user("ann", statement)
    broad = ("all-actions", "all-actions-of-a-service", "writes-on-everything")
    assert [one.rule for one in audited(evidence(at)) if one.rule in broad] == [rule]


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:GetObject"),
        allow("s3:*", on="arn:aws:s3:::b/*"),
        allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        allow("ec2:DescribeInstances", "sts:GetCallerIdentity"),
    ],
)
def test_a_policy_with_bounds_is_left_alone(at: Planted, statement: dict[str, Any]) -> None:
    at.user("ann", statement)
    broad = ("all-actions", "all-actions-of-a-service", "writes-on-everything")
    assert [one for one in audited(evidence(at)) if one.rule in broad] == []


def test_permissions_that_were_not_used_are_told_of_those_who_were(at: Planted) -> None:
    user = at.user("ann", allow("sqs:SendMessage", "sqs:ReceiveMessage", "sns:Publish", on="arn:aws:sqs:::q"))
    (finding,) = of("unused-permissions", at, use(user, "sqs:SendMessage"))
    assert "sns:*, sqs:ReceiveMessage" in finding.what
    every = (use(user, action) for action in ("sqs:SendMessage", "sqs:ReceiveMessage", "sns:Publish"))
    assert of("unused-permissions", at, *every) == []
    assert of("unused-permissions", at) == []  # unused as a whole


def test_a_path_is_told_with_its_steps_and_is_gone_once_it_is_mended(at: Planted) -> None:
    user = at.user("mallory", allow("iam:PutUserPolicy"))
    (finding,) = of("escalation-path", at)
    assert (finding.severity, len(finding.steps)) == ("high", 1)
    (fix,) = finding.fixes
    assert fix.operation == "PutUserPolicy"
    inline = {**user.inline, fix.params["PolicyName"]: fix.params["PolicyDocument"]}
    at.user("mallory", inline=inline)
    assert of("escalation-path", at) == []


def test_a_key_in_a_text_is_named_by_its_id_and_deactivated_where_it_is_known(at: Planted) -> None:
    at.user("ann")
    exposed = Exposed(ACCOUNT, "arn:aws:ssm:::parameter/x", "the parameter", (KEY_ID,))
    (finding,) = of("long-lived-key", at, exposed=(exposed,))
    assert KEY_ID in finding.what
    assert finding.fixes == ()
    key_of(at, "ann")
    assert [operations(one) for one in of("long-lived-key", at, exposed=(exposed,))] == [["UpdateAccessKey"]]


def test_the_id_of_a_finding_stays_as_long_as_it_is_there(at: Planted) -> None:
    old(at.role("idle"), at)
    before = {one.id for one in audited(evidence(at))}
    later = Evidence(at.state, NOW + 40 * DAY)
    assert before <= {one.id for one in audited(later)}
    assert len(before) == 1


def test_an_empty_plane_has_no_findings() -> None:
    assert audited(Evidence(State(), NOW)) == []


def test_administrators_of_one_account_who_are_those_of_another_are_told_but_for_the_management_account() -> None:
    theirs = Planted(STRANGER)
    theirs.user("boss", attached=(ADMIN,))
    theirs.user("other", attached=(ADMIN,))
    at = Planted(ACCOUNT, theirs.state)
    at.admin_role("top", trust=trust(aws=STRANGER))
    (finding,) = of("administrators-of-another-account", at)
    assert (finding.resource, finding.account) == (at.arn("role", "top"), ACCOUNT)
    assert f"{STRANGER}:user/boss" in finding.what
    at.put(Organization(account=STRANGER, id="o-1", root="r-1", created=1))
    at.put(Member(account=STRANGER, id=ACCOUNT, parent="r-1", joined=1, name="a", email="a@example.com"))
    assert of("administrators-of-another-account", at) == []
