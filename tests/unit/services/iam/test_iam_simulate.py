"""SimulateCustomPolicy: what it answers and what it refuses, as AWS's own does."""

from __future__ import annotations

from typing import Any

import pytest

from locum.policy import PolicyKind, parse
from locum.services.iam.simulator.positions import positions
from support.iam_plane import ACCOUNT, OTHER, Plane, arn
from support.simulator import (
    ALL,
    ALLOW,
    ANN,
    BOUNDARY,
    BUCKET,
    DENY,
    IAM,
    RESOURCE,
    A,
    B,
    allow,
    bucket_policy,
    custom,
    deny,
    document,
    entry,
    sources,
    when,
)

# --- results -----------------------------------------------------------------------------------------------------


def test_without_resources_the_answer_is_about_all_of_them(plane: Plane) -> None:
    assert custom(plane, ALLOW) == {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {
                "SourcePolicyId": "PolicyInputList.1",
                "SourcePolicyType": IAM,
                "StartPosition": {"Line": 1, "Column": 38},
                "EndPosition": {"Line": 1, "Column": 95},
            }
        ],
        "MissingContextValues": [],
    }


def test_several_resources_come_to_the_most_restrictive_decision_and_to_one_each(plane: Plane) -> None:
    result = custom(plane, document(allow(resource=A)), ResourceArns=[A, B])
    assert (result["EvalDecision"], sources(result)) == ("implicitDeny", [("PolicyInputList.1", IAM)])
    assert result["EvalResourceName"] == "arn:aws:s3:::${BucketName}/${KeyName}"
    assert result["EvalDecisionDetails"] == {}
    first, second = result["ResourceSpecificResults"]
    assert (first["EvalResourceName"], first["EvalResourceDecision"]) == (A, "allowed")
    assert second == {
        "EvalResourceName": B,
        "EvalResourceDecision": "implicitDeny",
        "MatchedStatements": [],
        "MissingContextValues": [],
    }


def test_a_deny_is_the_only_statement_that_is_told(plane: Plane) -> None:
    result = custom(plane, ALLOW, DENY, PermissionsBoundaryPolicyInputList=[DENY])
    assert result["EvalDecision"] == "explicitDeny"
    assert set(sources(result)) == {
        ("PermissionsBoundaryPolicyInputList.1", BOUNDARY),
        ("PolicyInputList.2", IAM),
    }


@pytest.mark.parametrize(
    ("boundary", "decision", "allowed"),
    [
        (ALLOW, "allowed", True),
        (document(allow("s3:PutObject")), "implicitDeny", False),
        (DENY, "explicitDeny", False),
    ],
)
def test_a_boundary_caps_and_is_told_apart(plane: Plane, boundary: str, decision: str, allowed: bool) -> None:
    result = custom(plane, ALLOW, PermissionsBoundaryPolicyInputList=[boundary], ResourceArns=[A])
    assert result["EvalDecision"] == decision
    detail = {"AllowedByPermissionsBoundary": allowed}
    assert result["PermissionsBoundaryDecisionDetail"] == detail
    assert result["ResourceSpecificResults"][0]["PermissionsBoundaryDecisionDetail"] == detail


@pytest.mark.parametrize(
    ("levels", "decision", "allowed"),
    [
        ([[ALL], [ALL]], "allowed", True),
        ([[ALL], [DENY]], "explicitDeny", False),
        ([[ALL], [document(allow("s3:PutObject"))]], "implicitDeny", False),
        ([[DENY, ALL], [ALL]], "explicitDeny", False),
    ],
)
def test_an_organization_that_denies_ends_the_simulation(
    plane: Plane, levels: list[list[str]], decision: str, allowed: bool
) -> None:
    ordered = [{"ServiceControlPolicyInputList": level} for level in levels]
    result = custom(plane, ALLOW, OrderedOrganizationPolicyInputList=ordered)
    assert (result["EvalDecision"], bool(result["MatchedStatements"])) == (decision, allowed)
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": allowed}


