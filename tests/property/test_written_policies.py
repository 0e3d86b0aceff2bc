"""A written policy allows what it was written from, and no statement of it is idle."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from locum import policy
from locum.analysis import Permission, documents, write
from locum.analysis.writing import SIZE
from locum.calls import activity
from locum.core.partial_arn import NEW, UNKNOWN, arn_of
from locum.core.principal import Principal
from locum.lint import FindingType, PolicyType, lint
from locum.policy import CompiledPolicy, Policies, PolicyKind, Request, Source, significant_length
from locum.services.accessanalyzer.catalogue import catalogue
from support.inprocess import InProcess, Key

ACCOUNT: Final = "000000000000"
ME: Final = Principal.user(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me", "AIDAME", "me")

names = st.one_of(
    st.sampled_from(["a", "b", "orders", "job-1", "job-2", "in/a", "in/b", "${aws:username}", "x$y", "a*b"]),
    st.uuids().map(str),
    st.text("abc/-_.0129${}*?", min_size=1, max_size=12),
)
places = st.sampled_from(
    [
        ("s3:GetObject", "arn:aws:s3:::one/%s", "object"),
        ("s3:GetObject", "arn:aws:s3:::two/%s", "object"),
        ("s3:PutObject", "arn:aws:s3:::one/%s", "object"),
        ("s3:ListBucket", "arn:aws:s3:::%s", "bucket"),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/%s", "table"),
        ("dynamodb:Query", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders/index/%s", "index"),
        ("dynamodb:Query", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/%s", "table"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/%s", "role"),
        ("logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:log-stream:%s", "log-stream"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:%s-AbCd12", "secret"),
        ("ec2:DescribeInstances", "*", ""),
    ]
)
conditions = st.dictionaries(
    st.sampled_from(["iam:passedtoservice", "s3:prefix", "aws:requesttag/team", "aws:requesttag/run"]),
    st.sampled_from(["red", "blue", "${x}", "ec2.amazonaws.com", "2026-11-28"]),
    max_size=2,
).map(lambda found: tuple(sorted(found.items())))


@st.composite
def permissions(draw: st.DrawFn) -> Permission:
    action, pattern, kind = draw(places)
    before, variable, after = pattern.partition("%s")
    name = draw(st.one_of(names, st.sampled_from([NEW, UNKNOWN])))
    return Permission(action, arn_of(before, name, after) if variable else pattern, kind, draw(conditions))


def compiled(document: dict[str, Any]) -> CompiledPolicy:
    text = json.dumps(document)
    return policy.compile(policy.parse(text, PolicyKind.IDENTITY), Source(PolicyKind.IDENTITY, "written"))


def allowed(held: list[CompiledPolicy], used: Permission) -> bool:
    request = Request(ME, used.action, used.resource, ACCOUNT, dict(used.conditions), used.resource == "*")
    return policy.evaluate(request, Policies(identity=tuple(held))).allowed


@settings(max_examples=300, deadline=None)
@given(st.lists(permissions(), min_size=1, max_size=25))
def test_all_permissions_are_allowed_and_each_statement_is_needed_for_one(used: list[Permission]) -> None:
    statements = write(used)
    held = [compiled(document) for document in documents(statements)]
    assert all(allowed(held, one) for one in used)
    for number in range(len(statements)):
        rest = documents([*statements[:number], *statements[number + 1 :]])
        without = [compiled(document) for document in rest]
        assert not all(allowed(without, one) for one in used), statements[number]


@settings(max_examples=100, deadline=None)
@given(st.lists(permissions(), min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_the_text_does_not_depend_on_the_order_of_calls(used: list[Permission], chance: random.Random) -> None:
    shuffled = [*used, *used]
    chance.shuffle(shuffled)
    assert json.dumps(documents(write(used))) == json.dumps(documents(write(shuffled)))


@settings(max_examples=50, deadline=None)
@given(st.sets(st.text("abcdefgh", min_size=1, max_size=60), min_size=50, max_size=150))
def test_no_document_is_larger_than_a_managed_policy_may_be(roles: set[str]) -> None:
    used = [Permission("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{name}", "role") for name in roles]
    found = documents(write(used))
    assert all(significant_length(json.dumps(document)) <= SIZE for document in found)
    held = [compiled(document) for document in found]
    assert all(allowed(held, one) for one in used)


# --- the same of calls that a plane has recorded -----------------------------------------------------------------

_numbers = count(1)
Make = Callable[[InProcess, Key, str], None]


def _called(service: str, operation: str, **parameters: Any) -> Make:
    """A call; `@` in a parameter is what the example's own things are called."""

    def make(plane: InProcess, key: Key, mark: str) -> None:
        client = plane.client(service, key)
        with suppress(client.exceptions.ClientError, ClientError):
            getattr(client, operation)(**json.loads(json.dumps(parameters).replace("@", mark)))

    return make


