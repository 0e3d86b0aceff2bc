"""boto3's paginators and waiters over IAM and Organizations: every one that the installed botocore has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.authenticator import Authenticator
from support.certificates import certified, rsa_key, ssh
from support.plane import ACCOUNT, RunningPlane, allow, document, refused, trusting, up
from support.saml_idp import metadata

ARN = f"arn:aws:iam::{ACCOUNT}"
TAGS = [{"Key": key, "Value": "1"} for key in ("one", "two")]
POLICY, READ_ONLY = f"{ARN}:policy/one", "arn:aws:iam::aws:policy/ReadOnlyAccess"
SCP = "SERVICE_CONTROL_POLICY"

IAM: dict[str, dict[str, Any]] = {
    "get_account_authorization_details": {},
    "get_group": {"GroupName": "one"},
    "list_access_keys": {"UserName": "one"},
    "list_account_aliases": {},
    "list_attached_group_policies": {"GroupName": "one"},
    "list_attached_role_policies": {"RoleName": "one"},
    "list_attached_user_policies": {"UserName": "one"},
    "list_entities_for_policy": {"PolicyArn": POLICY},
    "list_group_policies": {"GroupName": "one"},
    "list_groups": {},
    "list_groups_for_user": {"UserName": "one"},
    "list_instance_profile_tags": {"InstanceProfileName": "one"},
    "list_instance_profiles": {},
    "list_instance_profiles_for_role": {"RoleName": "one"},
    "list_mfa_device_tags": {"SerialNumber": f"{ARN}:mfa/one"},
    "list_mfa_devices": {"UserName": "one"},
    "list_open_id_connect_provider_tags": {"OpenIDConnectProviderArn": f"{ARN}:oidc-provider/id.example.com"},
    "list_policies": {"Scope": "Local"},
    "list_policy_tags": {"PolicyArn": POLICY},
    "list_policy_versions": {"PolicyArn": POLICY},
    "list_role_policies": {"RoleName": "one"},
    "list_role_tags": {"RoleName": "one"},
    "list_roles": {},
    "list_saml_provider_tags": {"SAMLProviderArn": f"{ARN}:saml-provider/one"},
    "list_server_certificate_tags": {"ServerCertificateName": "one"},
    "list_server_certificates": {},
    "list_signing_certificates": {"UserName": "one"},
    "list_ssh_public_keys": {"UserName": "one"},
    "list_user_policies": {"UserName": "one"},
    "list_user_tags": {"UserName": "one"},
    "list_users": {},
    "list_virtual_mfa_devices": {},
    "simulate_custom_policy": {"PolicyInputList": [document(allow("s3:*"))], "ActionNames": ["s3:A", "s3:B"]},
    "simulate_principal_policy": {"PolicySourceArn": f"{ARN}:user/one", "ActionNames": ["s3:A", "s3:B"]},
}
"""Every paginator of IAM, and what it is asked."""

ONE_AT_MOST = {"list_account_aliases", "list_instance_profiles_for_role", "list_roots"}
"""What there is one of: an account has one alias, a profile is named by its role here, an organization has one root."""

NOT_THERE = {"list_accounts_with_invalid_effective_policy", "list_effective_policy_validation_errors"}
"""Documented differences."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane that has two of everything that is listed."""
    with up(tmp_path_factory.mktemp("pages")) as plane:
        iam = plane.client("iam")
        for name in ("one", "two"):
            _named(iam, name)
        for name in ("one", "two"):
            _of_one(iam, name)
        iam.create_account_alias(AccountAlias="pages")
        iam.create_policy_version(PolicyArn=POLICY, PolicyDocument=document(allow("iam:*")))
        iam.create_open_id_connect_provider(Url="https://id.example.com", ThumbprintList=["0" * 40], Tags=TAGS)
        yield plane


def _named(iam: Any, name: str) -> None:
    """What there can be many of in an account."""
    iam.create_user(UserName=name, Tags=TAGS)
    iam.create_group(GroupName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(Service="ec2.amazonaws.com"), Tags=TAGS)
    iam.create_policy(PolicyName=name, PolicyDocument=document(allow("s3:*")), Tags=TAGS)
    iam.create_instance_profile(InstanceProfileName=name, Tags=TAGS)
    iam.create_saml_provider(Name=name, SAMLMetadataDocument=metadata(), Tags=TAGS)
    own = certified(name, time.time())
    iam.upload_server_certificate(ServerCertificateName=name, CertificateBody=own.body, PrivateKey=own.key, Tags=TAGS)


def _of_one(iam: Any, name: str) -> None:
    """What the user, the group and the role named "one" can have many of."""
    iam.add_user_to_group(GroupName=name, UserName="one")
    if name != "one":
        iam.add_user_to_group(GroupName="one", UserName=name)
    for kind, member in (("user", "UserName"), ("group", "GroupName"), ("role", "RoleName")):
        arn = POLICY if name == "one" else READ_ONLY
        getattr(iam, f"attach_{kind}_policy")(**{member: "one"}, PolicyArn=arn)
        inline = {"PolicyName": name, "PolicyDocument": document(allow("s3:*"))}
        getattr(iam, f"put_{kind}_policy")(**{member: "one"}, **inline)
    if name == "one":
        iam.add_role_to_instance_profile(InstanceProfileName="one", RoleName="one")
    iam.create_access_key(UserName="one")
    iam.upload_ssh_public_key(UserName="one", SSHPublicKeyBody=ssh(rsa_key(name)))
    iam.upload_signing_certificate(UserName="one", CertificateBody=certified(f"sign-{name}", time.time()).body)
    phone = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=name, Tags=TAGS))
    iam.enable_mfa_device(UserName="one", SerialNumber=phone.serial, **phone.pair(time.time()))


