"""Questions about calls that nobody made, answered by a plane: they are held against the calls themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.calls.hypothetical import answer
from locum.core.errors import ConfigurationError
from support.inprocess import InProcess, Key

ACCOUNT, AWAY, REGION = "000000000000", "444455556666", "us-east-1"
BUCKET = "who-can-bucket"
OBJECT = f"arn:aws:s3:::{BUCKET}/k"


def asked(plane: InProcess, kind: str, **question: Any) -> dict[str, Any]:
    told = {"type": kind, "account": ACCOUNT, "region": REGION, **question}
    return plane.run(answer(plane.node.runtime, told))


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {one["arn"]: group["verdict"] for group in found["groups"] for one in group["principals"]}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def user(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:user/{name}"


class There:
    """A bucket with a policy, and users of two accounts who may read it or not, with their keys."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        away = plane.account(AWAY)
        reads = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
        browser = {**reads, "Condition": {"StringLike": {"aws:UserAgent": "Mozilla/*"}}}
        self.keys: dict[str, Key] = {
            user("who-named"): plane.user("who-named"),
            user("who-own"): plane.user("who-own", reads),
            user("who-nobody"): plane.user("who-nobody"),
            user("who-denied"): plane.user("who-denied", reads),
            user("who-limited"): plane.user("who-limited", browser),
            user("who-away", AWAY): plane.user("who-away", reads, of=away),
            user("who-far", AWAY): plane.user("who-far", of=away),
        }
        s3 = plane.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
        named = {"Action": "s3:GetObject", "Resource": OBJECT}
        policy = document(
            {"Effect": "Allow", "Principal": {"AWS": [user("who-named"), AWAY]}, **named},
            {"Effect": "Deny", "Principal": {"AWS": user("who-denied")}, **named},
        )
        s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)

    def reads(self, key: Key) -> bool:
        try:
            self.plane.client("s3", key).get_object(Bucket=BUCKET, Key="k")
        except ClientError:
            return False
        return True


@pytest.fixture(scope="module")
def there(plane: InProcess) -> There:
    return There(plane)


def test_who_can_are_those_who_do(there: There) -> None:
    """The bucket, its owner and its policy are what the backend has."""
    found = verdicts(asked(there.plane, "who", action="s3:GetObject", resource=OBJECT))
    agent = [("aws:UserAgent", "Boto3/1.0")]
    decided = verdicts(asked(there.plane, "who", action="s3:GetObject", resource=OBJECT, given=agent))
    for arn, key in there.keys.items():
        assert (decided.get(arn) == "allowed") is there.reads(key), arn
    assert found[user("who-limited")] == "conditional"
    assert user("who-limited") not in decided
    assert found[f"arn:aws:iam::{ACCOUNT}:root"] == "allowed"


def test_what_can_be_done_is_told_of_a_user_by_its_name(there: There) -> None:
    rows = asked(there.plane, "what", principal="who-own", services=["s3"])["rows"]
    assert {row["service"] for row in rows} == {"s3"}
    assert all(name.startswith("Get") for row in rows for name in row["actions"])
    assert asked(there.plane, "what", principal=user("who-nobody"), services=["s3"])["rows"] == []


def test_why_is_explained_as_the_record_of_the_call_explains_it(there: There) -> None:
    plane = there.plane
    for arn, key in there.keys.items():
        if arn == user("who-limited"):
            continue
        there.reads(key)
        record = plane.records(1)[0]
        why = asked(plane, "why", principal=arn, action="s3:GetObject", resource=OBJECT)
        assert why["verdict"] == record.verdict
        if record.verdict == "allow":
            assert list(why["determining"]) == list(record.determining)
        else:
            (check,) = why["explanation"]["checks"]
            assert check["reason"]
            assert check["reason"] in record.error_message


