"""The reconciler of Auto Scaling on a whole plane: whose calls it makes, what stops them, and what a restart leaves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from locum.core.clock import system_clock
from locum.state import AutoScalingGroup, Event, Instance, Role, ScalingActivity, put
from support.inprocess import InProcess, Key, refusal

IMAGE = "ami-12c6146b"
ROLE = "AWSServiceRoleForAutoScaling"
LINKED = f"arn:aws:iam::000000000000:role/aws-service-role/autoscaling.amazonaws.com/{ROLE}"
ZONES = ["us-east-1a", "us-east-1b"]
_numbers = itertools.count(1)


class House:
    """A plane with a clock that stands still until the test turns it."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))  # clients sign by the real one
        self.plane = InProcess(data, lambda: self.now)

    def client(self, service: str, key: Key | None = None) -> Any:
        return self.plane.client(service, key)

    def reconcile(self, seconds: float = 0) -> float | None:
        """Time passes, and groups go on; when the next has something to do."""
        self.now += seconds
        return self.plane.run(self.plane.node.duties.scaling.reconcile())

    def template(self, name: str, **data: Any) -> str:
        made = self.client("ec2").create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.nano", **data}
        )
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def group(self, name: str, key: Key | None = None, **params: Any) -> None:
        given = {"MinSize": 0, "MaxSize": 10, "AvailabilityZones": ZONES, **params}
        self.client("autoscaling", key).create_auto_scaling_group(AutoScalingGroupName=name, **given)
        self.reconcile()

    def shown(self, name: str) -> dict[str, Any]:
        scaling = self.client("autoscaling")
        (found,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        shape: dict[str, Any] = found
        return shape

    def ids(self, name: str) -> list[str]:
        return [it["InstanceId"] for it in self.shown(name)["Instances"]]

    def latest(self, name: str) -> dict[str, Any]:
        found = self.client("autoscaling").describe_scaling_activities(AutoScalingGroupName=name)["Activities"][0]
        shape: dict[str, Any] = found
        return shape

    def commit(self, *events: Event) -> None:
        """Change the state, as if it had been so."""

        class Done:
            def __init__(self) -> None:
                self.events = events

        self.plane.run(self.plane.node.ledger.transact(lambda _state: Done(), lambda _done: ()))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("scaling"))
    yield made
    made.plane.close()


@pytest.fixture
def name() -> str:
    return f"group-{next(_numbers)}"


def test_instances_are_launched_by_the_service_linked_role_with_profile_and_tags(house: House, name: str) -> None:
    template = house.template(name, IamInstanceProfile={"Name": house.plane.profile(name)})
    tags = [{"Key": "app", "Value": name, "PropagateAtLaunch": True}, {"Key": "own", "Value": "x"}]
    subnets = [it["SubnetId"] for it in house.client("ec2").describe_subnets()["Subnets"][:2]]
    given: dict[str, Any] = {"LaunchTemplate": {"LaunchTemplateId": template}, "Tags": tags}
    given["VPCZoneIdentifier"] = ",".join(subnets)
    house.group(name, **given, AvailabilityZones=[], DesiredCapacity=2)
    found = house.client("ec2").describe_instances(InstanceIds=house.ids(name))["Reservations"]
    instances = [it for reservation in found for it in reservation["Instances"]]
    assert sorted(it["SubnetId"] for it in instances) == sorted(subnets)
    for it in instances:
        assert it["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{name}")
        worn = {tag["Key"]: tag["Value"] for tag in it["Tags"]}
        assert worn["aws:autoscaling:groupName"] == worn["app"] == name
        assert "own" not in worn
    launches = [
        it for it in house.plane.records() if it.operation == "RunInstances" and it.identity.issuer_arn == LINKED
    ]
    assert len(launches) == 2
    assert {it.error_code for it in launches} == {""}


def test_nobody_but_the_service_gives_tags_of_its_own(house: House) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "aws:autoscaling:groupName", "Value": "web"}]}]
    launch = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "TagSpecifications": tags}
    assert refusal(house.client("ec2").run_instances, **launch)[0] == "InvalidParameterValue"


