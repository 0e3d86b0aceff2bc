"""What principals did, decided anew: what counts, what is left out, and what cannot be decided again and is said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from locum.calls import activity, recorded
from locum.core.errors import ConfigurationError
from locum.core.partial_arn import PartialArn
from support.inprocess import InProcess, Key, refusal

ACCOUNT = "000000000000"
READ_WRITE = {"s3:GetObject", "s3:PutObject"}


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def user_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def asked(plane: InProcess, **question: Any) -> dict[str, Any]:
    return plane.run(activity.answer(plane.node.runtime, question))


def taken(plane: InProcess, name: str, **more: Any) -> dict[str, Any]:
    return asked(plane, type="taken", principal=user_arn(name), **more)


def proposed(plane: InProcess, name: str, *statements: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return asked(plane, type="proposed", principal=user_arn(name), policies={"new": document(*statements)}, **more)


def actions(found: dict[str, Any]) -> set[str]:
    return {action for action, *_ in found["permissions"]}


def reasons(rows: list[dict[str, Any]]) -> list[str]:
    return [row["reason"] for row in rows]


@pytest.fixture(scope="module")
def observing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    running = InProcess(tmp_path_factory.mktemp("observing"), mode="observe")
    yield running
    running.close()


def test_every_permission_of_a_call_is_counted(plane: InProcess) -> None:
    key = plane.user("copying", allow("s3:*"))
    s3 = plane.client("s3", key)
    plane.client("s3").create_bucket(Bucket="copied")
    plane.client("s3").put_object(Bucket="copied", Key="a")
    s3.copy_object(Bucket="copied", Key="b", CopySource="copied/a")
    found = taken(plane, "copying")
    assert {(action, resource) for action, resource, *_ in found["permissions"]} == {
        ("s3:GetObject", "arn:aws:s3:::copied/a"),
        ("s3:PutObject", "arn:aws:s3:::copied/b"),
    }


def test_a_passed_role_is_counted_with_the_service_that_it_was_passed_to(plane: InProcess) -> None:
    iam = plane.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="passed", AssumeRolePolicyDocument=document(trust))
    iam.create_instance_profile(InstanceProfileName="passed")
    key = plane.user("passing", allow("iam:*"))
    plane.client("iam", key).add_role_to_instance_profile(InstanceProfileName="passed", RoleName="passed")
    role = f"arn:aws:iam::{ACCOUNT}:role/passed"
    passed = [row for row in taken(plane, "passing")["permissions"] if row[0] == "iam:PassRole"]
    assert passed == [["iam:PassRole", role, "role", (("iam:passedtoservice", "ec2.amazonaws.com"),)]]


def test_what_a_resource_policy_alone_allows_needs_no_permission(plane: InProcess) -> None:
    key = plane.user("guest", allow("s3:PutObject", "arn:aws:s3:::elsewhere/*"))
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="hosting")
    statement = {**allow("s3:GetObject", "arn:aws:s3:::hosting/*"), "Principal": {"AWS": user_arn("guest")}}
    s3.put_bucket_policy(Bucket="hosting", Policy=document(statement))
    s3.put_object(Bucket="hosting", Key="a")
    plane.client("s3", key).get_object(Bucket="hosting", Key="a")
    found = taken(plane, "guest")
    assert (found["calls"], found["permissions"]) == (1, [])
    assert proposed(plane, "guest", allow("sqs:*"))["changed"] == []


def test_a_denied_call_is_left_out_unless_it_is_asked_for(plane: InProcess) -> None:
    key = plane.user("curious", allow("iam:ListUsers"))
    iam = plane.client("iam", key)
    iam.list_users()
    refusal(iam.list_roles)
    found = taken(plane, "curious")
    assert actions(found) == {"iam:ListUsers"}
    assert reasons(found["leftOut"]) == ["it was denied (--include-denied counts it)"]
    assert actions(taken(plane, "curious", include_denied=True)) == {"iam:ListUsers", "iam:ListRoles"}


def test_an_explicit_deny_is_never_written_away(plane: InProcess) -> None:
    key = plane.user("bounded", allow("iam:*"), {**allow("iam:ListRoles"), "Effect": "Deny"})
    refusal(plane.client("iam", key).list_roles)
    found = taken(plane, "bounded", include_denied=True)
    assert (actions(found), reasons(found["leftOut"])) == (set(), ["a policy denies it explicitly"])


def test_what_observe_let_go_on_is_activity(observing: InProcess) -> None:
    key = observing.user("learning", allow("iam:ListUsers"))
    iam = observing.client("iam", key)
    iam.list_users()
    iam.list_roles()
    assert actions(taken(observing, "learning")) == {"iam:ListUsers", "iam:ListRoles"}
    (change,) = proposed(observing, "learning", allow(["iam:ListUsers", "iam:ListRoles"]))["changed"]
    assert (change["action"], change["was"], change["becomes"]) == ("iam:ListRoles", "implicit-deny", "allow")


def test_what_a_boundary_denies_cannot_be_had_by_a_policy(plane: InProcess) -> None:
    key = plane.user("limited", allow("iam:*"))
    iam = plane.client("iam")
    plane.client("iam", key).list_users()
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="limited", PermissionsBoundary=arn)
    found = taken(plane, "limited")
    assert actions(found) == set()
    ((lacking),) = found["unattainable"]
    assert (lacking["action"], "permissions boundary" in lacking["reason"]) == ("iam:ListUsers", True)


def test_calls_that_are_alike_count_as_one(plane: InProcess) -> None:
    key = plane.user("polling", allow("iam:*"))
    iam = plane.client("iam", key)
    for _ in range(4):
        iam.list_users()
    (change,) = proposed(plane, "polling", allow("s3:*"))["changed"]
    assert change["times"] == 4
    assert (taken(plane, "polling")["calls"], taken(plane, "polling")["records"]) == (1, 4)


def test_calls_before_a_time_are_not_looked_at(plane: InProcess) -> None:
    key = plane.user("early", allow("iam:*"))
    iam = plane.client("iam", key)
    iam.list_users()
    iam.list_roles()
    last, _ = plane.records(2)
    assert actions(taken(plane, "early", since=last.at)) == {"iam:ListRoles"}
    assert actions(taken(plane, "early", until=last.at - 1e-6)) == {"iam:ListUsers"}


def test_more_calls_than_are_looked_at_are_said_to_be_there(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    key = plane.user("busy", allow("iam:*"))
    iam = plane.client("iam", key)
    for name in ("a", "b", "c"):
        refusal(iam.get_role, RoleName=name)
    assert not taken(plane, "busy")["truncated"]
    monkeypatch.setattr(recorded, "MOST", 2)
    monkeypatch.setattr(recorded, "_PAGE", 1)
    found = taken(plane, "busy")
    assert (found["truncated"], found["calls"]) == (True, 2)


def test_a_user_made_again_is_decided_on_as_the_one_there_is(plane: InProcess) -> None:
    iam = plane.client("iam")
    key = plane.user("again", allow("iam:ListUsers"))
    plane.client("iam", key).list_users()
    iam.delete_access_key(UserName="again", AccessKeyId=key.access_key_id)
    iam.delete_user_policy(UserName="again", PolicyName="own")
    iam.delete_user(UserName="again")
    with pytest.raises(ConfigurationError, match="there is no user and no role"):
        taken(plane, "again")
    plane.user("again")
    assert actions(taken(plane, "again")) == {"iam:ListUsers"}


def test_the_calls_of_all_sessions_of_a_role_are_its_own(plane: InProcess) -> None:
    iam = plane.client("iam")
    user = plane.user("starter", allow("sts:AssumeRole"))
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="worker", Path="/jobs/", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=document(allow("iam:*")))
    for session, operation in (("one", "list_users"), ("two", "list_roles")):
        made = plane.client("sts", user).assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
        key = Key(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        getattr(plane.client("iam", key), operation)()
    assert actions(asked(plane, type="taken", principal=role)) == {"iam:ListUsers", "iam:ListRoles"}
    assert actions(taken(plane, "starter")) == {"sts:AssumeRole"}


def test_a_proposed_policy_is_tried_in_addition_to_what_there_is(plane: InProcess) -> None:
    key = plane.user("adding", allow("iam:*"))
    plane.client("iam", key).list_users()
    deny = {**allow("iam:ListUsers"), "Effect": "Deny", "Sid": "No"}
    (change,) = proposed(plane, "adding", deny, add=True)["changed"]
    assert (change["becomes"], change["determinedBy"]) == ("explicit-deny", ['inline policy "new" of user adding#No'])
    assert proposed(plane, "adding", allow("s3:*"), add=True)["changed"] == []
    plane.client("iam", key).list_roles()  # the proposal is nowhere but in the answer


def test_without_a_principal_the_calls_of_all_are_tried(plane: InProcess) -> None:
    arns = set()
    for name in ("first", "second"):
        plane.client("iam", plane.user(name, allow("iam:*"))).get_account_summary()
        arns.add(user_arn(name))
    changed = asked(plane, type="proposed", policies={"new": document(allow("s3:*"))})["changed"]
    assert arns <= {change["principal"] for change in changed if change["action"] == "iam:GetAccountSummary"}


def test_a_change_that_is_not_the_proposals_shows_as_one(plane: InProcess) -> None:
    key = plane.user("changed", allow("iam:ListUsers"))
    plane.client("iam", key).list_users()
    plane.client("iam").delete_user_policy(UserName="changed", PolicyName="own")
    (change,) = proposed(plane, "changed", allow("s3:*"))["changed"]
    assert (change["was"], change["present"], change["becomes"]) == ("allow", "implicit-deny", "implicit-deny")


def test_the_key_of_a_ciphertext_is_known_from_the_record(plane: InProcess) -> None:
    arn = plane.client("kms").create_key()["KeyMetadata"]["Arn"]
    kms = plane.client("kms", plane.user("secretive", allow("kms:*")))
    kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"])
    assert ["kms:Decrypt", arn] in [row[:2] for row in taken(plane, "secretive")["permissions"]]


def test_a_resource_by_another_name_is_known_from_the_record(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    group = ec2.create_security_group(GroupName="named", Description="x")["GroupId"]
    key = plane.user("naming", allow("ec2:*"))
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"}
    plane.client("ec2", key).authorize_security_group_ingress(GroupName="named", **rule)
    ec2.delete_security_group(GroupId=group)
    ((action, resource, *_),) = taken(plane, "naming")["permissions"]
    assert (action, resource.rpartition("/")[2]) == ("ec2:AuthorizeSecurityGroupIngress", group)


def test_what_a_call_makes_is_known_in_part_and_comes_back_as_that(plane: InProcess) -> None:
    key = plane.user("launching", allow("ec2:*"))
    plane.client("ec2", key).run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    made = [activity.decoded(row) for row in taken(plane, "launching")["permissions"]]
    (instance,) = [one.resource for one in made if one.kind == "instance"]
    assert isinstance(instance, PartialArn)
    assert instance.startswith(f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/")


# --- what cannot be decided again --------------------------------------------------------------------------------


def test_a_resource_policy_that_is_gone_is_not_taken_for_none(plane: InProcess) -> None:
    key = plane.user("visitor", allow("sqs:*"))
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="vanishing")
    statement = {**allow("s3:ListBucket", "arn:aws:s3:::vanishing"), "Principal": {"AWS": user_arn("visitor")}}
    s3.put_bucket_policy(Bucket="vanishing", Policy=document(statement))
    plane.client("s3", key).list_objects_v2(Bucket="vanishing")
    assert proposed(plane, "visitor", allow("sqs:*"))["notDecided"] == []
    s3.delete_bucket(Bucket="vanishing")
    found = proposed(plane, "visitor", allow("sqs:*"))
    assert found["changed"] == []
    assert reasons(found["notDecided"]) == [
        "arn:aws:s3:::vanishing is gone, and with it the policy of its own that decided"
    ]
    assert reasons(taken(plane, "visitor")["notDecided"]) == reasons(found["notDecided"])


def test_a_denial_on_a_bucket_that_is_gone_is_not_turned_into_an_allow(plane: InProcess) -> None:
    key = plane.user("prying", allow("sqs:*"))
    plane.client("s3").create_bucket(Bucket="foreign")
    refusal(plane.client("s3", key).list_objects_v2, Bucket="foreign")
    plane.client("s3").delete_bucket(Bucket="foreign")
    found = proposed(plane, "prying", allow("s3:*"))
    assert found["changed"] == []
    assert reasons(found["notDecided"]) == ["arn:aws:s3:::foreign is gone, and it is not recorded whose it was"]


def test_tags_that_are_gone_are_not_taken_for_none(plane: InProcess) -> None:
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="tagged", tags={"team": "red"})["QueueUrl"]
    red = allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}})
    plane.client("sqs", plane.user("sorting", red)).send_message(QueueUrl=url, MessageBody="x")
    assert proposed(plane, "sorting", red)["notDecided"] == []
    sqs.delete_queue(QueueUrl=url)
    (reason,) = reasons(proposed(plane, "sorting", red)["notDecided"])
    assert reason.endswith("tagged is gone, and a condition asks for its tags")
    assert proposed(plane, "sorting", allow("sqs:*"))["notDecided"] == []


def test_a_trust_policy_that_is_gone_is_not_taken_for_none(plane: InProcess) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    iam = plane.client("iam")
    role = iam.create_role(RoleName="leaving", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    key = plane.user("assuming", allow("sts:*"))
    plane.client("sts", key).assume_role(RoleArn=role, RoleSessionName="s1")
    iam.delete_role(RoleName="leaving")
    assert reasons(proposed(plane, "assuming", allow("sts:*"))["notDecided"]) == [
        f"{role} is gone, and with it its trust policy"
    ]


def test_a_value_that_the_record_hides_is_no_condition_and_decides_nothing(plane: InProcess) -> None:
    tagging = allow("sqs:*", Condition={"StringEquals": {"aws:RequestTag/api-token": "x"}})
    key = plane.user("hiding", allow("sqs:*"))
    plane.client("sqs", key).create_queue(QueueName="hidden", tags={"api-token": "x", "team": "red"})
    assert "api-token" not in repr(taken(plane, "hiding")["permissions"])
    assert reasons(proposed(plane, "hiding", tagging)["notDecided"]) == [
        "a condition asks for a value that the record hides"
    ]


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"type": "other"},
        {"type": "taken"},
        {"type": "taken", "principal": "arn:aws:iam::000000000000:user/nobody"},
        {"type": "taken", "principal": "arn:aws:iam::000000000000:root"},
        {"type": "taken", "principal": "nobody"},
        {"type": "proposed", "policies": {"a": 1}},
    ],
)
def test_what_is_no_question_is_refused(plane: InProcess, question: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        asked(plane, **question)
