"""What `cdk bootstrap` makes of identity: the roles of its template (version 26), as documents and calls.

After packages/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml of the AWS CDK's command line: names, trust, policies,
managed policies, tags, and the example of a permissions boundary.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from support.plane import ACCOUNT, REGION

QUALIFIER: Final = "hnb659fds"
BUCKET: Final = f"cdk-{QUALIFIER}-assets-{ACCOUNT}-{REGION}"
BUCKET_ARN: Final = f"arn:aws:s3:::{BUCKET}"
REPOSITORY: Final = f"cdk-{QUALIFIER}-container-assets-{ACCOUNT}-{REGION}"
VERSION: Final = f"/cdk-bootstrap/{QUALIFIER}/version"
BOUNDARY: Final = f"cdk-{QUALIFIER}-permissions-boundary-{ACCOUNT}-{REGION}"
BOUNDARY_ARN: Final = f"arn:aws:iam::{ACCOUNT}:policy/{BOUNDARY}"
FILES: Final = ["s3:GetObject*", "s3:GetBucket*", "s3:List*"]
KEY_USE: Final = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]


def name(purpose: str) -> str:
    """The name of the role for it: deploy-role, lookup-role ..."""
    return f"cdk-{QUALIFIER}-{purpose}-{ACCOUNT}-{REGION}"


def arn(purpose: str) -> str:
    """The ARN of that role."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name(purpose)}"


def statements(*given: Mapping[str, Any], version: str | None = "2012-10-17") -> str:
    """A document; the trust policies of the template have no Version."""
    return json.dumps({"Statement": given} | ({"Version": version} if version else {}))