def test_who_may_not_pass_the_role_or_launch_makes_no_group(house: House, name: str) -> None:
    template = house.template(name, IamInstanceProfile={"Name": house.plane.profile(name)})
    all_but_pass = {
        "Effect": "Allow",
        "Action": ["autoscaling:*", "ec2:*", "iam:CreateServiceLinkedRole"],
        "Resource": "*",
    }
    key = house.plane.user(name, all_but_pass)
    scaling = house.client("autoscaling", key)
    given = {"AutoScalingGroupName": name, "MinSize": 0, "MaxSize": 1, "AvailabilityZones": ZONES}
    given["LaunchTemplate"] = {"LaunchTemplateId": template, "Version": "$Latest"}
    code, status, text = refusal(scaling.create_auto_scaling_group, **given)
    assert (code, status, text) == ("AccessDenied", 403, f"You are not authorized to use launch template: {template}")
    launch = {"LaunchConfigurationName": name, "ImageId": IMAGE, "InstanceType": "t3.nano", "IamInstanceProfile": name}
    assert "iam:PassRole" in refusal(scaling.create_launch_configuration, **launch)[2]
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::000000000000:role/{name}"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [passes]})
    house.client("iam").put_user_policy(UserName=name, PolicyName="pass", PolicyDocument=document)
    scaling.create_auto_scaling_group(**given)
    house.client("iam").delete_user_policy(UserName=name, PolicyName="pass")
    refresh = {"AutoScalingGroupName": name, "DesiredConfiguration": {"LaunchTemplate": given["LaunchTemplate"]}}
    assert refusal(scaling.start_instance_refresh, **refresh)[0] == "AccessDenied"
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    house.reconcile()
    assert len(house.ids(name)) == 1, "the launch is the service-linked role's"


def test_what_the_service_linked_role_may_not_do_is_said_and_tried_again(house: House, name: str) -> None:
    house.template(name)
    house.group(name, LaunchTemplate={"LaunchTemplateName": name})
    linked = house.plane.node.ledger.state.get(Role, "000000000000", ROLE.lower())
    assert linked is not None
    house.commit(put(replace(linked, attached=())))
    house.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    due = house.reconcile()
    told = house.latest(name)
    assert told["StatusCode"] == "Failed"
    assert "is not authorized to perform: ec2:" in told["StatusMessage"]
    house.commit(put(linked))
    assert due == house.now + 60
    house.reconcile(59)
    assert house.ids(name) == []
    house.reconcile(1)
    assert len(house.ids(name)) == 1


def test_a_template_whose_version_is_gone_fails_the_launch_with_a_text(house: House, name: str) -> None:
    house.template(name)
    house.group(name, LaunchTemplate={"LaunchTemplateName": name})
    house.client("ec2").delete_launch_template(LaunchTemplateName=name)
    house.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    house.reconcile()
    told = house.latest(name)
    assert told["StatusMessage"].endswith("does not exist. Launching EC2 instance failed.")
    house.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name)


def test_a_launch_configuration_launches_with_all_that_it_says(house: House, name: str) -> None:
    launch = {
        "ImageId": IMAGE,
        "InstanceType": "t3.nano",
        "IamInstanceProfile": house.plane.profile(name),
        "UserData": "#!/bin/sh\n",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 3},
        "AssociatePublicIpAddress": False,
    }
    house.client("autoscaling").create_launch_configuration(LaunchConfigurationName=name, **launch)
    house.group(name, LaunchConfigurationName=name, DesiredCapacity=1)
    (only,) = house.ids(name)
    found = house.plane.node.ledger.state.get(Instance, "000000000000", only)
    assert found is not None
    assert (found.user_data, found.metadata.hop_limit) == (b"#!/bin/sh\n", 3)
    assert house.shown(name)["Instances"][0]["LaunchConfigurationName"] == name


def test_an_instance_protected_against_termination_is_terminated_by_its_group(house: House, name: str) -> None:
    house.template(name, DisableApiTermination=True)
    house.group(name, LaunchTemplate={"LaunchTemplateName": name}, DesiredCapacity=1)
    (only,) = house.ids(name)
    assert refusal(house.client("ec2").terminate_instances, InstanceIds=[only])[0] == "OperationNotPermitted"
    house.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    house.reconcile()
    assert house.ids(name) == []


def test_a_launch_that_a_restart_interrupted_is_not_made_twice(house: House, name: str) -> None:
    house.client("autoscaling").create_launch_configuration(
        LaunchConfigurationName=name, ImageId=IMAGE, InstanceType="t3.nano"
    )
    house.group(name, LaunchConfigurationName=name, DesiredCapacity=1)
    (only,) = house.ids(name)
    node = house.plane.node
    group = next(it for it in node.ledger.state.every(AutoScalingGroup) if it.name == name)
    told = house.latest(name)
    launched = node.ledger.state.get(Instance, "000000000000", only)
    assert launched is not None
    assert launched.client_token == told["ActivityId"]
    activity = next(it for it in node.ledger.state.every(ScalingActivity) if it.id == told["ActivityId"])
    begun = replace(activity, status="InProgress", ended=0, subnet="")
    house.commit(put(replace(group, members=(), launches=(begun.id,))), put(begun))  # before the group knew of it
    house.reconcile()
    assert house.ids(name) == [only]


