"""What an instance finds at which path, and how directories are listed."""

from __future__ import annotations

import json

import pytest
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from locum.imds import tree
from locum.imds.service import TOKEN
from locum.state import MetadataOptions
from support.metadata import INSTANCE, Metadata, instance
from support.one_account import ACCOUNT


def test_the_root_lists_the_versions() -> None:
    metadata = Metadata()
    listed = metadata.ask("GET", "/", {TOKEN: metadata.token().encode()}).body.decode().split("\n")
    assert listed[0] == "1.0"
    assert listed[-1] == "latest"
    assert "2021-03-23" in listed


@pytest.mark.parametrize("path", ["", "/"])
def test_a_version_lists_its_sections(path: str) -> None:
    metadata = Metadata()
    ask = {TOKEN: metadata.token().encode()}
    assert metadata.ask("GET", f"/latest{path}", ask).body == b"dynamic\nmeta-data"
    metadata.altered(user_data=b"#!/bin/sh")
    assert metadata.ask("GET", f"/latest{path}", ask).body == b"dynamic\nmeta-data\nuser-data"


@pytest.mark.parametrize("path", ["meta-data", "meta-data/"])
def test_the_metadata_lists_leaves_and_directories(path: str) -> None:
    listed = Metadata().lines(path)
    assert listed == sorted(listed)
    assert {"ami-id", "instance-id", "mac", "events/", "network/", "placement/", "services/"} <= set(listed)
    assert not {"iam/", "tags/", "public-keys/", "security-groups"} & set(listed)


@pytest.mark.parametrize(
    ("path", "entries"),
    [
        ("placement", ["availability-zone", "availability-zone-id", "region"]),
        ("services/", ["domain", "partition"]),
        ("events", ["maintenance/"]),
        ("events/maintenance/", ["history", "scheduled"]),
        ("network/", ["interfaces/"]),
        ("network/interfaces/macs/", ["0a:ff:ac:1f:00:0a/"]),
        ("block-device-mapping/", ["ami", "root"]),
    ],
)
def test_a_directory_is_listed_with_and_without_its_slash(path: str, entries: list[str]) -> None:
    assert Metadata().lines(f"meta-data/{path}") == entries


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ami-id", "ami-1"),
        ("ami-launch-index", "0"),
        ("hostname", "ip-172-31-0-10.ec2.internal"),
        ("instance-id", INSTANCE),
        ("instance-id/", INSTANCE),
        ("instance-life-cycle", "on-demand"),
        ("instance-type", "m1.small"),
        ("local-hostname", "ip-172-31-0-10.ec2.internal"),
        ("local-ipv4", "172.31.0.10"),
        ("mac", "0a:ff:ac:1f:00:0a"),
        ("placement/availability-zone", "us-east-1a"),
        ("placement/availability-zone-id", "use1-az6"),
        ("placement/region", "us-east-1"),
        ("reservation-id", "r-0123456789abcdef0"),
        ("services/domain", "amazonaws.com"),
        ("services/partition", "aws"),
        ("system", "xen"),
        ("events/maintenance/scheduled", "[]"),
        ("network/interfaces/macs/0a:ff:ac:1f:00:0a/owner-id", ACCOUNT),
        ("network/interfaces/macs/0a:ff:ac:1f:00:0a/local-ipv4s", "172.31.0.10"),
        ("network/interfaces/macs/0a:ff:ac:1f:00:0a/interface-id", "eni-0123456789abcdef0"),
    ],
)
def test_the_categories_of_the_documentation(path: str, value: str) -> None:
    assert Metadata().text(f"meta-data/{path}") == value


def test_elsewhere_than_in_us_east_1_host_names_carry_the_region() -> None:
    metadata = Metadata((instance(region="eu-west-1", zone="eu-west-1b"),))
    assert metadata.text("meta-data/local-hostname") == "ip-172-31-0-10.eu-west-1.compute.internal"
    assert metadata.text("meta-data/placement/availability-zone-id") == "euw1-az1"


def test_zone_ids_are_those_of_the_embedded_backend() -> None:
    for region, zones in RegionsAndZonesBackend.zones.items():
        assert {zone.name: zone.zone_id for zone in zones if "gov" not in region} == {
            zone.name: tree.zone_id(region, zone.name) for zone in zones if "gov" not in region
        }
    assert tree.zone_id("us-gov-west-1", "us-gov-west-1a") == "usgw1-az1"


