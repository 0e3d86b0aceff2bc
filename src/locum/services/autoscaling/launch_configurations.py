"""Launch configurations. The permission to pass the role of the instance profile is checked before the verb runs."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from locum.core.identifiers import request_id
from locum.services.autoscaling.faults import (
    already_exists,
    limit_exceeded,
    no_such_configuration,
    not_implemented,
    resource_in_use,
    validation_error,
)
from locum.services.autoscaling.lookup import groups_in, page_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import LaunchConfiguration, put, remove
from locum.state.autoscaling import regional

MOST: Final = 200
"""User Guide, "Quotas": launch configurations per Region."""

_LAUNCH: Final = (
    "ImageId",
    "KeyName",
    "SecurityGroups",
    "UserData",
    "InstanceType",
    "KernelId",
    "RamdiskId",
    "BlockDeviceMappings",
    "InstanceMonitoring",
    "SpotPrice",
    "IamInstanceProfile",
    "EbsOptimized",
    "AssociatePublicIpAddress",
    "PlacementTenancy",
    "MetadataOptions",
)
_MOST_USER_DATA: Final = 16_384


def configuration_named(ctx: Context, name: str) -> LaunchConfiguration:
    """The launch configuration `name`. Raises Fault where there is none."""
    found = ctx.state.get(LaunchConfiguration, ctx.account, regional(ctx.region, name))
    if found is None:
        raise no_such_configuration(name)
    return found


def create_launch_configuration(ctx: Context, params: Params) -> Outcome:
    """autoscaling:CreateLaunchConfiguration."""
    name = params["LaunchConfigurationName"]
    if params.get("InstanceId"):
        raise not_implemented("launch configurations from instances (InstanceId)")
    if not params.get("ImageId") or not params.get("InstanceType"):
        raise validation_error(
            "Valid requests must contain either the InstanceID parameter or both the ImageId and InstanceType "
            "parameters."
        )
    table = ctx.state.table(LaunchConfiguration, ctx.account)
    if regional(ctx.region, name) in table:
        text = f"A launch configuration already exists with the name {name}"
        raise already_exists(f"Launch Configuration by this name already exists - {text}")
    if sum(it.region == ctx.region for it in table.values()) >= MOST:
        raise limit_exceeded(f"Limit on launch configurations exceeded: {MOST}")
    _check_user_data(params.get("UserData", ""))
    made = LaunchConfiguration(
        account=ctx.account,
        region=ctx.region,
        name=name,
        id=request_id(ctx.entropy),
        created=int(ctx.now),
        launch={member: params[member] for member in _LAUNCH if params.get(member) not in (None, "", [])},
    )
    return Outcome({}, (put(made),))


def describe_launch_configurations(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeLaunchConfigurations. Names that there are not are left out."""
    wanted = params.get("LaunchConfigurationNames")
    found = [it for it in ctx.state.table(LaunchConfiguration, ctx.account).values() if it.region == ctx.region]
    if wanted:
        found = [it for it in found if it.name in wanted]
    page = page_of(params, found, lambda it: it.name)
    return page.outcome("LaunchConfigurations", _shown)


def delete_launch_configuration(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DeleteLaunchConfiguration, of one that is not attached to a group."""
    found = configuration_named(ctx, params["LaunchConfigurationName"])
    for group in groups_in(ctx):
        if group.configuration == found.name:
            attached = f"it is attached to AutoScalingGroup {group.name}"
            raise resource_in_use(f"Cannot delete launch configuration {found.name} because {attached}")
    return Outcome({}, (remove(found),))


def _check_user_data(text: str) -> None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise validation_error("Invalid BASE64 encoding of user data.") from None
    if len(data) > _MOST_USER_DATA:
        raise validation_error(f"User data is limited to {_MOST_USER_DATA} bytes")


def _shown(it: LaunchConfiguration) -> dict[str, Any]:
    return {
        "KeyName": "",
        "SecurityGroups": [],
        "ClassicLinkVPCSecurityGroups": [],
        "UserData": "",
        "KernelId": "",
        "RamdiskId": "",
        "BlockDeviceMappings": [],
        "InstanceMonitoring": {"Enabled": True},
        "EbsOptimized": False,
        **it.launch,
        "LaunchConfigurationName": it.name,
        "LaunchConfigurationARN": it.arn,
        "CreatedTime": it.created,
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateLaunchConfiguration": writes(create_launch_configuration),
    "DeleteLaunchConfiguration": writes(delete_launch_configuration),
    "DescribeLaunchConfigurations": reads(describe_launch_configurations),
}
