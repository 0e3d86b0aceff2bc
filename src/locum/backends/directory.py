"""Look-ups of roles, instance profiles and instances for a backend, made at the time of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class RoleView(NamedTuple):
    """The properties of a role that a service reads when the role is passed to it."""

    arn: str
    id: str
    name: str


class ProfileView(NamedTuple):
    """The properties of an instance profile that a service reads."""

    arn: str
    id: str
    name: str
    roles: list[RoleView]


class InstanceView(NamedTuple):
    """The properties of an EC2 instance that a backend keeps a copy of.

    `state` is EC2's name of it, `launched` epoch seconds. `given` are the parameters of its launch by the members of
    RunInstances, as far as a backend acts on them: the network, images, keys, devices. `subnet` is empty for one that
    is in the default subnet of its zone, whichever that is.
    """

    id: str
    region: str
    reservation: str
    launch_index: int
    client_token: str
    type: str
    state: str
    launched: int
    zone: str
    subnet: str
    private_ip: str
    mac: str
    user_data: bytes
    tags: Mapping[str, str]
    given: Mapping[str, Any]


class Instances(NamedTuple):
    """The instances of an account. `version` is another object where they are others, or have changed."""

    version: object
    views: Callable[[], Iterable[InstanceView]]


class Directory(NamedTuple):
    """Look-ups in the current state."""

    role: Callable[[str], RoleView | None]
    """A role by its ARN."""
    profiles: Callable[[str], Iterable[ProfileView]]
    """The instance profiles of an account."""
    instances: Callable[[str], Instances]
    """The EC2 instances of an account, in all regions."""