def test_a_service_linked_role_that_a_group_has_is_not_deleted(house: House, name: str) -> None:
    house.template(name)
    house.group(name, LaunchTemplate={"LaunchTemplateName": name})
    iam = house.client("iam")
    task = iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
    status = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    assert status["Status"] == "FAILED"
    (used,) = status["Reason"]["RoleUsageList"]
    assert house.shown(name)["AutoScalingGroupARN"] in used["Resources"]
    assert iam.get_role(RoleName=ROLE)["Role"]["Arn"] == LINKED


def test_the_tags_of_a_group_decide_who_may_change_it(house: House, name: str) -> None:
    house.template(name)
    house.group(name, LaunchTemplate={"LaunchTemplateName": name}, Tags=[{"Key": "team", "Value": name}])
    house.group(f"{name}-other", LaunchTemplate={"LaunchTemplateName": name})
    condition = {"StringEquals": {"autoscaling:ResourceTag/team": name}}
    allowed = {"Effect": "Allow", "Action": "autoscaling:*", "Resource": "*", "Condition": condition}
    scaling = house.client("autoscaling", house.plane.user(name, allowed))
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    other = {"AutoScalingGroupName": f"{name}-other", "DesiredCapacity": 0}
    assert refusal(scaling.set_desired_capacity, **other)[0] == "AccessDenied"


def test_instances_are_registered_with_target_groups_while_they_are_in_service(house: House, name: str) -> None:
    house.template(name)
    balancing, scaling = house.client("elbv2"), house.client("autoscaling")
    vpc = house.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    made = [balancing.create_target_group(Name=f"{name}-{n}", Protocol="HTTP", Port=80, VpcId=vpc) for n in "ab"]
    first, second = (it["TargetGroups"][0]["TargetGroupArn"] for it in made)

    def registered(arn: str) -> set[str]:
        found = balancing.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {it["Target"]["Id"] for it in found}

    house.group(name, LaunchTemplate={"LaunchTemplateName": name}, DesiredCapacity=2, TargetGroupARNs=[first])
    assert registered(first) == set(house.ids(name))
    scaling.attach_traffic_sources(AutoScalingGroupName=name, TrafficSources=[{"Identifier": second, "Type": "elbv2"}])
    house.reconcile()
    assert registered(second) == set(house.ids(name))
    sources = scaling.describe_traffic_sources(AutoScalingGroupName=name)["TrafficSources"]
    assert {(it["Identifier"], it["State"]) for it in sources} == {(first, "Added"), (second, "Added")}
    scaling.detach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=[first])
    gone = house.ids(name)[0]
    given = {"InstanceId": gone, "ShouldDecrementDesiredCapacity": True}
    scaling.terminate_instance_in_auto_scaling_group(**given)
    house.reconcile()
    assert registered(first) == set()
    assert (registered(second), gone in registered(second)) == (set(house.ids(name)), False)
    absent = {"AutoScalingGroupName": name, "TargetGroupARNs": [first.replace(name, "absent")]}
    assert refusal(scaling.attach_load_balancer_target_groups, **absent)[0] == "ValidationError"


def test_what_is_not_implemented_is_refused_and_not_answered_by_the_backend(house: House, name: str) -> None:
    scaling = house.client("autoscaling")
    assert refusal(scaling.put_warm_pool, AutoScalingGroupName=name)[:2] == ("NotImplemented", 501)
    assert refusal(scaling.describe_warm_pool, AutoScalingGroupName=name)[:2] == ("NotImplemented", 501)


def test_groups_are_what_they_were_after_a_restart_and_go_on(house: House, name: str) -> None:
    house.client("autoscaling").create_launch_configuration(
        LaunchConfigurationName=name, ImageId=IMAGE, InstanceType="t3.nano"
    )
    house.group(name, LaunchConfigurationName=name, DesiredCapacity=3)
    before = house.ids(name)
    house.plane.close()
    house.plane.start()
    house.reconcile()
    assert house.ids(name) == before
    house.client("ec2").terminate_instances(InstanceIds=before[:1])
    house.reconcile()
    assert (len(house.ids(name)), set(before[1:]) < set(house.ids(name))) == (3, True)