def test_what_the_launch_asked_for_is_there_and_nothing_else_is() -> None:
    attributes = {
        "ImageId": "ami-1",
        "KeyName": "my key",
        "SubnetId": "subnet-1",
        "Groups": [{"GroupId": "sg-1", "GroupName": "web"}, {"GroupId": "sg-2", "GroupName": "ssh"}],
        "KernelId": "aki-1",
        "Placement": {"GroupName": "together", "Tenancy": "default", "PartitionNumber": 3},
    }
    metadata = Metadata((instance(attributes=attributes),))
    base = "meta-data/network/interfaces/macs/0a:ff:ac:1f:00:0a"
    assert metadata.text(f"{base}/subnet-id") == "subnet-1"
    assert metadata.text(f"{base}/security-group-ids") == "sg-1\nsg-2"
    assert metadata.text("meta-data/security-groups") == "web\nssh"
    assert metadata.text("meta-data/kernel-id") == "aki-1"
    assert metadata.text("meta-data/placement/group-name") == "together"
    assert metadata.text("meta-data/placement/partition-number") == "3"
    assert "public-keys/" in metadata.lines("meta-data/")
    assert metadata.text("meta-data/public-keys") == "0=my key"
    assert metadata.text("meta-data/public-keys/") == "0=my key"
    assert metadata.text("meta-data/public-keys/0/") == "openssh-key"
    assert metadata.get("meta-data/public-keys/0/openssh-key", metadata.token()).status == 404
    assert "ramdisk-id" not in metadata.lines("meta-data/")


def test_tags_are_there_only_when_they_are_enabled() -> None:
    tags = {"Name": "web", "Stage": "", "cost:centre": "7"}
    metadata = Metadata((instance(tags=tags),))
    assert metadata.get("meta-data/tags/instance/Name", metadata.token()).status == 404
    metadata.options(instance_tags="enabled")
    assert metadata.lines("meta-data/tags") == ["instance/"]
    assert metadata.lines("meta-data/tags/instance") == ["Name", "Stage", "cost:centre"]
    assert [metadata.text(f"meta-data/tags/instance/{key}") for key in tags] == ["web", "", "7"]
    metadata.altered(tags={"Name": "changed"})
    assert metadata.text("meta-data/tags/instance/Name") == "changed"


def test_user_data_is_given_back_octet_by_octet() -> None:
    metadata = Metadata((instance(user_data=b"\x1f\x8b\x00\xff"),))
    answer = metadata.get("user-data", metadata.token())
    assert (answer.status, answer.content_type, answer.body) == (
        200,
        b"application/octet-stream",
        b"\x1f\x8b\x00\xff",
    )


def test_the_identity_document_has_the_members_and_types_of_ec2s() -> None:
    metadata = Metadata()
    assert metadata.lines("dynamic") == ["fws/", "instance-identity/"]
    assert metadata.lines("dynamic/instance-identity/") == ["document"]
    assert json.loads(metadata.text("dynamic/instance-identity/document")) == {
        "accountId": ACCOUNT,
        "architecture": "x86_64",
        "availabilityZone": "us-east-1a",
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": "ami-1",
        "instanceId": INSTANCE,
        "instanceType": "m1.small",
        "kernelId": None,
        "pendingTime": "2026-09-21T14:12:20Z",
        "privateIp": "172.31.0.10",
        "ramdiskId": None,
        "region": "us-east-1",
        "version": "2017-09-30",
    }


def test_the_iam_directory_is_there_only_with_a_profile() -> None:
    assert "iam/" not in Metadata((instance(metadata=MetadataOptions(tokens="optional")),)).lines("meta-data/")
    metadata = Metadata.with_profile()
    assert "iam/" in metadata.lines("meta-data/")
    assert metadata.lines("meta-data/iam") == ["info", "security-credentials/"]
    assert metadata.lines("meta-data/iam/security-credentials") == ["app"]
    assert metadata.lines("meta-data/iam/security-credentials/") == ["app"]


def test_listings_make_no_credentials() -> None:
    metadata = Metadata.with_profile()
    for path in ("meta-data/", "meta-data/iam/", "meta-data/iam/security-credentials/"):
        metadata.text(path)
    assert metadata.delivered == []


def test_the_trees_of_instances_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.imds.service._CACHE_SIZE", 2)
    metadata = Metadata(tuple(instance(f"i-{number}") for number in range(3)))
    for number in range(3):
        metadata.get("meta-data/instance-id", metadata.token(of=f"i-{number}"), f"i-{number}")
        if number < 2:
            metadata.having(instance(f"i-{number}", state="terminated"))
    assert len(metadata.service._trees) == 1
