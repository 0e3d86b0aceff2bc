"""What runs in a plane, and the names of what it has: questions of commands, over the control socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, Protocol

import msgspec

from locum.agents.carriers import CarrierHost
from locum.compute.control import Asked, Questions
from locum.state import Instance, InstanceProfile, ProfileAssociation, Role, Stack, State


class Functions(Protocol):
    """`agents.functions.host.FunctionHost`, of which a plane has none until the first function is invoked."""

    def environments(self) -> Mapping[str, tuple[int, int]]:
        """The execution environments by the function's ARN: those that run an invocation, and those that wait."""


_MOST: Final = 1_000
"""Names that are told."""
_HAS: Final = ("pending", "running", "stopping", "stopped", "shutting-down")


class _Running(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    running: bool


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: Literal["instances", "profiles", "roles"]
    account: str


class Overview:
    """Answers them from the state that `view` returns, the `carriers` that are served and the `functions`."""

    def __init__(
        self, view: Callable[[], State], carriers: CarrierHost, functions: Callable[[], Functions | None]
    ) -> None:
        self._view = view
        self._carriers = carriers
        self._functions = functions

    @property
    def questions(self) -> Questions:
        """Those who answer, by the kind of the question."""
        return {"running": self._running, "names": self._names}

    async def _running(self, asked: Asked) -> dict[str, Any]:
        asked.read(_Running)
        state, functions = self._view(), self._functions()
        return {
            "instances": [_instance(state, it) for it in state.every(Instance) if it.state in _HAS],
            "carriers": [
                {"kind": it.kind.value, "id": it.id, "account": it.account, "name": it.name, "role": it.role}
                for it in self._carriers.served
            ],
            "functions": [
                {"arn": arn, "running": running, "waiting": waiting}
                for arn, (running, waiting) in sorted(functions.environments().items() if functions is not None else ())
            ],
            "stacks": [
                {"name": it.name, "account": it.account, "region": it.region, "status": it.status}
                for it in state.every(Stack)
                if it.under_way
            ],
        }

    async def _names(self, asked: Asked) -> dict[str, Any]:
        told = asked.read(_Names)
        return {"names": sorted(_named(self._view(), told))[:_MOST]}


def _named(state: State, told: _Names) -> Iterator[str]:
    if told.names == "roles":
        yield from (it.name for it in state.table(Role, told.account).values())
    elif told.names == "profiles":
        yield from (it.name for it in state.table(InstanceProfile, told.account).values())
    else:
        yield from (it.id for it in state.table(Instance, told.account).values() if it.state == "running")


def _instance(state: State, it: Instance) -> dict[str, Any]:
    associations = state.table(ProfileAssociation, it.account).values()
    profile = next((a.profile_arn for a in associations if a.instance == it.id and a.state == "associated"), "")
    name = it.tags.get("Name", "")
    return {
        "id": it.id, "account": it.account, "region": it.region, "state": it.state, "name": name, "profile": profile,
    }  # fmt: skip
