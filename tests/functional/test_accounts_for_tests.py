"""`locum.testing`: accounts, clients, roles and assertions, on the plane of its fixtures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from locum.core.errors import LocumError
from locum.testing import LocumAccount, LocumPlane, LocumTestCase

pytestmark = pytest.mark.xdist_group("locum.testing")
"""In one process: its plane is started once."""


def allowing(*actions: str, **elements: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **elements}
    return {"Version": "2012-10-17", "Statement": [statement]}


def arn_of(client: Any) -> str:
    return str(client.get_caller_identity()["Arn"])


def failure(block: Callable[[], Any]) -> str:
    with pytest.raises(AssertionError) as raised:
        block()
    return str(raised.value)


@pytest.fixture
def bucket(locum_account: LocumAccount) -> str:
    s3 = locum_account.client("s3")
    s3.create_bucket(Bucket="data")  # the name that every test here has
    s3.put_object(Bucket="data", Key="a", Body=b"1")
    return "data"


# -- accounts and clients ------------------------------------------------------------------------------------


def test_the_plane_is_its_first_account(locum: LocumPlane, locum_account: LocumAccount) -> None:
    assert arn_of(locum.client("sts")) == f"arn:aws:iam::{locum.id}:root"
    assert arn_of(locum_account.client("sts")) == f"arn:aws:iam::{locum_account.id}:root"
    assert locum.id != locum_account.id


@pytest.mark.parametrize("time", [1, 2])
def test_each_test_has_the_names_of_buckets_to_itself(locum_account: LocumAccount, bucket: str, time: int) -> None:
    assert [one["Name"] for one in locum_account.client("s3").list_buckets()["Buckets"]] == [bucket]


def test_a_client_is_of_the_region_that_is_asked_for(locum_account: LocumAccount) -> None:
    url = locum_account.client("sqs", region="eu-west-1").create_queue(QueueName="q")["QueueUrl"]
    assert "QueueUrls" not in locum_account.client("sqs").list_queues()
    assert locum_account.client("sqs", region="eu-west-1").list_queues()["QueueUrls"] == [url]


def test_a_client_reads_nothing_of_the_users_environment(
    locum_account: LocumAccount, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:1\nregion = mars\n")
    elsewhere = "http://127.0.0.1:1"
    given = {
        "AWS_ENDPOINT_URL": elsewhere, "AWS_ENDPOINT_URL_STS": elsewhere, "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(tmp_path / "config"), "HTTP_PROXY": elsewhere, "http_proxy": elsewhere,
        "AWS_USE_FIPS_ENDPOINT": "true", "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_MAX_ATTEMPTS": "9",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    assert locum_account.id in arn_of(locum_account.client("sts"))
    with locum_account.acting():
        assert locum_account.id in arn_of(boto3.client("sts"))
        assert os.environ["AWS_ENDPOINT_URL"] == locum_account.endpoint
    assert dict(os.environ) == before


def test_what_a_block_acts_as_ends_with_it(locum_account: LocumAccount) -> None:
    role, session, before = locum_account.role(), boto3.DEFAULT_SESSION, dict(os.environ)

    def fail() -> None:
        with locum_account.acting(role):
            assert arn_of(boto3.client("sts")).endswith(":assumed-role/role-1/test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert boto3.DEFAULT_SESSION is session
    assert dict(os.environ) == before


def test_clients_may_be_made_in_many_threads(locum_account: LocumAccount) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: arn_of(locum_account.client("sts")), range(16)))
    assert found == {f"arn:aws:iam::{locum_account.id}:root"}


# -- roles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [lambda it: it, json.dumps])
def test_a_role_may_do_what_its_policy_says(locum_account: LocumAccount, bucket: str, form: Any) -> None:
    s3 = locum_account.client("s3", role=locum_account.role(form(allowing("s3:GetObject"))))
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    locum_account.assert_denied("s3:PutObject", s3.put_object, Bucket=bucket, Key="a", Body=b"2")


def test_a_role_without_a_policy_may_do_nothing(locum_account: LocumAccount) -> None:
    role = locum_account.role()
    locum_account.assert_denied("s3:ListAllMyBuckets", locum_account.client("s3", role=role).list_buckets)


def test_a_role_is_named_in_every_form(locum_account: LocumAccount) -> None:
    role = locum_account.role(name="app")
    wanted = f"arn:aws:sts::{locum_account.id}:assumed-role/app/test"
    assert str(role) == role.arn
    assert {arn_of(locum_account.client("sts", role=one)) for one in (role, role.arn, "app")} == {wanted}
    assumer = locum_account.role(allowing("sts:AssumeRole"))
    target = locum_account.role(name="target", trust=assumer.arn)
    answer = locum_account.client("sts", role=assumer).assume_role(RoleArn=target.arn, RoleSessionName="other")
    for form in (answer, answer["Credentials"]):
        assert arn_of(locum_account.client("sts", role=form)).endswith(":assumed-role/target/other")


def test_a_role_with_managed_policies_has_them(locum_account: LocumAccount, bucket: str) -> None:
    role = locum_account.role(managed=("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",))
    assert locum_account.client("s3", role=role).list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_role_that_the_account_trusts_is_assumed_by_a_user(locum_account: LocumAccount) -> None:
    role = locum_account.role(trust=f"arn:aws:iam::{locum_account.id}:root", name="trusting")
    assert arn_of(locum_account.client("sts", role=role)).endswith(":assumed-role/trusting/test")
    assert [user["UserName"] for user in locum_account.client("iam").list_users()["Users"]] == ["locum-testing"]


def test_attack_a_role_of_another_account_is_had_by_its_trust_policy_alone(
    locum: LocumPlane, locum_account: LocumAccount
) -> None:
    other = locum.account()
    closed, open_ = other.role(name="closed"), other.role(name="open", trust=locum_account.id)
    with pytest.raises(ClientError, match="AccessDenied"):
        locum_account.client("s3", role=closed)
    assert arn_of(locum_account.client("sts", role=open_.arn)) == f"arn:aws:sts::{other.id}:assumed-role/open/test"
    other.end()


@pytest.mark.parametrize("role", [{"AccessKeyId": "AKIA"}, {}, {"Credentials": None}])
def test_what_is_no_role_is_refused(locum_account: LocumAccount, role: Any) -> None:
    with pytest.raises((ValueError, LocumError)):
        locum_account.client("s3", role=role)


def test_a_role_that_is_not_there_is_refused(locum_account: LocumAccount) -> None:
    with pytest.raises(LocumError, match="there is no role"):
        locum_account.client("s3", role="nobody")


# -- denials and assertions ----------------------------------------------------------------------------------


def test_a_denial_tells_what_locum_explain_tells(locum_account: LocumAccount, bucket: str) -> None:
    s3 = locum_account.client("s3", role=locum_account.role(name="app"))
    went_on = False
    with locum_account.assert_denied("s3:getobject", reason="no identity-based policy allows") as denied:
        s3.get_object(Bucket=bucket, Key="a")
        went_on = True
    assert not went_on
    (denial,) = locum_account.denials()
    assert denial == denied.denial
    assert (denial.action, denial.resource) == ("s3:GetObject", "arn:aws:s3:::data/a")
    assert denial.principal == f"arn:aws:sts::{locum_account.id}:assumed-role/app/test"
    assert "not authorized to perform: s3:GetObject" in denial.message
    assert "to change it: add to a policy of role app" in str(denial)


def test_a_denial_that_the_application_keeps_to_itself_counts(locum_account: LocumAccount, bucket: str) -> None:
    s3 = locum_account.client("s3", role=locum_account.role())

    def careful() -> None:
        with pytest.raises(ClientError):
            s3.get_object(Bucket=bucket, Key="a")

    locum_account.assert_denied("s3:Get*", careful)
    assert "a call was denied" in failure(lambda: locum_account.assert_allowed(careful))


def test_a_permission_and_an_operation_are_named_alike(locum_account: LocumAccount, bucket: str) -> None:
    s3 = locum_account.client("s3", role=locum_account.role())
    for name in ("s3:ListBucket", "s3:ListObjectsV2"):
        locum_account.assert_denied(name, s3.list_objects_v2, Bucket=bucket)


def test_a_failed_assertion_is_the_explanation(locum_account: LocumAccount, bucket: str) -> None:
    s3 = locum_account.client("s3", role=locum_account.role(name="app"))
    text = failure(lambda: locum_account.assert_allowed("s3:GetObject", s3.get_object, Bucket=bucket, Key="a"))
    assert text.startswith("a call was denied\n\nDENIED (implicit deny)  s3:GetObject\n")
    assert "to change it: add to a policy of role app" in text
    wrong = lambda: locum_account.assert_denied("s3:GetObject", s3.get_object, Bucket=bucket, Key="a", reason="SCP")  # noqa: E731
    assert "was denied, but not because of 'SCP'" in failure(wrong)
    root = locum_account.client("s3")
    text = failure(lambda: locum_account.assert_denied("s3:GetObject", root.get_object, Bucket=bucket, Key="a"))
    assert text.startswith("s3:GetObject was not denied\n\nALLOWED  s3:GetObject")


def test_attack_another_denial_than_the_expected_one_fails(locum_account: LocumAccount, bucket: str) -> None:
    s3 = locum_account.client("s3", role=locum_account.role())
    text = failure(lambda: locum_account.assert_denied("s3:PutObject", s3.get_object, Bucket=bucket, Key="a"))
    assert text.startswith("s3:PutObject was to be denied, and another call failed\n\nDENIED")
    other = locum_account.role(name="other")
    call = s3.get_object
    text = failure(lambda: locum_account.assert_denied("s3:GetObject", call, Bucket=bucket, Key="a", role=other))
    assert "another call failed" in text


def test_attack_nothing_called_is_neither_allowed_nor_denied(locum_account: LocumAccount) -> None:
    assert "no call of this account is recorded" in failure(lambda: locum_account.assert_denied("s3:*", lambda: None))
    assert "was not called" in failure(lambda: locum_account.assert_allowed("s3:GetObject", lambda: None))


def test_other_failures_are_raised_as_they_are(locum_account: LocumAccount, bucket: str) -> None:
    s3 = locum_account.client("s3")
    for block in (locum_account.assert_allowed("s3:GetObject"), locum_account.assert_denied("s3:*")):
        with pytest.raises(ZeroDivisionError), block:
            raise ZeroDivisionError
    with pytest.raises(ClientError, match="NoSuchKey"):
        locum_account.assert_allowed("s3:GetObject", s3.get_object, Bucket=bucket, Key="missing")
    assert locum_account.assert_allowed("s3:GetObject", s3.get_object, Bucket=bucket, Key="a")["ContentLength"] == 1
    with locum_account.assert_allowed():
        s3.list_buckets()


def test_attack_the_denials_of_other_accounts_are_theirs(locum: LocumPlane, locum_account: LocumAccount) -> None:
    other = locum.account()
    other.assert_denied("s3:*", other.client("s3", role=other.role()).list_buckets)
    assert len(other.denials()) == 1
    assert locum_account.denials() == []
    other.end()


def test_attack_who_goes_on_with_an_ended_account_is_nobody(locum: LocumPlane, locum_account: LocumAccount) -> None:
    other = locum.account()
    left = other.client("s3"), other.client("s3", role=other.role(allowing("s3:*")))
    other.end()
    for s3 in left:
        with pytest.raises(ClientError, match=r"InvalidAccessKeyId|does not exist any more"):
            s3.list_buckets()
    assert locum_account.denials() == []


def test_attack_a_forked_process_ends_neither_account_nor_plane(locum: LocumPlane, locum_account: LocumAccount) -> None:
    child = os.fork()
    if not child:
        try:
            locum_account.end()
            locum.close()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)
    assert locum_account.id in arn_of(locum_account.client("sts"))


@pytest.mark.parametrize("_time", [1, 2])
def test_denials_of_the_first_account_are_those_of_this_test(locum: LocumPlane, _time: int) -> None:
    assert locum.denials() == []
    role = locum.role(name=f"denied-{_time}")
    locum.assert_denied("s3:*", locum.client("s3", role=role).list_buckets)
    assert len(locum.denials()) == 1


# -- unittest ------------------------------------------------------------------------------------------------


class TestOfUnittest(LocumTestCase):
    def setUp(self) -> None:
        self.account.client("s3").create_bucket(Bucket="data")

    def test_one(self) -> None:
        with self.account.assert_denied("s3:ListBucket"):
            self.account.client("s3", role=self.account.role()).list_objects_v2(Bucket="data")

    def test_other(self) -> None:
        assert self.account.denials() == []
        assert len(self.account.client("s3").list_buckets()["Buckets"]) == 1
