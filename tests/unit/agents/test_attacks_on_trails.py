"""Attacks on trails: to switch one off, and to have events lost, or seen by others."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import allow, fresh, refused
from support.trails import Deliveries

MEMBER = "444455556666"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test, which has its event history alone."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def made(events: list[dict[str, Any]]) -> list[str]:
    """The names of the users that were created."""
    return sorted(event["requestParameters"]["userName"] for event in events if event["eventName"] == "CreateUser")


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "AWS", ""])
def test_attack_another_partition_does_not_get_around_a_denial(plane: InProcess, partition: str) -> None:
    """What is changed is what the policy was asked about."""
    trail = Deliveries(plane)
    denied = {"Effect": "Deny", "Action": "*", "Resource": trail.arn}
    client = plane.client("cloudtrail", plane.user(fresh("eve"), allow("cloudtrail:*"), denied))
    assert refused(client.stop_logging, Name=trail.arn).code == "AccessDeniedException"
    elsewhere = trail.arn.replace("arn:aws:", f"arn:{partition}:")
    for operation in (client.stop_logging, client.delete_trail, client.update_trail, client.get_trail):
        assert refused(operation, Name=elsewhere).code == "TrailNotFoundException"
    assert trail.status()["IsLogging"] is True


@pytest.mark.parametrize("regions", [("eu-west-1", "eu-west-2"), ("eu-west-2", "eu-west-1")])
def test_attack_a_name_of_two_shadow_trails_does_not_get_around_a_denial(
    plane: InProcess, regions: tuple[str, str]
) -> None:
    """The trail that is read is the one that the policy was asked about, whichever was made first."""
    bucket = Deliveries(plane).bucket
    settings = {"Name": "twice", "S3BucketName": bucket, "IsMultiRegionTrail": True}
    trails = [plane.client("cloudtrail", region=it).create_trail(**settings)["TrailARN"] for it in regions]
    read = plane.client("cloudtrail").get_trail(Name="twice")["Trail"]["TrailARN"]
    for trail in trails:
        denied = {"Effect": "Deny", "Action": "*", "Resource": trail}
        client = plane.client("cloudtrail", plane.user(fresh("eve"), allow("cloudtrail:*"), denied))
        if trail == read:
            assert refused(client.get_trail, Name="twice").code == "AccessDeniedException"
        else:
            assert client.get_trail(Name="twice")["Trail"]["TrailARN"] == read


class Joined:
    """An organization with a trail, and an account that joins it and leaves."""

    def __init__(self, plane: InProcess, **settings: Any) -> None:
        self.plane, self.member = plane, plane.account(MEMBER)
        self.manager = plane.client("organizations")
        self.manager.create_organization(FeatureSet="ALL")
        self.manager.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
        self.trail = Deliveries(plane, IsOrganizationTrail=True, IsMultiRegionTrail=True, **settings)
        self.iam, self.own = plane.client("iam", self.member), plane.client("organizations", self.member)

    def join(self) -> None:
        """Have the account join."""
        invited = self.manager.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": MEMBER})
        self.own.accept_handshake(HandshakeId=invited["Handshake"]["Id"])


def test_attack_the_name_of_the_organizations_trail_does_not_get_around_a_denial(plane: InProcess) -> None:
    joined = Joined(plane)
    joined.join()
    denied = {"Effect": "Deny", "Action": "*", "Resource": joined.trail.arn}
    eve = plane.user(fresh("eve"), allow("cloudtrail:*"), denied, of=joined.member)
    for named in (joined.trail.arn, joined.trail.name):
        assert refused(plane.client("cloudtrail", eve).get_trail, Name=named).code == "AccessDeniedException"


def test_attack_an_organization_does_not_see_what_a_member_did_before_it_joined(plane: InProcess) -> None:
    """The account joins while what it did is still waiting to be delivered."""
    joined = Joined(plane)
    joined.iam.create_user(UserName="private")
    clock = plane.node.runtime.clock
    clock.move(clock.ahead + 5)
    joined.join()
    joined.iam.create_user(UserName="known")
    assert made(joined.trail.deliver()) == ["known"]


def test_the_digest_files_of_a_member_end_where_it_leaves(plane: InProcess) -> None:
    joined = Joined(plane, EnableLogFileValidation=True)
    joined.join()
    joined.iam.create_user(UserName="known")
    joined.trail.deliver()
    joined.own.leave_organization()
    for _ in range(3):
        joined.trail.pass_time(3601)
    told = [key for key in joined.trail.keys("CloudTrail-Digest") if MEMBER in key]
    identifier = joined.manager.describe_organization()["Organization"]["Id"]
    assert [key.partition("/CloudTrail-Digest/")[0] for key in told] == [f"AWSLogs/{identifier}/{MEMBER}"]
    assert "LatestDigestDeliveryError" not in joined.trail.status()


def test_attack_logging_that_begins_again_during_a_delivery_loses_nothing(plane: InProcess) -> None:
    """What is read meanwhile is not judged by the trail as it was before."""
    trail, iam, clock = Deliveries(plane), plane.client("iam"), plane.node.runtime.clock
    iam.create_user(UserName="before")
    for number in range(3):
        trail.cloudtrail.stop_logging(Name=trail.name)
        clock.move(clock.ahead + 1)
        trail.cloudtrail.start_logging(Name=trail.name)
        iam.create_user(UserName=f"after-{number}")
    assert made(trail.deliver()) == ["after-0", "after-1", "after-2", "before"]


def test_attack_large_log_files_are_not_made_on_the_event_loop(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand events are tens of megabytes, which nobody else waits for."""
    compress, threads = gzip.compress, set[int]()

    def noted(content: bytes, **options: Any) -> bytes:
        threads.add(threading.get_ident())
        return compress(content, **options)

    monkeypatch.setattr(gzip, "compress", noted)
    assert Deliveries(plane).deliver() != []

    async def loop() -> int:
        return threading.get_ident()

    assert threads
    assert plane.run(loop()) not in threads


def test_attack_event_selectors_do_not_take_events_out_of_a_batch_that_is_fixed(plane: InProcess) -> None:
    """Whoever keeps a bucket from taking files cannot choose meanwhile what is in them."""
    trail = Deliveries(plane)
    policy = trail.s3.get_bucket_policy(Bucket=trail.bucket)["Policy"]
    trail.s3.delete_bucket_policy(Bucket=trail.bucket)
    plane.client("iam").create_user(UserName="evil")
    trail.pass_time(16)
    assert trail.status()["LatestDeliveryError"] == "AccessDenied"
    trail.cloudtrail.put_event_selectors(TrailName=trail.name, EventSelectors=[{"ReadWriteType": "ReadOnly"}])
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=policy)
    assert made(trail.deliver()) == ["evil"]
