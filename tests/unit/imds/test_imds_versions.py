"""A dated version of the metadata has the categories that were released by then."""

from __future__ import annotations

import pytest

from locum.imds.service import TOKEN
from locum.imds.versions import VERSIONS
from locum.state import MetadataOptions, Notices
from support.metadata import Metadata, association, instance
from support.one_account import profile, role

WORN = profile("web", "app")
EVERYTHING = instance(
    metadata=MetadataOptions(instance_tags="enabled"),
    tags={"Name": "web"},
    attributes={"ImageId": "ami-1", "KeyName": "key", "Placement": {"GroupName": "together"}},
    notices=Notices(lifecycle_state="InService", interruption="terminate", interruption_at=1, rebalance_at=1),
)


@pytest.fixture
def metadata() -> Metadata:
    return Metadata((EVERYTHING, role("app"), WORN, association(WORN)))


def read(metadata: Metadata, version: str, path: str) -> int:
    return metadata.ask("GET", f"/{version}/meta-data/{path}", {TOKEN: metadata.token().encode()}).status


def test_the_versions_are_in_their_order() -> None:
    assert list(VERSIONS) == sorted(VERSIONS)


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("ami-id", "1.0"),
        ("local-hostname", "2007-01-19"),
        ("instance-type", "2007-08-29"),
        ("block-device-mapping/", "2007-12-15"),
        ("placement/availability-zone", "2008-02-01"),
        ("instance-action", "2008-09-01"),
        ("mac", "2011-01-01"),
        ("network/interfaces/macs/", "2011-01-01"),
        ("iam/info", "2012-01-12"),
        ("iam/security-credentials/app", "2012-01-12"),
        ("services/domain", "2014-02-25"),
        ("spot/termination-time", "2014-11-05"),
        ("services/partition", "2015-10-20"),
        ("spot/instance-action", "2018-03-28"),
        ("identity-credentials/ec2/info", "2018-08-17"),
        ("events/maintenance/scheduled", "2018-08-17"),
        ("instance-life-cycle", "2019-10-01"),
        ("placement/region", "2020-10-27"),
        ("placement/group-name", "2020-10-27"),
        ("events/recommendations/rebalance", "2020-10-27"),
        ("network/interfaces/macs/0a:ff:ac:1f:00:0a/network-card", "2021-01-03"),
        ("tags/instance/Name", "2021-03-23"),
        ("autoscaling/target-lifecycle-state", "2021-07-15"),
        ("system", "2022-09-24"),
    ],
)
def test_a_category_is_there_from_its_version_on(metadata: Metadata, path: str, first: str) -> None:
    found = [version for version in VERSIONS if read(metadata, version, path) == 200]
    assert found == [version for version in VERSIONS if version >= first]


def test_an_early_version_lists_what_it_has(metadata: Metadata) -> None:
    answer = metadata.ask("GET", "/1.0/meta-data/", {TOKEN: metadata.token().encode()})
    assert answer.body.decode().split("\n") == [
        "ami-id",
        "ami-launch-index",
        "ami-manifest-path",
        "hostname",
        "instance-id",
        "local-ipv4",
        "public-keys/",
        "reservation-id",
    ]
