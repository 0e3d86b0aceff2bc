"""What cannot be made, held against recordings of AWS's answers: who has it already, what a rollback tells of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import ACCOUNT, refused, trusting
from support.stacks import KEY_POLICY, Stacks, template

TRUST = json.loads(trusting(Service="lambda.amazonaws.com"))
KEYS = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
NAMED: dict[str, dict[str, Any]] = {
    "AWS::DynamoDB::Table": {"TableName": "{}", **KEYS},
    "AWS::ECR::Repository": {"RepositoryName": "{}"},
    "AWS::IAM::Group": {"GroupName": "{}"},
    "AWS::IAM::InstanceProfile": {"InstanceProfileName": "{}", "Roles": []},
    "AWS::IAM::Role": {"RoleName": "{}", "AssumeRolePolicyDocument": TRUST},
    "AWS::IAM::User": {"UserName": "{}"},
    "AWS::Logs::LogGroup": {"LogGroupName": "{}"},
    "AWS::S3::Bucket": {"BucketName": "{}"},
}
"""Types whose properties identify them."""


def named(kind: str, name: str) -> dict[str, Any]:
    return {"Type": kind, "Properties": {key: name if value == "{}" else value for key, value in NAMED[kind].items()}}


def bad_role(**attributes: str) -> dict[str, Any]:
    """A role that IAM refuses."""
    nobody = json.loads(trusting(AWS=f"arn:aws:iam::{ACCOUNT}:role/nobody"))
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": nobody}, **attributes}


def fresh(kind: str) -> str:
    return f"held-{kind.rpartition('::')[2].lower()}"


# -- what a rollback tells of what was never made -------------------------------------------------------------


def test_what_was_never_made_is_told_as_deleted(stacks: Stacks) -> None:
    assert stacks.create("never", template({"Never": bad_role()})) == "ROLLBACK_COMPLETE"
    assert stacks.events("never") == [
        ("never", "CREATE_IN_PROGRESS"),
        ("Never", "CREATE_IN_PROGRESS"),
        ("Never", "CREATE_FAILED"),
        ("never", "ROLLBACK_IN_PROGRESS"),
        ("Never", "DELETE_COMPLETE"),
        ("never", "ROLLBACK_COMPLETE"),
    ]
    found = stacks.client.describe_stack_events(StackName="never")["StackEvents"]
    (gone,) = [it for it in found if it["ResourceStatus"] == "DELETE_COMPLETE"]
    assert (gone["PhysicalResourceId"], "ResourceStatusReason" in gone) == ("", False)
    assert json.loads(gone["ResourceProperties"]) == bad_role()["Properties"]
    (kept,) = stacks.client.describe_stack_resources(StackName="never")["StackResources"]
    assert kept["ResourceStatus"] == "DELETE_COMPLETE"
    arn = stacks.told("never")["StackId"]
    assert stacks.delete("never") == "DELETE_COMPLETE"
    assert stacks.events(arn)[-2:] == [("never", "DELETE_IN_PROGRESS"), ("never", "DELETE_COMPLETE")]


def test_what_is_to_be_retained_is_skipped_where_it_was_never_made(stacks: Stacks) -> None:
    assert stacks.create("skips", template({"Never": bad_role(DeletionPolicy="Retain")})) == "ROLLBACK_COMPLETE"
    assert stacks.events("skips")[-2:] == [("Never", "DELETE_SKIPPED"), ("skips", "ROLLBACK_COMPLETE")]
    assert stacks.delete("skips") == "DELETE_COMPLETE"


def test_what_an_update_could_not_make_is_told_as_deleted_in_its_clean_up(stacks: Stacks) -> None:
    group = {"Group": {"Type": "AWS::IAM::Group"}}
    stacks.create("adds", template(group))
    assert stacks.update("adds", template({**group, "Never": bad_role()})) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.events("adds")[-3:] == [
        ("adds", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Never", "DELETE_COMPLETE"),
        ("adds", "UPDATE_ROLLBACK_COMPLETE"),
    ]
    assert set(stacks.physical("adds")) == {"Group"}


# -- what a stack has already ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", NAMED)
def test_what_another_stack_has_is_told_with_that_stack(stacks: Stacks, kind: str) -> None:
    name = fresh(kind)
    assert stacks.create(f"first-{name}", template({"It": named(kind, name)})) == "CREATE_COMPLETE"
    holder = stacks.told(f"first-{name}")["StackId"]
    assert stacks.create(f"second-{name}", template({"It": named(kind, name)})) == "ROLLBACK_COMPLETE"
    assert stacks.reason(f"second-{name}", "It", "CREATE_FAILED") == f"{name} already exists in stack {holder}"
    assert stacks.told(f"first-{name}")["StackStatus"] == "CREATE_COMPLETE"
    assert stacks.physical(f"first-{name}") == {"It": name}


def test_a_stack_has_what_was_deleted_without_it(plane: InProcess, stacks: Stacks) -> None:
    body = template({"It": named("AWS::IAM::Group", "deleted-by-hand")})
    stacks.create("by-hand", body)
    plane.client("iam").delete_group(GroupName="deleted-by-hand")
    assert stacks.create("by-hand-again", body) == "ROLLBACK_COMPLETE"
    holder = stacks.told("by-hand")["StackId"]
    reason = stacks.reason("by-hand-again", "It", "CREATE_FAILED")
    assert reason == f"deleted-by-hand already exists in stack {holder}"


def test_a_stack_cannot_have_a_resource_under_another_logical_id_at_once(stacks: Stacks) -> None:
    group = named("AWS::IAM::Group", "renamed-within")
    stacks.create("within", template({"Old": group}))
    assert stacks.update("within", template({"New": group})) == "UPDATE_ROLLBACK_COMPLETE"
    holder = stacks.told("within")["StackId"]
    assert stacks.reason("within", "New", "CREATE_FAILED") == f"renamed-within already exists in stack {holder}"
    assert stacks.physical("within") == {"Old": "renamed-within"}


def test_what_a_deleted_stack_has_retained_is_told_as_the_handler_tells_it(stacks: Stacks) -> None:
    body = template({"It": named("AWS::IAM::User", "retained-user") | {"DeletionPolicy": "Retain"}})
    stacks.create("retaining", body)
    assert stacks.delete("retaining") == "DELETE_COMPLETE"
    stacks.create("retaining-again", body)
    assert "Resource of type 'AWS::IAM::User' with identifier 'retained-user' already exists." in stacks.reason(
        "retaining-again", "It", "CREATE_FAILED"
    )


def test_a_stack_of_another_region_is_not_told(plane: InProcess, stacks: Stacks) -> None:
    body = template({"It": named("AWS::IAM::Role", "of-a-region")})
    stacks.create("of-a-region", body)
    other = plane.client("cloudformation", region="eu-west-1")
    other.create_stack(StackName="of-a-region", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    plane.settle_stacks()
    events = other.describe_stack_events(StackName="of-a-region")["StackEvents"]
    (reason,) = [it["ResourceStatusReason"] for it in events if it["ResourceStatus"] == "CREATE_FAILED"]
    assert reason.startswith(
        "Resource handler returned message: \"Resource of type 'AWS::IAM::Role' with identifier 'of-a-region' already"
    )


def test_a_name_that_a_stack_of_another_account_has_is_free(plane: InProcess, stacks: Stacks) -> None:
    """An attack with CreateStack alone would tell which stacks another account has."""
    body = template({"It": named("AWS::IAM::Role", "of-an-account")})
    stacks.create("of-an-account", body)
    theirs = Stacks(plane, plane.account("555555555555"))
    assert theirs.create("theirs", body) == "CREATE_COMPLETE"


# -- what is there without a stack ----------------------------------------------------------------------------

THERE = "Resource of type '{}' with identifier '{}' already exists."
MADE_BY: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "AWS::DynamoDB::Table": ("dynamodb", "create_table", {"TableName": "there", **KEYS}, "there"),
    "AWS::ECR::Repository": ("ecr", "create_repository", {"repositoryName": "there"}, "there"),
    "AWS::IAM::User": ("iam", "create_user", {"UserName": "there"}, "there"),
    "AWS::Logs::LogGroup": (
        "logs",
        "create_log_group",
        {"logGroupName": "there"},
        '{"/properties/LogGroupName":"there"}',
    ),
}


@pytest.mark.parametrize("kind", MADE_BY)
def test_what_is_there_is_told_by_its_identifier(plane: InProcess, stacks: Stacks, kind: str) -> None:
    service, operation, given, identifier = MADE_BY[kind]
    getattr(plane.client(service), operation)(**given)
    stack = f"there-{fresh(kind)}"
    stacks.create(stack, template({"It": named(kind, "there")}))
    told = re.escape(f'Resource handler returned message: "{THERE.format(kind, identifier)}" (RequestToken: ')
    reason = stacks.reason(stack, "It", "CREATE_FAILED")
    assert re.fullmatch(rf"{told}[0-9a-f-]{{36}}, HandlerErrorCode: AlreadyExists\)", reason), reason


def test_a_bucket_and_a_secret_that_are_there_are_told_in_words_of_their_own(plane: InProcess, stacks: Stacks) -> None:
    plane.client("s3").create_bucket(Bucket="there-already")
    plane.client("secretsmanager").create_secret(Name="there", SecretString="x")
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "there"}}
    stacks.create("there-bucket", template({"It": named("AWS::S3::Bucket", "there-already")}))
    stacks.create("there-secret", template({"It": secret}))
    bucket, hidden = (stacks.reason(f"there-{name}", "It", "CREATE_FAILED") for name in ("bucket", "secret"))
    assert '"there-already already exists (Service: S3, Status Code: 0, Request ID: null)" (' in bucket
    assert '"The operation failed because the secret there already exists. (Service: SecretsManager, S' in hidden
    assert all(reason.endswith("HandlerErrorCode: AlreadyExists)") for reason in (bucket, hidden))


def test_another_description_takes_another_policy_which_cannot_have_the_same_name(stacks: Stacks) -> None:
    def body(description: str) -> str:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        given = {"ManagedPolicyName": "described", "Description": description, "PolicyDocument": document}
        return template({"It": {"Type": "AWS::IAM::ManagedPolicy", "Properties": given}})

    stacks.create("describes", body("one"))
    assert stacks.update("describes", body("two")) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.reason("describes", "It", "UPDATE_IN_PROGRESS") == (
        "Requested update requires the creation of a new physical resource; hence creating one."
    )
    reason = stacks.reason("describes", "It", "UPDATE_FAILED")
    assert '"A policy called described already exists. Duplicate names are not allowed. (Service: Iam, ' in reason
    assert reason.endswith("HandlerErrorCode: AlreadyExists)")


def test_a_service_linked_role_that_is_there_is_told_as_there(plane: InProcess, stacks: Stacks) -> None:
    plane.client("iam").create_service_linked_role(AWSServiceName="transitgateway.amazonaws.com")
    role = {"Type": "AWS::IAM::ServiceLinkedRole", "Properties": {"AWSServiceName": "transitgateway.amazonaws.com"}}
    stacks.create("there-linked", template({"It": role}))
    reason = stacks.reason("there-linked", "It", "CREATE_FAILED")
    assert "AWSServiceRoleForVPCTransitGateway has been taken in this account, please try a different suff" in reason
    assert "(Service: Iam, Status Code: 400, " in reason
    assert reason.endswith("HandlerErrorCode: AlreadyExists)")


# -- what handlers tell of refusals ---------------------------------------------------------------------------


def test_a_role_for_all_identities_of_cognito_is_refused(stacks: Stacks) -> None:
    trust = json.loads(trusting(Federated="cognito-identity.amazonaws.com"))
    trust["Statement"] = [{**trust["Statement"][0], "Action": "sts:AssumeRoleWithWebIdentity"}]
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    assert stacks.create("all-identities", template({"It": role})) == "ROLLBACK_COMPLETE"
    reason = stacks.reason("all-identities", "It", "CREATE_FAILED")
    assert '"A condition block must be present for the Cognito provider (Service: Iam, Status Code: 400, R' in reason
    assert reason.endswith("HandlerErrorCode: InvalidRequest)")
    trust["Statement"][0]["Condition"] = {"StringEquals": {"cognito-identity.amazonaws.com:aud": "a:b"}}
    assert stacks.create("one-pool", template({"It": role})) == "CREATE_COMPLETE"


def test_the_handler_of_instance_profiles_takes_a_denial_for_a_general_fault(plane: InProcess) -> None:
    key = plane.user("profiles", {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
    limited = Stacks(plane, key)
    limited.create("profiles", template({"It": named("AWS::IAM::InstanceProfile", "denied")}))
    reason = limited.reason("profiles", "It", "CREATE_FAILED")
    assert "is not authorized to perform: iam:CreateInstanceProfile on resource: " in reason
    assert reason.endswith("HandlerErrorCode: GeneralServiceException)")


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [("AWS::IAM::Role", "service-role/with-its-path"), ("AWS::IAM::ManagedPolicy", "service-role/with-its-path")],
)
def test_what_iam_finds_invalid_is_a_general_fault(plane: InProcess, kind: str, identifier: str) -> None:
    refusal = refused(plane.client("cloudcontrol").get_resource, TypeName=kind, Identifier=identifier)
    assert refusal.code == "GeneralServiceException"
    assert refusal.message.startswith(f"{kind} Handler returned status FAILED: ")
    assert "(Service: Iam, Status Code: 400, " in refusal.message
    assert "(HandlerErrorCode: GeneralServiceException, RequestToken: " in refusal.message


# -- what tags take -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "of_stack", "code"),
    [
        ({}, [], "AccessDenied"),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, [], "UnauthorizedTaggingOperation"),
        ({}, [{"Key": "a", "Value": "b"}], "UnauthorizedTaggingOperation"),
    ],
    ids=["none", "own", "stack"],
)
def test_a_role_with_tags_that_may_not_be_made_is_told_as_a_matter_of_tags(
    plane: InProcess, own: dict[str, Any], of_stack: list[dict[str, str]], code: str
) -> None:
    name = f"untagged-{code}-{len(of_stack)}"
    key = plane.user(name, {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, **own}}
    limited = Stacks(plane, key)
    limited.create(name, template({"It": role}), Tags=of_stack)
    reason = limited.reason(name, "It", "CREATE_FAILED")
    denied = (
        rf'Resource handler returned message: "User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: '
        r"iam:CreateRole on resource: .* because no identity-based policy allows the iam:CreateRole action "
        r'\(Service: Iam, Status Code: 403, Request ID: [0-9a-f-]{36}\) \(SDK Attempt Count: 1\)"'
    )
    tags = (
        'Resource handler returned message: "Encountered a permissions error performing a tagging operation, please '
        "add required tag permissions. See https://repost.aws/knowledge-center/cloudformation-tagging-permission-error "
        "for how to resolve. "
    )
    told = denied if code == "AccessDenied" else rf'{re.escape(tags)}{denied}"'
    assert re.fullmatch(rf"{told} \(RequestToken: [0-9a-f-]{{36}}, HandlerErrorCode: {code}\)", reason), reason


def test_a_key_with_tags_that_may_not_be_made_is_told_without_the_words_of_its_service(plane: InProcess) -> None:
    key = plane.user("keyless", {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
    limited = Stacks(plane, key)
    made = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": KEY_POLICY, "Tags": [{"Key": "a", "Value": "b"}]}}
    limited.create("keyless", template({"It": made}))
    reason = limited.reason("keyless", "It", "CREATE_FAILED")
    assert ' for how to resolve. Resource handler returned message: "Unauthorized tagging operation"" (Reque' in reason
    assert reason.endswith("HandlerErrorCode: UnauthorizedTaggingOperation)")


# -- exports that others import -------------------------------------------------------------------------------


def exporting(value: str, *names: str) -> str:
    outputs = {name: {"Value": value, "Export": {"Name": f"{name}-of-one"}} for name in names}
    return template({"Group": {"Type": "AWS::IAM::Group"}}, Outputs=outputs)


@pytest.fixture(scope="module")
def imported(stacks: Stacks) -> str:
    """The ARN of a stack with an export that three stacks import."""
    stacks.create("exports", exporting("one", "Url", "Free"))
    path = {"Fn::Sub": ["/${it}/", {"it": {"Fn::ImportValue": "Url-of-one"}}]}
    for name in ("imports-a", "imports-b", "imports-c"):
        stacks.create(name, template({"User": {"Type": "AWS::IAM::User", "Properties": {"Path": path}}}))
    return str(stacks.told("exports")["StackId"])


def test_a_stack_whose_export_is_in_use_is_as_before_its_deletion(stacks: Stacks, imported: str) -> None:
    assert stacks.delete("exports", ClientRequestToken="held") == "CREATE_COMPLETE"
    reason = "Delete canceled. Cannot delete export Url-of-one as it is in use by imports-a, imports-b and imports-c."
    assert stacks.told("exports")["StackStatusReason"] == reason
    assert stacks.events("exports")[-2:] == [("exports", "DELETE_IN_PROGRESS"), ("exports", "CREATE_COMPLETE")]
    events = stacks.client.describe_stack_events(StackName=imported)["StackEvents"][:2]
    assert [it["ClientRequestToken"] for it in events] == ["held", "held"]
    assert [it["ResourceStatusReason"] for it in events] == [reason, "User Initiated"]
    assert len(stacks.client.list_imports(ExportName="Url-of-one")["Imports"]) == 3


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (exporting("one", "Free"), "Delete canceled. Cannot delete export"),
        (exporting("two", "Url", "Free"), "Cannot update export"),
    ],
    ids=["gone", "changed"],
)
def test_an_update_that_takes_an_export_in_use_goes_back(stacks: Stacks, imported: str, body: str, told: str) -> None:
    assert stacks.update("exports", body) == "UPDATE_ROLLBACK_COMPLETE"
    reason = stacks.reason(imported, "exports", "UPDATE_ROLLBACK_IN_PROGRESS")
    assert reason == f"{told} Url-of-one as it is in use by imports-a, imports-b and imports-c."
    assert {it["OutputValue"] for it in stacks.told("exports")["Outputs"]} == {"one"}


def test_an_export_that_nobody_imports_may_go(stacks: Stacks, imported: str) -> None:
    assert stacks.update("exports", exporting("one", "Url")) == "UPDATE_COMPLETE"
