"""Secrets that functions rotate: Secrets Manager invokes them, where their policies let it, and they do the rest."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from support.deployed import deployed
from support.plane import ACCOUNT, REGION, RunningPlane, allow, fresh, refused, trusting, up

ROTATING: Final = """
import os
import boto3

secrets = boto3.client("secretsmanager")

def handler(event, context):
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    versions = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert versions[token] == ["AWSPENDING"], versions
    if step == os.environ.get("FAILS"):
        raise ValueError(step)
    if step != "createSecret":
        assert secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")["SecretString"]
    if step == "createSecret":
        now = secrets.get_secret_value(SecretId=secret)["SecretString"]
        secrets.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString=now + "+", VersionStages=["AWSPENDING"]
        )
    if step == "finishSecret":
        (current,) = [it for it, stages in versions.items() if "AWSCURRENT" in stages]
        secrets.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )
"""
MAY_ROTATE: Final = allow([f"secretsmanager:{it}" for it in (
    "DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"
)])  # fmt: skip
NOT_INVOKED: Final = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the "
    "principal secretsmanager.amazonaws.com."
)
DAYS: Final = {"AutomaticallyAfterDays": 10}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("plane")) as running:
        yield running


class Rotation:
    """A secret, and a function that rotates it as its role may, by `statements`."""

    def __init__(self, plane: RunningPlane, *statements: dict[str, Any], fails: str = "") -> None:
        self.plane, self.name = plane, fresh("rotated")
        self.secrets, self.functions = plane.client("secretsmanager"), plane.client("lambda")
        self.arn = self.secrets.create_secret(Name=self.name, SecretString="first")["ARN"]
        role = plane.role(trusting(Service="lambda.amazonaws.com"), *(statements or (MAY_ROTATE,)))
        arn, variables = f"arn:aws:iam::{ACCOUNT}:role/{role}", {"FAILS": fails}
        deployed(plane, ROTATING, FunctionName=self.name, Role=arn, Environment={"Variables": variables})
        self.function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    def let_in(self, **more: str) -> None:
        """Have the policy of the function let Secrets Manager in."""
        statement = {"StatementId": fresh("s"), "Action": "lambda:InvokeFunction", **more}
        self.functions.add_permission(FunctionName=self.name, Principal="secretsmanager.amazonaws.com", **statement)

    def rotate(self, **more: Any) -> str:
        given = {"RotationLambdaARN": self.function, "RotationRules": DAYS, **more}
        return str(self.secrets.rotate_secret(SecretId=self.name, **given).get("VersionId"))

    def told(self) -> dict[str, Any]:
        return dict(self.secrets.describe_secret(SecretId=self.name))

    def stages(self) -> dict[str, list[str]]:
        return {version: sorted(stages) for version, stages in self.told()["VersionIdsToStages"].items()}

    def value(self) -> str:
        return str(self.secrets.get_secret_value(SecretId=self.name)["SecretString"])

    def rotated_to(self, value: str) -> None:
        """Wait until it has a value, and its rotation is over."""
        while self.value() != value or ["AWSPENDING"] in self.stages().values() or self.pending():
            pass

    def pending(self) -> bool:
        return any("AWSPENDING" in stages for stages in self.stages().values())


def test_a_secret_is_rotated_by_its_function_step_by_step(plane: RunningPlane) -> None:
    it = Rotation(plane)
    it.let_in(SourceAccount=ACCOUNT)
    (first,) = it.stages()
    version = it.rotate(ClientRequestToken="a" * 32)
    it.rotated_to("first+")
    assert it.stages() == {version: ["AWSCURRENT"], first: ["AWSPREVIOUS"]}
    told = it.told()
    assert (told["RotationEnabled"], told["RotationLambdaARN"], told["RotationRules"]) == (True, it.function, DAYS)
    while "LastRotatedDate" not in (told := it.told()):
        pass
    assert (told["NextRotationDate"] - told["LastRotatedDate"]).days == 10
    assert it.rotate(ClientRequestToken="a" * 32) == version  # the same request again
    assert it.value() == "first+"


def test_rotations_follow_at_their_time_until_they_are_cancelled(tmp_path_factory: pytest.TempPathFactory) -> None:
    with up(tmp_path_factory.mktemp("plane")) as plane:
        it, off = Rotation(plane), Rotation(plane)
        for each in (it, off):
            each.let_in()
        it.rotate(RotateImmediately=False, RotationRules={"ScheduleExpression": "rate(2 days)"})
        off.rotate(RotateImmediately=False)
        off.secrets.cancel_rotate_secret(SecretId=off.name)
        assert it.told()["RotationRules"] == {"ScheduleExpression": "rate(2 days)"}
        for each in (it, off):
            while len(each.stages()) > 1:
                pass  # the version of the test goes
        assert it.value() == "first"
        assert plane.locum("clock", "+49h").returncode == 0
        it.rotated_to("first+")
        assert plane.locum("clock", "+10d").returncode == 0
        it.rotated_to("first++")
        assert off.value() == "first"


def test_a_step_that_fails_leaves_the_current_value_and_is_attempted_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with up(tmp_path_factory.mktemp("plane")) as plane:
        it = Rotation(plane, fails="testSecret")
        it.let_in()
        (first,) = it.stages()
        version = it.rotate()
        assert it.rotate(ClientRequestToken=version) == version  # the same request again
        fault = refused(it.secrets.rotate_secret, SecretId=it.name)
        assert (fault.code, fault.message) == (
            "InvalidRequestException",
            "A previous rotation isn't complete. That rotation will be reattempted.",
        )
        while it.value() == "first" and len(it.secrets.list_secret_version_ids(SecretId=it.name)["Versions"]) < 2:
            pass
        assert it.stages() == {version: ["AWSPENDING"], first: ["AWSCURRENT"]}
        it.functions.update_function_configuration(FunctionName=it.name, Environment={"Variables": {}})
        while it.value() == "first":
            assert plane.locum("clock", "+2m").returncode == 0
        it.rotated_to("first+")
        assert it.stages() == {version: ["AWSCURRENT"], first: ["AWSPREVIOUS"]}


# -- attacks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [None, {"SourceAccount": "111122223333"}, {"SourceArn": "arn:aws:s3:::theirs"}])
def test_a_function_that_does_not_let_secrets_manager_in_is_not_invoked(
    plane: RunningPlane, source: dict[str, str] | None
) -> None:
    it = Rotation(plane)
    if source is not None:
        it.let_in(**source)
    fault = refused(it.rotate)
    assert (fault.code, fault.status, fault.message) == ("AccessDeniedException", 400, NOT_INVOKED)
    assert "RotationEnabled" not in it.told()
    assert (it.value(), len(it.stages())) == ("first", 1)


def test_who_may_not_invoke_the_function_has_no_secret_rotated_by_it(plane: RunningPlane) -> None:
    it = Rotation(plane)
    it.let_in()
    _, key = plane.user(allow("secretsmanager:*"), allow("lambda:InvokeFunction", it.function + "s"))
    theirs = plane.client("secretsmanager", key)
    fault = refused(theirs.rotate_secret, SecretId=it.name, RotationLambdaARN=it.function, RotationRules=DAYS)
    assert fault.code == "AccessDeniedException"
    assert "lambda:InvokeFunction" in fault.message
    assert "RotationEnabled" not in it.told()
    _, key = plane.user(allow("secretsmanager:*"), allow("lambda:InvokeFunction", it.function))
    rotate = plane.client("secretsmanager", key).rotate_secret
    rotate(SecretId=it.name, RotationLambdaARN=it.function, RotationRules=DAYS)
    it.rotated_to("first+")


def test_a_function_rotates_with_the_permissions_of_its_role_alone(plane: RunningPlane) -> None:
    it = Rotation(plane, allow(["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]))
    it.let_in()
    version = it.rotate()
    name = [{"AttributeKey": "EventName", "AttributeValue": "PutSecretValue"}]
    lookup = plane.client("cloudtrail").lookup_events
    while not any(
        it.name in event["CloudTrailEvent"] and "AccessDenied" in event["CloudTrailEvent"]
        for event in lookup(LookupAttributes=name)["Events"]
    ):
        pass
    assert it.stages()[version] == ["AWSPENDING"]
    assert it.value() == "first"


@pytest.mark.parametrize("form", ["{name}", "function:{name}", "{account}:function:{name}", "arn:aws:s3:::{name}"])
def test_a_function_by_another_name_than_its_arn_gets_round_no_denial(plane: RunningPlane, form: str) -> None:
    it = Rotation(plane)
    it.let_in()
    denied = {"Effect": "Deny", "Action": "lambda:InvokeFunction", "Resource": it.function}
    _, key = plane.user(allow(["secretsmanager:*", "lambda:*"]), denied)
    given = {"RotationLambdaARN": form.format(name=it.name, account=ACCOUNT), "RotationRules": DAYS}
    refused(plane.client("secretsmanager", key).rotate_secret, SecretId=it.name, **given)
    refused(it.secrets.rotate_secret, SecretId=it.name, **given)
    assert "RotationEnabled" not in it.told()


def test_of_rotations_that_are_asked_for_at_once_one_begins(plane: RunningPlane) -> None:
    it = Rotation(plane, fails="createSecret")
    it.let_in()

    def attempt(token: str) -> str:
        try:
            return it.rotate(ClientRequestToken=token)
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(6) as pool:
        told = [*pool.map(attempt, [letter * 32 for letter in "abcdef"])]
    begun = [it for it in told if it != "InvalidRequestException"]
    assert len(begun) == 1
    assert [version for version, stages in it.stages().items() if stages == ["AWSPENDING"]] == begun
    assert len(it.stages()) == 2


def test_what_is_no_secret_is_not_rotated(plane: RunningPlane) -> None:
    it = Rotation(plane)
    it.let_in()
    given = {"RotationLambdaARN": it.function, "RotationRules": DAYS}
    assert refused(it.secrets.rotate_secret, SecretId=fresh("none"), **given).code == "ResourceNotFoundException"
    it.secrets.delete_secret(SecretId=it.name)
    assert refused(it.rotate).code == "InvalidRequestException"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}, "InvalidParameterException"),
        ({"ScheduleExpression": "whenever"}, "InvalidParameterException"),
        ({"ScheduleExpression": "rate(300 minutes)"}, "InvalidParameterException"),
        ({"ScheduleExpression": "rate(3 hours)"}, "InvalidParameterException"),
        ({"ScheduleExpression": "rate(999999999 days)"}, "InvalidParameterException"),
        ({"ScheduleExpression": "cron(* 8 * * ? *)"}, "InvalidParameterException"),
        ({"ScheduleExpression": "cron(0 0/2 * * ? *)"}, "InvalidParameterException"),
        ({"ScheduleExpression": "cron(0 8 1 1 ? 2090)"}, "InvalidParameterException"),
    ],
)
def test_rules_that_say_no_time_are_refused(plane: RunningPlane, rules: dict[str, Any], code: str) -> None:
    it = Rotation(plane)
    it.let_in()
    assert refused(it.rotate, RotationRules=rules).code == code
    assert refused(it.secrets.rotate_secret, SecretId=it.name).code == "InvalidRequestException"
