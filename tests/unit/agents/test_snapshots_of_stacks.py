"""Snapshots that policies ask for: there is one before the resource is gone, and none is told of that was not taken."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import document, fresh, refused, trusting
from support.stacks import Stacks, template

ZONE = "us-east-1a"


def volume(zone: str = ZONE, **attributes: Any) -> dict[str, Any]:
    return {"Type": "AWS::EC2::Volume", "Properties": {"AvailabilityZone": zone, "Size": 1}, **attributes}


def database(**attributes: Any) -> dict[str, Any]:
    properties = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": "20"}
    users = {"MasterUsername": "someone", "MasterUserPassword": "a-password-of-it"}
    return {"Type": "AWS::RDS::DBInstance", "Properties": {**properties, **users}, **attributes}


def cache(**attributes: Any) -> dict[str, Any]:
    properties = {"CacheNodeType": "cache.t3.micro", "Engine": "redis", "NumCacheNodes": "1"}
    return {"Type": "AWS::ElastiCache::CacheCluster", "Properties": properties, **attributes}


def of_volume(plane: InProcess, name: str) -> list[str]:
    given = {"Filters": [{"Name": "volume-id", "Values": [name]}]}
    return [it["Description"] for it in plane.client("ec2").describe_snapshots(**given)["Snapshots"]]


def is_there(plane: InProcess, name: str) -> bool:
    found = plane.client("ec2").describe_volumes(Filters=[{"Name": "volume-id", "Values": [name]}])["Volumes"]
    return bool(found)


def test_a_volume_leaves_a_snapshot_where_its_stack_is_deleted(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("snapped", template({"Volume": volume(DeletionPolicy="Snapshot"), "Other": volume()}))
    made = stacks.physical("snapped")
    assert stacks.delete("snapped") == "DELETE_COMPLETE"
    (name,) = of_volume(plane, made["Volume"])
    assert name.startswith("snapped-snapshot-volume-")
    assert of_volume(plane, made["Other"]) == []
    assert not is_there(plane, made["Volume"])


def test_a_volume_that_an_update_removes_or_replaces_leaves_one(plane: InProcess, stacks: Stacks) -> None:
    kept = {"DeletionPolicy": "Snapshot"}
    stacks.create("moved", template({"Gone": volume(**kept), "Moved": volume(UpdateReplacePolicy="Snapshot")}))
    made = stacks.physical("moved")
    body = template({"Moved": volume("us-east-1b", UpdateReplacePolicy="Snapshot")})
    assert stacks.update("moved", body) == "UPDATE_COMPLETE"
    assert (len(of_volume(plane, made["Gone"])), len(of_volume(plane, made["Moved"]))) == (1, 1)
    assert [is_there(plane, name) for name in made.values()] == [False, False]
    now = stacks.physical("moved")["Moved"]
    assert stacks.delete("moved") == "DELETE_COMPLETE"
    assert of_volume(plane, now) == []


def test_an_update_that_is_rolled_back_takes_none_of_what_it_made(plane: InProcess, stacks: Stacks) -> None:
    first = template({"Volume": volume(UpdateReplacePolicy="Snapshot")})
    stacks.create("back", first)
    before = stacks.physical("back")["Volume"]
    properties = {"PolicyName": "p", "PolicyDocument": {}, "Roles": ["nobody"]}
    failing = {"Type": "AWS::IAM::Policy", "Properties": properties, "DependsOn": "Volume"}
    body = template({"Volume": volume("us-east-1b", UpdateReplacePolicy="Snapshot"), "Failing": failing})
    assert stacks.update("back", body) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.physical("back")["Volume"] == before
    assert of_volume(plane, before) == []


def test_a_database_leaves_one_unless_its_template_says_otherwise(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("based", template({"Kept": database(), "Gone": database(DeletionPolicy="Delete")}))
    assert stacks.delete("based") == "DELETE_COMPLETE"
    found = plane.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    names = [it["DBSnapshotIdentifier"] for it in found if "based-" in it["DBSnapshotIdentifier"]]
    assert [name.rpartition("-")[0] for name in names] == ["based-snapshot-kept"]


def test_a_cache_leaves_one(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("cached", template({"Cache": cache(DeletionPolicy="Snapshot")}))
    assert stacks.delete("cached") == "DELETE_COMPLETE"
    found = plane.client("elasticache").describe_snapshots()["Snapshots"]
    assert any(it["SnapshotName"].startswith("cached-snapshot-cache-") for it in found)


def test_what_cannot_be_kept_in_a_snapshot_is_not_deleted(plane: InProcess, stacks: Stacks) -> None:
    iam, name = plane.client("iam"), fresh("no-snapshots")
    trust = trusting(Service="cloudformation.amazonaws.com")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    denied = {"Effect": "Deny", "Action": "ec2:CreateSnapshot", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(everything, denied))
    stacks.create("stays", template({"Volume": volume(DeletionPolicy="Snapshot")}), RoleARN=role)
    made = stacks.physical("stays")["Volume"]
    assert stacks.delete("stays") == "DELETE_FAILED"
    assert is_there(plane, made)
    assert "not authorized" in stacks.reason("stays", "Volume", "DELETE_FAILED")
    assert stacks.delete("stays", RetainResources=["Volume"]) == "DELETE_COMPLETE"


def test_a_deletion_that_is_made_again_takes_another_one(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("twice", template({"Volume": volume(DeletionPolicy="Snapshot")}))
    made = stacks.physical("twice")["Volume"]
    ec2 = plane.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    (instance,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, Placement={"AvailabilityZone": ZONE})[
        "Instances"
    ]
    ec2.attach_volume(VolumeId=made, InstanceId=instance["InstanceId"], Device="/dev/sdx")
    assert stacks.delete("twice") == "DELETE_FAILED"
    assert len(of_volume(plane, made)) == 1
    ec2.detach_volume(VolumeId=made, InstanceId=instance["InstanceId"])
    assert stacks.delete("twice") == "DELETE_COMPLETE"
    assert len(of_volume(plane, made)) == 2


@pytest.mark.parametrize(
    ("attribute", "told"), [("DeletionPolicy", "deletion policy"), ("UpdateReplacePolicy", "update replace policy")]
)
def test_a_type_without_snapshots_is_refused(stacks: Stacks, attribute: str, told: str) -> None:
    body = template({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}, attribute: "Snapshot"}})
    fault = refused(stacks.client.create_stack, StackName="unsnapped", TemplateBody=body)
    text = f"Template error: resource type AWS::DynamoDB::Table does not support {told} Snapshot"
    assert (fault.code, fault.message) == ("ValidationError", text)


def test_a_change_set_tells_what_becomes_of_what_is_replaced(stacks: Stacks) -> None:
    stacks.create("foreseen", template({"Volume": volume()}))
    named = {"StackName": "foreseen", "ChangeSetName": "set"}
    stacks.client.create_change_set(
        TemplateBody=template({"Volume": volume("us-east-1b", UpdateReplacePolicy="Snapshot")}), **named
    )
    (change,) = stacks.client.describe_change_set(**named)["Changes"]
    assert change["ResourceChange"]["PolicyAction"] == "ReplaceAndSnapshot"
