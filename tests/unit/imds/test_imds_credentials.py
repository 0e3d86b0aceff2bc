"""The credentials in the metadata service: when there is a new set, and when there is none."""

from __future__ import annotations

import json

import pytest

from locum.core.clock import iso8601
from locum.credentials import open_session
from locum.services.verbs import Settings
from locum.state import MetadataOptions, remove
from support.metadata import INSTANCE, OTHER_INSTANCE, Metadata, association, instance
from support.one_account import NOW, profile, role

UNTRUSTING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def test_the_document_has_the_members_of_ec2s() -> None:
    metadata = Metadata.with_profile()
    document = metadata.credentials()
    assert list(document) == [
        "Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token", "Expiration",
    ]  # fmt: skip
    assert (document["Code"], document["Type"]) == ("Success", "AWS-HMAC")
    assert (document["LastUpdated"], document["Expiration"]) == (iso8601(NOW), iso8601(NOW + 6 * 3600))
    session, secret = open_session(metadata.keyring, document["AccessKeyId"], document["Token"])
    assert secret == document["SecretAccessKey"]
    assert (session.name, session.issuer_arn, session.instance_id) == (INSTANCE, role("app").arn, INSTANCE)


def test_the_info_names_the_profile() -> None:
    metadata = Metadata.with_profile()
    told = {
        "Code": "Success",
        "LastUpdated": iso8601(1),  # that of the association
        "InstanceProfileArn": profile("web").arn,
        "InstanceProfileId": profile("web").id,
    }
    assert json.loads(metadata.get("meta-data/iam/info").body) == told
    assert metadata.delivered == []
    metadata.credentials()
    metadata.now += 1
    assert json.loads(metadata.get("meta-data/iam/info").body) == {**told, "LastUpdated": iso8601(NOW)}


def test_a_set_is_kept_until_half_of_its_life_is_over() -> None:
    metadata = Metadata.with_profile(settings=Settings(credential_seconds=600))
    first = metadata.credentials()
    metadata.now = NOW + 299
    assert metadata.credentials() == first
    metadata.now = NOW + 300
    second = metadata.credentials()
    assert second["AccessKeyId"] != first["AccessKeyId"]
    assert second["Expiration"] == iso8601(NOW + 900)


def test_each_set_is_recorded_once() -> None:
    metadata = Metadata.with_profile(settings=Settings(credential_seconds=600))
    for second in range(0, 900, 10):
        metadata.now = NOW + second
        metadata.credentials()
        metadata.text("meta-data/iam/info")
    told = [(int(now - NOW), succeeded) for now, succeeded in metadata.delivered]
    assert told == [(0, True), (300, True), (600, True)]


def test_both_sets_are_good_while_one_takes_the_others_place() -> None:
    metadata = Metadata.with_profile(settings=Settings(credential_seconds=600))
    first = metadata.credentials()
    metadata.now = NOW + 300
    for document in (first, metadata.credentials()):
        session, _ = open_session(metadata.keyring, document["AccessKeyId"], document["Token"])
        assert session.expires_at >= metadata.now + 300


def test_what_was_delivered_before_the_profile_was_taken_off_is_good_and_nothing_new_is_delivered() -> None:
    metadata = Metadata.with_profile()
    before = metadata.credentials()
    metadata.becoming(remove(association(profile("web", "app"))))
    assert metadata.get("meta-data/iam/security-credentials/app").status == 404
    assert metadata.get("meta-data/iam/info").status == 404
    session, secret = open_session(metadata.keyring, before["AccessKeyId"], before["Token"])
    assert (secret, session.expires_at) == (before["SecretAccessKey"], NOW + 6 * 3600)


def test_the_two_versions_of_the_service_have_sets_of_their_own() -> None:
    metadata = Metadata.with_profile()
    plain, with_token = metadata.credentials(), metadata.credentials(token=metadata.token())
    assert plain["AccessKeyId"] != with_token["AccessKeyId"]
    sessions = [open_session(metadata.keyring, d["AccessKeyId"], d["Token"])[0] for d in (plain, with_token)]
    assert [session.context["ec2:roledelivery"] for session in sessions] == ["1.0", "2.0"]


def test_a_session_has_the_vpc_and_the_address_that_its_instance_had_as_it_was_issued() -> None:
    metadata = Metadata.with_profile()

    def delivered() -> dict[str, object]:
        document = metadata.credentials()
        return dict(open_session(metadata.keyring, document["AccessKeyId"], document["Token"])[0].context)

    address = {"ec2:roledelivery": "1.0", "aws:ec2instancesourceprivateipv4": "172.31.0.10"}
    assert delivered() == address
    metadata.altered(attributes={"ImageId": "ami-1", "VpcId": "vpc-1"})
    assert delivered() == {**address, "aws:ec2instancesourcevpc": "vpc-1"}


def test_a_swapped_profile_is_worn_at_once() -> None:
    metadata = Metadata.with_profile()
    metadata.credentials()
    other = profile("batch", "spare")
    metadata.having(other, association(other))
    assert metadata.lines("meta-data/iam/security-credentials/") == ["spare"]
    assert metadata.get("meta-data/iam/security-credentials/app").status == 404
    document = metadata.credentials("spare")
    session, _ = open_session(metadata.keyring, document["AccessKeyId"], document["Token"])
    assert session.issuer_arn == role("spare").arn


