"""The roles of `cdk bootstrap`, made by hand as its template says: what each may do in a deployment, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support import cdk_bootstrap as cdk
from support.plane import ACCOUNT, Key, RunningPlane, allow, document, refused, up

TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


class Environment:
    """A bootstrapped account, and a developer who may do nothing but assume the CDK's roles."""

    def __init__(self, plane: RunningPlane) -> None:
        self.plane = plane
        iam, kms = plane.client("iam"), plane.client("kms")
        plane.client("s3").create_bucket(Bucket=cdk.BUCKET)
        plane.client("ecr").create_repository(repositoryName=cdk.REPOSITORY)
        plane.client("ssm").put_parameter(Name=cdk.VERSION, Value="26", Type="String")
        iam.create_policy(PolicyName=cdk.BOUNDARY, PolicyDocument=cdk.boundary())
        key = kms.create_key()["KeyMetadata"]
        for role in cdk.roles(key["Arn"]):
            role.make(iam)
        # The policy names the publishing role, which has to be there.
        kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=cdk.key_policy())
        self.key_id: str = key["KeyId"]
        _, self.developer = plane.user(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/cdk-*"))

    def assumed(self, purpose: str, **parameters: Any) -> Key:
        """Credentials of a role, assumed as the CDK does it."""
        sts = self.plane.client("sts", self.developer)
        session = {"RoleArn": cdk.arn(purpose), "RoleSessionName": "aws-cdk-ann", "DurationSeconds": 900}
        return Key.of(sts.assume_role(**session, **parameters)["Credentials"])

    def client(self, service: str, purpose: str) -> Any:
        """A client that calls as the role."""
        return self.plane.client(service, self.assumed(purpose))


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A plane of its own: bootstrapping makes names that are the account's."""
    with up(tmp_path_factory.mktemp("cdk")) as plane:
        yield Environment(plane)


def test_the_roles_are_as_the_template_has_them(account: Environment) -> None:
    iam = account.plane.client("iam")
    deploy = iam.get_role(RoleName=cdk.name("deploy-role"))["Role"]
    assert deploy["AssumeRolePolicyDocument"] == json.loads(cdk.trust())
    assert deploy["Tags"] == [{"Key": "aws-cdk:bootstrap-role", "Value": "deploy"}]
    execution = iam.get_role(RoleName=cdk.name("cfn-exec-role"))["Role"]
    assert execution["PermissionsBoundary"]["PermissionsBoundaryArn"] == cdk.BOUNDARY_ARN
    attached = iam.list_attached_role_policies(RoleName=cdk.name("lookup-role"))["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["ReadOnlyAccess"]


def test_a_deployment_from_the_version_to_the_stack(account: Environment) -> None:
    ssm = account.client("ssm", "deploy-role")
    assert ssm.get_parameter(Name=cdk.VERSION)["Parameter"]["Value"] == "26"
    account.client("s3", "file-publishing-role").put_object(Bucket=cdk.BUCKET, Key="a.json", Body=TEMPLATE.encode())
    account.client("kms", "file-publishing-role").generate_data_key(KeyId=account.key_id, KeySpec="AES_256")
    staged = account.client("s3", "deploy-role").get_object(Bucket=cdk.BUCKET, Key="a.json")
    assert staged["Body"].read() == TEMPLATE.encode()

    stacks = account.client("cloudformation", "deploy-role")
    change = {"StackName": "app", "ChangeSetName": "cdk-deploy", "ChangeSetType": "CREATE"}
    stacks.create_change_set(**change, TemplateBody=TEMPLATE, RoleARN=cdk.arn("cfn-exec-role"))
    stacks.execute_change_set(ChangeSetName="cdk-deploy", StackName="app")
    assert stacks.describe_stacks(StackName="app")["Stacks"][0]["StackName"] == "app"
    stacks.delete_stack(StackName="app", RoleARN=cdk.arn("cfn-exec-role"))


def test_the_deploy_role_hands_on_the_execution_role_and_no_other(account: Environment) -> None:
    stacks = account.client("cloudformation", "deploy-role")
    call = {"StackName": "b", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": TEMPLATE}
    met = refused(stacks.create_change_set, **call, RoleARN=cdk.arn("lookup-role"))
    assert (met.code, met.status) == ("AccessDenied", 403)
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{cdk.name('deploy-role')}/aws-cdk-ann"
    assert met.message.startswith(
        f"User: {who} is not authorized to perform: iam:PassRole on resource: {cdk.arn('lookup-role')}"
    )


@pytest.mark.parametrize(
    ("purpose", "service", "operation", "parameters"),
    [
        ("deploy-role", "s3", "put_object", {"Bucket": cdk.BUCKET, "Key": "a", "Body": b""}),
        ("deploy-role", "iam", "create_role", {"RoleName": "r", "AssumeRolePolicyDocument": cdk.trust()}),
        ("deploy-role", "ssm", "get_parameter", {"Name": "/another"}),
        ("deploy-role", "cloudformation", "create_stack_set", {"StackSetName": "s"}),
        ("file-publishing-role", "s3", "put_bucket_policy", {"Bucket": cdk.BUCKET, "Policy": "{}"}),
        ("file-publishing-role", "s3", "get_object", {"Bucket": "another", "Key": "a"}),
        ("file-publishing-role", "cloudformation", "describe_stacks", {}),
        ("image-publishing-role", "ecr", "delete_repository", {"repositoryName": cdk.REPOSITORY}),
        ("image-publishing-role", "ecr", "describe_images", {"repositoryName": "another"}),
        ("lookup-role", "iam", "delete_role", {"RoleName": cdk.name("deploy-role")}),
        ("lookup-role", "s3", "delete_object", {"Bucket": cdk.BUCKET, "Key": "a"}),
    ],
)
def test_what_the_roles_may_not_do(
    account: Environment, purpose: str, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    met = refused(getattr(account.client(service, purpose), operation), **parameters)
    assert met.code in {"AccessDenied", "AccessDeniedException"}
    assert f"assumed-role/{cdk.name(purpose)}/aws-cdk-ann is not authorized to perform: {service}:" in met.message


def test_the_image_publisher_and_the_lookup_role_do_their_part(account: Environment) -> None:
    ecr = account.client("ecr", "image-publishing-role")
    assert ecr.get_authorization_token()["authorizationData"]
    assert ecr.describe_images(repositoryName=cdk.REPOSITORY)["imageDetails"] == []
    assert account.client("ec2", "lookup-role").describe_vpcs()["Vpcs"]
    sealed = account.client("kms", "file-publishing-role").encrypt(KeyId=account.key_id, Plaintext=b"x")[
        "CiphertextBlob"
    ]
    denied = refused(account.client("kms", "lookup-role").decrypt, CiphertextBlob=sealed, KeyId=account.key_id)
    assert denied.code == "AccessDeniedException"
    assert "explicit deny" in denied.message


def test_nobody_but_cloudformation_assumes_the_execution_role(account: Environment) -> None:
    sts = account.plane.client("sts", account.developer)
    call = {"RoleArn": cdk.arn("cfn-exec-role"), "RoleSessionName": "ann"}
    assert refused(sts.assume_role, **call)[:2] == ("AccessDenied", 403)


def test_session_tags_take_permission_on_both_sides(account: Environment) -> None:
    tags = [{"Key": "team", "Value": "red"}]
    sts = account.plane.client("sts", account.developer)
    call = {"RoleArn": cdk.arn("deploy-role"), "RoleSessionName": "ann", "Tags": tags}
    assert "sts:TagSession" in refused(sts.assume_role, **call).message
    _, tagger = account.plane.user(allow(["sts:AssumeRole", "sts:TagSession"], cdk.arn("deploy-role")))
    assert account.plane.client("sts", tagger).assume_role(**call)["Credentials"]


def test_the_boundary_lets_no_role_be_made_without_it(account: Environment) -> None:
    """A user stands for what CloudFormation does with the execution role: all-powerful, under the same boundary."""
    plane, iam = account.plane, account.plane.client("iam")
    user, key = plane.user(allow("*"))
    iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary=cdk.BOUNDARY_ARN)
    bounded = plane.client("iam", key)
    role: dict[str, Any] = {"RoleName": "made", "AssumeRolePolicyDocument": cdk.trust()}
    assert refused(bounded.create_role, **role).code == "AccessDenied"
    bounded.create_role(**role, PermissionsBoundary=cdk.BOUNDARY_ARN)
    assert refused(bounded.delete_role_permissions_boundary, RoleName="made").code == "AccessDenied"
    document_of_all = document(allow("*"))
    altering = refused(bounded.create_policy_version, PolicyArn=cdk.BOUNDARY_ARN, PolicyDocument=document_of_all)
    assert altering.code == "AccessDenied"


def test_a_trusted_account_deploys_without_tags(account: Environment) -> None:
    """`cdk bootstrap --trust`: the other account's principals may assume the roles, but not tag their sessions."""
    plane = account.plane
    organizations = plane.client("organizations")
    organizations.create_organization()
    made = organizations.create_account(AccountName="pipeline", Email="p@example.com")["CreateAccountStatus"]
    told = organizations.describe_create_account_status(CreateAccountRequestId=made["Id"])["CreateAccountStatus"]
    other: str = told["AccountId"]
    plane.client("iam").update_assume_role_policy(
        RoleName=cdk.name("file-publishing-role"), PolicyDocument=cdk.trust(other)
    )
    _, admin = plane.user(allow("sts:AssumeRole"))
    arn = f"arn:aws:iam::{other}:role/OrganizationAccountAccessRole"
    inside = plane.client("sts", admin).assume_role(RoleArn=arn, RoleSessionName="pipeline")
    sts = plane.client("sts", Key.of(inside["Credentials"]))
    call = {"RoleArn": cdk.arn("file-publishing-role"), "RoleSessionName": "ann"}
    assert sts.assume_role(**call)["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:")
    assert refused(sts.assume_role, **call, Tags=[{"Key": "a", "Value": "b"}]).code == "AccessDenied"
    assert refused(sts.assume_role, **call | {"RoleArn": cdk.arn("deploy-role")}).code == "AccessDenied"
