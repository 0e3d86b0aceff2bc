"""Who can do something: who is listed, and the conditions in words of policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.analysis.asked import service_of
from locum.analysis.openly import Condition
from locum.core.arn import Arn
from locum.core.errors import ConfigurationError
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import Role
from support.small_worlds import (
    BUCKET,
    NOT_HERE,
    ONE,
    OUTSIDE,
    TWO,
    allow,
    answer_for,
    bucket,
    deny,
    document,
    found,
    group,
    managed,
    organized,
    role,
    trusting,
    user,
    verdicts,
    world,
)

ROOT, OBJECT = f"arn:aws:iam::{ONE}:root", f"{BUCKET}/k"
GET = "s3:GetObject"
PLAIN = bucket()


def arn(name: str, kind: str = "role", account: str = ONE) -> str:
    return f"arn:aws:iam::{account}:{kind}/{name}"


def others(of: Any) -> dict[str, str]:
    """The verdicts without that of the root user of the owner."""
    return {name: verdict for name, verdict in verdicts(of).items() if name != ROOT}


def test_identity_policies_and_those_of_groups_let_and_nothing_else_does() -> None:
    state = world(
        role("reader", allow("s3:Get*", f"{BUCKET}/*")),
        role("writer", allow("s3:PutObject", f"{BUCKET}/*")),
        role("elsewhere", allow(GET, "arn:aws:s3:::other/*")),
        role("far", allow("*"), account=OUTSIDE),
        group("staff", allow("s3:*")),
        user("ann", groups=("staff",)),
        user("bob"),
    )
    listed = found(state, GET, OBJECT, PLAIN)
    assert verdicts(listed) == {ROOT: "allowed", arn("reader"): "allowed", arn("ann", "user"): "allowed"}
    assert [one.principal for one in listed.found] == sorted(verdicts(listed), key=lambda it: it.split(":", 5)[5])


def test_a_condition_on_a_key_that_is_not_given_is_told_with_its_statement() -> None:
    inside = {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}, "Bool": {"aws:SecureTransport": "true"}}
    state = world(role("office", allow(GET, OBJECT, Sid="FromOffice", Condition=inside)))
    answer = answer_for(found(state, GET, OBJECT, PLAIN), arn("office"))
    assert answer.verdict == "conditional"
    (((clause,),),) = answer.when
    assert (clause.type, clause.policy, clause.statement) == ("identity-based policy", 'inline policy "own"', 0)
    assert clause.sid == "FromOffice"
    assert clause.conditions == (
        Condition("IpAddress", "aws:SourceIp", ("10.0.0.0/8", "192.168.0.0/16")),
        Condition("Bool", "aws:SecureTransport", ("true",)),
    )
    assert answer.keys == ("aws:SecureTransport", "aws:SourceIp")
    assert answer.unless == ()


def test_keys_that_are_given_decide_and_leave_the_others_open() -> None:
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "Bool": {"aws:SecureTransport": "true"}}
    state = world(role("office", allow(GET, OBJECT, Condition=inside)))
    near = [("AWS:sourceip", "10.1.2.3")]
    assert answer_for(found(state, GET, OBJECT, PLAIN, near), arn("office")).keys == ("aws:SecureTransport",)
    assert others(found(state, GET, OBJECT, PLAIN, [*near, ("aws:SecureTransport", "true")])) == {
        arn("office"): "allowed"
    }
    assert others(found(state, GET, OBJECT, PLAIN, [("aws:SourceIp", "11.0.0.1")])) == {}
    assert others(found(state, GET, OBJECT, PLAIN, [], ["aws:SourceIp"])) == {}


def test_a_key_given_several_times_has_several_values() -> None:
    through = {"ForAllValues:StringEquals": {"aws:CalledVia": ["a.amazonaws.com", "b.amazonaws.com"]}}
    state = world(role("through", allow(GET, OBJECT, Condition=through)))
    both = [("aws:CalledVia", "a.amazonaws.com"), ("aws:CalledVia", "b.amazonaws.com")]
    assert others(found(state, GET, OBJECT, PLAIN, both)) == {arn("through"): "allowed"}
    assert others(found(state, GET, OBJECT, PLAIN, [*both, ("aws:CalledVia", "c.amazonaws.com")])) == {}


def test_a_deny_that_may_hit_is_told_as_what_must_not_apply() -> None:
    no_mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    state = world(user("ann", allow("*"), deny("*", Sid="NoMfa", Condition=no_mfa)))
    answer = answer_for(found(state, GET, OBJECT, PLAIN), arn("ann", "user"))
    (clause,) = answer.unless
    assert (clause.sid, clause.conditions) == (
        "NoMfa",
        (Condition("BoolIfExists", "aws:MultiFactorAuthPresent", ("false",)),),
    )
    assert answer.when == ()
    assert arn("ann", "user") not in verdicts(
        found(state, GET, OBJECT, PLAIN, [("aws:MultiFactorAuthPresent", "false")])
    )
    assert others(found(state, GET, OBJECT, PLAIN, [("aws:MultiFactorAuthPresent", "true")])) == {
        arn("ann", "user"): "allowed"
    }
    assert others(found(state, GET, OBJECT, PLAIN, [], ["aws:MultiFactorAuthPresent"])) == {}


def test_boundaries_and_scps_limit_and_their_conditions_are_needed_as_well() -> None:
    near = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    limit = managed("limit", allow("s3:*", "*", Condition=near))
    none = managed("none", allow("ec2:*"))
    state = world(
        limit,
        none,
        role("bounded", allow(GET), boundary=limit.arn),
        role("stopped", allow(GET), boundary=none.arn),
        role("gone", allow(GET), boundary=arn("not-there", "policy")),
        *organized(document(deny("*", Sid="Frozen", Condition={"Null": {"aws:Referer": "true"}}))),
    )
    listed = found(state, GET, OBJECT, PLAIN)
    answer = answer_for(listed, arn("bounded"))
    assert [clause.type for ((clause,),) in answer.when] == ["permissions boundary"]
    assert [(clause.type, clause.sid) for clause in answer.unless] == [("service control policy", "Frozen")]
    assert verdicts(listed) == {ROOT: "conditional", arn("bounded"): "conditional"}


def test_scps_spare_the_management_account_and_service_linked_roles() -> None:
    linked = role("AWSServiceRoleForX", allow(GET), path="/aws-service-role/x.amazonaws.com/")
    state = world(
        linked, role("member", allow(GET)), role("manager", allow(GET), account=TWO), *organized(document(deny("s3:*")))
    )
    open_to_both = bucket({"Effect": "Allow", "Principal": {"AWS": [ONE, TWO]}, "Action": GET, "Resource": OBJECT})
    assert verdicts(found(state, GET, OBJECT, open_to_both)) == {
        linked.arn: "allowed",
        arn("manager", account=TWO): "allowed",
        f"arn:aws:iam::{TWO}:root": "allowed",
    }


def test_rcps_deny_principals_of_all_accounts() -> None:
    strangers = {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-small"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    rcp = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": strangers}
    state = world(role("far", allow("*"), account=OUTSIDE), role("near", allow(GET)), *organized("", document(rcp)))
    shared = bucket({"Effect": "Allow", "Principal": {"AWS": [OUTSIDE]}, "Action": GET, "Resource": OBJECT})
    assert others(found(state, GET, OBJECT, shared)) == {arn("near"): "allowed"}
    assert arn("far", account=OUTSIDE) in verdicts(found(world(*state.every(Role)), GET, OBJECT, shared))


def test_a_resource_policy_lets_services_the_public_and_other_accounts() -> None:
    policy = [
        {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "s3:*", "Resource": OBJECT,
         "Condition": {"StringEquals": {"aws:SourceAccount": ONE}}},
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{NOT_HERE}:role/team/app"}, "Action": GET,
         "Resource": OBJECT},
    ]  # fmt: skip
    listed = found(world(), GET, OBJECT, bucket(*policy))
    assert {one.principal: (one.kind, one.answer.verdict) for one in listed.found} == {
        ROOT: ("root", "allowed"),
        "logs.amazonaws.com": ("service", "conditional"),
        f"arn:aws:iam::{NOT_HERE}:role/team/app": ("elsewhere", "conditional"),
    }
    assert answer_for(listed, "logs.amazonaws.com").keys == ("aws:SourceAccount",)
    public = {"Effect": "Allow", "Principal": "*", "Action": GET, "Resource": OBJECT}
    listed = found(world(role("far", account=OUTSIDE)), GET, OBJECT, bucket(public))
    told = {one.kind: one.answer.verdict for one in listed.found}
    assert told["public"] == "allowed"
    assert told["elsewhere"] == "conditional"
    assert arn("far", account=OUTSIDE) not in verdicts(listed)  # its own account does not let it


def test_either_of_two_policies_is_a_way_and_each_is_told() -> None:
    state = world(role("app", allow(GET, OBJECT, Condition={"Bool": {"aws:SecureTransport": "true"}})))
    named = {"Effect": "Allow", "Principal": {"AWS": arn("app")}, "Action": GET, "Resource": OBJECT,
             "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}  # fmt: skip
    answer = answer_for(found(state, GET, OBJECT, bucket(named)), arn("app"))
    assert sorted(clause.type for ((clause,),) in answer.when) == ["identity-based policy", "resource-based policy"]


def test_trust_policies_tell_who_can_assume_a_role() -> None:
    external = {"StringEquals": {"sts:ExternalId": "secret"}}
    state = world(
        role("app", trust=trusting({"AWS": [OUTSIDE, "AIDA1111ANN"]}, Condition=external)),
        role("by-account", trust=trusting({"AWS": ONE})),
        user("ann"),
        user("bob", allow("sts:AssumeRole")),
        role("far", allow("sts:AssumeRole", arn("app")), account=OUTSIDE),
        role("farther", account=OUTSIDE),
        role("web", trust=trusting({"Federated": "accounts.google.com"}, "sts:AssumeRoleWithWebIdentity")),
    )
    assert verdicts(found(state, "sts:AssumeRole", arn("app"))) == {
        arn("ann", "user"): "conditional",
        arn("far", account=OUTSIDE): "conditional",
    }
    assert verdicts(found(state, "sts:AssumeRole", arn("app"), given=[("sts:ExternalId", "secret")])) == {
        arn("ann", "user"): "allowed",
        arn("far", account=OUTSIDE): "allowed",
    }
    assert verdicts(found(state, "sts:AssumeRole", arn("by-account"))) == {arn("bob", "user"): "allowed"}
    assert verdicts(found(state, "sts:AssumeRoleWithWebIdentity", arn("web"))) == {"accounts.google.com": "allowed"}
    assert verdicts(found(state, "sts:AssumeRole", arn("web"))) == {}
    everyone = world(role("open", trust=trusting({"AWS": "*"})), user("ann"))
    told = {one.kind for one in found(everyone, "sts:AssumeRole", arn("open")).found}
    assert told == {"user", "role", "elsewhere"}  # and not the public: the call is signed; nor a root user


def test_keys_and_their_grants_are_decided_on_as_calls_are() -> None:
    key = f"arn:aws:kms:us-east-1:{ONE}:key/1"
    account = {"Effect": "Allow", "Principal": {"AWS": ONE}, "Action": "kms:*", "Resource": "*"}
    grants = [{"GrantId": "g1", "GranteePrincipal": arn("granted"), "Operations": ["Decrypt"]}]
    facts = ResourceFacts(ONE, document(account), attributes={"grants": json.dumps(grants)})
    state = world(role("granted"), role("other"), role("own", allow("kms:Decrypt", key)))
    listed = found(state, "kms:Decrypt", key, lambda _arn: facts)
    assert verdicts(listed) == {ROOT: "allowed", arn("granted"): "allowed", arn("own"): "allowed"}


def test_tags_of_a_resource_and_of_a_user_are_known() -> None:
    same = {"StringEquals": {"s3:ExistingObjectTag/team": "${aws:PrincipalTag/team}"}}
    state = world(
        user("red", allow(GET, "*", Condition=same), tags={"Team": "red"}),
        user("blue", allow(GET, "*", Condition=same), tags={"Team": "blue"}),
        role("red", allow(GET, "*", Condition=same), tags={"team": "red"}),
        role("any", allow(GET, "*", Condition=same), trust=trusting({"AWS": ONE}, "sts:TagSession", "sts:AssumeRole")),
    )
    listed = found(state, GET, OBJECT, bucket(tags={"team": "red"}))
    assert others(listed) == {
        arn("red", "user"): "allowed",
        arn("red"): "allowed",
        arn("any"): "conditional",  # whoever assumes it may pass a tag
    }


@pytest.mark.parametrize(
    ("action", "resource", "why"),
    [
        ("s3:GetObjects", OBJECT, "has no action s3:GetObjects"),
        ("s3:Get*", OBJECT, "has no action"),
        ("nothing", OBJECT, "has no action"),
        (GET, "bkt/k", "is no ARN"),
        (GET, "arn:aws:s3:::none/k", "no bucket"),
        ("sts:AssumeRole", "arn:aws:iam::*:role/app", "which service and account"),
        (GET, "arn:aws:s3:::bkt/?", "written as a *"),
        (GET, f"arn:aws:s3:us-east-1:{ONE}:accesspoint/a/object/k", "access point"),
        ("sts:GetCallerIdentity", arn("app"), "no resource-level permissions"),
        ("sts:AssumeRole", arn("*"), "its own policy decides"),
        ("kms:Decrypt", f"arn:aws:kms:us-east-1:{ONE}:key/*", "its own policy decides"),
        (GET, "arn:aws:s3:::bk*/k", "no bucket"),
    ],
)
def test_what_is_no_question_is_refused(action: str, resource: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why.replace("*", r"\*")):
        found(world(), action, resource, PLAIN)


def test_a_note_tells_what_the_answer_takes_for_granted() -> None:
    state = world(role("app", allow("*")))
    assert found(state, GET, OBJECT, PLAIN).note == ""
    assert "are not looked at" in found(state, GET, "*", PLAIN).note
    queues = found(state, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ONE}:*")
    assert "it is not known which they are" in queues.note
    assert verdicts(queues)[arn("app")] == "allowed"
    assert "taken to be of the caller's" in found(state, "route53:GetHostedZone", "arn:aws:route53:::hostedzone/Z").note


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ([("aws:PrincipalArn", arn("app"))], []),
        ([("aws:username", "ann")], []),
        ([("aws:ResourceAccount", ONE)], []),
        ([("SourceIp", "10.0.0.1")], []),
        ([("aws:SourceIp", "10.0.0.1")], ["aws:SourceIP"]),
        ([], ["aws:PrincipalAccount"]),
    ],
)
def test_keys_that_follow_from_who_and_what_are_not_given(given: list[tuple[str, str]], absent: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        found(world(), GET, OBJECT, PLAIN, given, absent)


def test_an_action_without_resources_is_asked_on_everything() -> None:
    state = world(role("all", allow("ec2:Describe*")), role("one", allow("ec2:*", f"arn:aws:ec2:*:{ONE}:instance/*")))
    assert others(found(state, "ec2:DescribeInstances", "*"))[arn("all")] == "allowed"
    assert arn("one") not in verdicts(found(state, "ec2:DescribeInstances", "*"))


# --- what it costs -------------------------------------------------------------------------------------------------


def many(count: int, *statements: dict[str, Any], **more: Any) -> list[Any]:
    return [role(f"r{number}", *statements, **more) for number in range(count)]


def test_principals_with_the_same_policies_are_decided_on_once() -> None:
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    listed = found(world(*many(2_000, allow(GET, OBJECT, Condition=inside))), GET, OBJECT, PLAIN)
    assert len(listed.found) == 2_001
    assert listed.candidates == 2_003
    assert listed.decisions < 30


def test_principals_with_the_same_tag_are_decided_on_once_and_those_with_another_again() -> None:
    same = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    teams = [
        role(f"r{n}", allow(GET, OBJECT, Condition=same), tags={"team": ("red", "blue")[n % 2]}) for n in range(500)
    ]
    listed = found(world(*teams), GET, OBJECT, PLAIN)
    assert len(listed.found) == 251
    assert listed.decisions < 20


def test_principals_whose_policies_are_about_something_else_are_not_decided_on() -> None:
    alone = [role(f"r{n}", allow(GET, f"arn:aws:s3:::other/{n}/*")) for n in range(500)]
    assert found(world(*alone), GET, OBJECT, PLAIN).decisions < 20
    alone = [role(f"r{n}", allow("s3:PutObject", f"{BUCKET}/{n}*")) for n in range(500)]
    assert found(world(*alone), GET, OBJECT, PLAIN).decisions < 20


# --- attacks: other names, other accounts, input without end ---------------------------------------------------------


def test_attack_a_role_of_another_account_needs_both_sides() -> None:
    shared = bucket(
        {"Effect": "Allow", "Principal": {"AWS": arn("far", account=OUTSIDE)}, "Action": GET, "Resource": OBJECT}
    )
    allowed = world(role("far", allow(GET, f"{BUCKET}/*"), account=OUTSIDE))
    assert others(found(allowed, GET, OBJECT, shared)) == {arn("far", account=OUTSIDE): "allowed"}
    assert others(found(allowed, GET, OBJECT, PLAIN)) == {}
    assert others(found(world(role("far", account=OUTSIDE)), GET, OBJECT, shared)) == {}


@pytest.mark.parametrize(
    "name", ["arn:aws:iam::111111111111:role/*", "arn:aws:iam::111111111111:role/APP", "AROA1111OTHER"]
)
def test_attack_a_principal_is_no_pattern_and_has_its_case(name: str) -> None:
    named = bucket({"Effect": "Allow", "Principal": {"AWS": name}, "Action": GET, "Resource": OBJECT})
    assert others(found(world(role("app")), GET, OBJECT, named)) == {}


def test_attack_who_is_named_is_not_taken_for_another_with_the_same_policies() -> None:
    """Roles with the same policies are decided on together, but for those that the resource's policy names."""
    both = [role("app", allow("ec2:*")), role("twin", allow("ec2:*"))]
    named = bucket({"Effect": "Allow", "Principal": {"AWS": arn("app")}, "Action": GET, "Resource": OBJECT})
    assert others(found(world(*both), GET, OBJECT, named)) == {arn("app"): "allowed"}
    assert others(found(world(*reversed(both)), GET, OBJECT, named)) == {arn("app"): "allowed"}
    by_id = bucket({"Effect": "Deny", "Principal": {"AWS": "AROA1111APP"}, "Action": GET, "Resource": OBJECT})
    both = [role("app", allow("s3:*")), role("twin", allow("s3:*"))]
    assert others(found(world(*both), GET, OBJECT, by_id)) == {arn("twin"): "allowed"}


