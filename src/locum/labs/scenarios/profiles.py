"""Labs about instance profiles: of an instance, of a running one, of a group's."""

from __future__ import annotations

from typing import Any, Final

from locum.core.identifiers import OWN_IMAGE
from locum.labs import inside, making
from locum.labs.documents import EC2, LAMBDA, allow, trusting
from locum.labs.lab import INSIDE, written
from locum.labs.world import Broken, World

# -- a role without a profile ----------------------------------------------------------------------------


def _build_role(world: World) -> None:
    making.role(world, "app", trusting(Service=LAMBDA), allow("ec2:DescribeRegions"))
    making.instance(world, "instance")


def _check_worn(world: World, suffix: str) -> None:
    """Raises Broken unless the lab's instance runs as the role `suffix`."""
    instance = world.notes["instance"]
    making.described(world, instance)
    if (worn := inside.worn(world, instance)) != world.name(suffix):
        raise Broken(f"{instance} runs as {worn}, and not as {world.name(suffix)}")


def _check_role(world: World) -> None:
    _check_worn(world, "app")
    key = inside.of_instance(world, world.notes["instance"])
    word = f"{world.name('app')} has lost the permission that it had"
    world.may(word, "ec2", "describe_regions", key)


def _solve_role(world: World) -> None:
    trust = trusting(Service=EC2)
    world.do("iam", "update_assume_role_policy", RoleName=world.name("app"), PolicyDocument=trust)
    making.hold(world, "app")
    making.attach(world, world.notes["instance"], "app")


ROLE_WITHOUT_PROFILE: Final = written(
    "role-without-profile", _build_role, _check_role, _solve_role, services=("ec2",), requires=(INSIDE,)
)

# -- another profile for a running instance --------------------------------------------------------------


def _build_replacement(world: World) -> None:
    admin = making.profile(world, "admin", allow("*"))
    making.profile(world, "reader", allow("ec2:DescribeRegions"))
    instance = making.instance(world, "instance", admin)
    world.note("instance.launched", str(making.described(world, instance)["LaunchTime"]))


def _check_replacement(world: World) -> None:
    _check_worn(world, "reader")
    instance = world.notes["instance"]
    if str(making.described(world, instance)["LaunchTime"]) != world.notes["instance.launched"]:
        raise Broken(
            f"{instance} was stopped for that: a profile is replaced while it runs. `locum lab reset` begins anew"
        )
    key = inside.of_instance(world, instance)
    world.may(f"{world.name('reader')} has lost its permission", "ec2", "describe_regions", key)
    world.must_not(f"{world.name('reader')} may do too much: it lists users", "iam", "list_users", key)


def _solve_replacement(world: World) -> None:
    making.attach(world, world.notes["instance"], "reader")


REPLACE_PROFILE: Final = written(
    "replace-profile", _build_replacement, _check_replacement, _solve_replacement, services=("ec2",), requires=(INSIDE,)
)

# -- a group without access ------------------------------------------------------------------------------


def _build_group(world: World) -> None:
    name = world.name("web")
    making.profile(world, "web", allow("ec2:DescribeRegions"))
    data = {"ImageId": OWN_IMAGE, "InstanceType": "t3.nano", "MetadataOptions": {"HttpTokens": "required"}}
    world.do("ec2", "create_launch_template", LaunchTemplateName=name, LaunchTemplateData=data)
    tags = [{**tag, "PropagateAtLaunch": True} for tag in world.tags]
    world.do(
        "autoscaling", "create_auto_scaling_group",
        AutoScalingGroupName=name, MinSize=1, MaxSize=2, AvailabilityZones=[f"{world.region}a"], Tags=tags,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "1"},
    )  # fmt: skip
    world.note("group", name)


def _group(world: World) -> dict[str, Any]:
    answer = world.do("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[world.name("web")])
    found: list[dict[str, Any]] = answer["AutoScalingGroups"]
    if not found or not found[0]["DesiredCapacity"]:
        raise Broken("The group has to be there, and to want an instance")
    return found[0]


def _check_group(world: World) -> None:
    group, wanted = _group(world), world.name("web")
    serving = [each["InstanceId"] for each in group["Instances"] if each["LifecycleState"] == "InService"]
    if not serving:
        raise Broken("No instance of the group is in service: look at its activities, or check again in a moment")
    for instance in serving:
        if (worn := inside.worn(world, instance)) != wanted:
            raise Broken(f"{instance} runs as {worn}, and not as {wanted}")
        world.may(f"{wanted} has lost its permission", "ec2", "describe_regions", inside.of_instance(world, instance))
    template = group.get("LaunchTemplate", {})
    which = {
        "LaunchTemplateId": template.get("LaunchTemplateId", ""),
        "Versions": [template.get("Version", "$Default")],
    }
    versions = world.do("ec2", "describe_launch_template_versions", **which)["LaunchTemplateVersions"]
    profile = versions[0]["LaunchTemplateData"].get("IamInstanceProfile", {})
    if wanted not in (profile.get("Name"), profile.get("Arn", "").rpartition("/")[2]):
        raise Broken(
            f"The instances of today have the role. The next one will not: version {template.get('Version')} of the "
            "launch template, from which the group launches, has no instance profile"
        )


def _solve_group(world: World) -> None:
    name = world.name("web")
    data = {"IamInstanceProfile": {"Name": name}}
    world.do(
        "ec2", "create_launch_template_version",
        LaunchTemplateName=name, SourceVersion="1", LaunchTemplateData=data,
    )  # fmt: skip
    newest = {"LaunchTemplateName": name, "Version": "$Latest"}
    world.do("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=name, LaunchTemplate=newest)
    for each in _group(world)["Instances"]:
        world.do(
            "autoscaling", "terminate_instance_in_auto_scaling_group",
            InstanceId=each["InstanceId"], ShouldDecrementDesiredCapacity=False,
        )  # fmt: skip


AUTO_SCALING: Final = written(
    "auto-scaling", _build_group, _check_group, _solve_group, services=("autoscaling", "ec2"), requires=(INSIDE,)
)
