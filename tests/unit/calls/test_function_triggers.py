"""Triggers of functions: S3 and SNS invoke a function where its own policy lets them in, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from support.deployed import deployed, records
from support.inprocess import InProcess
from support.plane import ACCOUNT, REGION, fresh, refused

OTHER = "555566667777"


def arn_of(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"


def permit(plane: InProcess, function: str, principal: str, source: str, **more: str) -> None:
    plane.client("lambda").add_permission(
        FunctionName=function,
        StatementId=fresh("permission"),
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=source,
        **more,
    )


def invocations(plane: InProcess, function: str, principal: str) -> list[str]:
    """The verdicts on the invocations of a function by a service, latest first."""
    plane.carry_out()
    return [record.verdict for record in records(plane, "Invoke", function) if record.invoked_by == principal]


def notifying(plane: InProcess, bucket: str, function: str, key: Any = None, **more: Any) -> tuple[Any, dict[str, Any]]:
    """The call by which a bucket notifies a function."""
    told = {"LambdaFunctionArn": arn_of(function), "Events": ["s3:ObjectCreated:*"]}
    configuration = {"LambdaFunctionConfigurations": [told]}
    call = plane.client("s3", key).put_bucket_notification_configuration
    return call, {"Bucket": bucket, "NotificationConfiguration": configuration, **more}


def test_a_bucket_invokes_a_function_that_lets_it_in(plane: InProcess) -> None:
    bucket, function, s3 = fresh("bucket"), deployed(plane), plane.client("s3")
    s3.create_bucket(Bucket=bucket)
    permit(plane, function, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", SourceAccount=ACCOUNT)
    call, settings = notifying(plane, bucket, function)
    call(**settings)
    s3.put_object(Bucket=bucket, Key="key", Body=b"")
    assert invocations(plane, function, "s3.amazonaws.com") == ["allow", "allow"]  # that of the test, and the event


@pytest.mark.parametrize("permitted", [None, "arn:aws:s3:::another"], ids=["nobody", "another bucket"])
def test_a_bucket_that_a_function_does_not_let_in_is_not_set_to_notify_it(
    plane: InProcess, permitted: str | None
) -> None:
    bucket, function, s3 = fresh("bucket"), deployed(plane), plane.client("s3")
    s3.create_bucket(Bucket=bucket)
    if permitted:
        permit(plane, function, "s3.amazonaws.com", permitted)
    call, settings = notifying(plane, bucket, function)
    fault = refused(call, **settings)
    assert (fault.code, fault.message) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    )
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_who_skips_the_check_of_a_destination_does_not_get_round_the_functions_policy(plane: InProcess) -> None:
    bucket, function, s3 = fresh("bucket"), deployed(plane), plane.client("s3")
    s3.create_bucket(Bucket=bucket)
    call, settings = notifying(plane, bucket, function, SkipDestinationValidation=True)
    call(**settings)
    s3.put_object(Bucket=bucket, Key="key", Body=b"")
    assert invocations(plane, function, "s3.amazonaws.com") == ["implicit-deny"]


def test_the_bucket_of_another_account_is_no_deputy(plane: InProcess) -> None:
    intruder, bucket, function = plane.account(OTHER), fresh("bucket"), deployed(plane)
    permit(plane, function, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", SourceAccount=ACCOUNT)
    s3 = plane.client("s3", intruder)
    s3.create_bucket(Bucket=bucket)
    call, settings = notifying(plane, bucket, function, intruder, SkipDestinationValidation=True)
    call(**settings)
    s3.put_object(Bucket=bucket, Key="key", Body=b"")
    assert invocations(plane, function, "s3.amazonaws.com") == ["implicit-deny"]


@pytest.mark.parametrize("lets_in", [True, False], ids=["permitted", "another topic"])
def test_a_topic_invokes_a_function_only_where_it_lets_it_in(plane: InProcess, lets_in: bool) -> None:
    sns, function = plane.client("sns"), deployed(plane)
    topic = sns.create_topic(Name=fresh("topic"))["TopicArn"]
    permit(plane, function, "sns.amazonaws.com", topic if lets_in else f"{topic}-another")
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of(function))
    sns.publish(TopicArn=topic, Message="hello")
    assert invocations(plane, function, "sns.amazonaws.com") == ["allow" if lets_in else "implicit-deny"]
