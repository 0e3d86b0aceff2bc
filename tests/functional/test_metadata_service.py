"""What an instance sees at 169.254.169.254, asked from inside by a program that `locum run` started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.inside import Inside, Page, inside
from support.plane import ACCOUNT, REGION, Key, RunningPlane, needs_namespaces

pytestmark = pytest.mark.xdist_group("metadata")

TEXT = "#!/bin/sh\necho hello\n"


@pytest.fixture(scope="module")
def profile(plane: RunningPlane) -> str:
    return plane.profile()


@pytest.fixture(scope="module")
def user_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("user-data") / "boot.sh"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def app(plane: RunningPlane, profile: str, user_data: Path) -> Iterator[Inside]:
    with inside(plane, "--profile", profile, "--user-data", str(user_data)) as running:
        yield running


@pytest.fixture(scope="module")
def older(plane: RunningPlane, profile: str) -> Iterator[Inside]:
    """An instance that takes metadata requests without a token."""
    with inside(plane, "--profile", profile, "--imdsv1") as running:
        yield running


def is_error(page: Page, status: int, title: str) -> bool:
    return page.status == status and f"<title>{status} - {title}</title>" in page.body


def test_the_answer_to_a_put_is_a_token_and_its_time_to_live(app: Inside) -> None:
    page = app.imds("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="21600")
    assert page.status == 200
    assert page.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"
    assert page.headers["server"] == "EC2ws"
    assert len(page.body) == 56


def test_nothing_is_told_without_a_token_where_tokens_are_required(app: Inside) -> None:
    for path in ("/", "/latest/", "/latest/meta-data/", "/latest/user-data", "/latest/dynamic/"):
        assert is_error(app.imds(path), 401, "Unauthorized")


def test_metadata_is_told_without_a_token_where_tokens_are_optional(older: Inside) -> None:
    assert older.imds("/latest/meta-data/instance-id").body == older.instance
    assert older.imds("/latest/meta-data/", X_aws_ec2_metadata_token="made up").status == 401


def test_tokens_become_required_and_optional_again_while_the_instance_runs(plane: RunningPlane, older: Inside) -> None:
    ec2, instance = plane.client("ec2"), older.instance
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    assert is_error(older.imds("/latest/meta-data/"), 401, "Unauthorized")
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="optional")
    assert older.imds("/latest/meta-data/").status == 200


def test_a_disabled_endpoint_answers_nothing_until_it_is_enabled(plane: RunningPlane, older: Inside) -> None:
    ec2, instance, token = plane.client("ec2"), older.instance, older.token()
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpEndpoint="disabled")
    assert is_error(older.imds("/latest/meta-data/"), 403, "Forbidden")
    assert is_error(older.imds("/latest/meta-data/", X_aws_ec2_metadata_token=token), 403, "Forbidden")
    put = older.imds("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60")
    assert is_error(put, 403, "Forbidden")
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpEndpoint="enabled")
    assert older.imds("/latest/meta-data/", X_aws_ec2_metadata_token=token).status == 200


def test_directories_list_what_is_below_them(app: Inside, profile: str) -> None:
    versions = app.imds("/", X_aws_ec2_metadata_token=app.token()).body.split()
    assert (versions[0], versions[-1]) == ("1.0", "latest")
    assert app.metadata("").split() == ["dynamic", "meta-data", "user-data"]
    top = app.metadata("meta-data/").split()
    assert top == sorted(top)
    assert {"ami-id", "hostname", "iam/", "instance-id", "local-ipv4", "network/", "placement/"} <= set(top)
    assert "tags/" not in top
    assert app.metadata("meta-data/iam/").split() == ["info", "security-credentials/"]
    assert app.metadata("meta-data/iam/security-credentials/") == profile
    (mac,) = app.metadata("meta-data/network/interfaces/macs/").split()
    assert mac.rstrip("/") == app.metadata("meta-data/mac")


def test_every_leaf_that_is_listed_can_be_read(app: Inside) -> None:
    def leaves(path: str) -> Iterator[str]:
        for name in app.metadata(path).splitlines():
            if name.endswith("/"):
                yield from leaves(f"{path}{name}")
            else:
                yield f"{path}{name.partition('=')[0]}"

    found = list(leaves("meta-data/"))
    assert "meta-data/placement/availability-zone" in found
    token = app.token()
    for leaf in found:
        assert app.imds(f"/latest/{leaf}", X_aws_ec2_metadata_token=token).status == 200


def test_what_is_not_there_is_not_found(app: Inside) -> None:
    token = app.token()
    for path in (
        "/latest/meta-data/nothing",
        "/latest/nothing",
        "/nothing",
        "/latest/meta-data/iam/security-credentials/x",
    ):
        assert is_error(app.imds(path, X_aws_ec2_metadata_token=token), 404, "Not Found")


def test_it_tells_of_the_instance_what_ec2_tells_of_it(plane: RunningPlane, app: Inside) -> None:
    described = plane.client("ec2").describe_instances(InstanceIds=[app.instance])["Reservations"][0]
    instance = described["Instances"][0]
    told = {
        "ami-id": instance["ImageId"],
        "instance-type": instance["InstanceType"],
        "local-ipv4": instance["PrivateIpAddress"],
        "hostname": instance["PrivateDnsName"],
        "placement/availability-zone": instance["Placement"]["AvailabilityZone"],
        "placement/region": REGION,
        "reservation-id": described["ReservationId"],
    }
    assert {name: app.metadata(f"meta-data/{name}") for name in told} == told


def test_user_data_is_as_it_was_given(app: Inside, older: Inside) -> None:
    assert app.metadata("user-data") == TEXT
    assert older.imds("/latest/user-data").status == 404


def test_the_identity_document_names_account_region_and_instance(app: Inside) -> None:
    told = json.loads(app.metadata("dynamic/instance-identity/document"))
    assert (told["accountId"], told["region"], told["instanceId"]) == (ACCOUNT, REGION, app.instance)
    assert told["instanceType"] == app.metadata("meta-data/instance-type")


def test_iam_info_and_the_credentials_are_those_of_the_profile(plane: RunningPlane, app: Inside, profile: str) -> None:
    info = json.loads(app.metadata("meta-data/iam/info"))
    assert info["Code"] == "Success"
    assert info["InstanceProfileArn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/{profile}"
    stored = plane.client("iam").get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    assert info["InstanceProfileId"] == stored["InstanceProfileId"]
    told = json.loads(app.metadata(f"meta-data/iam/security-credentials/{profile}"))
    assert (told["Code"], told["Type"], told["AccessKeyId"][:4]) == ("Success", "AWS-HMAC", "ASIA")
    identity = app.call("sts", "get_caller_identity")
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{app.instance}"
    assert identity["UserId"] == f"{stored['Roles'][0]['RoleId']}:{app.instance}"


def test_a_detached_profile_is_renewed_no_more_and_what_was_delivered_lives_on(plane: RunningPlane) -> None:
    profile, ec2 = plane.profile(), plane.client("ec2")
    path = f"/latest/meta-data/iam/security-credentials/{profile}"
    with inside(plane, "--profile", profile) as worn:
        told = json.loads(worn.metadata(path.removeprefix("/latest/")))
        found = ec2.describe_iam_instance_profile_associations(
            Filters=[{"Name": "instance-id", "Values": [worn.instance]}]
        )
        (bond,) = found["IamInstanceProfileAssociations"]
        ec2.disassociate_iam_instance_profile(AssociationId=bond["AssociationId"])
        assert worn.imds(path, X_aws_ec2_metadata_token=worn.token()).status == 404
        key = Key(told["AccessKeyId"], told["SecretAccessKey"], told["Token"])
        identity = plane.client("sts", key).get_caller_identity()
        assert identity["Arn"].endswith(f"assumed-role/{profile}/{worn.instance}")


def test_tags_are_told_where_that_is_enabled(plane: RunningPlane, older: Inside) -> None:
    ec2, instance = plane.client("ec2"), older.instance
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "team", "Value": "blue"}])
    assert older.imds("/latest/meta-data/tags/instance/team").status == 404
    ec2.modify_instance_metadata_options(InstanceId=instance, InstanceMetadataTags="enabled")
    assert older.metadata("meta-data/tags/instance/").split() == ["Name", "team"]
    assert older.metadata("meta-data/tags/instance/team") == "blue"
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "team", "Value": "red"}])
    assert older.metadata("meta-data/tags/instance/team") == "red"


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_other_methods_are_refused(app: Inside, method: str) -> None:
    page = app.imds("/latest/meta-data/", method, X_aws_ec2_metadata_token=app.token())
    assert is_error(page, 405, "Method Not Allowed")


@needs_namespaces
def test_ipv6_answers_where_it_is_enabled(plane: RunningPlane, older: Inside) -> None:
    if not older.ask(reach=["fd00:ec2::254", 80]):
        pytest.skip("the machine has no IPv6")
    ec2, instance, page = plane.client("ec2"), older.instance, ["fd00:ec2::254", "/latest/meta-data/instance-id"]
    assert older.ask(page=page)[0] == 403
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpProtocolIpv6="enabled")
    assert older.ask(page=page) == [200, instance]
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpProtocolIpv6="disabled")
    assert older.ask(page=page)[0] == 403


@needs_namespaces
def test_the_address_inside_is_that_of_ec2(app: Inside) -> None:
    assert "AWS_EC2_METADATA_SERVICE_ENDPOINT" not in app.ask(environ=True)
    assert app.ask(reach=["169.254.169.254", 80])