def test_why_tells_the_keys_that_it_depends_on(there: There) -> None:
    why = asked(there.plane, "why", principal="who-limited", action="s3:GetObject", resource=OBJECT)
    assert (why["verdict"], why["depends"]["keys"]) == ("implicit-deny", ["aws:UserAgent"])
    given = [("aws:UserAgent", "Mozilla/5.0")]
    why = asked(there.plane, "why", principal="who-limited", action="s3:GetObject", resource=OBJECT, given=given)
    assert (why["verdict"], why["depends"]["verdict"]) == ("allow", "allowed")
    why = asked(there.plane, "why", principal="who-nobody", action="s3:GetObject", resource=OBJECT)
    assert why["depends"] is None


def test_policies_of_queues_and_keys_are_asked_of_the_backend(there: There) -> None:
    plane = there.plane
    sqs, kms = plane.client("sqs"), plane.client("kms")
    url = sqs.create_queue(QueueName="who-can-queue")["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:who-can-queue"
    topic = {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:*"}}
    policy = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
              "Resource": queue, "Condition": topic}  # fmt: skip
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(policy)})
    found = asked(plane, "who", action="sqs:SendMessage", resource=queue)
    assert verdicts(found)["sns.amazonaws.com"] == "conditional"
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_grant(KeyId=key, GranteePrincipal=user("who-nobody"), Operations=["Decrypt"])
    found = asked(plane, "who", action="kms:Decrypt", resource=key)
    assert verdicts(found)[user("who-nobody")] == "allowed"
    assert user("who-own") not in verdicts(found)


def test_who_can_assume_a_role_are_those_who_do(there: There) -> None:
    plane = there.plane
    trust = document({"Effect": "Allow", "Principal": {"AWS": [user("who-named"), AWAY]}, "Action": "sts:AssumeRole"})
    arn = plane.client("iam").create_role(RoleName="who-role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    found = verdicts(asked(plane, "who", action="sts:AssumeRole", resource=arn))
    for name, key in there.keys.items():
        sts = plane.client("sts", key)
        try:
            sts.assume_role(RoleArn=arn, RoleSessionName="session")
        except ClientError:
            assert name not in found
        else:
            assert found[name] == "allowed"


def test_nothing_is_recorded_and_nothing_changes(there: There) -> None:
    """As with every question over the control socket, which only its owner can use."""
    before, sequence = there.plane.records(1)[0].request_id, there.plane.node.ledger.state.sequence
    asked(there.plane, "who", action="s3:GetObject", resource=OBJECT)
    assert there.plane.records(1)[0].request_id == before
    assert there.plane.node.ledger.state.sequence == sequence


@pytest.mark.parametrize(
    "question",
    [
        {"type": "who", "action": "s3:GetObject"},
        {"type": "who", "action": "s3:GetObject", "resource": OBJECT, "more": 1},
        {"type": "whom", "action": "s3:GetObject", "resource": OBJECT},
        {"type": "who", "action": "s3:GetObject", "resource": "arn:aws:s3:::no-such-bucket-at-all/k"},
        {"type": "what", "principal": "nobody-at-all"},
        {"type": "what", "principal": "who-own", "services": ["no-service"]},
        {"type": "why", "principal": "nobody-at-all", "action": "s3:GetObject", "resource": OBJECT},
        {"type": "who", "action": "s3:GetObject", "resource": OBJECT, "given": [["aws:username", "x"]]},
    ],
)
def test_attack_what_is_no_question_is_refused(there: There, question: dict[str, Any]) -> None:
    kind = question.pop("type")
    with pytest.raises(ConfigurationError):
        asked(there.plane, kind, **question)


def test_attack_a_bucket_that_was_deleted_is_nobodys(there: There) -> None:
    s3 = there.plane.client("s3")
    s3.create_bucket(Bucket="who-can-gone")
    resource = "arn:aws:s3:::who-can-gone/k"
    assert verdicts(asked(there.plane, "who", action="s3:GetObject", resource=resource))
    s3.delete_bucket(Bucket="who-can-gone")
    with pytest.raises(ConfigurationError, match="no bucket"):
        asked(there.plane, "who", action="s3:GetObject", resource=resource)
