"""Cognito's resource types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Request, Resource
from locum.services.cloudformation.providers.cognito import _shaped
from support.deployed import role
from support.inprocess import InProcess, refusal
from support.plane import trusting
from support.remaking import Remaking, own

COGNITO = "AWS::Cognito::"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture(scope="module")
def users(plane: InProcess) -> Any:
    return plane.client("cognito-idp")


@pytest.fixture
def pool(making: Remaking) -> Resource:
    return making.create(f"{COGNITO}UserPool", "Users", UsernameAttributes=["email"], UserPoolTags={"a": "b"})


def test_a_pool_of_users_has_its_settings_and_changes_them(making: Remaking, users: Any, pool: Resource) -> None:
    made = users.describe_user_pool(UserPoolId=pool.physical)["UserPool"]
    assert made["Name"].startswith("shop-Users-")
    assert own(made["UserPoolTags"]) == {"a": "b"}
    assert pool.attributes["Arn"] == made["Arn"]
    assert pool.attributes["ProviderURL"] == f"https://{pool.attributes['ProviderName']}"
    password = {"PasswordPolicy": {"MinimumLength": "12"}}
    kept = {"UsernameAttributes": ["email"], "UserPoolTags": {"a": "b"}}
    making.update(pool, **kept, Policies=password)
    after = users.describe_user_pool(UserPoolId=pool.physical)["UserPool"]
    assert after["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    making.delete(pool)
    making.delete(pool)
    assert refusal(users.describe_user_pool, UserPoolId=pool.physical)[0] == "ResourceNotFoundException"


def test_a_pool_whose_creation_was_interrupted_is_found_by_its_tags(making: Remaking, pool: Resource) -> None:
    tagged = replace(pool, logical=pool.tags["aws:cloudformation:logical-id"])
    assert making.again(tagged).physical == pool.physical
    assert making.again(replace(tagged, logical="Other")).physical != pool.physical


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"UsernameAttributes": ["phone_number"]}, "Updates are not allowed for property - UsernameAttributes."),
        ({"Schema": [{"Name": "x", "Mutable": False}]}, "Existing schema attributes cannot be modified or deleted."),
    ],
)
def test_a_pool_is_not_replaced_by_one_without_its_users(
    making: Remaking, changes: dict[str, Any], reason: str
) -> None:
    before = {"UsernameAttributes": ["email"], "Schema": [{"Name": "x", "AttributeDataType": "String"}]}
    made = making.create(f"{COGNITO}UserPool", **before)
    with pytest.raises(Fault, match=reason):
        making.update(made, **(before | changes))
    assert not PROVIDERS[made.type].immutable & {"UsernameAttributes", "AliasAttributes", "Schema"}


def test_a_pool_gets_more_attributes(making: Remaking, users: Any, pool: Resource) -> None:
    making.update(pool, **pool.properties, Schema=[{"Name": "tenant", "AttributeDataType": "String"}])
    known = users.describe_user_pool(UserPoolId=pool.physical)["UserPool"]["SchemaAttributes"]
    assert "custom:tenant" in {it["Name"] for it in known}


def test_factors_are_set_and_unset_by_a_call_of_their_own(making: Remaking, users: Any) -> None:
    factors = {"MfaConfiguration": "ON", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"]}
    made = making.create(f"{COGNITO}UserPool", **factors)
    told = users.get_user_pool_mfa_config(UserPoolId=made.physical)
    assert (told["MfaConfiguration"], told["SoftwareTokenMfaConfiguration"]) == ("ON", {"Enabled": True})
    making.update(made)
    assert users.get_user_pool_mfa_config(UserPoolId=made.physical)["MfaConfiguration"] == "OFF"


def test_each_kind_of_factor_is_configured_with_its_messages() -> None:
    shaped = _shaped(
        {
            "MfaConfiguration": "OPTIONAL",
            "EnabledMfas": ["EMAIL_OTP", "SMS_MFA"],
            "EmailAuthenticationMessage": "{####}",
            "SmsConfiguration": {"SnsCallerArn": "arn"},
            "WebAuthnUserVerification": "required",
        }
    )
    assert shaped["Factors"] == {
        "MfaConfiguration": "OPTIONAL",
        "EmailMfaConfiguration": {"Message": "{####}"},
        "SmsMfaConfiguration": {"SmsConfiguration": {"SnsCallerArn": "arn"}},
        "WebAuthnConfiguration": {"UserVerification": "required"},
    }
    with pytest.raises(Fault, match="EnabledMfas has PIGEON"):
        _shaped({"EnabledMfas": ["PIGEON"]})


def test_a_pool_has_clients_a_domain_and_groups(plane: InProcess, making: Remaking, users: Any, pool: Resource) -> None:
    of = {"UserPoolId": pool.physical}
    client = making.create(f"{COGNITO}UserPoolClient", **of, GenerateSecret="true", RefreshTokenValidity="3")
    seen = users.describe_user_pool_client(**of, ClientId=client.physical)["UserPoolClient"]
    assert client.attributes["ClientSecret"] == seen["ClientSecret"]
    assert (client.attributes["Name"], seen["RefreshTokenValidity"]) == (seen["ClientName"], 3)
    making.update(client, **of, GenerateSecret="true", RefreshTokenValidity="4", ClientName="page")
    seen = users.describe_user_pool_client(**of, ClientId=client.physical)["UserPoolClient"]
    assert (seen["RefreshTokenValidity"], seen["ClientName"]) == (4, "page")
    domain = making.create(f"{COGNITO}UserPoolDomain", **of, Domain="shop-4711")
    assert users.describe_user_pool_domain(Domain=domain.physical)["DomainDescription"]["UserPoolId"] == pool.physical
    arn = role(plane, trusting(Service="cognito-idp.amazonaws.com"))
    group = making.create(f"{COGNITO}UserPoolGroup", **of, GroupName="staff", RoleArn=arn)
    making.update(group, **of, GroupName="staff", Description="all", Precedence="2")
    seen = users.get_group(**of, GroupName="staff")["Group"]
    assert (seen["Description"], seen["Precedence"]) == ("all", 2)
    assert making.again(group).physical == "staff"
    for made in (group, domain, client, pool):
        making.delete(made)
        making.delete(made)


def test_a_pool_of_identities_is_changed_in_place(plane: InProcess, making: Remaking) -> None:
    identities = plane.client("cognito-identity")
    made = making.create(f"{COGNITO}IdentityPool", "Ids", AllowUnauthenticatedIdentities="true")
    assert made.attributes["Name"].startswith("shop-Ids-")
    after = making.update(made, AllowUnauthenticatedIdentities="false")
    seen = identities.describe_identity_pool(IdentityPoolId=made.physical)
    assert (seen["AllowUnauthenticatedIdentities"], after.attributes["Name"]) == (False, made.attributes["Name"])
    with pytest.raises(Fault, match="Encountered unsupported property PushSync"):
        making.create(f"{COGNITO}IdentityPool", AllowUnauthenticatedIdentities="true", PushSync={})
    making.delete(made)
    making.delete(made)


def test_roles_of_identities_are_by_the_names_of_providers(making: Remaking) -> None:
    rule = {"Type": "Token", "IdentityProvider": "pool:client"}
    wanted = Resource(
        f"{COGNITO}IdentityPoolRoleAttachment",
        "Roles",
        {"IdentityPoolId": "pool", "RoleMappings": {"users": rule}},
        *("account", "us-east-1", "shop", "arn:aws:cloudformation:us-east-1:1:stack/shop/1", "token"),
    )
    request = next(PROVIDERS[wanted.type].create(wanted))
    assert isinstance(request, Request)
    assert request.params == {"IdentityPoolId": "pool", "Roles": {}, "RoleMappings": {"pool:client": {"Type": "Token"}}}
