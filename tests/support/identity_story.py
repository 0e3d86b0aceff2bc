"""The identity API as a story in chapters. Every chapter is complete in itself; every client can tell it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from support.authenticator import Authenticator, wrong
from support.clients import Call, Keeping
from support.issuer import signed
from support.plane import ACCOUNT, Key, allow, document
from support.saml_idp import ATTRIBUTES, Login, metadata, sent, signed_response

ARN: Final = f"arn:aws:iam::{ACCOUNT}"
TRUSTS_US: Final = {
    "Effect": "Allow",
    "Principal": {"AWS": f"{ARN}:root"},
    "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
}
WITH_A_CODE: Final[dict[str, Any]] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def _tags(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def credentials(answer: Mapping[str, Any]) -> Key:
    """Of an answer of STS."""
    return Key.of(answer["Credentials"])


def shown(device: str, later: int, mistaken: bool = False) -> Callable[[Keeping], str]:
    """The code that a kept device shows so many steps from now."""

    def code(keeping: Keeping) -> str:
        right = keeping[device].code(time.time(), later)
        return wrong(right) if mistaken else str(right)

    return code


def _token(keeping: Keeping) -> str:
    now = int(time.time())
    return signed({"iss": keeping["issuer"], "aud": "app", "sub": "build", "iat": now, "exp": now + 600})


def _assertion(keeping: Keeping) -> str:
    role = f"{ARN}:role/signed-in,{keeping['idp']}"
    given = {"Role": [role], "RoleSessionName": ["ann"], "PrincipalTag:team": ["red"]}
    return sent(signed_response(Login(now=time.time(), attributes={ATTRIBUTES + name: v for name, v in given.items()})))


def _rows(answer: Mapping[str, Any]) -> list[str]:
    return [row.partition(",")[0] for row in answer["Content"].decode().splitlines()]


PEOPLE: Final = [
    Call("iam:CreateGroup", {"GroupName": "readers", "Path": "/teams/"}, gives={"Group.Path": "/teams/"}),
    Call(
        "iam:CreatePolicy",
        {"PolicyName": "read", "PolicyDocument": document(allow("iam:Get*")), "Tags": _tags(team="red")},
        keep={"policy": "Policy.Arn"},
        gives={"Policy.AttachmentCount": 0, "Policy.DefaultVersionId": "v1"},
    ),
    Call("iam:CreatePolicy", {"PolicyName": "read", "PolicyDocument": "{}"}, refused="EntityAlreadyExists"),
    Call("iam:CreatePolicy", {"PolicyName": "Read2", "PolicyDocument": "{}"}, refused="MalformedPolicyDocument"),
    Call("iam:AttachGroupPolicy", {"GroupName": "readers", "PolicyArn": "<policy>"}),
    Call("iam:CreateUser", {"UserName": "ann", "PermissionsBoundary": "<policy>", "Tags": _tags(team="red")}),
    Call("iam:CreateUser", {"UserName": "ANN"}, refused="EntityAlreadyExists"),
    Call("iam:AddUserToGroup", {"GroupName": "readers", "UserName": "ann"}),
    Call("iam:CreateAccessKey", {"UserName": "ann"}, keep={"ann": lambda answer: Key.of(answer["AccessKey"])}),
    Call(
        "iam:GetUser",
        by="ann",
        gives={
            "User.UserName": "ann",
            "User.PermissionsBoundary.PermissionsBoundaryArn": "<policy>",
            "User.Tags": _tags(team="red"),
        },
    ),
    Call("iam:ListUsers", by="ann", refused="AccessDenied"),
    Call("iam:CreatePolicyVersion", {"PolicyArn": "<policy>", "PolicyDocument": document(allow("iam:*"))}),
    Call("iam:ListUsers", by="ann", refused="AccessDenied"),
    Call("iam:SetDefaultPolicyVersion", {"PolicyArn": "<policy>", "VersionId": "v2"}),
    Call("iam:ListUsers", {"PathPrefix": "/nowhere/"}, by="ann", gives={"Users": []}),
    Call("iam:DeletePolicy", {"PolicyArn": "<policy>"}, refused="DeleteConflict"),
    Call("iam:UpdateAccountPasswordPolicy", {"MinimumPasswordLength": 12, "RequireNumbers": True}),
    Call("iam:CreateLoginProfile", {"UserName": "ann", "Password": "too-short"}, refused="PasswordPolicyViolation"),
    Call("iam:CreateLoginProfile", {"UserName": "ann", "Password": "long-enough-1-now"}),
    Call(
        "iam:ListEntitiesForPolicy",
        {"PolicyArn": "<policy>", "PolicyUsageFilter": "PermissionsBoundary"},
        gives={"PolicyUsers[].UserName": ["ann"], "PolicyGroups": []},
    ),
    Call("iam:DeleteUser", {"UserName": "ann"}, refused="DeleteConflict"),
]

SECOND_FACTOR: Final = [
    Call("iam:CreateUser", {"UserName": "bob"}),
    Call("iam:CreateAccessKey", {"UserName": "bob"}, keep={"bob": lambda answer: Key.of(answer["AccessKey"])}),
    Call(
        "iam:PutUserPolicy",
        {
            "UserName": "bob",
            "PolicyName": "may",
            "PolicyDocument": document(
                allow("sts:*"), allow("iam:ListMFADevices"), allow("iam:ListUsers", **WITH_A_CODE)
            ),
        },
    ),
    Call(
        "iam:CreateVirtualMFADevice",
        {"VirtualMFADeviceName": "phone"},
        keep={"phone": Authenticator.of, "serial": "VirtualMFADevice.SerialNumber"},
        gives={"VirtualMFADevice.SerialNumber": f"{ARN}:mfa/phone"},
    ),
    Call(
        "iam:EnableMFADevice",
        {
            "UserName": "bob",
            "SerialNumber": "<serial>",
            "AuthenticationCode1": shown("phone", -1, mistaken=True),
            "AuthenticationCode2": shown("phone", 0),
        },
        refused="InvalidAuthenticationCode",
    ),
    Call(
        "iam:EnableMFADevice",
        {
            "UserName": "bob",
            "SerialNumber": "<serial>",
            "AuthenticationCode1": shown("phone", -1),
            "AuthenticationCode2": shown("phone", 0),
        },
    ),
    Call("iam:ListMFADevices", by="bob", gives={"MFADevices[].SerialNumber": ["<serial>"]}),
    Call("iam:ListUsers", by="bob", refused="AccessDenied"),
    Call(
        "sts:GetSessionToken",
        {"SerialNumber": "<serial>", "TokenCode": shown("phone", 1, mistaken=True)},
        by="bob",
        refused="AccessDenied",
    ),
    Call(
        "sts:GetSessionToken",
        {"SerialNumber": "<serial>", "TokenCode": shown("phone", 1)},
        by="bob",
        keep={"careful": credentials},
    ),
    Call("iam:ListUsers", {"PathPrefix": "/nowhere/"}, by="careful", gives={"Users": []}),
    Call("sts:GetSessionToken", by="bob", keep={"careless": credentials}),
    Call("iam:ListMFADevices", by="careless", refused="InvalidClientTokenId"),
]

ROLES: Final = [
    Call(
        "iam:CreateRole",
        {
            "RoleName": "first",
            "AssumeRolePolicyDocument": document(TRUSTS_US),
            "Description": "the first of two",
            "MaxSessionDuration": 7200,
        },
        gives={"Role.Arn": f"{ARN}:role/first"},
    ),
    Call(
        "iam:CreateRole",
        {
            "RoleName": "second",
            "AssumeRolePolicyDocument": document(
                TRUSTS_US | {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}
            ),
        },
    ),
    Call("iam:PutRolePolicy", {"RoleName": "first", "PolicyName": "p", "PolicyDocument": document(allow("sts:*"))}),
    Call(
        "iam:PutRolePolicy",
        {
            "RoleName": "second",
            "PolicyName": "p",
            "PolicyDocument": document(allow("iam:*", f"{ARN}:role/${{aws:PrincipalTag/team}}-*")),
        },
    ),
    Call(
        "sts:AssumeRole",
        {"RoleArn": f"{ARN}:role/first", "RoleSessionName": "one", "DurationSeconds": 7201},
        refused="ValidationError",
    ),
    Call(
        "sts:AssumeRole",
        {
            "RoleArn": f"{ARN}:role/first",
            "RoleSessionName": "one",
            "Tags": _tags(team="red", desk="7"),
            "TransitiveTagKeys": ["team"],
            "SourceIdentity": "ann",
        },
        keep={"one": credentials},
        gives={"AssumedRoleUser.Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/first/one", "SourceIdentity": "ann"},
    ),
    Call(
        "sts:AssumeRole",
        {"RoleArn": f"{ARN}:role/second", "RoleSessionName": "two", "DurationSeconds": 3601},
        by="one",
        refused="ValidationError",
    ),
    Call(
        "sts:AssumeRole",
        {"RoleArn": f"{ARN}:role/second", "RoleSessionName": "two", "Tags": _tags(team="blue")},
        by="one",
        refused="InvalidParameterValue",
    ),
    Call(
        "sts:AssumeRole",
        {"RoleArn": f"{ARN}:role/second", "RoleSessionName": "two"},
        by="one",
        keep={"two": credentials},
        gives={"SourceIdentity": "ann"},
    ),
    Call("sts:AssumeRole", {"RoleArn": f"{ARN}:role/second", "RoleSessionName": "two"}, refused="AccessDenied"),
    Call("iam:CreateRole", {"RoleName": "red-1", "AssumeRolePolicyDocument": document(TRUSTS_US)}, by="two"),
    Call(
        "iam:CreateRole",
        {"RoleName": "blue-1", "AssumeRolePolicyDocument": document(TRUSTS_US)},
        by="two",
        refused="AccessDenied",
    ),
    Call("sts:GetCallerIdentity", by="two", gives={"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/second/two"}),
    Call(
        "sts:GetFederationToken",
        {"Name": "guest", "Policy": document(allow("s3:ListAllMyBuckets"))},
        keep={"guest": credentials},
        gives={"FederatedUser.Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/guest"},
    ),
    Call("sts:GetCallerIdentity", by="guest", gives={"Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/guest"}),
    Call("iam:ListRoles", by="guest", refused="InvalidClientTokenId"),
    Call(
        "iam:SimulatePrincipalPolicy",
        {
            "PolicySourceArn": f"{ARN}:role/first",
            "ActionNames": ["sts:AssumeRole", "iam:CreateRole"],
        },
        gives={"EvaluationResults[].EvalDecision": ["allowed", "implicitDeny"]},
    ),
    Call("iam:CreateInstanceProfile", {"InstanceProfileName": "first"}),
    Call("iam:AddRoleToInstanceProfile", {"InstanceProfileName": "first", "RoleName": "first"}),
    Call("iam:DeleteRole", {"RoleName": "first"}, refused="DeleteConflict"),
]


def _federated(provider: str, action: str, **condition: Any) -> str:
    trust = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": ["sts:TagSession", action]}
    return document(trust | ({"Condition": condition} if condition else {}))


FEDERATION: Final = [
    Call(
        "iam:CreateOpenIDConnectProvider",
        {"Url": "<issuer>", "ClientIDList": ["app"], "ThumbprintList": ["0" * 40]},
        keep={"oidc": "OpenIDConnectProviderArn"},
    ),
    Call(
        "iam:CreateRole",
        {
            "RoleName": "built",
            "AssumeRolePolicyDocument": _federated(
                "<oidc>", "sts:AssumeRoleWithWebIdentity", StringEquals={"<issuer_host>:sub": "build"}
            ),
        },
    ),
    Call(
        "sts:AssumeRoleWithWebIdentity",
        {"RoleArn": f"{ARN}:role/built", "RoleSessionName": "ci", "WebIdentityToken": _token},
        keep={"ci": credentials},
        gives={"SubjectFromWebIdentityToken": "build", "Audience": "app", "Provider": "<oidc>"},
    ),
    Call("sts:GetCallerIdentity", by="ci", gives={"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/built/ci"}),
    Call(
        "iam:CreateSAMLProvider",
        {"Name": "idp", "SAMLMetadataDocument": lambda keeping: metadata()},
        keep={"idp": "SAMLProviderArn"},
        gives={"SAMLProviderArn": f"{ARN}:saml-provider/idp"},
    ),
    Call(
        "iam:CreateRole",
        {"RoleName": "signed-in", "AssumeRolePolicyDocument": _federated("<idp>", "sts:AssumeRoleWithSAML")},
    ),
    Call(
        "sts:AssumeRoleWithSAML",
        {"RoleArn": f"{ARN}:role/signed-in", "PrincipalArn": "<idp>", "SAMLAssertion": _assertion},
        keep={"sso": credentials},
        gives={"Subject": "ann@example.com", "SubjectType": "persistent"},
    ),
    Call("sts:GetCallerIdentity", by="sso", gives={"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/signed-in/ann"}),
    Call(
        "sts:AssumeRoleWithSAML",
        {"RoleArn": f"{ARN}:role/built", "PrincipalArn": "<idp>", "SAMLAssertion": _assertion},
        refused="InvalidIdentityToken",
    ),
    Call("iam:DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": "<oidc>"}),
    Call(
        "sts:AssumeRoleWithWebIdentity",
        {"RoleArn": f"{ARN}:role/built", "RoleSessionName": "ci", "WebIdentityToken": _token},
        refused="InvalidIdentityToken",
    ),
]

REPORTS: Final = [
    Call("iam:GetCredentialReport", refused="ReportNotPresent"),
    Call("iam:GenerateCredentialReport", gives={"State": "STARTED"}),
    Call("iam:CreateUser", {"UserName": "cy"}),
    Call(
        "iam:PutUserPolicy",
        {"UserName": "cy", "PolicyName": "may", "PolicyDocument": document(allow(["sts:*", "iam:GetUser"]))},
    ),
    Call("iam:CreateAccessKey", {"UserName": "cy"}, keep={"cy": lambda answer: Key.of(answer["AccessKey"])}),
    Call("iam:GetUser", by="cy"),
    Call(
        "iam:GenerateServiceLastAccessedDetails",
        {"Arn": f"{ARN}:user/cy", "Granularity": "ACTION_LEVEL"},
        keep={"job": "JobId"},
    ),
    Call(
        "iam:GetServiceLastAccessedDetails",
        {"JobId": "<job>"},
        gives={
            "JobStatus": "COMPLETED",
            "ServicesLastAccessed[].[ServiceNamespace, TotalAuthenticatedEntities]": [["iam", 1], ["sts", 0]],
        },
    ),
    Call(
        "iam:GetAccessKeyLastUsed",
        {"AccessKeyId": lambda keeping: keeping["cy"].access_key_id},
        gives={"UserName": "cy", "AccessKeyLastUsed.ServiceName": "iam"},
    ),
    Call(
        "iam:CreateServiceLinkedRole",
        {"AWSServiceName": "elasticloadbalancing.amazonaws.com"},
        gives={"Role.RoleName": "AWSServiceRoleForElasticLoadBalancing"},
    ),
    Call(
        "iam:CreateServiceLinkedRole", {"AWSServiceName": "elasticloadbalancing.amazonaws.com"}, refused="InvalidInput"
    ),
    Call("iam:DeleteRole", {"RoleName": "AWSServiceRoleForElasticLoadBalancing"}, refused="UnmodifiableEntity"),
    Call(
        "iam:DeleteServiceLinkedRole",
        {"RoleName": "AWSServiceRoleForElasticLoadBalancing"},
        keep={"task": "DeletionTaskId"},
    ),
    Call("iam:GetServiceLinkedRoleDeletionStatus", {"DeletionTaskId": "<task>"}, gives={"Status": "SUCCEEDED"}),
    Call(
        "iam:GetAccountAuthorizationDetails",
        {"Filter": ["User"]},
        gives={"UserDetailList[?UserName=='cy'].UserPolicyList[].PolicyName": ["may"], "RoleDetailList": []},
    ),
    Call(
        "iam:GetCredentialReport",
        keep={"rows": _rows},
        gives={"ReportFormat": "text/csv"},
        meanwhile="ReportInProgress",
    ),
]

_SCP: Final = "SERVICE_CONTROL_POLICY"
_NO_USERS: Final = document({"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"})

ORGANIZATION: Final = [
    Call("organizations:DescribeOrganization", refused="AWSOrganizationsNotInUseException"),
    Call("organizations:CreateOrganization", {"FeatureSet": "ALL"}, gives={"Organization.MasterAccountId": ACCOUNT}),
    Call("organizations:ListRoots", keep={"root": "Roots[0].Id"}),
    Call("organizations:EnablePolicyType", {"RootId": "<root>", "PolicyType": _SCP}),
    Call(
        "organizations:CreateAccount",
        {"AccountName": "dev", "Email": "dev@example.com"},
        keep={"request": "CreateAccountStatus.Id"},
        gives={"CreateAccountStatus.State": "IN_PROGRESS"},
    ),
    Call(
        "organizations:DescribeCreateAccountStatus",
        {"CreateAccountRequestId": "<request>"},
        keep={"account": "CreateAccountStatus.AccountId"},
        gives={"CreateAccountStatus.State": "SUCCEEDED"},
    ),
    Call(
        "organizations:CreateOrganizationalUnit",
        {"ParentId": "<root>", "Name": "apps"},
        keep={"unit": "OrganizationalUnit.Id"},
    ),
    Call(
        "organizations:MoveAccount",
        {"AccountId": "<account>", "SourceParentId": "<root>", "DestinationParentId": "<unit>"},
    ),
    Call(
        "sts:AssumeRole",
        {"RoleArn": "arn:aws:iam::<account>:role/OrganizationAccountAccessRole", "RoleSessionName": "admin"},
        keep={"member": credentials},
    ),
    Call("iam:CreateUser", {"UserName": "dee"}, by="member", gives={"User.Arn": "arn:aws:iam::<account>:user/dee"}),
    Call(
        "organizations:CreatePolicy",
        {"Name": "no-users", "Description": "", "Type": _SCP, "Content": _NO_USERS},
        keep={"scp": "Policy.PolicySummary.Id"},
    ),
    Call("organizations:AttachPolicy", {"PolicyId": "<scp>", "TargetId": "<unit>"}),
    Call("iam:CreateUser", {"UserName": "eve"}, by="member", refused="AccessDenied"),
    Call("organizations:ListAccounts", by="member", refused="AccessDeniedException"),
    Call("organizations:DescribeOrganization", by="member", gives={"Organization.MasterAccountId": ACCOUNT}),
    Call(
        "organizations:ListPoliciesForTarget",
        {"TargetId": "<unit>", "Filter": _SCP},
        gives={"sort(Policies[].Name)": ["FullAWSAccess", "no-users"]},
    ),
    Call("organizations:DetachPolicy", {"PolicyId": "<scp>", "TargetId": "<unit>"}),
    Call("iam:CreateUser", {"UserName": "eve"}, by="member"),
    Call("organizations:TagResource", {"ResourceId": "<account>", "Tags": _tags(team="red")}),
    Call("organizations:ListTagsForResource", {"ResourceId": "<account>"}, gives={"Tags": _tags(team="red")}),
    Call("organizations:DeleteOrganization", refused="OrganizationNotEmptyException"),
    Call("organizations:CloseAccount", {"AccountId": "<account>"}),
    Call("organizations:DescribeAccount", {"AccountId": "<account>"}, gives={"Account.Status": "SUSPENDED"}),
    Call("iam:ListUsers", by="member", refused="InvalidClientTokenId"),
]

CHAPTERS: Final[Mapping[str, list[Call]]] = {
    "people": PEOPLE,
    "second factor": SECOND_FACTOR,
    "roles": ROLES,
    "federation": FEDERATION,
    "reports": REPORTS,
    "organization": ORGANIZATION,
}
