"""The Spot request of a Spot Instance, which the instance has with it: its options, tags and whether it was cancelled.

A request is fulfilled as it is made, since nothing here runs out of capacity. So there is none without an instance, and
it is described as long as that is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.services.ec2.faults import bad_value, invalid_combination
from locum.services.verbs import Context, Params
from locum.state import Instance

REQUEST: Final = "SpotRequest"
"""The attribute of an instance that has its request, by the members of EC2's `SpotInstanceRequest`."""

_PRICE: Final = re.compile(r"(?=.*[1-9])\d{1,9}(\.\d{1,9})?")


def is_spot(params: Params) -> bool:
    """Whether a launch with these parameters of RunInstances, which its instances keep, is of Spot Instances."""
    return (params.get("InstanceMarketOptions") or {}).get("MarketType") == "spot"


def checked_options(ctx: Context, options: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a request that `SpotMarketOptions` give. Raises Fault."""
    kind = options.get("SpotInstanceType") or "one-time"
    behavior = options.get("InstanceInterruptionBehavior") or "terminate"
    until, price = options.get("ValidUntil"), options.get("MaxPrice")
    if behavior != "terminate" and kind != "persistent":
        text = f"The instance interruption behavior '{behavior}' is for persistent Spot requests alone."
        raise invalid_combination(text)
    if price and not _PRICE.fullmatch(price):
        raise bad_value(price, "price", "It must be a positive number.")
    if until is not None and kind != "persistent":
        raise invalid_combination("The parameter validUntil is for persistent Spot requests alone.")
    check_end(ctx, until)
    if options.get("BlockDurationMinutes"):
        raise Fault("UnsupportedOperation", "Spot Instances with a defined duration are no longer available.")
    found = {"Type": kind, "InstanceInterruptionBehavior": behavior, "CreateTime": int(ctx.now)}
    return found | ({"SpotPrice": price} if price else {}) | ({"ValidUntil": until} if until else {})


def check_end(ctx: Context, until: float | None) -> None:
    """Raise Fault where a request is to end (epoch seconds) in the past."""
    if until is not None and until <= ctx.now:
        raise bad_value(iso8601(until), "validUntil", "It must be a time in the future.")


def request_of(it: Instance) -> dict[str, Any]:
    """The request of a Spot Instance; empty for another one."""
    found: dict[str, Any] = it.attributes.get(REQUEST, {})
    return found


def with_request(ctx: Context, it: Instance, given: Mapping[str, Any]) -> Instance:
    """`it` with a new request of its own. `given`: the members that are not the instance's."""
    identifier = f"sir-{ctx.entropy(4).hex()}"
    return replace(it, attributes={**it.attributes, REQUEST: {"SpotInstanceRequestId": identifier, **given}})


def check_stop(it: Instance) -> None:
    """Raise Fault where `it` is a Spot Instance that ends when it stops."""
    if request_of(it).get("Type") == "one-time":
        why = "because it is associated with a one-time Spot Instance request"
        others = "You can only stop Spot Instances associated with persistent Spot Instance requests."
        raise Fault("UnsupportedOperation", f"You can't stop the Spot Instance '{it.id}' {why}. {others}")
