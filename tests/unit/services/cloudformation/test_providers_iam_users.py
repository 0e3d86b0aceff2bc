"""IAM's resource types: users, groups, credentials, identity providers, service-linked roles."""

from __future__ import annotations

import time
from typing import Any

import pytest

from support.certificates import certified
from support.inprocess import InProcess
from support.plane import ACCOUNT
from support.providers import Making
from support.remade import code, remade
from support.saml_idp import metadata, signer

READ = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Making:
    return Making(plane)


@pytest.fixture(scope="module")
def iam(plane: InProcess) -> Any:
    return plane.client("iam")


def tags_of(answer: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}


def test_a_user_has_groups_policies_and_a_password(making: Making, iam: Any) -> None:
    group, other = (making.create("AWS::IAM::Group", ManagedPolicyArns=[READ]).physical for _ in range(2))
    made = making.create(
        "AWS::IAM::User",
        Groups=[group],
        LoginProfile={"Password": "correct-Horse-7", "PasswordResetRequired": True},
        ManagedPolicyArns=[READ],
        PermissionsBoundary=READ,
        Tags=[{"Key": "cost", "Value": "7"}],
    )
    user = iam.get_user(UserName=made.physical)["User"]
    assert (made.attributes, tags_of(user)) == ({"Arn": user["Arn"]}, {"team": "blue", "cost": "7"})
    assert iam.get_login_profile(UserName=made.physical)["LoginProfile"]["PasswordResetRequired"]
    assert [item["GroupName"] for item in iam.list_groups_for_user(UserName=made.physical)["Groups"]] == [group]
    assert remade(making, made).physical == made.physical
    after = making.update(made, Groups=[other], Path="/moved/", Tags=[{"Key": "new", "Value": "1"}])
    user = iam.get_user(UserName=made.physical)["User"]
    assert after.attributes["Arn"] == user["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/moved/{made.physical}"
    assert (tags_of(user), "PermissionsBoundary" in user) == ({"team": "blue", "new": "1"}, False)
    assert code(iam.get_login_profile, UserName=made.physical) == "NoSuchEntity"
    assert iam.list_attached_user_policies(UserName=made.physical)["AttachedPolicies"] == []
    assert [item["GroupName"] for item in iam.list_groups_for_user(UserName=made.physical)["Groups"]] == [other]
    making.delete(making.update(after, Groups=[other], LoginProfile={"Password": "correct-Horse-8"}))
    assert code(iam.get_user, UserName=made.physical) == "NoSuchEntity"


def test_a_group_moves_with_its_policies(making: Making, iam: Any) -> None:
    made = making.create("AWS::IAM::Group", GroupName="readers", ManagedPolicyArns=[READ])
    assert made.attributes == {"Arn": f"arn:aws:iam::{ACCOUNT}:group/readers"}
    assert remade(making, made).physical == "readers"
    after = making.update(made, GroupName="readers", Path="/p/")
    assert after.attributes == {"Arn": f"arn:aws:iam::{ACCOUNT}:group/p/readers"}
    assert iam.list_attached_group_policies(GroupName="readers")["AttachedPolicies"] == []
    making.delete(after)
    assert code(iam.get_group, GroupName="readers") == "NoSuchEntity"


def test_users_are_added_to_groups_and_removed(making: Making, iam: Any) -> None:
    ann, bob = (making.create("AWS::IAM::User").physical for _ in range(2))
    group, other = (making.create("AWS::IAM::Group").physical for _ in range(2))

    def members(name: str) -> list[str]:
        return [user["UserName"] for user in iam.get_group(GroupName=name)["Users"]]

    made = making.create("AWS::IAM::UserToGroupAddition", GroupName=group, Users=[ann])
    assert members(group) == [ann]
    after = making.update(made, GroupName=other, Users=[bob])
    assert (members(group), members(other)) == ([], [bob])
    making.delete(after)
    assert members(other) == []


def test_an_access_key_tells_its_secret_and_can_be_inactive(making: Making, iam: Any) -> None:
    user = making.create("AWS::IAM::User").physical
    made = making.create("AWS::IAM::AccessKey", UserName=user, Status="Inactive")

    def keys() -> list[tuple[str, str]]:
        found = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
        return [(key["AccessKeyId"], key["Status"]) for key in found]

    assert keys() == [(made.physical, "Inactive")]
    assert len(made.attributes["SecretAccessKey"]) == 40
    after = making.update(made, UserName=user)
    assert (keys(), after.attributes) == ([(made.physical, "Active")], made.attributes)
    making.delete(after)
    assert keys() == []
    making.delete(after)


def test_a_virtual_mfa_device(making: Making, iam: Any) -> None:
    made = making.create("AWS::IAM::VirtualMFADevice", Users=["ann"], Tags=[{"Key": "a", "Value": "1"}])
    assert made.attributes == {"SerialNumber": made.physical}
    assert remade(making, made).physical == made.physical
    after = making.update(made, Users=["ann"])
    assert tags_of(iam.list_mfa_device_tags(SerialNumber=made.physical)) == {"team": "blue"}
    making.delete(after)
    assert code(iam.list_mfa_device_tags, SerialNumber=made.physical) == "NoSuchEntity"


def test_an_oidc_provider_changes_clients_and_thumbprints(making: Making, iam: Any) -> None:
    fixed = {"Url": "https://issuer.example.com/x"}
    made = making.create("AWS::IAM::OIDCProvider", **fixed, ClientIdList=["a", "b"], ThumbprintList=["0" * 40])
    assert made.physical == f"arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example.com/x" == made.attributes["Arn"]
    assert remade(making, made).physical == made.physical
    after = making.update(made, **fixed, ClientIdList=["b", "c"], ThumbprintList=["1" * 40])
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=made.physical)
    assert (sorted(found["ClientIDList"]), found["ThumbprintList"]) == (["b", "c"], ["1" * 40])
    making.delete(after)
    assert code(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=made.physical) == "NoSuchEntity"