TRUST: Final = json.dumps({"Version": "2012-10-17", "Statement": []})
TAGS: Final = [{"Key": "team", "Value": "red"}]
CALLS: Final = (
    _called("s3", "put_object", Bucket="@", Key="in/a"),
    _called("s3", "put_object", Bucket="@", Key="in/b"),
    _called("s3", "put_object", Bucket="@", Key="b"),
    _called("s3", "put_object", Bucket="@", Key="${aws:username}"),
    _called("s3", "get_object", Bucket="@", Key="in/a"),
    _called("s3", "copy_object", Bucket="@", Key="copy", CopySource="@/in/a"),
    _called("s3", "delete_objects", Bucket="@", Delete={"Objects": [{"Key": "in/a"}, {"Key": "x"}]}),
    _called("s3", "list_objects_v2", Bucket="@", Prefix="in/"),
    _called("s3", "list_objects_v2", Bucket="@"),
    _called("s3", "put_object", Bucket="open-@", Key="given"),
    _called("s3", "list_buckets"),
    _called("dynamodb", "list_tables"),
    _called("dynamodb", "get_item", TableName="orders-@", Key={"k": {"S": "1"}}),
    _called("dynamodb", "delete_table", TableName="users-@"),
    _called("sqs", "create_queue", QueueName="jobs-@", tags={"team": "red"}),
    _called("sqs", "list_queues"),
    _called("sns", "create_topic", Name="news-@", Tags=TAGS),
    _called("kms", "create_key", Tags=[{"TagKey": "team", "TagValue": "red"}]),
    _called("iam", "create_role", RoleName="role-@", AssumeRolePolicyDocument=TRUST, Tags=TAGS),
    _called("iam", "delete_role", RoleName="role-@"),
    _called("iam", "create_role", RoleName="deep-@", Path="/deep/", AssumeRolePolicyDocument=TRUST),
    _called("iam", "delete_role", RoleName="deep-@"),
    _called("iam", "attach_role_policy", RoleName="kept-@", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
    _called("iam", "add_role_to_instance_profile", InstanceProfileName="kept-@", RoleName="kept-@"),
    _called("iam", "list_users"),
    _called("sts", "assume_role", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/kept-@", RoleSessionName="one"),
    _called("sts", "get_caller_identity"),
    _called("ec2", "run_instances", ImageId="ami-12c6146b", MinCount=1, MaxCount=1),
    _called("ec2", "describe_instances"),
    _called("logs", "create_log_group", logGroupName="/app/@"),
    _called("secretsmanager", "create_secret", Name="new-@", SecretString="x"),
    _called("secretsmanager", "get_secret_value", SecretId="db-@"),
)  # fmt: skip


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    running = InProcess(tmp_path_factory.mktemp("plane"))
    yield running
    running.close()


def prepared(plane: InProcess) -> tuple[str, Key, str]:
    """A new user who may do everything, by name and key, and the mark of the things that are its example's."""
    mark = f"m{next(_numbers)}x"
    key = plane.user(f"user-{mark}", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    s3, iam = plane.client("s3"), plane.client("iam")
    arn = f"arn:aws:iam::{ACCOUNT}:user/user-{mark}"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": arn},
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::open-{mark}/*",
    }
    s3.create_bucket(Bucket=mark)
    s3.create_bucket(Bucket=f"open-{mark}")
    s3.put_bucket_policy(Bucket=f"open-{mark}", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT, "Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(
        RoleName=f"kept-{mark}", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    iam.create_instance_profile(InstanceProfileName=f"kept-{mark}")
    plane.client("secretsmanager").create_secret(Name=f"db-{mark}", SecretString="x")
    return arn, key, mark


def answered(plane: InProcess, **question: Any) -> dict[str, Any]:
    return plane.run(activity.answer(plane.node.runtime, question))


def errors(document: dict[str, Any]) -> list[str]:
    """The errors and security warnings that IAM Access Analyzer has of a policy."""
    found = lint(json.dumps(document), PolicyType.IDENTITY_POLICY, None, catalogue())
    wrong = (FindingType.ERROR, FindingType.SECURITY_WARNING)
    return [finding.details for finding in found if finding.type in wrong]


def denials(plane: InProcess, arn: str, found: list[dict[str, Any]]) -> list[str]:
    """The calls that were allowed and are denied with nothing but the policies `found`."""
    named = {f"p{number}": json.dumps(document) for number, document in enumerate(found)}
    tried = answered(plane, type="proposed", principal=arn, policies=named)
    assert tried["notDecided"] == []
    return [change["requestId"] for change in tried["changed"] if change["becomes"] != "allow"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(range(len(CALLS))), min_size=3, max_size=18))
def test_nothing_but_the_written_policy_is_enough_for_the_recorded_calls(plane: InProcess, chosen: list[int]) -> None:
    arn, key, mark = prepared(plane)
    for number in chosen:
        CALLS[number](plane, key, mark)
    taken = answered(plane, type="taken", principal=arn)
    assert (taken["leftOut"], taken["unattainable"], taken["notDecided"]) == ([], [], [])
    statements = write(map(activity.decoded, taken["permissions"]))
    assert denials(plane, arn, documents(statements)) == []
    assert [finding for document in documents(statements) for finding in errors(document)] == []
    for number in range(len(statements)):
        assert denials(plane, arn, documents([*statements[:number], *statements[number + 1 :]])), statements[number]
    assert not any(mark in text and "open-" in text for text in json.dumps(documents(statements)).split('"'))