def collected(client: Any, operation: str, parameters: dict[str, Any], size: int | None) -> tuple[list[Any], int]:
    """Everything that is listed, and on how many pages."""
    paginator = client.get_paginator(operation)
    pages = list(paginator.paginate(**parameters, PaginationConfig={"PageSize": size}))
    found = [one for page in pages for key in paginator.result_keys for one in key.search(page) or []]
    return found, len(pages)


def check(client: Any, operation: str, parameters: dict[str, Any]) -> None:
    """Page by page it is what it is at once."""
    whole, _ = collected(client, operation, parameters, None)
    paged, pages = collected(client, operation, parameters, 1)
    assert sorted(map(str, paged)) == sorted(map(str, whole))
    assert (len(whole), pages) == (1, 1) if operation in ONE_AT_MOST else len(whole) > 1 < pages


def paginators(client: Any) -> set[str]:
    return {operation for operation in client.meta.method_to_api_mapping if client.can_paginate(operation)}


def test_no_paginator_is_left_out(full: RunningPlane) -> None:
    assert paginators(full.client("iam")) == set(IAM)
    assert not paginators(full.client("sts"))


@pytest.mark.parametrize("operation", IAM)
def test_page_by_page_iam_lists_what_it_lists_at_once(full: RunningPlane, operation: str) -> None:
    check(full.client("iam"), operation, IAM[operation])


def test_page_by_page_organizations_lists_what_it_lists_at_once(full: RunningPlane) -> None:
    client = full.client("organizations")
    client.create_organization()
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType=SCP)
    made = [client.create_account(AccountName=name, Email=f"{name}@example.com") for name in ("one", "two")]
    requests = [answer["CreateAccountStatus"]["Id"] for answer in made]
    accounts = [
        client.describe_create_account_status(CreateAccountRequestId=request)["CreateAccountStatus"]["AccountId"]
        for request in requests
    ]
    for name in ("one", "two"):
        client.create_organizational_unit(ParentId=root, Name=name)
        scp = client.create_policy(Name=name, Description="", Type=SCP, Content=document(allow("*")))
        policy: str = scp["Policy"]["PolicySummary"]["Id"]
        client.attach_policy(PolicyId=policy, TargetId=root)
    for service, account in zip(("config.amazonaws.com", "guardduty.amazonaws.com"), accounts, strict=True):
        client.enable_aws_service_access(ServicePrincipal=service)
        client.register_delegated_administrator(AccountId=account, ServicePrincipal=service)
    client.register_delegated_administrator(AccountId=accounts[0], ServicePrincipal="guardduty.amazonaws.com")
    client.attach_policy(PolicyId=policy, TargetId=accounts[0])
    client.tag_resource(ResourceId=policy, Tags=TAGS)
    for stranger in ("111111111111", "222222222222"):
        client.invite_account_to_organization(Target={"Id": stranger, "Type": "ACCOUNT"})
    asked: dict[str, dict[str, Any]] = {
        "list_accounts": {},
        "list_accounts_for_parent": {"ParentId": root},
        "list_aws_service_access_for_organization": {},
        "list_children": {"ParentId": root, "ChildType": "ACCOUNT"},
        "list_create_account_status": {},
        "list_delegated_administrators": {},
        "list_delegated_services_for_account": {"AccountId": accounts[0]},
        "list_handshakes_for_organization": {},
        "list_organizational_units_for_parent": {"ParentId": root},
        "list_policies": {"Filter": SCP},
        "list_policies_for_target": {"TargetId": root, "Filter": SCP},
        "list_roots": {},
        "list_targets_for_policy": {"PolicyId": policy},
    }
    for operation, parameters in asked.items():
        check(client, operation, parameters)
    single = {"list_parents": {"ChildId": accounts[0]}, "list_handshakes_for_account": {}}
    tags = {"list_tags_for_resource": {"ResourceId": policy}}
    for operation, parameters in {**single, **tags}.items():
        collected(client, operation, parameters, None)
    assert paginators(client) == {*asked, *single, *tags, *NOT_THERE}


@pytest.mark.parametrize(
    ("waiter", "found", "missing"),
    [
        ("instance_profile_exists", {"InstanceProfileName": "one"}, {"InstanceProfileName": "three"}),
        ("policy_exists", {"PolicyArn": POLICY}, {"PolicyArn": f"{ARN}:policy/three"}),
        ("role_exists", {"RoleName": "one"}, {"RoleName": "three"}),
        ("user_exists", {"UserName": "one"}, {"UserName": "three"}),
    ],
)
def test_a_waiter_ends_with_what_it_waits_for(
    full: RunningPlane, waiter: str, found: dict[str, str], missing: dict[str, str]
) -> None:
    client = full.client("iam")
    assert waiter in client.waiter_names
    client.get_waiter(waiter).wait(**found, WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    operation = f"get_{waiter.removesuffix('_exists')}"
    assert refused(getattr(client, operation), **missing)[:2] == ("NoSuchEntity", 404)
