"""Managed instances: registered by the agent in them, described, and looked up for commands.

The agent's own operation UpdateInstanceInformation is made in the session of the instance's role, and tells of that
instance alone. "If the SSM Agent hasn't been heard of for five minutes, the status is Connection lost."
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.pagination import Pagination
from locum.services.ssm import faults
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Instance, ManagedInstance, State, put

PING: Final = 300
"""Seconds between two signs of life of an agent."""

AGENT_VERSION: Final = "3.3.0.0"
RUNS: Final = ("pending", "running")
SENDABLE: Final = (*RUNS, "stopping", "stopped")
"""The states of instances that commands are taken for: "Valid states are: Running, Pending, Stopped, and Stopping." """

_LIST: Final = Pagination("MaxResults", "NextToken", "NextToken", 50, faults.invalid_token)
_ONLINE: Final = {True: "Online", False: "ConnectionLost"}


def update_instance_information(ctx: Context, params: Params) -> Outcome:
    """ssm:UpdateInstanceInformation, which the agent in an instance calls to register, and then as a sign of life."""
    session, instance = ctx.caller.session, params["InstanceId"]
    if session is None or session.instance_id != instance:
        raise Fault("AccessDeniedException", "The caller is not the agent of this instance.")
    now = int(ctx.now)
    before = ctx.state.get(ManagedInstance, ctx.account, instance)
    made = before or ManagedInstance(account=ctx.account, id=instance, region=ctx.region, registered=now, pinged=now)
    told = {
        "platform": params.get("PlatformName", ""),
        "version": params.get("PlatformVersion", ""),
        "computer": params.get("ComputerName", ""),
    }
    return Outcome({}, (put(replace(made, pinged=now, online=True, **told)),))


def managed(ctx: Context, instance: str) -> ManagedInstance | None:
    """The managed instance `instance` of the account and region, unless it is gone."""
    found = ctx.state.get(ManagedInstance, ctx.account, instance)
    return found if found is not None and found.region == ctx.region and state_of(ctx.state, found) else None


def state_of(state: State, it: ManagedInstance) -> str:
    """The state of an instance that is there; empty where it is terminated, or being so."""
    found = state.get(Instance, it.account, it.id)
    return found.state if found is not None and found.state in SENDABLE else ""


def is_online(state: State, it: ManagedInstance) -> bool:
    """Whether the agent of an instance is heard of."""
    return it.online and state_of(state, it) in RUNS


def all_managed(ctx: Context) -> list[ManagedInstance]:
    """The managed instances of the account in the region, by id."""
    every = ctx.state.table(ManagedInstance, ctx.account).values()
    return sorted((it for it in every if managed(ctx, it.id)), key=lambda it: it.id)


def describe_instance_information(ctx: Context, params: Params) -> Outcome:
    """ssm:DescribeInstanceInformation."""
    given, older = params.get("Filters") or (), params.get("InstanceInformationFilterList") or ()
    if given and older:
        raise Fault("ValidationException", "Filters and InstanceInformationFilterList cannot be used together.")
    wanted = [(it["Key"], it["Values"]) for it in given] + [(it["key"], it["valueSet"]) for it in older]
    found = all_managed(ctx)
    for key, values in wanted:
        has = _filter(ctx, key)
        found = [it for it in found if set(values) & set(has(it))]
    page = _LIST.page(params, found, lambda it: it.id)
    return page.outcome("InstanceInformationList", lambda it: _shown(ctx, it))


def get_connection_status(ctx: Context, params: Params) -> Outcome:
    """ssm:GetConnectionStatus."""
    found = managed(ctx, params["Target"])
    connected = found is not None and is_online(ctx.state, found)
    return Outcome({"Target": params["Target"], "Status": "connected" if connected else "notconnected"})


def _filter(ctx: Context, key: str) -> Callable[[ManagedInstance], Iterable[str]]:
    if key.startswith("tag:"):
        return lambda it: (value for name, value in _tags(ctx, it).items() if name == key.removeprefix("tag:"))
    readers: Mapping[str, Callable[[ManagedInstance], Iterable[str]]] = {
        "tag-key": lambda it: _tags(ctx, it),
        "InstanceIds": lambda it: (it.id,),
        "AgentVersion": lambda _: (AGENT_VERSION,),
        "PingStatus": lambda it: (_ONLINE[is_online(ctx.state, it)],),
        "PlatformTypes": lambda _: ("Linux",),
        "ResourceType": lambda _: ("EC2Instance",),
        "ActivationIds": lambda _: (),
        "IamRole": lambda _: (),
        "AssociationStatus": lambda _: (),
    }
    if key not in readers:
        raise faults.invalid_filter_key(key)
    return readers[key]


def _tags(ctx: Context, it: ManagedInstance) -> Mapping[str, str]:
    found = ctx.state.get(Instance, it.account, it.id)
    return {} if found is None else found.tags


def _shown(ctx: Context, it: ManagedInstance) -> dict[str, Any]:
    """An `InstanceInformation`. While an agent is heard of, its last sign of life is less than `PING` seconds old."""
    instance, online = ctx.state.get(Instance, it.account, it.id), is_online(ctx.state, it)
    shape: dict[str, Any] = {
        "InstanceId": it.id,
        "PingStatus": _ONLINE[online],
        "LastPingDateTime": it.pinged,
        "AgentVersion": AGENT_VERSION,
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": it.platform,
        "PlatformVersion": it.version,
        "ResourceType": "EC2Instance",
        "IPAddress": "" if instance is None else instance.private_ip,
        "ComputerName": it.computer,
        "SourceId": it.id,
        "SourceType": "AWS::EC2::Instance",
    }
    return shape


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeInstanceInformation": reads(describe_instance_information),
    "GetConnectionStatus": reads(get_connection_status),
    "UpdateInstanceInformation": writes(update_instance_information),
}