@pytest.mark.parametrize(
    ("identity", "boundary", "decision", "details"),
    [
        ([], [], "implicitDeny", {IAM: "implicitDeny", RESOURCE: "allowed"}),
        ([ALLOW], [], "allowed", {IAM: "allowed", RESOURCE: "allowed"}),
        ([ALLOW], [DENY], "explicitDeny", {IAM: "allowed", RESOURCE: "allowed", BOUNDARY: "explicitDeny"}),
    ],
)
def test_across_accounts_each_type_of_policy_is_told(
    plane: Plane, identity: list[str], boundary: list[str], decision: str, details: dict[str, str]
) -> None:
    result = custom(
        plane,
        *identity,
        PermissionsBoundaryPolicyInputList=boundary,
        ResourceArns=[A],
        ResourcePolicy=bucket_policy(ANN),
        CallerArn=ANN,
        ResourceOwner=f"arn:aws:iam::{OTHER}:root",
    )
    assert (result["EvalDecision"], result["EvalDecisionDetails"]) == (decision, details)
    assert result["ResourceSpecificResults"][0]["EvalDecisionDetails"] == details


def test_in_one_account_naming_the_user_is_enough(plane: Plane) -> None:
    result = custom(plane, ResourceArns=[A], ResourcePolicy=bucket_policy(ANN), CallerArn=ANN)
    assert (result["EvalDecision"], sources(result)) == ("allowed", [("ResourcePolicy", RESOURCE)])
    assert result["EvalDecisionDetails"] == {}


def test_a_role_that_calls_is_its_role_and_no_session_of_it(plane: Plane) -> None:
    role = arn("role", "app")
    limited = {"PermissionsBoundaryPolicyInputList": [document(allow("s3:PutObject"))], "ResourceArns": [A]}
    named = custom(plane, ResourcePolicy=bucket_policy(role), CallerArn=role, **limited)
    everyone = custom(plane, ResourcePolicy=bucket_policy("*"), CallerArn=role, **limited)
    assert (named["EvalDecision"], everyone["EvalDecision"]) == ("implicitDeny", "allowed")


def test_a_trust_policy_counts_as_in_a_real_call(plane: Plane) -> None:
    role = arn("role", "app")
    trust = {"Effect": "Allow", "Principal": {"AWS": ANN}, "Action": "sts:AssumeRole"}
    asked: dict[str, Any] = {"ActionNames": ["sts:AssumeRole"], "ResourceArns": [role], "CallerArn": ANN}
    assert custom(plane, ResourcePolicy=document(trust), **asked)["EvalDecision"] == "allowed"
    refusing = document({**trust, "Effect": "Deny"})
    assert custom(plane, ALL, ResourcePolicy=refusing, **asked)["EvalDecision"] == "explicitDeny"


# --- positions ---------------------------------------------------------------------------------------------------

