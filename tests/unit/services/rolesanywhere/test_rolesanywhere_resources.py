"""Trust anchors, profiles, revocation lists and tags: what is kept, shown, and refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from locum.core.clock import system_clock
from support.anywhere import authority, issued, revoking
from support.certificates import rsa_key
from support.inprocess import InProcess, refusal
from support.plane import document

NOW = system_clock()
ROOT = authority("root", NOW)
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    running = InProcess(tmp_path_factory.mktemp("anywhere") / "data")
    yield running
    running.close()


@pytest.fixture(scope="module")
def api(plane: InProcess) -> Any:
    return plane.client("rolesanywhere")


def source(text: str = ROOT.pem, kind: str = "CERTIFICATE_BUNDLE") -> dict[str, Any]:
    return {"sourceType": kind, "sourceData": {"x509CertificateData": text}}


def anchor(api: Any, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.create_trust_anchor(name="anchor", source=source(), **more)["trustAnchor"]
    return made


def profile(api: Any, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.create_profile(**{"name": "profile", "roleArns": [], **more})["profile"]
    return made


def test_a_trust_anchor_is_shown_changed_and_deleted(api: Any) -> None:
    made = anchor(api)
    assert made["enabled"] is False
    assert made["source"] == source()
    assert {setting["event"] for setting in made["notificationSettings"]} == {
        "CA_CERTIFICATE_EXPIRY",
        "END_ENTITY_CERTIFICATE_EXPIRY",
    }
    identifier = made["trustAnchorId"]
    assert api.enable_trust_anchor(trustAnchorId=identifier)["trustAnchor"]["enabled"] is True
    assert api.update_trust_anchor(trustAnchorId=identifier, name="other")["trustAnchor"]["name"] == "other"
    assert api.get_trust_anchor(trustAnchorId=identifier)["trustAnchor"]["name"] == "other"
    api.delete_trust_anchor(trustAnchorId=identifier)
    told = refusal(api.get_trust_anchor, trustAnchorId=identifier)
    assert told == ("ResourceNotFoundException", 404, "Trust anchor not found")


BAD_BUNDLES = {
    "no certificate": "nothing",
    "a certificate of an end entity": issued("app", ROOT, NOW).pem,
    "an authority that may not sign": authority("x", NOW, usages=("digital_signature",)).pem,
    "without basic constraints": authority("y", NOW, ca=None).pem,
    "a weak key": authority("z", NOW, key=rsa_key("weak authority", 1024)).pem,
    "one good and one bad": ROOT.pem + issued("app", ROOT, NOW).pem,
}


@pytest.mark.parametrize("kind", BAD_BUNDLES)
def test_what_is_no_bundle_of_authorities_is_refused(api: Any, kind: str) -> None:
    told = refusal(api.create_trust_anchor, name="x", source=source(BAD_BUNDLES[kind]))
    assert told[:2] == ("ValidationException", 400)


@pytest.mark.parametrize("kind", ["AWS_ACM_PCA", "SELF_SIGNED_REPOSITORY"])
def test_other_sources_are_refused(api: Any, kind: str) -> None:
    told = refusal(api.create_trust_anchor, name="x", source=source(kind=kind))
    assert told[2] == f"Locum's IAM Roles Anywhere does not implement trust anchors of the type {kind} yet."


def test_notification_settings_are_put_and_reset(api: Any) -> None:
    identifier = anchor(api)["trustAnchorId"]
    setting = {"event": "CA_CERTIFICATE_EXPIRY", "enabled": False, "threshold": 10}
    put = api.put_notification_settings(trustAnchorId=identifier, notificationSettings=[setting])["trustAnchor"]
    assert [it["threshold"] for it in put["notificationSettings"]] == [10, 45]
    reset = api.reset_notification_settings(
        trustAnchorId=identifier, notificationSettingKeys=[{"event": "CA_CERTIFICATE_EXPIRY"}]
    )["trustAnchor"]
    assert [it["threshold"] for it in reset["notificationSettings"]] == [45, 45]


def test_a_profile_has_the_default_mappings_and_keeps_its_own(api: Any) -> None:
    made = profile(api, durationSeconds=900)
    assert [mapping["certificateField"] for mapping in made["attributeMappings"]] == [
        "x509Issuer",
        "x509SAN",
        "x509Subject",
    ]
    identifier = made["profileId"]
    dropped = api.delete_attribute_mapping(profileId=identifier, certificateField="x509SAN", specifiers=["URI"])
    kept = [it for it in dropped["profile"]["attributeMappings"] if it["certificateField"] == "x509SAN"]
    assert [rule["specifier"] for rule in kept[0]["mappingRules"]] == ["DNS", "Name/*"]
    updated = api.update_profile(profileId=identifier, name="other", acceptRoleSessionName=True)["profile"]
    assert (updated["name"], updated["durationSeconds"], updated["acceptRoleSessionName"]) == ("other", 900, True)


def test_a_session_policy_has_to_be_a_policy(api: Any) -> None:
    assert refusal(api.create_profile, name="x", roleArns=[], sessionPolicy="{}")[0] == "ValidationException"
    policy = document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    assert profile(api, sessionPolicy=policy)["sessionPolicy"] == policy


def test_who_may_not_pass_the_role_makes_no_profile(plane: InProcess) -> None:
    trust = document({"Effect": "Allow", "Principal": {"Service": "rolesanywhere.amazonaws.com"}, "Action": "sts:*"})
    role = plane.client("iam").create_role(RoleName="passed", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    key = plane.user("maker", {"Effect": "Allow", "Action": "rolesanywhere:*", "Resource": "*"})
    told = refusal(plane.client("rolesanywhere", key).create_profile, name="x", roleArns=[role])
    assert told[0] == "AccessDeniedException"
    assert "iam:PassRole" in told[2]


def test_a_list_is_imported_replaced_and_deleted(api: Any) -> None:
    arn = anchor(api)["trustAnchorArn"]
    data = revoking(ROOT, NOW, 1)
    made = api.import_crl(name="crl", crlData=data, trustAnchorArn=arn)["crl"]
    assert (made["enabled"], made["crlData"], made["trustAnchorArn"]) == (False, data, arn)
    other = revoking(ROOT, NOW, 1, 2)
    assert api.update_crl(crlId=made["crlId"], crlData=other)["crl"]["crlData"] == other
    assert refusal(api.update_crl, crlId=made["crlId"], crlData=b"none")[0] == "ValidationException"
    api.delete_crl(crlId=made["crlId"])
    assert refusal(api.get_crl, crlId=made["crlId"])[0] == "ResourceNotFoundException"
    away = arn.replace("000000000000", "111122223333")
    assert refusal(api.import_crl, name="x", crlData=data, trustAnchorArn=away)[0] == "ResourceNotFoundException"


def test_tags_are_put_listed_and_taken_off(api: Any) -> None:
    arn = profile(api, tags=[{"key": "team", "value": "a"}])["profileArn"]
    api.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "b"}, {"key": "cost", "value": "1"}])
    api.untag_resource(resourceArn=arn, tagKeys=["cost"])
    assert api.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "b"}]
    told = refusal(api.tag_resource, resourceArn=arn, tags=[{"key": "aws:x", "value": ""}])
    assert told[0] == "ValidationException"
    gone = f"{arn.rpartition('/')[0]}/{NOBODY}"
    assert refusal(api.list_tags_for_resource, resourceArn=gone)[0] == "ResourceNotFoundException"


def test_lists_come_in_pages(plane: InProcess) -> None:
    api = plane.client("rolesanywhere", region="eu-west-1")
    made = {profile(api)["profileId"] for _ in range(5)}
    pages = api.get_paginator("list_profiles").paginate(pageSize=2)
    found = [[it["profileId"] for it in page["profiles"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert {identifier for page in found for identifier in page} == made
    assert refusal(api.list_profiles, nextToken="nonsense")[0] == "ValidationException"
    assert api.list_trust_anchors()["trustAnchors"] == []


def test_the_arn_in_place_of_an_id_is_not_another_way_around_a_policy(api: Any) -> None:
    arn = profile(api)["profileArn"]
    assert refusal(api.get_profile, profileId=arn)[0] == "ResourceNotFoundException"
