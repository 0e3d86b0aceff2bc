"""The backend's view of an instance: its interfaces and addresses, devices, CIDR blocks, its public key.

It is asked only for categories that depend on it, and its answers are kept for a second: a change there (an address
that was associated) is seen at once, and a crawl of the tree asks once. EC2 looks at its own data: no policy decides on
it, and no record tells of it. Where the backend does not know the instance (an HTTP backend does not), nothing is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
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
_CACHE_SIZE: Final = 4096
"""The number of things at which those whose time is over are dropped."""
_WITHOUT_COMMENT: Final = 2
"""The number of words of a public key without a comment: its type and itself."""

_Key = tuple[str, str, str, str]
"""An account, a region, an operation and the name of a thing."""


class Held(NamedTuple):
    """The backend's `Instance` (empty where it has none), and the CIDR blocks of its subnets and VPCs by id."""

    instance: Answer
    subnets: Mapping[str, str]
    vpcs: Mapping[str, tuple[str, ...]]


NOTHING: Final = Held({}, {}, {})


class _Question(NamedTuple):
    """A call for an instance, and how the things in its answer are read, by name."""

    instance: Instance
    operation: str
    params: Mapping[str, Any]
    read: Callable[[Answer], Iterable[tuple[str, Any]]]
    if_used: bool = False


class Backend:
    """The backend's answers about instances. `tell` is None where there is no backend to ask."""

    def __init__(self, tell: Tell | None) -> None:
        self._tell = tell
        self._kept: dict[_Key, tuple[float, Any]] = {}
        self._asking: dict[tuple[str, str], asyncio.Lock] = {}

    async def held(self, instance: Instance, now: float, *, if_used: bool = False) -> Held:
        """The backend's view of `instance`. `if_used`: nothing, where the backend would have to be loaded first."""
        params = _by("instance-id", instance.id)
        question = _Question(instance, "DescribeInstances", params, _instances, if_used)
        shape = await self._known(question, instance.id, now)
        if shape is None:
            return NOTHING
        interfaces = shape.get("NetworkInterfaces") or ()
        subnets, vpcs = {}, {}
        for name in {each["SubnetId"] for each in interfaces if each.get("SubnetId")}:
            question = _Question(instance, "DescribeSubnets", _by("subnet-id", name), _subnets)
            subnets[name] = await self._known(question, name, now) or ""
        for name in {each["VpcId"] for each in interfaces if each.get("VpcId")}:
            question = _Question(instance, "DescribeVpcs", _by("vpc-id", name), _vpcs)
            vpcs[name] = await self._known(question, name, now) or ()
        return Held(shape, subnets, vpcs)

    async def public_key(self, instance: Instance, now: float) -> str | None:
        """The public key that the instance was launched with, in OpenSSH's form; None where the backend has none.

        One without a comment is given the name of the key pair, as on EC2.
        """
        name = str(instance.attributes.get("KeyName") or "")
        params = {"KeyNames": [name], "IncludePublicKey": True}
        question = _Question(instance, "DescribeKeyPairs", params, _keys)
        text: str | None = await self._known(question, name, now) if name else None
        return f"{text} {name}" if text and len(text.split()) == _WITHOUT_COMMENT else text or None

    async def _known(self, question: _Question, name: str, now: float) -> Any:
        """The kept answer on the thing `name`, else what the backend tells of it; None where it has none.

        The embedded backend tells of all instances at once: so a thousand that ask are a single question.
        """
        place = question.instance.account, question.instance.region
        key = (*place, question.operation, name)
        if self._tell is None:
            return None
        if not self._is_fresh(key, now):
            async with self._asking.setdefault(place, asyncio.Lock()):
                if not self._is_fresh(key, now):
                    await self._ask(question, key, now)
        return self._kept.get(key, (now, None))[1]

    def _is_fresh(self, key: _Key, now: float) -> bool:
        return now < self._kept.get(key, (now, None))[0]

    async def _ask(self, question: _Question, key: _Key, now: float) -> None:
        """Ask the backend, and keep what it tells."""
        assert self._tell is not None
        if len(self._kept) >= _CACHE_SIZE:
            self._kept = {each: it for each, it in self._kept.items() if now < it[0]}
        instance = question.instance
        actor = service_principal(EC2, instance.account, instance.arn)
        call = ServiceCall(actor, "ec2", question.operation, question.params, instance.region)
        answer = await self._tell(Ask(call, of_backend=True, if_used=question.if_used))
        found = {} if isinstance(answer, Fault) else dict(question.read(answer))
        self._kept.pop(key, None)
        if not question.if_used:
            self._kept[key] = (now + _KEPT, None)
        self._kept |= {(*key[:-1], name): (now + _KEPT, value) for name, value in found.items()}


def is_bare(instance: Instance) -> bool:
    """Whether it was launched without a subnet, with the image of `locum run`: no backend was loaded for it."""
    return "SubnetId" not in instance.attributes and instance.attributes.get("ImageId") == OWN_IMAGE


def _by(name: str, value: str) -> dict[str, Any]:
    return {"Filters": [{"Name": name, "Values": [value]}]}


def _instances(answer: Answer) -> Iterator[tuple[str, Any]]:
    for reservation in answer.get("Reservations", ()):
        yield from ((each["InstanceId"], each) for each in reservation["Instances"])


def _subnets(answer: Answer) -> Iterator[tuple[str, Any]]:
    return ((each["SubnetId"], each["CidrBlock"]) for each in answer.get("Subnets", ()))


def _vpcs(answer: Answer) -> Iterator[tuple[str, Any]]:
    """The CIDR blocks of VPCs, of which the primary one is the first."""
    for vpc in answer.get("Vpcs", ()):
        others = (each["CidrBlock"] for each in vpc.get("CidrBlockAssociationSet") or ())
        yield vpc["VpcId"], tuple(dict.fromkeys((vpc["CidrBlock"], *others)))


def _keys(answer: Answer) -> Iterator[tuple[str, Any]]:
    return ((each["KeyName"], str(each.get("PublicKey") or "").strip()) for each in answer.get("KeyPairs", ()))
