"""Every operation of IAM and STS, a row each: what it is called with, and which permissions that takes.

The entities are those of `support.operation_world`. `$name` in a parameter or a resource is one that is known only
once it was made. A resource is what follows the account in an IAM ARN, an ARN, or `*`; several permissions are pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ACCOUNT: Final = "000000000000"
CALLER: Final = "caller"
ANN: Final = "user/team/ann"
BEA: Final = "user/team/bea"
IDLE_USER: Final = "user/team/idle"
GROUP: Final = "group/team/g1"
ROLE: Final = "role/team/r1"
PROFILE: Final = "instance-profile/team/i1"
POLICY: Final = "policy/team/p1"
OIDC: Final = "oidc-provider/idp.example.com"
SAML: Final = "saml-provider/saml"
MFA: Final = "mfa/phone"
CERTIFICATE: Final = "server-certificate/team/c1"
LINKED: Final = "role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"
DELETED: Final = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
TEMPLATE: Final = "arn:aws:iam::aws:role-template/lambda.amazonaws.com/Basic:1"

READ: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
TRUST: Final = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},'
    '"Action":"sts:AssumeRole"}]}'
)
TAG: Final = [{"Key": "color", "Value": "blue"}]
PASSWORD: Final = "Correct-Horse-9"


def arn(resource: str, account: str = ACCOUNT) -> str:
    """The ARN of an IAM resource."""
    return resource if resource == "*" or resource.startswith("arn:") else f"arn:aws:iam::{account}:{resource}"


@dataclass(frozen=True)
class Row:
    """One operation. `checks` are (action, ARN) in the order in which they are asked; none where no policy is asked.

    `answers` is the error that the call ends with although it is allowed, in this world; empty where it succeeds.
    `makes` are members that name what is being made, and so nothing that must be there. `several` is False where there
    cannot be two items to page through. `missing` has the code for an entity that is not there, where that is not
    NoSuchEntity. `unsigned`: the call carries a proof in place of a signature.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    checks: tuple[tuple[str, str], ...]
    answers: str = ""
    makes: frozenset[str] = frozenset()
    missing: Mapping[str, str] = field(default_factory=dict)
    several: bool = True
    unsigned: bool = False

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


def iam(
    operation: str,
    resource: str | Iterable[tuple[str, str]],
    *,
    makes: str = "",
    answers: str = "",
    missing: Mapping[str, str] | None = None,
    several: bool = True,
    **params: Any,
) -> Row:
    """A row of IAM. `makes` is blank separated."""
    pairs = [(operation, resource)] if isinstance(resource, str) else list(resource)
    checks = tuple((f"iam:{action}", arn(what)) for action, what in pairs)
    return Row("iam", operation, params, checks, answers, frozenset(makes.split()), missing or {}, several)


def sts(operation: str, resource: str, *, answers: str = "", unsigned: bool = False, **params: Any) -> Row:
    """A row of STS; no `resource` where no policy is asked."""
    checks = ((f"sts:{operation}", arn(resource)),) if resource else ()
    return Row("sts", operation, params, checks, answers, unsigned=unsigned)