def test_another_role_in_the_profile_is_worn_at_once() -> None:
    metadata = Metadata.with_profile()
    metadata.credentials()
    metadata.having(profile("web", "spare"))
    assert metadata.get("meta-data/iam/security-credentials/app").status == 404
    assert metadata.credentials("spare")["Code"] == "Success"


def test_a_role_made_again_under_the_same_name_is_another_role() -> None:
    metadata = Metadata.with_profile()
    metadata.credentials()
    metadata.having(role("app", id="AROAANEW"))
    document = metadata.credentials()
    session, _ = open_session(metadata.keyring, document["AccessKeyId"], document["Token"])
    assert session.issuer_id == "AROAANEW"


def test_a_changed_trust_policy_takes_effect_at_once() -> None:
    metadata = Metadata.with_profile()
    metadata.credentials()
    metadata.having(role("app", trust=UNTRUSTING))
    assert metadata.credentials()["Code"] == "AssumeRoleUnauthorizedAccess"
    metadata.now += 1
    metadata.having(role("app"))
    assert metadata.credentials()["Code"] == "Success"


def test_a_launched_again_instance_gets_a_new_set() -> None:
    metadata = Metadata.with_profile()
    first = metadata.credentials()
    metadata.altered(state="stopped")
    assert metadata.get("meta-data/iam/security-credentials/app").status == 503
    metadata.altered(state="running", launched=int(NOW))
    assert metadata.credentials()["AccessKeyId"] != first["AccessKeyId"]


def test_an_untrusting_role_gives_the_document_of_a_failure() -> None:
    metadata = Metadata.with_profile()
    metadata.having(role("app", trust=UNTRUSTING))
    document = metadata.credentials()
    assert list(document) == ["Code", "Message", "LastUpdated"]
    assert document["Code"] == "AssumeRoleUnauthorizedAccess"
    assert document["Message"] == (
        "EC2 cannot assume the role app.  Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/"
        "troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
    )
    info = json.loads(metadata.get("meta-data/iam/info").body)
    assert info["Code"] == "Success"  # it tells of the profile


def test_a_failure_is_recorded_once_a_second_and_no_more() -> None:
    metadata = Metadata.with_profile()
    metadata.having(role("app", trust=UNTRUSTING))
    for tenth in range(20):
        metadata.now = NOW + tenth / 10
        metadata.credentials()
    assert metadata.delivered == [(NOW, False), (NOW + 1, False)]


def test_a_profile_that_is_gone_gives_the_document_of_a_failure() -> None:
    metadata = Metadata.with_profile()
    metadata.having(profile("web", "app", id="AIPAMADEAGAIN"))
    assert metadata.credentials()["Code"] == "InstanceProfileNotFound"
    assert metadata.get("meta-data/iam/security-credentials/").status == 404
    assert json.loads(metadata.get("meta-data/iam/info").body) == {
        "Code": "InstanceProfileNotFound",
        "Message": f"Instance Profile with Id {profile('web').id} cannot be found.  Please see documentation at "
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html"
        "#troubleshoot_iam-ec2_errors-info-doc.",
        "LastUpdated": iso8601(NOW),
    }


def test_a_profile_without_a_role_has_nothing_to_give() -> None:
    metadata = Metadata.with_profile()
    metadata.having(profile("web"))
    assert metadata.lines("meta-data/iam") == ["info"]
    assert metadata.get("meta-data/iam/security-credentials/app").status == 404


def test_the_name_of_the_role_is_asked_for_exactly() -> None:
    metadata = Metadata.with_profile()
    assert metadata.credentials("app/")["Code"] == "Success"
    for name in ("APP", "app/x", "spare", "web", "..", "app%20"):
        assert metadata.get(f"meta-data/iam/security-credentials/{name}").status == 404


def test_instances_do_not_share_their_sets() -> None:
    metadata = Metadata.with_profile()
    attached = profile("web", "app")
    metadata.having(
        instance(OTHER_INSTANCE, metadata=MetadataOptions(tokens="optional")),
        association(attached, "iip-assoc-2", OTHER_INSTANCE),
    )
    other = json.loads(metadata.get("meta-data/iam/security-credentials/app", of=OTHER_INSTANCE).body)
    assert other["AccessKeyId"] != metadata.credentials()["AccessKeyId"]


def test_sets_of_instances_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.imds.credentials._CACHE_SIZE", 2)
    metadata = Metadata.with_profile()
    metadata.credentials()
    metadata.credentials(token=metadata.token())
    metadata.altered(state="terminated")
    attached = profile("web", "app")
    metadata.having(
        instance(OTHER_INSTANCE, metadata=MetadataOptions(tokens="optional")),
        association(attached, "iip-assoc-2", OTHER_INSTANCE),
    )
    metadata.get("meta-data/iam/security-credentials/app", of=OTHER_INSTANCE)
    assert list(metadata.service._credentials._sets) == [(OTHER_INSTANCE, "1.0")]