def test_attack_not_principal_spares_only_whom_it_lists_wholly() -> None:
    listed = [ONE, arn("ann", "user"), arn("app"), f"arn:aws:sts::{ONE}:assumed-role/app/run"]
    policy = bucket({"Effect": "Deny", "NotPrincipal": {"AWS": listed}, "Action": "s3:*", "Resource": OBJECT})
    limit = managed("limit", allow("*"))
    state = world(
        limit,
        user("ann", allow("s3:*")),
        user("bob", allow("s3:*")),
        role("app", allow("s3:*")),
        user("bounded", allow("s3:*"), boundary=limit.arn),
    )
    assert others(found(state, GET, OBJECT, policy)) == {
        arn("ann", "user"): "allowed",
        f"arn:aws:sts::{ONE}:assumed-role/app/run": "allowed",
    }


def test_attack_not_action_and_not_resource_grant_and_deny_what_they_leave_out() -> None:
    state = world(
        role("not-action", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        role("not-this", {"Effect": "Allow", "NotAction": "s3:get*", "Resource": "*"}),
        role("not-there", {"Effect": "Allow", "Action": "s3:*", "NotResource": f"{BUCKET}/*"}),
        role("kept-out", allow("s3:*"), {"Effect": "Deny", "Action": "*", "NotResource": f"{BUCKET}/public/*"}),
        role("let-in", allow("s3:*"), {"Effect": "Deny", "Action": "*", "NotResource": f"{BUCKET}/k*"}),
    )
    assert others(found(state, GET, OBJECT, PLAIN)) == {arn("not-action"): "allowed", arn("let-in"): "allowed"}


def test_attack_policy_variables_are_those_of_each_principal() -> None:
    home = allow(GET, f"{BUCKET}/${{aws:username}}/*")
    team = allow(GET, f"{BUCKET}/${{aws:PrincipalTag/team}}/*")
    trust = trusting({"AWS": ONE}, "sts:AssumeRole", "sts:TagSession")
    state = world(
        user("ann", home),
        user("bob", home),
        role("ann", home),
        user("carl", team, tags={"team": "ann"}),
        user("dora", team, tags={"team": "*"}),
        role("tagged", team, trust=trust),
        role("apart", allow(GET, "arn:aws:s3:::other/${aws:PrincipalTag/team}/*"), trust=trust),
    )
    listed = found(state, GET, f"{BUCKET}/ann/x", PLAIN)
    assert others(listed) == {
        arn("ann", "user"): "allowed",
        arn("carl", "user"): "allowed",
        arn("tagged"): "conditional",
    }
    (((clause,),),) = answer_for(listed, arn("tagged")).when
    assert clause.conditions == (Condition("Resource", "", (f"{BUCKET}/${{aws:PrincipalTag/team}}/*",)),)
    either = world(role("app", allow(GET, [f"{BUCKET}/${{aws:userid}}", f"{BUCKET}/${{aws:PrincipalAccount}}"])))
    assert others(found(either, GET, f"{BUCKET}/{ONE}", PLAIN)) == {arn("app"): "allowed"}


def test_attack_a_session_that_is_named_may_more_or_less_than_its_role() -> None:
    name = f"arn:aws:sts::{ONE}:assumed-role/app/run"
    one = {"Principal": {"AWS": name}, "Action": GET, "Resource": OBJECT}
    state = world(role("app", allow("s3:*")), role("bare"))
    assert others(found(state, GET, OBJECT, bucket({"Effect": "Allow", **one}))) == {arn("app"): "allowed"}
    denied = found(state, GET, OBJECT, bucket({"Effect": "Deny", **one}))
    assert others(denied) == {arn("app"): "conditional"}
    (clause,) = answer_for(denied, arn("app")).unless
    assert clause.conditions == (Condition("Principal", "", (name,)),)
    alone = {**one, "Principal": {"AWS": name.replace("/app/", "/bare/")}, "Effect": "Allow"}
    assert others(found(state, GET, OBJECT, bucket(alone)))[name.replace("/app/", "/bare/")] == "allowed"
    assert arn("bare") not in verdicts(found(state, GET, OBJECT, bucket(alone)))


def test_attack_the_name_of_a_session_is_not_known() -> None:
    mine = {"StringLike": {"aws:userid": "*:root-of-all"}}
    state = world(role("app", allow(GET, OBJECT, Condition=mine)))
    assert answer_for(found(state, GET, OBJECT, PLAIN), arn("app")).keys == ("aws:userid",)


def test_attack_an_arn_with_unknown_parts_is_every_one_of_them() -> None:
    state = world(
        role("all", allow(GET, f"{BUCKET}/*")),
        role("some", allow(GET, f"{BUCKET}/public/*")),
        role("kept-out", allow(GET), deny(GET, f"{BUCKET}/secret/*")),
        role("elsewhere", allow(GET, "arn:aws:s3:::other/*")),
        role("denied", allow(GET), deny("s3:*", f"{BUCKET}/*")),
    )
    listed = found(state, GET, f"{BUCKET}/*", PLAIN)
    assert others(listed) == {arn("all"): "allowed", arn("some"): "conditional", arn("kept-out"): "conditional"}
    (clause,) = answer_for(listed, arn("kept-out")).unless
    assert clause.conditions == (Condition("Resource", "", (f"{BUCKET}/secret/*",)),)
    anything = found(state, GET, "*")
    assert anything.note
    assert verdicts(anything)[arn("all")] == "conditional"


def test_attack_thousands_of_conditions_take_one_look_each() -> None:
    conditions = {"StringEquals": {f"aws:RequestTag/t{number}": str(number) for number in range(3_000)}}
    statements = [allow(GET, OBJECT, Condition={"StringEquals": {f"aws:RequestTag/k{n}": "1"}}) for n in range(1_000)]
    state = world(role("one", allow(GET, OBJECT, Condition=conditions)), role("many", *statements))
    listed = found(state, GET, OBJECT, PLAIN)
    assert len(answer_for(listed, arn("one")).keys) == 3_000
    assert len(answer_for(listed, arn("many")).keys) == 1_000
    assert listed.decisions < 20
    assert arn("many") in verdicts(found(state, GET, OBJECT, PLAIN, [("aws:RequestTag/K7", "1")]))


def test_attack_an_impossible_policy_of_a_role_denies() -> None:
    broken = Role(account=ONE, name="broken", id="AROABROKEN", created=0, trust="", inline={"own": "{"})
    assert others(found(world(broken), GET, OBJECT, PLAIN)) == {}


def test_the_facts_of_a_resource_are_asked_of_it_alone() -> None:
    asked: list[str] = []

    def facts(arn: str) -> ResourceFacts:
        asked.append(arn)
        return ResourceFacts(ONE) if Arn.parse(arn).resource.startswith("bkt") else UNKNOWN

    found(world(role("app", allow("*"))), GET, OBJECT, facts)
    assert set(asked) == {OBJECT}


def test_attack_a_grant_with_a_constraint_is_told_with_it() -> None:
    key = f"arn:aws:kms:us-east-1:{ONE}:key/1"
    grant = {"GrantId": "g1", "GranteePrincipal": arn("granted"), "Operations": ["Decrypt"], "RetiringPrincipal": ONE,
             "Constraints": {"EncryptionContextSubset": {"App": "shop"}}}  # fmt: skip
    policy = {"Effect": "Allow", "Principal": {"AWS": ONE}, "Action": "kms:ListGrants", "Resource": "*"}
    facts = ResourceFacts(ONE, document(policy), attributes={"grants": json.dumps([grant])})
    state = world(role("granted"), role("other"), role("retiring", allow("kms:RetireGrant", key)))
    listed = found(state, "kms:Decrypt", key, lambda _arn: facts)
    assert verdicts(listed) == {arn("granted"): "conditional"}
    (((clause,),),) = answer_for(listed, arn("granted")).when
    assert clause.policy == "grant g1"
    assert clause.conditions == (Condition("EncryptionContextSubset", "kms:EncryptionContext", ("App=shop",)),)
    assert arn("retiring") in verdicts(found(state, "kms:RetireGrant", key, lambda _arn: facts))


@pytest.mark.parametrize(
    ("action", "service"),
    [
        ("s3:ListBucket", "s3"),
        ("s3:GetObject", "s3"),
        ("elasticloadbalancing:CreateRule", "elbv2"),
        ("states:StartExecution", "stepfunctions"),
        ("rds:CreateDBProxy", "rds"),
        ("s3:CreateJob", "s3control"),
        ("dynamodb:GetRecords", "dynamodbstreams"),
    ],
)
def test_an_action_is_of_the_service_that_has_the_operation(action: str, service: str) -> None:
    assert service_of(*action.split(":")) == service


def test_a_grant_to_the_account_does_not_hide_the_way_by_a_grant_to_the_role() -> None:
    """The account's grant needs an identity policy as well; that to the role, under a condition, does not."""
    state = world(role("app"))
    both = [
        {"Effect": "Allow", "Principal": {"AWS": ONE}, "Action": GET, "Resource": OBJECT},
        {"Effect": "Allow", "Principal": {"AWS": arn("app")}, "Action": GET, "Resource": OBJECT,
         "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ]  # fmt: skip
    answer = answer_for(found(state, GET, OBJECT, bucket(*both)), arn("app"))
    (((clause,),),) = answer.when
    assert clause.conditions == (Condition("Bool", "aws:SecureTransport", ("true",)),)


def test_tags_of_a_version_are_not_those_of_the_object() -> None:
    tagged = {"StringEquals": {"s3:ExistingObjectTag/kind": "open"}}
    state = world(role("app", allow("s3:*", OBJECT, Condition=tagged)))
    facts = bucket(tags={"kind": "open"})
    assert others(found(state, GET, OBJECT, facts)) == {arn("app"): "allowed"}
    assert others(found(state, "s3:GetObjectVersion", OBJECT, facts)) == {arn("app"): "conditional"}


def test_attributes_of_a_resource_are_known() -> None:
    group = f"arn:aws:ec2:us-east-1:{ONE}:security-group/sg-1"
    vpc = f"arn:aws:ec2:us-east-1:{ONE}:vpc/vpc-1"
    inside = {"ArnEquals": {"ec2:Vpc": vpc}}
    state = world(role("app", allow("ec2:*", "*", Condition=inside)))

    def deleting(**attributes: str) -> dict[str, str]:
        facts = ResourceFacts(ONE, attributes=attributes)
        return others(found(state, "ec2:DeleteSecurityGroup", group, lambda _arn: facts))

    assert deleting(vpc=vpc) == {arn("app"): "allowed"}
    assert deleting(vpc=f"{vpc}2") == {}
    assert deleting() == {arn("app"): "conditional"}


def test_attack_a_variable_in_place_of_an_account_matches_nothing() -> None:
    queue = f"arn:aws:sqs:us-east-1:{ONE}:q"
    trust = trusting({"AWS": ONE}, "sts:AssumeRole", "sts:TagSession")
    state = world(role("app", allow("sqs:*", "arn:aws:sqs:us-east-1:${aws:PrincipalTag/account}:q"), trust=trust))
    assert others(found(state, "sqs:SendMessage", queue)) == {}
