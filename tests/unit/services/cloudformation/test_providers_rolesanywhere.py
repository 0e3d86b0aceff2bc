"""The resource types of IAM Roles Anywhere."""

from __future__ import annotations

import time
from typing import Any

import pytest

from support.anywhere import authority, revoking
from support.inprocess import InProcess
from support.plane import ACCOUNT
from support.providers import Making
from support.remade import code

NOW = time.time()
CA = authority("shop", NOW)
SOURCE = {"SourceType": "CERTIFICATE_BUNDLE", "SourceData": {"X509CertificateData": CA.pem}}
STACK = {"team", "aws:cloudformation:stack-name"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Making:
    return Making(plane)


@pytest.fixture(scope="module")
def anywhere(plane: InProcess) -> Any:
    return plane.client("rolesanywhere")


def keys(anywhere: Any, arn: str) -> set[str]:
    return {tag["key"] for tag in anywhere.list_tags_for_resource(resourceArn=arn)["tags"]}


def test_a_trust_anchor_is_enabled_and_notifies(making: Making, anywhere: Any) -> None:
    notice = {"Event": "CA_CERTIFICATE_EXPIRY", "Enabled": "false"}
    tags = [{"Key": "a", "Value": "1"}]
    made = making.create(
        "AWS::RolesAnywhere::TrustAnchor",
        Name="shop",
        Source=SOURCE,
        Enabled=True,
        NotificationSettings=[notice],
        Tags=tags,
    )

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = anywhere.get_trust_anchor(trustAnchorId=made.physical)["trustAnchor"]
        return found

    def notices() -> dict[str, bool]:
        return {item["event"]: item["enabled"] for item in shown()["notificationSettings"]}

    arn = shown()["trustAnchorArn"]
    assert made.attributes == {"TrustAnchorId": made.physical, "TrustAnchorArn": arn}
    assert (shown()["enabled"], notices()["CA_CERTIFICATE_EXPIRY"], keys(anywhere, arn)) == (True, False, {"a", *STACK})
    after = making.update(made, Name="other", Source=SOURCE)
    assert (shown()["name"], shown()["enabled"], notices()["CA_CERTIFICATE_EXPIRY"]) == ("other", False, True)
    assert keys(anywhere, arn) == STACK
    making.delete(after)
    assert code(anywhere.get_trust_anchor, trustAnchorId=made.physical) == "ResourceNotFoundException"
    making.delete(after)


def test_a_profile_has_its_roles_and_mappings(making: Making, anywhere: Any) -> None:
    mapping = {"CertificateField": "x509Subject", "MappingRules": [{"Specifier": "CN"}]}
    made = making.create(
        "AWS::RolesAnywhere::Profile",
        Name="shop",
        RoleArns=[ROLE],
        DurationSeconds="1800",
        Enabled=True,
        AttributeMappings=[mapping],
    )

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = anywhere.get_profile(profileId=made.physical)["profile"]
        return found

    assert made.attributes["ProfileArn"] == shown()["profileArn"]
    assert (shown()["roleArns"], shown()["durationSeconds"], shown()["enabled"]) == ([ROLE], 1800, True)
    subject = {item["certificateField"]: item["mappingRules"] for item in shown()["attributeMappings"]}
    assert subject["x509Subject"] == [{"specifier": "CN"}]
    after = making.update(made, Name="shop", RoleArns=[ROLE], Tags=[{"Key": "b", "Value": "1"}])
    assert (shown()["durationSeconds"], shown()["enabled"]) == (3600, False)
    assert "x509Subject" not in {item["certificateField"] for item in shown()["attributeMappings"]}
    assert keys(anywhere, shown()["profileArn"]) == {"b", *STACK}
    making.delete(after)
    assert code(anywhere.get_profile, profileId=made.physical) == "ResourceNotFoundException"
    making.delete(after)


def test_a_revocation_list_is_imported_and_changed(making: Making, anywhere: Any) -> None:
    anchor = making.create("AWS::RolesAnywhere::TrustAnchor", Name="lists", Source=SOURCE, Enabled=True)
    fixed = {"Name": "revoked", "TrustAnchorArn": anchor.attributes["TrustAnchorArn"], "Enabled": True}
    one, two = (revoking(CA, NOW, number).decode() for number in (7, 8))
    made = making.create("AWS::RolesAnywhere::CRL", **fixed, CrlData=one)

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = anywhere.get_crl(crlId=made.physical)["crl"]
        return found

    assert made.attributes == {"CrlId": made.physical}
    assert (shown()["crlData"].decode(), shown()["enabled"]) == (one, True)
    after = making.update(made, **{**fixed, "Enabled": False}, CrlData=two, Tags=[{"Key": "b", "Value": "1"}])
    assert (shown()["crlData"].decode(), shown()["enabled"]) == (two, False)
    assert keys(anywhere, shown()["crlArn"]) == {"b", *STACK}
    making.delete(after)
    assert code(anywhere.get_crl, crlId=made.physical) == "ResourceNotFoundException"
    making.delete(after)
