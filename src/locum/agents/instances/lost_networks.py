"""Networks that an embedded backend has forgotten: the instances in them say so.

Locum's instances outlive a restart, the subnets of a backend in memory do not, nor those that came after the latest
snapshot of one that is kept. Which subnet and VPC an instance is in
is known from that backend (`services.ec2.network`). So a plane that starts marks the instances that were in one: they
are described with the reason, in the default subnet, which is where those are that were in the former one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Final

from msgspec.structs import replace

from locum.calls import Runtime
from locum.services.verbs import Outcome
from locum.state import Event, Instance, State, put

_NETWORK: Final = ("SubnetId", "VpcId", "Groups", "NetworkInterfaces", "DefaultSubnet")

_log: Final = logging.getLogger("locum.agents")


async def mark_lost_networks(runtime: Runtime, kept: Collection[str] = ()) -> None:
    """Mark the instances whose subnet went with the embedded backend, which has those that were `kept`.

    Nothing where EC2 has another backend.
    """
    if not runtime.backends.of("ec2").forgets or not any(_lost(runtime.ledger.state, kept)):
        return

    def handler(state: State) -> Outcome:
        return Outcome({}, tuple(_marked(instance) for instance in _lost(state, kept)))

    outcome = await runtime.ledger.transact(handler, lambda _outcome: ())
    _log.warning("%d instances were in subnets that the embedded backend has forgotten", len(outcome.events))


def _lost(state: State, kept: Collection[str]) -> Iterator[Instance]:
    placed = (it for it in state.every(Instance) if "SubnetId" in it.attributes and it.state != "terminated")
    return (it for it in placed if it.attributes["SubnetId"] not in kept)


def _marked(instance: Instance) -> Event:
    given = instance.attributes
    kept = {name: value for name, value in given.items() if name not in _NETWORK}
    lost = "" if given.get("DefaultSubnet") else given["SubnetId"]
    return put(replace(instance, attributes=kept, lost_subnet=lost))
