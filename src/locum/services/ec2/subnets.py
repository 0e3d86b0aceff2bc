"""Look-up of the subnet of a launch, which the backend has."""

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
    """The `Subnet` of a launch, given directly or in its first network `interface`; None where none is given.

    Raises the backend's Fault InvalidSubnetID.NotFound, and InvalidParameterCombination where the launch is for another
    Availability Zone.
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
