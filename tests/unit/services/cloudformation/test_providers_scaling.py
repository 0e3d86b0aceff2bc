"""Providers of Auto Scaling groups, load balancers and alarms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Resource
from support.inprocess import InProcess, refusal
from support.remaking import Remaking, own

IMAGE = "ami-12c6146b"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture(scope="module")
def network(making: Remaking) -> tuple[Resource, Resource, Resource]:
    """A VPC and two subnets of it, in two zones."""
    vpc = making.create("AWS::EC2::VPC", "Net", CidrBlock="10.11.0.0/16")
    one, two = (
        making.create(
            "AWS::EC2::Subnet",
            f"Sub{zone}",
            VpcId=vpc.physical,
            CidrBlock=f"10.11.{number}.0/24",
            AvailabilityZone=f"us-east-1{zone}",
        )
        for number, zone in enumerate("ab")
    )
    return vpc, one, two


def test_a_group_has_its_launch_configuration_and_changes_in_place(
    plane: InProcess, making: Remaking, network: tuple[Resource, ...]
) -> None:
    scaling = plane.client("autoscaling")
    launch = making.create(
        "AWS::AutoScaling::LaunchConfiguration", ImageId=IMAGE, InstanceType="t3.micro", InstanceMonitoring="false"
    )
    assert making.again(launch).physical == launch.physical
    topic = plane.client("sns").create_topic(Name="changes-of-groups")["TopicArn"]
    given = {
        "LaunchConfigurationName": launch.physical,
        "MinSize": "0",
        "MaxSize": "4",
        "VPCZoneIdentifier": [subnet.physical for subnet in network[1:]],
    }
    hook = {"LifecycleHookName": "h", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
    made = making.create(
        "AWS::AutoScaling::AutoScalingGroup",
        **given,
        Cooldown="60",
        Tags=[{"Key": "a", "Value": "b", "PropagateAtLaunch": "true"}],
        LifecycleHookSpecificationList=[hook],
        NotificationConfigurations=[
            {"TopicARN": topic, "NotificationTypes": ["autoscaling:EC2_INSTANCE_LAUNCH"]},
        ],
    )
    assert making.again(made).physical == made.physical
    named = {"AutoScalingGroupName": made.physical}

    def seen() -> Any:
        return scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[made.physical])["AutoScalingGroups"]

    assert (seen()[0]["MaxSize"], seen()[0]["DefaultCooldown"]) == (4, 60)
    assert made.attributes["AutoScalingGroupARN"] == seen()[0]["AutoScalingGroupARN"]
    assert {tag["Key"]: tag["PropagateAtLaunch"] for tag in seen()[0]["Tags"] if tag["Key"][:4] != "aws:"} == {
        "a": True,
        "team": True,
    }
    assert len(scaling.describe_lifecycle_hooks(**named)["LifecycleHooks"]) == 1
    changed = {**given, "MaxSize": 3}
    made = making.update(made, **changed, Tags=[{"Key": "c", "Value": "d", "PropagateAtLaunch": False}])
    assert (seen()[0]["MaxSize"], seen()[0]["DefaultCooldown"]) == (3, 300)
    assert {tag["Key"]: tag["PropagateAtLaunch"] for tag in seen()[0]["Tags"] if tag["Key"][:4] != "aws:"} == {
        "c": False,
        "team": True,
    }
    assert scaling.describe_lifecycle_hooks(**named)["LifecycleHooks"] == []
    assert scaling.describe_notification_configurations()["NotificationConfigurations"] == []
    for each in (made, made, launch, launch):
        making.delete(each)
    assert seen() == []


def test_a_lifecycle_hook_of_somebody_else_is_not_taken_over(
    plane: InProcess, making: Remaking, network: tuple[Resource, ...]
) -> None:
    scaling = plane.client("autoscaling")
    launch = making.create("AWS::EC2::LaunchTemplate", "Hooked", LaunchTemplateData={"ImageId": IMAGE})
    template = {"LaunchTemplateId": launch.physical, "Version": launch.attributes["LatestVersionNumber"]}
    given = {"MinSize": 0, "MaxSize": 1, "LaunchTemplate": template, "VPCZoneIdentifier": [network[1].physical]}
    of = {"AutoScalingGroupName": making.create("AWS::AutoScaling::AutoScalingGroup", "Hooks", **given).physical}
    hook = {**of, "LifecycleHookName": "theirs", "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING"}
    scaling.put_lifecycle_hook(**hook, HeartbeatTimeout=60)
    with pytest.raises(Fault, match="theirs' already exists"):
        making.create("AWS::AutoScaling::LifecycleHook", **hook, HeartbeatTimeout=90)
    (seen,) = scaling.describe_lifecycle_hooks(**of)["LifecycleHooks"]
    assert seen["HeartbeatTimeout"] == 60
    made = making.create("AWS::AutoScaling::LifecycleHook", **{**hook, "LifecycleHookName": "ours"})
    assert making.again(made).physical == "ours"
    making.delete(made)


def test_what_belongs_to_a_group_follows_it(plane: InProcess, making: Remaking, network: tuple[Resource, ...]) -> None:
    scaling = plane.client("autoscaling")
    launch = making.create("AWS::EC2::LaunchTemplate", LaunchTemplateData={"ImageId": IMAGE})
    template = {"LaunchTemplateId": launch.physical, "Version": launch.attributes["LatestVersionNumber"]}
    given = {"MinSize": 0, "MaxSize": 1, "LaunchTemplate": template, "VPCZoneIdentifier": [network[1].physical]}
    group = making.create("AWS::AutoScaling::AutoScalingGroup", "Of", **given)
    of = {"AutoScalingGroupName": group.physical}

    policy = making.create(
        "AWS::AutoScaling::ScalingPolicy", **of, AdjustmentType="ChangeInCapacity", ScalingAdjustment=1
    )
    assert policy.physical.startswith("arn:aws:autoscaling:")
    assert making.again(policy).physical == policy.physical
    policy = making.update(policy, **of, AdjustmentType="ChangeInCapacity", ScalingAdjustment="2")
    (seen,) = scaling.describe_policies(**of)["ScalingPolicies"]
    assert (seen["PolicyARN"], seen["ScalingAdjustment"]) == (policy.physical, 2)
    target = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": "50",
    }
    tracking = making.create(
        "AWS::AutoScaling::ScalingPolicy",
        "Tracking",
        **of,
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=target,
    )

    action = making.create("AWS::AutoScaling::ScheduledAction", **of, Recurrence="0 9 * * *", DesiredCapacity="1")
    action = making.update(action, **of, Recurrence="0 8 * * *", DesiredCapacity=1)
    (seen,) = scaling.describe_scheduled_actions(**of)["ScheduledUpdateGroupActions"]
    assert (seen["ScheduledActionName"], seen["Recurrence"]) == (action.physical, "0 8 * * *")

    transition = {"LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING"}
    hook = making.create("AWS::AutoScaling::LifecycleHook", **of, **transition, HeartbeatTimeout="60")
    hook = making.update(hook, **of, **transition, HeartbeatTimeout=90)
    (seen,) = scaling.describe_lifecycle_hooks(**of)["LifecycleHooks"]
    assert (seen["LifecycleHookName"], seen["HeartbeatTimeout"]) == (hook.physical, 90)

    for made in (policy, tracking, action, hook):
        making.delete(made)
        making.delete(made)
    assert scaling.describe_policies(**of)["ScalingPolicies"] == []
    assert scaling.describe_scheduled_actions(**of)["ScheduledUpdateGroupActions"] == []
    for made in (group, launch):
        making.delete(made)


def test_alarms_and_dashboards(plane: InProcess, making: Remaking) -> None:
    cloudwatch = plane.client("cloudwatch")
    given = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": "1",
        "MetricName": "m",
        "Namespace": "n",
        "Period": "60",
        "Statistic": "Sum",
        "Dimensions": [{"Name": "d", "Value": "v"}],
    }
    kind = "AWS::CloudWatch::Alarm"
    made = making.create(kind, **given, Threshold="1.5", AlarmDescription="x", Tags=[{"Key": "a", "Value": "b"}])
    assert making.again(made).physical == made.physical
    made = making.update(made, **given, Threshold=2, Tags=[{"Key": "c", "Value": "d"}])
    (seen,) = cloudwatch.describe_alarms(AlarmNames=[made.physical])["MetricAlarms"]
    assert (seen["Threshold"], seen["AlarmArn"]) == (2.0, made.attributes["Arn"])
    assert own(cloudwatch.list_tags_for_resource(ResourceARN=seen["AlarmArn"])["Tags"]) == {"c": "d"}
    body = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 1, "height": 1, "properties": {"markdown": "a"}}]}
    board = making.create("AWS::CloudWatch::Dashboard", DashboardBody=json.dumps(body))
    board = making.update(board, DashboardBody=body)
    assert json.loads(cloudwatch.get_dashboard(DashboardName=board.physical)["DashboardBody"]) == body
    for each in (made, board):
        making.delete(each)
        making.delete(each)
    assert cloudwatch.describe_alarms(AlarmNames=[made.physical])["MetricAlarms"] == []


def test_a_load_balancer_forwards_to_its_targets(
    plane: InProcess, making: Remaking, network: tuple[Resource, ...]
) -> None:
    elb = plane.client("elbv2")
    vpc, one, two = network
    kind = "AWS::ElasticLoadBalancingV2::"
    group = making.create("AWS::EC2::SecurityGroup", "Web", GroupDescription="d", VpcId=vpc.physical)
    given = {"Subnets": [one.physical, two.physical], "SecurityGroups": [group.physical]}
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": "30"}
    balancer = making.create(
        f"{kind}LoadBalancer", **given, LoadBalancerAttributes=[idle], Tags=[{"Key": "a", "Value": "b"}]
    )
    assert making.again(balancer).physical == balancer.physical
    assert balancer.attributes["LoadBalancerFullName"] == balancer.physical.partition("loadbalancer/")[2]
    assert balancer.attributes["DNSName"].endswith("amazonaws.com")
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer.physical)["Attributes"]
    assert idle in attributes
    balancer = making.update(balancer, **given, LoadBalancerAttributes=[{**idle, "Value": "45"}])
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer.physical)["Attributes"]
    assert {**idle, "Value": "45"} in attributes
    assert own(elb.describe_tags(ResourceArns=[balancer.physical])["TagDescriptions"][0]["Tags"]) == {}

    instance = making.create("AWS::EC2::Instance", ImageId=IMAGE, SubnetId=one.physical)
    web = {"Port": "80", "Protocol": "HTTP", "VpcId": vpc.physical}
    targets = making.create(f"{kind}TargetGroup", **web, HealthCheckPath="/", Targets=[{"Id": instance.physical}])
    assert making.again(targets).physical == targets.physical
    assert targets.attributes["TargetGroupFullName"].startswith("targetgroup/shop-")
    health = elb.describe_target_health(TargetGroupArn=targets.physical)["TargetHealthDescriptions"]
    assert [each["Target"]["Id"] for each in health] == [instance.physical]
    targets = making.update(targets, **web, HealthCheckPath="/up")
    assert elb.describe_target_health(TargetGroupArn=targets.physical)["TargetHealthDescriptions"] == []
    assert elb.describe_target_groups(TargetGroupArns=[targets.physical])["TargetGroups"][0]["HealthCheckPath"] == "/up"

    of = {"LoadBalancerArn": balancer.physical, "Protocol": "HTTP"}
    forward = [{"Type": "forward", "TargetGroupArn": targets.physical}]
    listener = making.create(f"{kind}Listener", **of, Port="80", DefaultActions=forward)
    assert making.again(listener).physical == listener.physical
    listener = making.update(listener, **of, Port=8080, DefaultActions=forward)
    assert elb.describe_listeners(ListenerArns=[listener.physical])["Listeners"][0]["Port"] == 8080
    path = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}]
    rule = making.create(
        f"{kind}ListenerRule", ListenerArn=listener.physical, Priority="5", Conditions=path, Actions=forward
    )
    assert making.again(rule).physical == rule.physical
    rule = making.update(rule, ListenerArn=listener.physical, Priority=7, Conditions=path, Actions=forward)
    (seen,) = elb.describe_rules(RuleArns=[rule.physical])["Rules"]
    assert seen["Priority"] == "7"

    for made in (rule, listener, balancer, targets):
        making.delete(made)
        making.delete(made)
    assert refusal(elb.describe_load_balancers, LoadBalancerArns=[balancer.physical])[0] == "LoadBalancerNotFound"
    for made in (instance, group):
        making.delete(made)
