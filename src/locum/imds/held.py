"""What the backend of EC2 has of an instance: its interfaces and addresses, devices, CIDR blocks, its public key.

It is asked only for categories that depend on it, and its answers are kept for a second: a change there (an address
that was associated) is seen at once, and a crawl of the tree asks once. EC2 looks at its own data: no policy decides on
it, and no record tells of it. Where the backend does not know the instance (an HTTP backend does not), nothing is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from locum.core.actors import service_principal
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import OWN_IMAGE
from locum.services.sts import EC2
from locum.state import Instance

Answer = Mapping[str, Any]
Tell = Callable[[Ask], Awaitable[Answer | Fault]]
"""Answers a question of EC2's own to its backend (`calls.backend_answers.told_by_backend`)."""

_KEPT: Final = 1.0
"""The lifetime of an answer in seconds."""
_CACHE_SIZE: Final = 1024
"""The number of answers at which those that are too old are dropped."""


class Held(NamedTuple):
    """The backend's `Instance` (empty where it has none), and the CIDR blocks of its subnets and VPCs by id."""

    instance: Answer
    subnets: Mapping[str, str]
    vpcs: Mapping[str, tuple[str, ...]]


NOTHING: Final = Held({}, {}, {})


class _Kept(NamedTuple):
    instance: Instance
    until: float
    answer: asyncio.Future[Any]


class Backend:
    """The backend's answers about instances. `tell` is None where there is no backend to ask."""

    def __init__(self, tell: Tell | None) -> None:
        self._tell = tell
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def held(self, instance: Instance, now: float, *, if_used: bool = False) -> Held:
        """What the backend has of `instance`. `if_used`: nothing, where the backend would have to be loaded first."""
        if self._tell is None:
            return NOTHING
        kind = "held if used" if if_used else "held"
        found: Held = await self._kept_or(kind, instance, now, lambda: self._held(instance, if_used=if_used))
        return found

    async def public_key(self, instance: Instance, now: float) -> str | None:
        """The public key that the instance was launched with, in OpenSSH's form; None where the backend has none.

        One without a comment is given the name of the key pair, as on EC2.
        """
        if self._tell is None or not instance.attributes.get("KeyName"):
            return None
        found: str | None = await self._kept_or("key", instance, now, lambda: self._public_key(instance))
        return found

    async def _kept_or(
        self, kind: str, instance: Instance, now: float, ask: Callable[[], Awaitable[Any]]
    ) -> Any:  # fmt: skip
        """The answer that is kept, or that is awaited by another request, or a new one."""
        key = instance.id, kind
        kept = self._kept.get(key)
        if kept is None or kept.instance is not instance or now >= kept.until:
            if len(self._kept) >= _CACHE_SIZE:
                self._kept = {each: it for each, it in self._kept.items() if now < it.until}
            kept = self._kept[key] = _Kept(instance, now + _KEPT, asyncio.ensure_future(ask()))
        return await asyncio.shield(kept.answer)

    async def _held(self, instance: Instance, *, if_used: bool) -> Held:
        described = await self._ask(instance, "DescribeInstances", _by("instance-id", [instance.id]), if_used=if_used)
        shapes = [shape for each in described.get("Reservations", ()) for shape in each["Instances"]]
        if not shapes:
            return NOTHING
        interfaces = shapes[0].get("NetworkInterfaces") or ()
        subnet_ids = sorted({each["SubnetId"] for each in interfaces if each.get("SubnetId")})
        vpc_ids = sorted({each["VpcId"] for each in interfaces if each.get("VpcId")})
        subnets = await self._ask(instance, "DescribeSubnets", _by("subnet-id", subnet_ids)) if subnet_ids else {}
        vpcs = await self._ask(instance, "DescribeVpcs", _by("vpc-id", vpc_ids)) if vpc_ids else {}
        return Held(
            shapes[0],
            {each["SubnetId"]: each["CidrBlock"] for each in subnets.get("Subnets", ())},
            {each["VpcId"]: _blocks(each) for each in vpcs.get("Vpcs", ())},
        )

    async def _public_key(self, instance: Instance) -> str | None:
        name = str(instance.attributes["KeyName"])
        answer = await self._ask(instance, "DescribeKeyPairs", {"KeyNames": [name], "IncludePublicKey": True})
        text = next((str(each.get("PublicKey") or "") for each in answer.get("KeyPairs", ())), "").strip()
        return f"{text} {name}" if len(text.split()) == 2 else text or None

    async def _ask(
        self, instance: Instance, operation: str, params: Mapping[str, Any], *, if_used: bool = False
    ) -> Answer:
        assert self._tell is not None
        actor = service_principal(EC2, instance.account, instance.arn)
        call = ServiceCall(actor, "ec2", operation, params, instance.region)
        answer = await self._tell(Ask(call, of_backend=True, if_used=if_used))
        return {} if isinstance(answer, Fault) else answer


def is_bare(instance: Instance) -> bool:
    """Whether it was launched without a subnet, with the image of `locum run`: no backend was loaded for it."""
    return "SubnetId" not in instance.attributes and instance.attributes.get("ImageId") == OWN_IMAGE


def _by(name: str, values: list[str]) -> dict[str, Any]:
    return {"Filters": [{"Name": name, "Values": values}]}


def _blocks(vpc: Answer) -> tuple[str, ...]:
    """The CIDR blocks of a VPC, of which the primary one is the first."""
    others = (each["CidrBlock"] for each in vpc.get("CidrBlockAssociationSet") or ())
    return tuple(dict.fromkeys((vpc["CidrBlock"], *others)))