def test_a_saml_provider_changes_its_document(making: Making, iam: Any) -> None:
    first, second = metadata(signer("one")), metadata(signer("two"))
    made = making.create("AWS::IAM::SAMLProvider", Name="idp", SamlMetadataDocument=first)
    found = iam.get_saml_provider(SAMLProviderArn=made.physical)
    assert made.attributes == {"Arn": made.physical, "SamlProviderUUID": found["SAMLProviderUUID"]}
    assert remade(making, made).physical == made.physical
    after = making.update(made, Name="idp", SamlMetadataDocument=second)
    assert iam.get_saml_provider(SAMLProviderArn=made.physical)["SAMLMetadataDocument"] == second
    making.delete(after)
    assert code(iam.get_saml_provider, SAMLProviderArn=made.physical) == "NoSuchEntity"


def test_a_server_certificate_moves(making: Making, iam: Any) -> None:
    certificate = certified("shop", time.time())
    fixed = {"CertificateBody": certificate.body, "PrivateKey": certificate.key}
    made = making.create("AWS::IAM::ServerCertificate", **fixed, Path="/a/")
    assert remade(making, made).physical == made.physical
    after = making.update(made, **fixed, Path="/b/")
    shown = iam.get_server_certificate(ServerCertificateName=made.physical)["ServerCertificate"]
    assert after.attributes["Arn"] == shown["ServerCertificateMetadata"]["Arn"]
    assert "/b/" in after.attributes["Arn"]
    making.delete(after)
    assert code(iam.get_server_certificate, ServerCertificateName=made.physical) == "NoSuchEntity"


def test_a_service_linked_role_is_made_once_and_deleted_by_its_task(making: Making, iam: Any) -> None:
    fixed = {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "shop"}
    made = making.create("AWS::IAM::ServiceLinkedRole", **fixed, Description="one")
    assert made.physical == "AWSServiceRoleForAutoScaling_shop" == made.attributes["RoleName"]
    assert remade(making, made).physical == made.physical
    after = making.update(made, **fixed, Description="two")
    assert iam.get_role(RoleName=made.physical)["Role"]["Description"] == "two"
    making.delete(after)
    assert code(iam.get_role, RoleName=made.physical) == "NoSuchEntity"
    making.delete(after)