_DELEGATION: Final = (
    iam("CreateDelegationRequest", "delegation-request/*", Description="d", RequestorWorkflowId="workflow-new",
        Permissions={"PolicyTemplateArn": arn(POLICY)}, SessionDuration=900,
        NotificationChannel=f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"),
    iam("GetDelegationRequest", "delegation-request/$assigned", DelegationRequestId="$assigned"),
    iam("ListDelegationRequests", "*"),
    iam("AssociateDelegationRequest", "delegation-request/$assigned", DelegationRequestId="$assigned",
        answers="InvalidInput"),
    iam("UpdateDelegationRequest", "delegation-request/$assigned", DelegationRequestId="$assigned"),
    iam("AcceptDelegationRequest", "delegation-request/$assigned", DelegationRequestId="$assigned"),
    iam("RejectDelegationRequest", "delegation-request/$assigned", DelegationRequestId="$assigned"),
    iam("SendDelegationToken", "delegation-request/$accepted", DelegationRequestId="$accepted"),
    iam("GetHumanReadableSummary", "delegation-request/$assigned", EntityArn=arn("delegation-request/$assigned")),
    iam("GetRoleTemplateVersion", TEMPLATE, TemplateArn=TEMPLATE, answers="NoSuchEntity"),
    iam("AcquireRole", [("GetRoleTemplateVersion", TEMPLATE), *((action, "role/*") for action in (
        "CreateRole", "TagRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary", "GetRole"))],
        TemplateArn=TEMPLATE, answers="NoSuchEntity"),
)  # fmt: skip

_USERS: Final = (
    iam("CreateUser", [("CreateUser", "user/team/new"), ("TagUser", "user/team/new")], makes="UserName",
        UserName="new", Path="/team/", Tags=TAG, PermissionsBoundary=arn(POLICY)),
    iam("GetUser", ANN, UserName="ann"),
    iam("ListUsers", "*"),
    iam("UpdateUser", [("UpdateUser", IDLE_USER), ("UpdateUser", "user/team/renamed")], UserName="idle",
        NewUserName="renamed"),
    iam("DeleteUser", IDLE_USER, UserName="idle"),
    iam("TagUser", ANN, UserName="ann", Tags=TAG),
    iam("UntagUser", ANN, UserName="ann", TagKeys=["one"]),
    iam("ListUserTags", ANN, UserName="ann"),
    iam("PutUserPolicy", ANN, makes="PolicyName", UserName="ann", PolicyName="new", PolicyDocument=READ),
    iam("GetUserPolicy", ANN, UserName="ann", PolicyName="one"),
    iam("DeleteUserPolicy", ANN, UserName="ann", PolicyName="one"),
    iam("ListUserPolicies", ANN, UserName="ann"),
    iam("AttachUserPolicy", ANN, UserName="ann", PolicyArn=arn("policy/team/spare")),
    iam("DetachUserPolicy", ANN, UserName="ann", PolicyArn=arn(POLICY)),
    iam("ListAttachedUserPolicies", ANN, UserName="ann"),
    iam("PutUserPermissionsBoundary", ANN, UserName="ann", PermissionsBoundary=arn(POLICY)),
    iam("DeleteUserPermissionsBoundary", ANN, UserName="ann"),
    iam("ListGroupsForUser", ANN, UserName="ann"),
    iam("CreateLoginProfile", BEA, UserName="bea", Password=PASSWORD),
    iam("GetLoginProfile", ANN, UserName="ann"),
    iam("UpdateLoginProfile", ANN, UserName="ann", Password="Another-Horse-9"),
    iam("DeleteLoginProfile", ANN, UserName="ann"),
    iam("ChangePassword", f"user/{CALLER}", OldPassword=PASSWORD, NewPassword="Another-Horse-9"),
    iam("CreateAccessKey", BEA, UserName="bea"),
    iam("ListAccessKeys", ANN, UserName="ann"),
    iam("UpdateAccessKey", ANN, UserName="ann", AccessKeyId="$key", Status="Inactive"),
    iam("DeleteAccessKey", ANN, UserName="ann", AccessKeyId="$key"),
    iam("GetAccessKeyLastUsed", ANN, AccessKeyId="$key", missing={"AccessKeyId": "AccessDenied"}),
    iam("UploadSSHPublicKey", BEA, UserName="bea", SSHPublicKeyBody="$ssh_body"),
    iam("GetSSHPublicKey", ANN, UserName="ann", SSHPublicKeyId="$ssh", Encoding="SSH"),
    iam("ListSSHPublicKeys", ANN, UserName="ann"),
    iam("UpdateSSHPublicKey", ANN, UserName="ann", SSHPublicKeyId="$ssh", Status="Inactive"),
    iam("DeleteSSHPublicKey", ANN, UserName="ann", SSHPublicKeyId="$ssh"),
    iam("UploadSigningCertificate", BEA, UserName="bea", CertificateBody="$certificate_body"),
    iam("ListSigningCertificates", ANN, UserName="ann"),
    iam("UpdateSigningCertificate", ANN, UserName="ann", CertificateId="$signing", Status="Inactive"),
    iam("DeleteSigningCertificate", ANN, UserName="ann", CertificateId="$signing"),
    iam("CreateServiceSpecificCredential", BEA, UserName="bea", ServiceName="codecommit.amazonaws.com"),
    iam("ListServiceSpecificCredentials", ANN, UserName="ann"),
    iam("UpdateServiceSpecificCredential", ANN, UserName="ann", ServiceSpecificCredentialId="$specific",
        Status="Inactive"),
    iam("ResetServiceSpecificCredential", ANN, UserName="ann", ServiceSpecificCredentialId="$specific"),
    iam("DeleteServiceSpecificCredential", ANN, UserName="ann", ServiceSpecificCredentialId="$specific"),
)  # fmt: skip

_CODES: Final[dict[str, Any]] = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000001"}
_DEVICES: Final = (
    iam("CreateVirtualMFADevice", [("CreateVirtualMFADevice", "mfa/new"), ("TagMFADevice", "mfa/new")],
        VirtualMFADeviceName="new", Tags=TAG),
    iam("ListVirtualMFADevices", "*"),
    iam("EnableMFADevice", BEA, UserName="bea", SerialNumber=arn("mfa/idle"), **_CODES,
        answers="InvalidAuthenticationCode"),
    iam("ResyncMFADevice", ANN, UserName="ann", SerialNumber=arn(MFA), **_CODES, answers="InvalidAuthenticationCode"),
    iam("DeactivateMFADevice", ANN, UserName="ann", SerialNumber=arn(MFA)),
    iam("GetMFADevice", ANN, UserName="ann", SerialNumber=arn(MFA)),
    iam("ListMFADevices", ANN, UserName="ann"),
    iam("DeleteVirtualMFADevice", "mfa/idle", SerialNumber=arn("mfa/idle")),
    iam("TagMFADevice", MFA, SerialNumber=arn(MFA), Tags=TAG),
    iam("UntagMFADevice", MFA, SerialNumber=arn(MFA), TagKeys=["one"]),
    iam("ListMFADeviceTags", MFA, SerialNumber=arn(MFA)),
)  # fmt: skip

_GROUPS: Final = (
    iam("CreateGroup", "group/team/new", makes="GroupName", GroupName="new", Path="/team/"),
    iam("GetGroup", GROUP, GroupName="g1"),
    iam("ListGroups", "*"),
    iam("UpdateGroup", [("UpdateGroup", "group/team/idle"), ("UpdateGroup", "group/team/renamed")], GroupName="idle",
        NewGroupName="renamed"),
    iam("DeleteGroup", "group/team/idle", GroupName="idle"),
    iam("AddUserToGroup", GROUP, GroupName="g1", UserName="idle"),
    iam("RemoveUserFromGroup", GROUP, GroupName="g1", UserName="ann"),
    iam("PutGroupPolicy", GROUP, makes="PolicyName", GroupName="g1", PolicyName="new", PolicyDocument=READ),
    iam("GetGroupPolicy", GROUP, GroupName="g1", PolicyName="one"),
    iam("DeleteGroupPolicy", GROUP, GroupName="g1", PolicyName="one"),
    iam("ListGroupPolicies", GROUP, GroupName="g1"),
    iam("AttachGroupPolicy", GROUP, GroupName="g1", PolicyArn=arn("policy/team/spare")),
    iam("DetachGroupPolicy", GROUP, GroupName="g1", PolicyArn=arn(POLICY)),
    iam("ListAttachedGroupPolicies", GROUP, GroupName="g1"),
)  # fmt: skip

_ROLES: Final = (
    iam("CreateRole", [("CreateRole", "role/team/new"), ("TagRole", "role/team/new")], makes="RoleName",
        RoleName="new", Path="/team/", AssumeRolePolicyDocument=TRUST, Tags=TAG),
    iam("GetRole", ROLE, RoleName="r1"),
    iam("ListRoles", "*"),
    iam("UpdateRole", ROLE, RoleName="r1", Description="d"),
    iam("UpdateRoleDescription", ROLE, RoleName="r1", Description="d"),
    iam("UpdateAssumeRolePolicy", ROLE, RoleName="r1", PolicyDocument=TRUST),
    iam("DeleteRole", "role/team/idle", RoleName="idle"),
    iam("TagRole", ROLE, RoleName="r1", Tags=TAG),
    iam("UntagRole", ROLE, RoleName="r1", TagKeys=["one"]),
    iam("ListRoleTags", ROLE, RoleName="r1"),
    iam("PutRolePolicy", ROLE, makes="PolicyName", RoleName="r1", PolicyName="new", PolicyDocument=READ),
    iam("GetRolePolicy", ROLE, RoleName="r1", PolicyName="one"),
    iam("DeleteRolePolicy", ROLE, RoleName="r1", PolicyName="one"),
    iam("ListRolePolicies", ROLE, RoleName="r1"),
    iam("AttachRolePolicy", ROLE, RoleName="r1", PolicyArn=arn("policy/team/spare")),
    iam("DetachRolePolicy", ROLE, RoleName="r1", PolicyArn=arn(POLICY)),
    iam("ListAttachedRolePolicies", ROLE, RoleName="r1"),
    iam("PutRolePermissionsBoundary", ROLE, RoleName="r1", PermissionsBoundary=arn(POLICY)),
    iam("DeleteRolePermissionsBoundary", ROLE, RoleName="r1"),
    iam("ListInstanceProfilesForRole", ROLE, RoleName="r1"),
    iam("CreateServiceLinkedRole",
        "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        AWSServiceName="autoscaling.amazonaws.com"),
    iam("DeleteServiceLinkedRole", LINKED, RoleName="AWSServiceRoleForElasticLoadBalancing"),
    iam("GetServiceLinkedRoleDeletionStatus", DELETED, DeletionTaskId="$deletion"),
    iam("CreateInstanceProfile", [("CreateInstanceProfile", "instance-profile/team/new"),
        ("TagInstanceProfile", "instance-profile/team/new")], makes="InstanceProfileName", InstanceProfileName="new",
        Path="/team/", Tags=TAG),
    iam("GetInstanceProfile", PROFILE, InstanceProfileName="i1"),
    iam("ListInstanceProfiles", "*"),
    iam("DeleteInstanceProfile", "instance-profile/team/idle", InstanceProfileName="idle"),
    iam("AddRoleToInstanceProfile", [("AddRoleToInstanceProfile", "instance-profile/team/idle"), ("PassRole", ROLE)],
        InstanceProfileName="idle", RoleName="r1"),
    iam("RemoveRoleFromInstanceProfile", PROFILE, InstanceProfileName="i1", RoleName="r1"),
    iam("TagInstanceProfile", PROFILE, InstanceProfileName="i1", Tags=TAG),
    iam("UntagInstanceProfile", PROFILE, InstanceProfileName="i1", TagKeys=["one"]),
    iam("ListInstanceProfileTags", PROFILE, InstanceProfileName="i1"),
)  # fmt: skip

_POLICIES: Final = (
    iam("CreatePolicy", [("CreatePolicy", "policy/team/new"), ("TagPolicy", "policy/team/new")], makes="PolicyName",
        PolicyName="new", Path="/team/", PolicyDocument=READ, Tags=TAG),
    iam("GetPolicy", POLICY, PolicyArn=arn(POLICY)),
    iam("ListPolicies", "*", Scope="Local"),
    iam("DeletePolicy", "policy/team/spare", PolicyArn=arn("policy/team/spare")),
    iam("CreatePolicyVersion", POLICY, PolicyArn=arn(POLICY), PolicyDocument=READ),
    iam("GetPolicyVersion", POLICY, PolicyArn=arn(POLICY), VersionId="v1"),
    iam("ListPolicyVersions", POLICY, PolicyArn=arn(POLICY)),
    iam("SetDefaultPolicyVersion", POLICY, PolicyArn=arn(POLICY), VersionId="v2"),
    iam("DeletePolicyVersion", POLICY, PolicyArn=arn(POLICY), VersionId="v2"),
    iam("TagPolicy", POLICY, PolicyArn=arn(POLICY), Tags=TAG),
    iam("UntagPolicy", POLICY, PolicyArn=arn(POLICY), TagKeys=["one"]),
    iam("ListPolicyTags", POLICY, PolicyArn=arn(POLICY)),
    iam("ListEntitiesForPolicy", POLICY, PolicyArn=arn(POLICY)),
    iam("ListPoliciesGrantingServiceAccess", ANN, Arn=arn(ANN), ServiceNamespaces=["s3", "iam"]),
    iam("GetContextKeysForCustomPolicy", "*", PolicyInputList=[READ]),
    iam("GetContextKeysForPrincipalPolicy", ANN, PolicySourceArn=arn(ANN)),
    iam("SimulateCustomPolicy", "*", PolicyInputList=[READ], ActionNames=["s3:GetObject", "s3:PutObject"]),
    iam("SimulatePrincipalPolicy", ANN, PolicySourceArn=arn(ANN), ActionNames=["s3:GetObject", "s3:PutObject"]),
)  # fmt: skip

_PROVIDERS: Final = (
    iam("CreateOpenIDConnectProvider", [("CreateOpenIDConnectProvider", "oidc-provider/new.example.com"),
        ("TagOpenIDConnectProvider", "oidc-provider/new.example.com")], Url="https://new.example.com",
        ThumbprintList=["a" * 40], Tags=TAG),
    iam("GetOpenIDConnectProvider", OIDC, OpenIDConnectProviderArn=arn(OIDC)),
    iam("ListOpenIDConnectProviders", "*"),
    iam("AddClientIDToOpenIDConnectProvider", OIDC, OpenIDConnectProviderArn=arn(OIDC), ClientID="new"),
    iam("RemoveClientIDFromOpenIDConnectProvider", OIDC, OpenIDConnectProviderArn=arn(OIDC), ClientID="app"),
    iam("UpdateOpenIDConnectProviderThumbprint", OIDC, OpenIDConnectProviderArn=arn(OIDC), ThumbprintList=["b" * 40]),
    iam("DeleteOpenIDConnectProvider", "oidc-provider/spare.example.com",
        OpenIDConnectProviderArn=arn("oidc-provider/spare.example.com")),
    iam("TagOpenIDConnectProvider", OIDC, OpenIDConnectProviderArn=arn(OIDC), Tags=TAG),
    iam("UntagOpenIDConnectProvider", OIDC, OpenIDConnectProviderArn=arn(OIDC), TagKeys=["one"]),
    iam("ListOpenIDConnectProviderTags", OIDC, OpenIDConnectProviderArn=arn(OIDC)),
    iam("CreateSAMLProvider", [("CreateSAMLProvider", "saml-provider/new"), ("TagSAMLProvider", "saml-provider/new")],
        Name="new", SAMLMetadataDocument="$metadata", Tags=TAG),
    iam("GetSAMLProvider", SAML, SAMLProviderArn=arn(SAML)),
    iam("ListSAMLProviders", "*"),
    iam("UpdateSAMLProvider", SAML, SAMLProviderArn=arn(SAML), SAMLMetadataDocument="$metadata"),
    iam("DeleteSAMLProvider", SAML, SAMLProviderArn=arn(SAML)),
    iam("TagSAMLProvider", SAML, SAMLProviderArn=arn(SAML), Tags=TAG),
    iam("UntagSAMLProvider", SAML, SAMLProviderArn=arn(SAML), TagKeys=["one"]),
    iam("ListSAMLProviderTags", SAML, SAMLProviderArn=arn(SAML)),
    iam("UploadServerCertificate", [("UploadServerCertificate", "server-certificate/team/new"),
        ("TagServerCertificate", "server-certificate/team/new")], makes="ServerCertificateName", Path="/team/",
        ServerCertificateName="new", CertificateBody="$certificate_body", PrivateKey="$certificate_key", Tags=TAG),
    iam("GetServerCertificate", CERTIFICATE, ServerCertificateName="c1"),
    iam("ListServerCertificates", "*"),
    iam("UpdateServerCertificate", [("UpdateServerCertificate", CERTIFICATE),
        ("UpdateServerCertificate", "server-certificate/team/renamed")], ServerCertificateName="c1",
        NewServerCertificateName="renamed"),
    iam("DeleteServerCertificate", CERTIFICATE, ServerCertificateName="c1"),
    iam("TagServerCertificate", CERTIFICATE, ServerCertificateName="c1", Tags=TAG),
    iam("UntagServerCertificate", CERTIFICATE, ServerCertificateName="c1", TagKeys=["one"]),
    iam("ListServerCertificateTags", CERTIFICATE, ServerCertificateName="c1"),
)  # fmt: skip

_ACCOUNT: Final = (
    iam("CreateAccountAlias", "*", makes="AccountAlias", AccountAlias="another-alias"),
    iam("ListAccountAliases", "*", several=False),
    iam("DeleteAccountAlias", "*", AccountAlias="proven-alias"),
    iam("UpdateAccountPasswordPolicy", "*", MinimumPasswordLength=9),
    iam("GetAccountPasswordPolicy", "*"),
    iam("DeleteAccountPasswordPolicy", "*"),
    iam("GetAccountSummary", "*"),
    iam("GetAccountAuthorizationDetails", "*"),
    iam("GetAccountProperties", "*"),
    iam("PutAccountProperties", "*", Properties={"RoleManager/Enabled": "false"}),
    iam("SetSecurityTokenServicePreferences", "*", GlobalEndpointTokenVersion="v2Token"),
    iam("GenerateCredentialReport", "*"),
    iam("GetCredentialReport", "*"),
    iam("GenerateServiceLastAccessedDetails", ANN, Arn=arn(ANN)),
    iam("GetServiceLastAccessedDetails", "*", JobId="$report", answers="NoSuchEntity"),
    iam("GetServiceLastAccessedDetailsWithEntities", "*", JobId="$policy_report", ServiceNamespace="s3",
        answers="NoSuchEntity"),
    iam("GenerateOrganizationsAccessReport", "access-report/$entity_path", EntityPath="$entity_path"),
    iam("GetOrganizationsAccessReport", "*", JobId="$organization_report"),
    iam("ListOrganizationsFeatures", "*"),
    iam("EnableOrganizationsRootCredentialsManagement", "*"),
    iam("DisableOrganizationsRootCredentialsManagement", "*"),
    iam("EnableOrganizationsRootSessions", "*"),
    iam("DisableOrganizationsRootSessions", "*"),
    iam("EnableOutboundWebIdentityFederation", "*", answers="FeatureEnabled"),
    iam("DisableOutboundWebIdentityFederation", "*"),
    iam("GetOutboundWebIdentityFederationInfo", "*"),
)  # fmt: skip

_TASK: Final = {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}
_STS: Final = (
    sts("AssumeRole", ROLE, RoleArn=arn(ROLE), RoleSessionName="session"),
    sts("AssumeRoot", "arn:aws:iam::$member:root", TargetPrincipal="$member", TaskPolicyArn=_TASK),
    sts("DecodeAuthorizationMessage", "*", EncodedMessage="x", answers="InvalidAuthorizationMessageException"),
    sts("GetAccessKeyInfo", "*", AccessKeyId="$key"),
    sts("GetCallerIdentity", ""),
    sts("GetSessionToken", ""),
    sts("GetFederationToken", f"arn:aws:sts::{ACCOUNT}:federated-user/fed", Name="fed"),
    sts("GetWebIdentityToken", "*", Audience=["app"], SigningAlgorithm="ES384"),
    sts("GetDelegatedAccessToken", "*", TradeInToken="$token"),
    sts("AssumeRoleWithWebIdentity", "", RoleArn=arn(ROLE), RoleSessionName="session", WebIdentityToken="x.y.z",
        answers="InvalidIdentityToken", unsigned=True),
    sts("AssumeRoleWithSAML", "", RoleArn=arn(ROLE), PrincipalArn=arn(SAML), SAMLAssertion="eHh4eA==",
        answers="InvalidIdentityToken", unsigned=True),
)  # fmt: skip

ROWS: Final = (
    *_DELEGATION,
    *_USERS,
    *_DEVICES,
    *_GROUPS,
    *_ROLES,
    *_POLICIES,
    *_PROVIDERS,
    *_ACCOUNT,
    *_STS,
)
