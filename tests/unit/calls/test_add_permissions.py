"""Permissions added one by one (AddPermission): each becomes a statement that can be read, or is refused."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from support.functions import package
from support.inprocess import REGION, InProcess, refusal

HOME: Final = "000000000000"
AWAY: Final = "444455556666"
UNKNOWN: Final = "111122223333"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def function(plane: InProcess) -> str:
    """The name of a function."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = plane.client("iam").create_role(RoleName="shared", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    plane.client("lambda").create_function(
        FunctionName="shared", Runtime="python3.11", Handler="h.h", Role=role, Code={"ZipFile": package(h="")}
    )
    return "shared"


def permit(client: Any, function: str, **changes: Any) -> dict[str, Any]:
    """The statement of a permission that is added and removed again."""
    given = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": UNKNOWN, **changes}
    client.add_permission(FunctionName=function, **given)
    (found,) = json.loads(client.get_policy(FunctionName=function)["Policy"])["Statement"]
    client.get_function(FunctionName=function)
    client.remove_permission(FunctionName=function, StatementId=given["StatementId"])
    return dict(found)


def test_a_function_shared_with_an_account_a_user_or_everyone_stays_in_reach(plane: InProcess, function: str) -> None:
    client, iam = plane.client("lambda"), plane.client("iam")
    user = iam.create_user(UserName="shares")["User"]["Arn"]
    for principal, shown in (
        (UNKNOWN, {"AWS": f"arn:aws:iam::{UNKNOWN}:root"}),
        (f"arn:aws:iam::{UNKNOWN}:root", {"AWS": f"arn:aws:iam::{UNKNOWN}:root"}),
        (user, {"AWS": user}),
        (f"arn:aws:iam::{UNKNOWN}:role/theirs", {"AWS": f"arn:aws:iam::{UNKNOWN}:role/theirs"}),
        ("*", "*"),
        ("s3.amazonaws.com", {"Service": "s3.amazonaws.com"}),
        ("alexa-appkit.amazon.com", {"Service": "alexa-appkit.amazon.com"}),
    ):
        assert permit(client, function, Principal=principal)["Principal"] == shown


@pytest.mark.parametrize(
    "principal",
    ["nobody", "12345", f"arn:aws:iam::{HOME}:role/nothing", f"arn:aws:iam::{HOME}:role/*", "AROA" + "A" * 17],
)
def test_a_permission_for_nobody_is_refused(plane: InProcess, function: str, principal: str) -> None:
    client = plane.client("lambda")
    told = refusal(permit, client=client, function=function, Principal=principal)
    text = "The provided principal was invalid. Please check the principal and try again."
    assert told == ("InvalidParameterValueException", 400, text)


@pytest.mark.parametrize(
    "changes",
    [
        {"SourceArn": "bucket"},
        {"SourceAccount": "me"},
        {"StatementId": "a b"},
        {"Action": "s3:GetObject"},
        {"Action": "x"},
    ],
)
def test_a_permission_that_would_make_the_policy_malformed_is_refused(
    plane: InProcess, function: str, changes: dict[str, Any]
) -> None:
    client = plane.client("lambda", parameter_validation=False)
    assert refusal(permit, client=client, function=function, **changes)[:2] == ("ValidationException", 400)


def test_every_restriction_of_a_permission_is_in_its_statement(plane: InProcess, function: str) -> None:
    found = permit(
        plane.client("lambda"),
        function,
        SourceArn="arn:aws:s3:::bucket",
        SourceAccount=HOME,
        PrincipalOrgID="o-abcdefghij",
        EventSourceToken="token",
        FunctionUrlAuthType="NONE",
    )
    assert found["Condition"] == {
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        "StringEquals": {
            "AWS:SourceAccount": HOME,
            "aws:PrincipalOrgID": "o-abcdefghij",
            "lambda:EventSourceToken": "token",
            "lambda:FunctionUrlAuthType": "NONE",
        },
    }
    assert set(found) == {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


def test_a_second_permission_of_one_id_is_refused(plane: InProcess, function: str) -> None:
    client = plane.client("lambda")
    given = {"FunctionName": function, "StatementId": "once", "Action": "lambda:InvokeFunction", "Principal": UNKNOWN}
    client.add_permission(**given)
    assert refusal(client.add_permission, **given)[:2] == ("ResourceConflictException", 409)
    client.remove_permission(FunctionName=function, StatementId="once")


def test_a_function_that_is_shared_with_an_account_is_invoked_from_there_and_from_nowhere_else(
    plane: InProcess, function: str
) -> None:
    arn = f"arn:aws:lambda:{REGION}:{HOME}:function:{function}"
    guest = plane.client("lambda", plane.account(AWAY))
    assert refusal(guest.get_function, FunctionName=arn)[1] == 403
    plane.client("lambda").add_permission(
        FunctionName=function, StatementId="guest", Action="lambda:GetFunction", Principal=AWAY
    )
    assert guest.get_function(FunctionName=arn)["Configuration"]["FunctionName"] == function
    other = plane.client("lambda", plane.account("777788889999"))
    assert refusal(other.get_function, FunctionName=arn)[1] == 403


def test_queues_and_topics_are_shared_with_accounts_alone(plane: InProcess) -> None:
    sqs, sns = plane.client("sqs"), plane.client("sns")
    queue = {"QueueUrl": sqs.create_queue(QueueName="accounts")["QueueUrl"]}
    topic = {"TopicArn": sns.create_topic(Name="accounts")["TopicArn"]}
    told = refusal(sqs.add_permission, **queue, Label="l", AWSAccountIds=["me"], Actions=["SendMessage"])
    assert told == (
        "InvalidParameterValue", 400, "Value [me] for parameter PrincipalId is invalid. Reason: Unable to verify."
    )  # fmt: skip
    told = refusal(sns.add_permission, **topic, Label="l", AWSAccountId=["me"], ActionName=["Publish"])
    assert told[::2] == ("InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound")
    sqs.add_permission(**queue, Label="l", AWSAccountIds=["555566667777"], Actions=["SendMessage"])
    plane.client("sqs", plane.account("555566667777")).send_message(**queue, MessageBody="from a guest")
