"""Large policies are compiled beside the event loop, once."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from locum import policy
from locum.calls.large_policies import LARGE, LargePolicies
from support.inprocess import InProcess, Key, refusal


def bucket_policy(bucket: str, statements: int) -> str:
    allowed = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/{number}",
        }
        for number in range(statements)
    ]
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/no"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*allowed, denied]})


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which large policies are compiled."""
    found: list[threading.Thread] = []
    original = policy.compile

    def compile_and_tell(document: Any, *more: Any) -> Any:
        if len(document.text) > LARGE:
            found.append(threading.current_thread())
        return original(document, *more)

    monkeypatch.setattr(policy, "compile", compile_and_tell)
    return found


def test_a_large_policy_is_compiled_in_another_thread_and_holds(
    plane: InProcess, threads: list[threading.Thread]
) -> None:
    s3, bucket = plane.client("s3"), "a-large-policy"
    s3.create_bucket(Bucket=bucket)
    for name in ("yes", "no"):
        s3.put_object(Bucket=bucket, Key=name, Body=b"v")
    s3.put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket, 60))
    threads.clear()
    reader: Key = plane.user("reader", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    mine = plane.client("s3", reader)
    assert refusal(mine.get_object, Bucket=bucket, Key="no")[:2] == ("AccessDenied", 403)
    assert mine.get_object(Bucket=bucket, Key="yes")["Body"].read() == b"v"
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


def test_the_policies_of_a_user_are_compiled_in_another_thread(
    plane: InProcess, threads: list[threading.Thread]
) -> None:
    iam, user = plane.client("iam"), plane.user("large", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    resources = [f"arn:aws:s3:::large-{number}-{'x' * 40}" for number in range(LARGE // 50)]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resources}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    made = iam.create_policy(PolicyName="large", PolicyDocument=document)["Policy"]
    iam.attach_user_policy(UserName="large", PolicyArn=made["Arn"])
    threads.clear()
    for _ in range(2):
        plane.client("s3", user).list_buckets()
    assert [thread is threading.current_thread() for thread in threads] == [False]


def test_only_policies_that_were_not_there_before_count() -> None:
    policies, large, half = LargePolicies(), "x" * (LARGE + 1), "y" * (LARGE // 2 + 1)
    assert not policies.include_new(["x" * LARGE])
    assert policies.include_new(["", large, large])
    assert not policies.include_new([large, half])
    assert not policies.include_new([large, half, "z" * LARGE])
    assert policies.include_new(["a" * LARGE, "b" * (LARGE // 2)])