def trust(*trusted: str) -> str:
    """Who may assume a role, with tags: the account, and the accounts that `cdk bootstrap --trust` names."""
    return statements(
        {"Action": "sts:TagSession", "Effect": "Allow", "Principal": {"AWS": ACCOUNT}},
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"AWS": ACCOUNT}},
        *({"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"AWS": list(trusted)}} for _ in trusted[:1]),
        version=None,
    )


@dataclass(frozen=True)
class Role:
    """A role of the template."""

    purpose: str
    trust: str
    inline: Mapping[str, str] = field(default_factory=dict)
    managed: tuple[str, ...] = ()
    tag: str = ""
    boundary: str = ""

    def make(self, iam: Any) -> None:
        """Make it as CloudFormation does."""
        tags = {"Tags": [{"Key": "aws-cdk:bootstrap-role", "Value": self.tag}]} if self.tag else {}
        boundary = {"PermissionsBoundary": self.boundary} if self.boundary else {}
        role = name(self.purpose)
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=self.trust, **tags, **boundary)
        for policy, document in self.inline.items():
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)
        for policy in self.managed:
            iam.attach_role_policy(RoleName=role, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")


def roles(key_arn: str, *trusted: str) -> Iterator[Role]:
    """The five roles. The assets are encrypted with the key; `trusted` accounts may deploy."""
    trusting = trust(*trusted)
    yield Role(
        "file-publishing-role",
        trusting,
        {name("file-publishing-role-default-policy"): _files(key_arn)},
        (),
        "file-publishing",
    )
    yield Role(
        "image-publishing-role",
        trusting,
        {name("image-publishing-role-default-policy"): _images()},
        (),
        "image-publishing",
    )
    yield Role(
        "lookup-role",
        trusting,
        {
            "LookupRolePolicy": statements(
                {"Sid": "DontReadSecrets", "Effect": "Deny", "Action": ["kms:Decrypt"], "Resource": "*"}
            )
        },
        ("ReadOnlyAccess",),
        "lookup",
    )
    yield Role("deploy-role", trusting, {"default": _deployment()}, (), "deploy")
    cloudformation = {"Service": "cloudformation.amazonaws.com"}
    yield Role(
        "cfn-exec-role",
        statements({"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": cloudformation}),
        managed=("AdministratorAccess",),
        boundary=BOUNDARY_ARN,
    )


def _files(key_arn: str) -> str:
    return statements(
        {
            "Action": [
                *FILES[:2],
                "s3:GetEncryptionConfiguration",
                "s3:List*",
                "s3:DeleteObject*",
                "s3:PutObject*",
                "s3:Abort*",
            ],
            "Resource": [BUCKET_ARN, f"{BUCKET_ARN}/*"],
            "Condition": {"StringEquals": {"aws:ResourceAccount": [ACCOUNT]}},
            "Effect": "Allow",
        },
        {"Action": KEY_USE, "Effect": "Allow", "Resource": key_arn},
    )


def _images() -> str:
    actions = [
        "PutImage",
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
        "BatchCheckLayerAvailability",
    ]
    actions += ["DescribeRepositories", "DescribeImages", "BatchGetImage", "GetDownloadUrlForLayer"]
    return statements(
        {
            "Action": [f"ecr:{action}" for action in actions],
            "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}",
            "Effect": "Allow",
        },
        {"Action": ["ecr:GetAuthorizationToken"], "Resource": "*", "Effect": "Allow"},
    )


def _deployment() -> str:
    stacks = ["CreateChangeSet", "DeleteChangeSet", "DescribeChangeSet", "DescribeStacks", "ExecuteChangeSet"]
    stacks += ["CreateStack", "UpdateStack", "RollbackStack", "ContinueUpdateRollback"]
    cli = ["DescribeStackEvents", "GetTemplate", "DeleteStack", "UpdateTerminationProtection"]
    return statements(
        _allow("CloudFormationPermissions", [f"cloudformation:{action}" for action in stacks], "*"),
        _allow(
            "PipelineCrossAccountArtifactsBucket",
            [*FILES, "s3:Abort*", "s3:DeleteObject*", "s3:PutObject*"],
            "*",
            StringNotEquals={"s3:ResourceAccount": ACCOUNT},
        ),
        _allow(
            "PipelineCrossAccountArtifactsKey",
            KEY_USE,
            "*",
            StringEquals={"kms:ViaService": f"s3.{REGION}.amazonaws.com"},
        ),
        {"Action": "iam:PassRole", "Resource": arn("cfn-exec-role"), "Effect": "Allow"},
        _allow(
            "CliPermissions",
            [*(f"cloudformation:{a}" for a in cli), "sts:GetCallerIdentity", "cloudformation:GetTemplateSummary"],
            "*",
        ),
        _allow("CliStagingBucket", FILES, [BUCKET_ARN, f"{BUCKET_ARN}/*"]),
        _allow(
            "ReadVersion",
            ["ssm:GetParameter", "ssm:GetParameters"],
            [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{VERSION}"],
        ),
    )


def _allow(sid: str, action: list[str], resource: str | list[str], **condition: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
    return told | ({"Condition": condition} if condition else {})


def boundary() -> str:
    """The example that `cdk bootstrap --example-permissions-boundary` makes."""
    guarded = ["iam:CreateUser", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary"]
    altering = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"]
    removing = ["iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]
    return statements(
        _allow("ExplicitAllowAll", ["*"], "*"),
        {
            "Sid": "DenyAccessIfRequiredPermBoundaryIsNotBeingApplied",
            "Action": guarded,
            "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": BOUNDARY_ARN}},
            "Effect": "Deny",
            "Resource": "*",
        },
        {"Sid": "DenyPermBoundaryIAMPolicyAlteration", "Action": altering, "Effect": "Deny", "Resource": BOUNDARY_ARN},
        {"Sid": "DenyRemovalOfPermBoundaryFromAnyUserOrRole", "Action": removing, "Effect": "Deny", "Resource": "*"},
    )


def key_policy() -> str:
    """The policy of the key that the assets are encrypted with."""
    own = ["Create", "Describe", "Enable", "List", "Put", "Update", "Revoke", "Disable", "Get", "Delete"]
    manage = [f"kms:{action}*" for action in own]
    manage += [
        "kms:ScheduleKeyDeletion",
        "kms:CancelKeyDeletion",
        "kms:GenerateDataKey",
        "kms:TagResource",
        "kms:UntagResource",
    ]
    through = {"kms:CallerAccount": ACCOUNT, "kms:ViaService": [f"s3.{REGION}.amazonaws.com"]}
    return statements(
        {"Action": manage, "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Resource": "*"},
        {
            "Action": KEY_USE,
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Resource": "*",
            "Condition": {"StringEquals": through},
        },
        {"Action": KEY_USE, "Effect": "Allow", "Principal": {"AWS": arn("file-publishing-role")}, "Resource": "*"},
        version=None,
    )
