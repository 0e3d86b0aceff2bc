"""Amazon ECS: condition keys of tasks, services and task definitions.

Service Authorization Reference, "Condition keys for Amazon Elastic Container Service".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from locum.authz.call import Call, Check
from locum.authz.functions import KeyReader, own_arn
from locum.authz.paths import UNKNOWN_VALUE, scalar
from locum.state import State

_AMOUNT: Final = re.compile(r"([0-9]+(?:[.][0-9]+)?)\s*(vcpu|gb)?", re.IGNORECASE)
_OF_A_UNIT: Final = 1024


def _auto_assign_public_ip(state: State, call: Call, check: Check) -> list[str]:
    """ecs:auto-assign-public-ip, of tasks in a VPC."""
    network = (call.params.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    return [] if network is None else [scalar(network.get("assignPublicIp", "DISABLED") == "ENABLED")]


def _capacity_providers(state: State, call: Call, check: Check) -> list[str]:
    """ecs:capacity-provider: the ARNs of the capacity providers that the request names."""
    params: Mapping[str, Any] = call.params
    strategies = [
        *(params.get("capacityProviderStrategy") or ()),
        *(params.get("defaultCapacityProviderStrategy") or ()),
    ]
    names = [*(params.get("capacityProviders") or ()), *(each.get("capacityProvider") for each in strategies)]
    given = [str(name) for name in names if name is not None]
    arns = [name if name.startswith("arn:") else own_arn(call, "ecs", f"capacity-provider/{name}") for name in given]
    return arns if len(given) == len(names) else [*arns, UNKNOWN_VALUE]


def _enable_ebs_volumes(state: State, call: Call, check: Check) -> list[str]:
    volumes = call.params.get("volumeConfigurations") or ()
    return [scalar(any(volume.get("managedEBSVolume") for volume in volumes))]


def _privileged(state: State, call: Call, check: Check) -> list[str]:
    """ecs:privileged: whether any container of the task definition is."""
    return [scalar(any(container.get("privileged") for container in call.params.get("containerDefinitions") or ()))]


def _size(member: str) -> KeyReader:
    """The reader of a task's CPU units or MiB of memory: `1024`, `1 vCPU` and `1 GB` are the same."""

    def read(state: State, call: Call, check: Check) -> list[str]:
        given = call.params.get(member) or (call.params.get("overrides") or {}).get(member)
        if given is None:
            return []
        found = _AMOUNT.fullmatch(str(given).strip())
        if found is None:
            return [UNKNOWN_VALUE]
        return [str(int(float(found[1]) * (_OF_A_UNIT if found[2] else 1)))]

    return read


KEYS: Final[Mapping[str, KeyReader]] = {
    "auto_assign_public_ip": _auto_assign_public_ip,
    "capacity_providers": _capacity_providers,
    "enable_ebs_volumes": _enable_ebs_volumes,
    "privileged": _privileged,
    "task_cpu": _size("cpu"),
    "task_memory": _size("memory"),
}
