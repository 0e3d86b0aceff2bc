"""The subnet that an instance is launched into: the backend has it, and is asked."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from locum.core.actors import service_principal
from locum.core.calls import Ask, ServiceCall
from locum.services.ec2.faults import invalid_combination
from locum.services.verbs import Context, Params

_EC2: Final = "ec2.amazonaws.com"


def named_subnet(
    ctx: Context, params: Params, interface: Mapping[str, Any]
) -> Generator[Ask, Mapping[str, Any], Mapping[str, Any] | None]:
    """The `Subnet` that a launch names, by itself or in its first network `interface`; None where it names none.

    Raises Fault InvalidSubnetID.NotFound, as the backend has it, and InvalidParameterCombination where the launch is
    to be in another Availability Zone.
    """
    subnet_id = params.get("SubnetId") or interface.get("SubnetId")
    if not subnet_id:
        return None
    ec2 = service_principal(_EC2, ctx.account)
    answer = yield Ask(ServiceCall(ec2, "ec2", "DescribeSubnets", {"SubnetIds": [subnet_id]}, ctx.region))
    subnet: Mapping[str, Any] = answer["Subnets"][0]
    zone = (params.get("Placement") or {}).get("AvailabilityZone")
    if zone and zone != subnet["AvailabilityZone"]:
        raise invalid_combination(
            f"The availability zone '{zone}' does not match the availability zone of the subnet '{subnet_id}'"
        )
    return subnet
