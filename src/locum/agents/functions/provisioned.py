"""Provisioned concurrency: environments of a version or an alias that are initialized before anybody invokes it.

Each configuration has a keeper, which has the environments made in a session of the execution role, and made again
where the function, the version behind the alias or the session is another one, or one of them has ended. Lambda
Developer Guide, "Configuring provisioned concurrency for a function".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Final

from locum.agents.functions.execution_roles import named_function
from locum.agents.waiting import cancelled, rung
from locum.backends import BackendCall
from locum.compute.functions.functions import Functions, Launch
from locum.core.clock import MovableClock, iso8601
from locum.core.errors import Fault, LocumError
from locum.core.functions import Find, Function
from locum.services.pagination import Pagination

IN_PROGRESS: Final = "IN_PROGRESS"
READY: Final = "READY"
FAILED: Final = "FAILED"
RENEWED: Final = 60.0
"""Seconds before the credentials of environments may expire in an invocation, at which others are made."""

_UNPUBLISHED: Final = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
_MORE_THAN_RESERVED: Final = (
    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
)
_KIND: Final = {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
_LATEST: Final = ("", "$LATEST")
_LISTS: Final = Pagination("MaxItems", "Marker", "NextMarker", 50, lambda: _invalid("The marker is not valid."))
_log: Final = logging.getLogger("locum.agents")

LaunchOf = Callable[[Function, str], Awaitable[Launch]]
"""The launch of a function, in a session of its role that is assumed because of a request. Raises Fault."""

Key = tuple[str, str, str, str]
"""Account, region, name of a function, and version or alias."""


@dataclass(slots=True)
class _Config:
    """A configuration: what it asks for, and what it has come to. `launch` is what its environments are of."""

    arn: str
    requested: int
    modified: float
    cause: str
    status: str = IN_PROGRESS
    reason: str = ""
    launch: Launch | None = None


class ProvisionedConcurrency:
    """Carries out the operations on provisioned concurrency, and keeps the environments."""

    def __init__(
        self,
        find: Find,
        launch: LaunchOf,
        functions: Functions,
        listening: Callable[[str], AbstractContextManager[asyncio.Event]],
        clock: MovableClock,
    ) -> None:
        self._find = find
        self._launch = launch
        self._functions = functions
        self._listening = listening
        self._clock = clock
        self._configs: dict[Key, _Config] = {}
        self._keepers: dict[Key, asyncio.Task[None]] = {}
        self._changed: dict[Key, asyncio.Event] = {}
        clock.on_move(self._look_again)
        self.operations: Final = {
            "PutProvisionedConcurrencyConfig": self._put,
            "GetProvisionedConcurrencyConfig": self._get,
            "ListProvisionedConcurrencyConfigs": self._list,
            "DeleteProvisionedConcurrencyConfig": self._delete,
        }

    def _look_again(self) -> None:
        for event in self._changed.values():
            event.set()

    async def close(self) -> None:
        """End the keepers; environments are ended with all others."""
        await cancelled(*self._keepers.values())

    # -- operations --------------------------------------------------------------------------------------

    def _put(self, call: BackendCall) -> dict[str, Any]:
        key, function = self._named(call)
        count, most = call.params["ProvisionedConcurrentExecutions"], self._functions.at_once
        others = sum(it.requested for other, it in self._configs.items() if other != key)
        if function.reserved is not None and count > function.reserved:
            raise _invalid(_MORE_THAN_RESERVED)
        if count + others > most:
            raise _invalid(
                f"Specified ConcurrentExecutions for function is greater than account's unreserved [{most}]."
            )
        self._check_alone(key, function)
        new = _Config(f"{function.arn}:{key[3]}", count, self._clock(), call.origin.request_id)
        known = self._configs.get(key)
        new.launch = None if known is None else known.launch
        self._configs[key] = new
        self._changed.setdefault(key, asyncio.Event()).set()
        keeper = self._keepers.get(key)
        if keeper is None or keeper.done():
            self._keepers[key] = asyncio.get_running_loop().create_task(self._keep(key))
        return self._told(new)

    def _check_alone(self, key: Key, function: Function) -> None:
        """Check that the version has no configuration by another name. Raises Fault."""
        if function.version in _LATEST:
            raise _invalid(_UNPUBLISHED)
        for other in self._configs:
            found = self._find(*other) if other[:3] == key[:3] and other != key else None
            if found is not None and found.version == function.version:
                text = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
                raise _invalid(text)

    def _get(self, call: BackendCall) -> dict[str, Any]:
        key, _ = self._named(call)
        if key not in self._configs:
            text = "No Provisioned Concurrency Config found for this function"
            raise Fault("ProvisionedConcurrencyConfigNotFoundException", text, 404, members={"Type": "User"})
        return self._told(self._configs[key])

    def _list(self, call: BackendCall) -> dict[str, Any]:
        name, _ = named_function(call.params)
        of = call.account, call.region, name
        if self._find(*of, "") is None:
            raise _absent(call, name)
        found = [it for key, it in sorted(self._configs.items()) if key[:3] == of]

        def told(it: _Config) -> dict[str, Any]:
            return {"FunctionArn": it.arn, **self._told(it)}

        page = _LISTS.page(call.params, found, lambda it: it.arn)
        return page.outcome("ProvisionedConcurrencyConfigs", told).answer

    def _delete(self, call: BackendCall) -> dict[str, Any]:
        key, _ = self._named(call)
        if self._configs.pop(key, None) is not None:
            self._changed[key].set()
        return {}

    def _named(self, call: BackendCall) -> tuple[Key, Function]:
        """The version or alias that a call is about, and its function. Raises Fault."""
        name, qualifier = named_function(call.params)
        if qualifier in _LATEST:
            raise _invalid(_UNPUBLISHED)
        function = self._find(call.account, call.region, name, qualifier)
        if function is None:
            raise _absent(call, f"{name}:{qualifier}")
        return (call.account, call.region, name, qualifier), function

    def _told(self, it: _Config) -> dict[str, Any]:
        """The description of a configuration: environments in use are allocated, and not available."""
        ready = it.launch is not None and it.status == READY
        allocated = self._functions.provisioned(it.launch) if ready and it.launch else 0
        available = self._functions.provisioned(it.launch, idle=True) if ready and it.launch else 0
        return {
            "RequestedProvisionedConcurrentExecutions": it.requested,
            "AvailableProvisionedConcurrentExecutions": min(available, it.requested),
            "AllocatedProvisionedConcurrentExecutions": min(allocated, it.requested),
            "Status": it.status,
            "LastModified": iso8601(it.modified).replace("Z", "+0000"),
            **({"StatusReason": it.reason} if it.reason else {}),
        }

    # -- keepers -----------------------------------------------------------------------------------------

    async def _keep(self, key: Key) -> None:
        """Keep the environments of a configuration until it, or its function, is deleted."""
        changed, launch = self._changed[key], None
        try:
            while (it := self._configs.get(key)) is not None:
                changed.clear()
                function = self._find(*key)
                if function is None:
                    break
                with ExitStack() as heard:
                    calls = [heard.enter_context(self._listening(arn)) for arn in {function.arn, it.arn}]
                    due = await self._allocate(it, function)
                    launch = it.launch
                    await self._any(changed, calls, max(0.0, due - self._clock()))
        finally:
            for kept in (self._configs, self._keepers, self._changed):
                kept.pop(key, None)
            if launch is not None:
                self._release(launch)

    async def _allocate(self, it: _Config, function: Function) -> float:
        """Have a configuration have its environments; when that is to be looked at again. It tells what it came to."""
        try:
            other = it.launch is None or it.launch.function != function
            if other or it.launch is None or self._renewal(it.launch) <= self._clock():
                it.status = IN_PROGRESS if other else it.status
                new = await self._launch(function, it.cause)
                new = new._replace(variables={**new.variables, **_KIND})
                if it.launch is not None:
                    self._release(it.launch)
                it.launch = new
            made = await self._functions.provision(it.launch, it.requested, it.cause)
        except LocumError as error:
            it.status, it.reason = FAILED, str(error)
            _log.warning("no provisioned concurrency of %s: %s", it.arn, error)
            return self._clock() + RENEWED
        failed = made < it.requested
        it.status, it.reason = (FAILED, "FUNCTION_ERROR_INIT_FAILURE") if failed else (READY, "")
        return self._clock() + RENEWED if failed else self._renewal(it.launch)

    async def _any(self, changed: asyncio.Event, others: list[asyncio.Event], seconds: float) -> None:
        """Wait until one of the events is set, for so long."""
        tasks = [asyncio.ensure_future(event.wait()) for event in others]
        for task in tasks:
            task.add_done_callback(lambda done: None if done.cancelled() else changed.set())
        try:
            await rung(changed, seconds)
        finally:
            await cancelled(*tasks)

    def _release(self, launch: Launch) -> None:
        self._functions.release(launch.function.arn, launch.function.version)

    @staticmethod
    def _renewal(launch: Launch) -> float:
        """The time at which environments have to be made anew: their credentials could expire in an invocation."""
        return launch.expires - launch.function.timeout - RENEWED


def _invalid(text: str) -> Fault:
    return Fault("InvalidParameterValueException", text, 400, members={"Type": "User"})


def _absent(call: BackendCall, name: str) -> Fault:
    text = f"Function not found: arn:aws:lambda:{call.region}:{call.account}:function:{name}"
    return Fault("ResourceNotFoundException", text, 404, members={"Type": "User"})
