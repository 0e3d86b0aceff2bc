from __future__ import annotations

import pytest

from locum.core.principal import Caller, Principal
from locum.state import (
    AnyEntity,
    LoginProfile,
    MfaDevice,
    OidcProvider,
    SamlProvider,
    ServerCertificate,
    ServiceSpecificCredential,
    SigningCertificate,
    SshPublicKey,
    change,
    put,
)
from support.iam_plane import ACCOUNT, ADMIN, NOW, OTHER, Plane


def device(name: str, user: str = "", enabled: int = 0) -> MfaDevice:
    return MfaDevice(account=ACCOUNT, name=name, seed=b"", created=NOW, user=user, enabled=enabled)


def signing(user: str) -> SigningCertificate:
    return SigningCertificate(account=ACCOUNT, id=f"C{user}", user=user, body="", digest="", uploaded=NOW)


SSH_KEY = SshPublicKey(account=ACCOUNT, id="APKA1", user="ann", body="", fingerprint="", uploaded=NOW)
SERVICE_CREDENTIAL = ServiceSpecificCredential(
    account=ACCOUNT, id="ACCA1", user="ann", service="codecommit.amazonaws.com", alias="ann", secret=b"", created=NOW
)
PROFILE = LoginProfile(account=ACCOUNT, user="ann", created=NOW, changed=NOW)


def summary(plane: Plane) -> dict[str, int]:
    found: dict[str, int] = plane.call("GetAccountSummary")["SummaryMap"]
    return found


def counted(plane: Plane, *entities: AnyEntity) -> dict[str, int]:
    """What of the summary is another number with `entities`."""
    before = summary(plane)
    plane.state = change(plane.state, [put(entity) for entity in entities])
    after = summary(plane)
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


@pytest.mark.parametrize(
    ("entity", "counts"),
    [
        (device("a"), {"MFADevices": 1}),
        (device("a", "ann", NOW), {"MFADevices": 1, "MFADevicesInUse": 1}),
        (device("a", "", NOW), {"MFADevices": 1, "MFADevicesInUse": 1, "AccountMFAEnabled": 1}),
        (OidcProvider(account=ACCOUNT, url="issuer.example", created=NOW), {"Providers": 1}),
        (
            SamlProvider(account=ACCOUNT, name="idp", id="S", metadata="", created=NOW, expires=NOW),
            {"Providers": 1},
        ),
        (
            ServerCertificate(account=ACCOUNT, name="web", id="A", created=NOW, body="", private_key=b"", expires=NOW),
            {"ServerCertificates": 1},
        ),
        (signing(""), {"AccountSigningCertificatesPresent": 1}),
        (signing("ann"), {}),
        (LoginProfile(account=ACCOUNT, user="", created=NOW, changed=NOW), {"AccountPasswordPresent": 1}),
        (PROFILE, {}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_summary_counts(plane: Plane, entity: AnyEntity, counts: dict[str, int]) -> None:
    assert counted(plane, entity) == counts


def test_a_policy_is_in_use_once_however_often_it_is_attached(plane: Plane) -> None:
    plane.user("ann")
    plane.role("app")
    mine = plane.policy("Mine")
    assert summary(plane)["PolicyVersionsInUse"] == 0
    plane.call("AttachRolePolicy", RoleName="app", PolicyArn=ADMIN)
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=ADMIN)
    assert summary(plane)["PolicyVersionsInUse"] == 1
    plane.call("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=mine)
    assert summary(plane)["PolicyVersionsInUse"] == 2


DEPENDENTS = [
    (PROFILE, "delete login profile"),
    (device("a", "ann", NOW), "delete MFA device"),
    (signing("ann"), "delete certificates"),
    (SSH_KEY, "remove referenced objects"),
    (SERVICE_CREDENTIAL, "remove referenced objects"),
]


@pytest.mark.parametrize(("entity", "first"), DEPENDENTS, ids=lambda value: type(value).__name__)
def test_a_user_with_credentials_is_not_deleted(plane: Plane, entity: AnyEntity, first: str) -> None:
    plane.user("ann")
    plane.user("annabel")
    plane.state = change(plane.state, [put(entity)])
    told = ("DeleteConflict", 409, f"Cannot delete entity, must {first} first.")
    assert plane.fault("DeleteUser", UserName="ann") == told
    plane.call("DeleteUser", UserName="annabel")


@pytest.mark.parametrize(("entity", "_first"), DEPENDENTS, ids=lambda value: type(value).__name__)
def test_credentials_go_along_with_a_rename(plane: Plane, entity: AnyEntity, _first: str) -> None:
    plane.user("ann")
    plane.state = change(plane.state, [put(entity)])
    plane.call("UpdateUser", UserName="ann", NewUserName="zoe")
    assert plane.fault("DeleteUser", UserName="zoe")[0] == "DeleteConflict"
    plane.user("ann")
    plane.call("DeleteUser", UserName="ann")


def test_the_version_of_session_tokens_is_shown_in_the_summary(plane: Plane) -> None:
    assert summary(plane)["GlobalEndpointTokenVersion"] == 1
    for version, number in (("v2Token", 2), ("v1Token", 1)):
        assert plane.call("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion=version) == {}
        assert summary(plane)["GlobalEndpointTokenVersion"] == number


def test_an_account_property_is_set_and_read(plane: Plane) -> None:
    assert plane.call("GetAccountProperties") == {"Properties": {"RoleManager/Enabled": "false"}}
    plane.call("PutAccountProperties", Properties={"RoleManager/Enabled": "true", "RoleManager/Other": "x"})
    assert plane.call("GetAccountProperties") == {"Properties": {"RoleManager/Enabled": "true"}}
    plane.caller = Caller(Principal.root(OTHER))
    assert plane.call("GetAccountProperties") == {"Properties": {"RoleManager/Enabled": "false"}}


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"RoleManager": "true"}, "Property key must be in format Namespace/PropertyName: RoleManager"),
        ({"RoleManager/Enabled/x": "true"}, "RoleManager namespace requires Enabled property"),
        ({"RoleManager/Other": "true"}, "RoleManager namespace requires Enabled property"),
        ({"Other/Enabled": "true"}, "Unsupported namespace: Other"),
        (
            {"RoleManager/Enabled": "true", "Other/Enabled": "true"},
            "All properties must belong to the same namespace",
        ),
        ({"RoleManager/Enabled": "FALSE"}, "Enabled must be 'true' or 'false'"),
        ({"RoleManager/Enabled": " false"}, "Enabled must be 'true' or 'false'"),
        ({"RoleManager/Enabled": "0"}, "Enabled must be 'true' or 'false'"),
    ],
)
def test_a_property_that_is_not_one(plane: Plane, properties: dict[str, str], told: str) -> None:
    assert plane.fault("PutAccountProperties", Properties=properties) == ("InvalidInput", 400, told)