PRETTY = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"
    },
    {
      "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"
    }
  ]
}"""
LONE = '{\n  "Statement": {\n    "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"\n  }\n}'


@pytest.mark.parametrize(
    ("text", "number", "start", "end"),
    [
        (ALLOW, 0, (1, 38), (1, 95)),
        (PRETTY, 0, (3, 17), (6, 6)),
        (PRETTY, 1, (6, 6), (9, 6)),
        (PRETTY.replace("\n", "\r\n"), 1, (6, 6), (9, 6)),
        (PRETTY.replace("\n", "\r"), 0, (3, 17), (6, 6)),
        (" \r\n" + PRETTY, 0, (4, 17), (7, 6)),
        ('{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}', 0, (1, 16), (1, 77)),
        (LONE, 0, (2, 17), (4, 4)),
    ],
)
def test_a_statement_stands_where_aws_says(
    text: str, number: int, start: tuple[int, int], end: tuple[int, int]
) -> None:
    parsed = parse(text, PolicyKind.IDENTITY)
    assert positions(parsed, parsed.statements[number]) == {
        "StartPosition": {"Line": start[0], "Column": start[1]},
        "EndPosition": {"Line": end[0], "Column": end[1]},
    }


# --- condition keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("documents", "decision", "missing"),
    [
        ([document(allow(**when("a:missing", "yes")))], "implicitDeny", ["a:missing"]),
        ([document(allow("s3:PutObject", **when("a:missing", "yes")))], "implicitDeny", ["a:missing"]),
        ([document(deny(**when("a:missing", "yes")))], "implicitDeny", ["a:missing"]),
        ([ALLOW, document(deny(**when("a:missing", "yes")))], "allowed", []),
        ([DENY, document(allow(**when("a:missing", "yes")))], "explicitDeny", []),
        ([document(allow(resource=f"{BUCKET}/${{aws:username}}"))], "implicitDeny", ["aws:username"]),
        ([document(allow(resource=f"{BUCKET}/${{a:key, 'b'}}"))], "implicitDeny", ["a:key"]),
        ([document(allow(resource=f"{BUCKET}/${{*}}"))], "implicitDeny", []),
        (
            [document(allow(**when("A:key", "1")), allow(**when("a:key", "1")))],
            "implicitDeny",
            ["A:key", "a:key"],
        ),
    ],
)
def test_keys_that_the_policies_want_and_nobody_gave_are_told(
    plane: Plane, documents: list[str], decision: str, missing: list[str]
) -> None:
    result = custom(plane, *documents, ResourceArns=[A])
    assert (result["EvalDecision"], result["MissingContextValues"]) == (decision, missing)
    assert result["ResourceSpecificResults"][0].get("MissingContextValues", []) == missing


def test_a_given_key_is_not_missing_in_any_case(plane: Plane) -> None:
    wanted = document(allow(**when("aws:PrincipalTag/Team", "red")))
    result = custom(plane, wanted, ContextEntries=[entry("AWS:principaltag/team", "string", "blue")])
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", [])


@pytest.mark.parametrize(
    ("condition", "given"),
    [
        (when("a:key", "x"), entry("a:key", "string", "x")),
        (when("a:key", "x", "ForAnyValue:StringEquals"), entry("a:key", "stringList", "w", "x")),
        (when("a:key", "5", "NumericLessThan"), entry("a:key", "numeric", "4.5")),
        (when("a:key", "5", "ForAllValues:NumericLessThan"), entry("a:key", "numericList", "1", "2")),
        (when("a:key", "true", "Bool"), entry("a:key", "boolean", "TRUE")),
        (when("a:key", "false", "Bool"), entry("a:key", "boolean", "yes")),
        (when("a:key", "true", "ForAnyValue:Bool"), entry("a:key", "booleanList", "false", "true")),
        (when("a:key", "10.0.0.0/8", "IpAddress"), entry("a:key", "ip", "10.1.2.3")),
        (when("a:key", "10.0.0.0/8", "ForAnyValue:IpAddress"), entry("a:key", "ipList", "::1", "10.1.2.3")),
        (when("a:key", "AQI=", "BinaryEquals"), entry("a:key", "binary", "AQI=")),
        (when("a:key", "AQI=", "ForAnyValue:BinaryEquals"), entry("a:key", "binaryList", "AA==", "AQI=")),
        (when("a:key", "2026-01-01T00:00:00Z", "DateGreaterThan"), entry("a:key", "date", "2026-06-01")),
        (when("a:key", "2026-01-01", "ForAnyValue:DateLessThan"), entry("a:key", "dateList", "2025-06-01T00:00:00Z")),
    ],
)
def test_keys_of_every_type_are_compared(plane: Plane, condition: dict[str, Any], given: dict[str, Any]) -> None:
    assert custom(plane, document(allow(**condition)), ContextEntries=[{}, given])["EvalDecision"] == "allowed"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry("a:key", "string", "a", "b")], "Context key string expected a single value, but received 2."),
        ([entry("a:key", "numeric", " 1 ")], "Invalid context value for key a:key: expected numeric format."),
        ([entry("a:key", "date", "tomorrow")], "Invalid context value for key a:key: expected DateTime format."),
        ([entry("a:key", "ip", "999.0.0.1")], "Invalid context value for key a:key: expected IP address."),
        (
            [entry("a:key", "binary", "!base64")],
            "Invalid context value for key a:key: expected base-64 encoded binary format.",
        ),
        ([entry("a:key", "ipList", "::1", "x")], "Invalid context value for key a:key: expected IP address."),
        ([entry("a:key", "stringList")], "Context values for context key a:key cannot be null or empty."),
        ([{"ContextKeyName": "a:key", "ContextKeyValues": ["a"]}], "Context key a:key has invalid type null."),
        ([{"ContextKeyType": "string", "ContextKeyValues": ["a"]}], "ContextKeyName cannot be null or empty."),
        ([entry("a:key", "string", "a"), entry("A:KEY", "string", "b")], "Duplicate context key: A:KEY."),
    ],
)
def test_a_context_entry_that_cannot_be_is_refused(plane: Plane, entries: list[Any], message: str) -> None:
    params = {"PolicyInputList": [ALLOW], "ActionNames": ["s3:GetObject"], "ContextEntries": entries}
    assert plane.fault("SimulateCustomPolicy", **params) == ("InvalidInput", 400, message)


@pytest.mark.parametrize(
    ("key", "value", "caller", "decision"),
    [
        ("aws:PrincipalArn", ANN, ANN, "allowed"),
        ("aws:username", "ann", ANN, "allowed"),
        ("aws:userid", ANN, ANN, "allowed"),
        ("aws:PrincipalAccount", ACCOUNT, None, "allowed"),
        ("aws:userid", "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR", None, "allowed"),
        ("aws:username", "team", arn("group", "team"), "implicitDeny"),
        ("aws:PrincipalArn", arn("group", "team"), arn("group", "team"), "allowed"),
        ("aws:PrincipalArn", "", None, "implicitDeny"),
        ("aws:PrincipalArn", arn("role", "app"), arn("role", "app"), "allowed"),
    ],
)
def test_what_follows_from_the_caller_need_not_be_given(
    plane: Plane, key: str, value: str, caller: str | None, decision: str
) -> None:
    params = {} if caller is None else {"CallerArn": caller}
    assert custom(plane, document(allow(**when(key, value))), **params)["EvalDecision"] == decision


def test_what_is_given_counts_more_than_what_follows_from_the_caller(plane: Plane) -> None:
    wanted = document(allow(**when("aws:username", "other")))
    given = [entry("aws:username", "string", "other")]
    assert custom(plane, wanted, CallerArn=ANN, ContextEntries=given)["EvalDecision"] == "allowed"


# --- refusals ----------------------------------------------------------------------------------------------------

ASKED: dict[str, Any] = {"PolicyInputList": [ALLOW], "ActionNames": ["s3:GetObject"]}
OF_BUCKET = {"ResourcePolicy": bucket_policy("*"), "ResourceArns": [A]}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ActionNames": ["GetObject"]}, "The action is invalid since it is missing names"),
        ({"PolicyInputList": [ALLOW, "{"]}, "Policy input list item 2 has invalid content"),
        (
            {"PolicyInputList": ['{"Version":"2099-01-01","Statement":[]}']},
            "Policy input list item 1 has invalid content",
        ),
        (
            {"PermissionsBoundaryPolicyInputList": [ALLOW, ALLOW]},
            "The list of Permissions Boundary policies cannot exceed 1 items.",
        ),
        (
            {"OrderedOrganizationPolicyInputList": [{"ServiceControlPolicyInputList": []}]},
            "Organization policy at index 1 must contain at least one service control policy",
        ),
        ({"ResourceArns": ["not-an-arn"]}, "ResourceNames are not in a valid ARN format: not-an-arn."),
        ({"ResourceArns": ["arn:aws:s3"]}, "ResourceNames are not in a valid ARN format: arn:aws:s3."),
        ({"ResourceArns": [A, "*"]}, "ResourceNames are not in a valid ARN format: *."),
        (OF_BUCKET, "Invalid caller - Caller cannot be null or empty."),
        (
            {**OF_BUCKET, "CallerArn": f"arn:aws:iam::{ACCOUNT}:root"},
            "Invalid caller - Caller must be an IAM user, role or group in this context.",
        ),
        (
            {"CallerArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s"},
            "Invalid caller - Caller must be an IAM user, role or group in this context.",
        ),
        (
            {**OF_BUCKET, "CallerArn": ANN, "ResourceArns": ["*"]},
            "Invalid Entity Arn: * does not clearly define entity type and name.",
        ),
        ({**OF_BUCKET, "CallerArn": ANN, "ResourcePolicy": "{}"}, "Resource policy has invalid content"),
        ({"ResourceOwner": "123456789012"}, "'123456789012' is not a valid as a Resource Owner."),
        ({"Marker": "not-a-simulation-marker"}, "Invalid marker for pagination."),
        (
            {"ResourceArns": [A], "ResourceHandlingOption": "EC2-VPC-EBS"},
            "Invalid input resource handling options. Action does not support resource handling options: s3:GetObject.",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(plane: Plane, params: dict[str, Any], message: str) -> None:
    assert plane.fault("SimulateCustomPolicy", **{**ASKED, **params}) == ("InvalidInput", 400, message)


def test_the_scenarios_of_run_instances_are_known(plane: Plane) -> None:
    instance = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-0123456789abcdef0"
    asked: dict[str, Any] = {"ActionNames": ["ec2:RunInstances"], "ResourceArns": [instance]}
    assert custom(plane, ALL, ResourceHandlingOption="EC2-VPC-EBS-Subnet", **asked)["EvalDecision"] == "allowed"
    code, _, _ = plane.fault("SimulateCustomPolicy", PolicyInputList=[ALL], ResourceHandlingOption="EC2-Moon", **asked)
    assert code == "InvalidInput"


@pytest.mark.parametrize(
    ("action", "decision"),
    [("s3:*", "allowed"), ("madeup:Action", "allowed"), ("S3:gEtObJeCt", "allowed"), ("s3:", "allowed")],
)
def test_names_that_no_service_has_are_held_against_the_policies(plane: Plane, action: str, decision: str) -> None:
    result = custom(plane, ALL, ActionNames=[action])
    assert (result["EvalActionName"], result["EvalDecision"]) == (action, decision)


# --- pages -------------------------------------------------------------------------------------------------------


def test_pages_are_of_actions_and_their_order_is_kept(plane: Plane) -> None:
    asked: dict[str, Any] = {"PolicyInputList": [ALL], "ActionNames": ["s3:b", "s3:a", "s3:b"], "MaxItems": 2}
    pages = plane.pages("SimulateCustomPolicy", "EvaluationResults", **asked)
    assert [[result["EvalActionName"] for result in page] for page in pages] == [["s3:b", "s3:a"], ["s3:b"]]


def test_a_marker_is_good_for_other_actions_too(plane: Plane) -> None:
    first = plane.call("SimulateCustomPolicy", PolicyInputList=[ALL], ActionNames=["s3:a", "s3:b"], MaxItems=1)
    answer = plane.call("SimulateCustomPolicy", PolicyInputList=[ALL], ActionNames=["s3:c"], Marker=first["Marker"])
    assert answer == {"EvaluationResults": [], "IsTruncated": False}


def test_many_resources_make_short_pages(plane: Plane) -> None:
    resources = [f"{BUCKET}/{number}" for number in range(1500)]
    asked: dict[str, Any] = {"PolicyInputList": [ALL], "ActionNames": ["s3:a", "s3:b"], "ResourceArns": resources}
    pages = plane.pages("SimulateCustomPolicy", "EvaluationResults", **asked)
    assert [len(page) for page in pages] == [1, 1]
