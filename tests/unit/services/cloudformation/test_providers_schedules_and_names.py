"""Providers of EventBridge Scheduler and Route 53."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from support.deployed import role
from support.inprocess import InProcess, refusal
from support.plane import ACCOUNT, trusting
from support.remaking import Remaking, own


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


def test_a_schedule_is_of_its_group(plane: InProcess, making: Remaking) -> None:
    scheduler = plane.client("scheduler")
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
    target = {"Arn": arn, "RoleArn": role(plane, trusting(Service="scheduler.amazonaws.com"))}
    group = making.create("AWS::Scheduler::ScheduleGroup", Tags=[{"Key": "a", "Value": "b"}])
    assert making.again(group).physical == group.physical
    assert group.attributes["State"] == "ACTIVE"
    group = making.update(group)
    assert own(scheduler.list_tags_for_resource(ResourceArn=group.attributes["Arn"])["Tags"]) == {}
    of = {"GroupName": group.physical, "Target": target, "FlexibleTimeWindow": {"Mode": "OFF"}}
    made = making.create("AWS::Scheduler::Schedule", **of, ScheduleExpression="rate(1 hour)")
    assert making.again(made).physical == made.physical
    made = making.update(made, **of, ScheduleExpression="rate(2 hours)", State="DISABLED")
    seen = scheduler.get_schedule(Name=made.physical, GroupName=group.physical)
    assert (seen["ScheduleExpression"], seen["State"], seen["Arn"]) == (
        "rate(2 hours)",
        "DISABLED",
        made.attributes["Arn"],
    )
    for each in (made, group):
        making.delete(each)
        making.delete(each)
    assert refusal(scheduler.get_schedule_group, Name=group.physical)[0] == "ResourceNotFoundException"


def test_a_zone_has_its_records(plane: InProcess, making: Remaking) -> None:
    dns = plane.client("route53")

    def records(zone: str) -> Any:
        found = dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {
            (each["Name"], each["Type"]): [record["Value"] for record in each.get("ResourceRecords", ())]
            for each in found
            if each["Type"] not in ("NS", "SOA")
        }

    kind = "AWS::Route53::HostedZone"
    comment = {"HostedZoneConfig": {"Comment": "one"}}
    zone = making.create(kind, Name="shop.test", **comment, HostedZoneTags=[{"Key": "a", "Value": "b"}])
    assert len(zone.attributes["NameServers"]) > 0
    assert making.again(zone).physical == zone.physical
    zone = making.update(zone, Name="shop.test", HostedZoneConfig={"Comment": "two"})
    assert dns.get_hosted_zone(Id=zone.physical)["HostedZone"]["Config"]["Comment"] == "two"
    tags = dns.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone.physical)["ResourceTagSet"]["Tags"]
    assert own(tags) == {}

    record = making.create(
        "AWS::Route53::RecordSet",
        HostedZoneId=zone.physical,
        Name="www.shop.test",
        Type="A",
        TTL="60",
        ResourceRecords=["10.0.0.1"],
    )
    assert record.physical == "www.shop.test" == making.again(record).physical
    given = {"HostedZoneName": "shop.test.", "Type": "A", "TTL": 60, "ResourceRecords": ["10.0.0.2"]}
    record = making.update(record, **given, Name="www.shop.test")
    assert records(zone.physical) == {("www.shop.test.", "A"): ["10.0.0.2"]}
    record = making.update(record, **given, Name="api.shop.test")
    assert records(zone.physical) == {("api.shop.test.", "A"): ["10.0.0.2"]}
    alias = {"DNSName": "api.shop.test", "HostedZoneId": zone.physical}
    named = making.create(
        "AWS::Route53::RecordSet", "Alias", HostedZoneId=zone.physical, Name="a.shop.test", Type="A", AliasTarget=alias
    )
    for made in (named, record):
        making.delete(made)
        making.delete(made)
    assert records(zone.physical) == {}
    making.delete(zone)
    making.delete(zone)
    making.delete(record)
    with pytest.raises(Fault, match="0 hosted zones"):
        making.create("AWS::Route53::RecordSet", **given, Name="www.shop.test")


def test_a_zone_may_be_of_networks(plane: InProcess, making: Remaking) -> None:
    vpcs = [
        {
            "VPCId": making.create("AWS::EC2::VPC", f"V{n}", CidrBlock=f"10.{n}.0.0/16").physical,
            "VPCRegion": "us-east-1",
        }
        for n in (21, 22, 23)
    ]
    zone = making.create("AWS::Route53::HostedZone", Name="inside.test", VPCs=vpcs[:2])
    making.update(zone, Name="inside.test", VPCs=vpcs[1:])
    seen = plane.client("route53").get_hosted_zone(Id=zone.physical)["VPCs"]
    assert {each["VPCId"] for each in seen} == {each["VPCId"] for each in vpcs[1:]}
    making.delete(zone)


def test_a_group_of_records_is_changed_set_by_set(plane: InProcess, making: Remaking) -> None:
    dns = plane.client("route53")
    zone = making.create("AWS::Route53::HostedZone", Name="group.test")

    def share(identifier: str, weight: int) -> dict[str, Any]:
        by = {"SetIdentifier": identifier, "Weight": weight}
        return {"Name": "api.group.test", "Type": "A", "TTL": 60, "ResourceRecords": ["10.0.0.1"], **by}

    def weights() -> dict[str, int]:
        found = dns.list_resource_record_sets(HostedZoneId=zone.physical)["ResourceRecordSets"]
        return {each["SetIdentifier"]: each["Weight"] for each in found if "SetIdentifier" in each}

    where = {"HostedZoneName": "group.test."}
    group = making.create("AWS::Route53::RecordSetGroup", **where, RecordSets=[share("old", 100), share("new", 0)])
    assert weights() == {"old": 100, "new": 0}
    assert making.again(group).type == group.type
    group = making.update(group, **where, RecordSets=[share("new", 90), share("next", 10)])
    assert weights() == {"new": 90, "next": 10}
    making.delete(group)
    making.delete(group)
    assert weights() == {}
    making.delete(zone)
    with pytest.raises(Fault, match="Colour"):
        making.create("AWS::Route53::RecordSetGroup", **where, RecordSets=[{**share("a", 1), "Colour": "red"}])


def test_a_health_check_is_changed(plane: InProcess, making: Remaking) -> None:
    dns = plane.client("route53")
    given = {"Type": "HTTPS", "FullyQualifiedDomainName": "www.shop.test", "Port": 443, "FailureThreshold": 3}
    made = making.create(
        "AWS::Route53::HealthCheck", HealthCheckConfig=given, HealthCheckTags=[{"Key": "a", "Value": "b"}]
    )
    assert made.attributes["HealthCheckId"] == made.physical
    tagged = dns.list_tags_for_resource(ResourceType="healthcheck", ResourceId=made.physical)
    assert own(tagged["ResourceTagSet"]["Tags"]) == {"a": "b"}
    made = making.update(made, HealthCheckConfig={**given, "Port": 8443})
    assert dns.get_health_check(HealthCheckId=made.physical)["HealthCheck"]["HealthCheckConfig"]["Port"] == 8443
    tagged = dns.list_tags_for_resource(ResourceType="healthcheck", ResourceId=made.physical)
    assert own(tagged["ResourceTagSet"]["Tags"]) == {}
    making.delete(made)
    making.delete(made)
    assert refusal(dns.get_health_check, HealthCheckId=made.physical)[0] == "NoSuchHealthCheck"
