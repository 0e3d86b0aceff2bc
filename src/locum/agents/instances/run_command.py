"""Run Command in instances: agents that register, are sent commands, run them inside, and tell what became of them.

1. An agent acts in a session of its instance's role. It registers, and gives a sign of life every five minutes, by
   ssm:UpdateInstanceInformation, which is decided on and recorded like any call. What it may not do any more takes the
   instance offline at once.
2. A command is delivered where the role may poll for messages at that moment, by either of the APIs that agents use.
3. What ran when the plane ended has ended with it: nothing is run twice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.instances.command_output import CommandOutput
from locum.agents.instances.managed_instances import Place, SessionOf
from locum.agents.waiting import cancelled
from locum.calls import Calls, Runtime
from locum.compute.commands import CANNOT_START, Result, run_inside
from locum.compute.environment import of_command
from locum.compute.handover import Entrance
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.instances import private_name
from locum.core.principal import Caller
from locum.credentials import BrokenSeal
from locum.services.ssm.descriptions import MOST_ERR, MOST_OUT
from locum.services.ssm.invocations import (
    LOST,
    RUNNING,
    Ended,
    commands_with_unfinished,
    finished,
    has_room,
    lost,
    result_of,
    without_delivery,
)
from locum.services.ssm.managed import AGENT_VERSION, PING
from locum.services.ssm.scripts import Plan, Printed, Step, output_of, plan_of, sealed_output
from locum.services.sts import attached_profile
from locum.services.verbs import Outcome
from locum.state import Command, CommandInvocation, Event, Instance, ManagedInstance, PluginResult, Role, State, put

AT_ONCE: Final = 16
"""Commands that run at the same time; others wait."""

POLLING: Final = (
    ("ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"),
    ("ec2messages:GetMessages", "ec2messages:AcknowledgeMessage", "ec2messages:SendReply"),
)
"""The actions by which agents get messages: all of either line. AmazonSSMManagedInstanceCore has both."""

_log: Final = logging.getLogger("locum.agents")


class _Running:
    """An invocation under way. `cancelled` ends it."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class RunCommand:
    """The agents of all instances of a plane. `changed` is set when one of them may have something to do."""

    def __init__(self, runtime: Runtime, calls: Calls, session_of: SessionOf, changed: asyncio.Event) -> None:
        self._runtime = runtime
        self._calls = calls
        self._session_of = session_of
        self._changed = changed
        self._output = CommandOutput(calls.make)
        self._running: dict[str, _Running] = {}
        self._recovered = False
        self._refused: set[Place] = set()
        self._unassumable: dict[Place, Role] = {}

    async def reconcile(self, inside: Mapping[Place, Entrance]) -> float | None:
        """Do what is to be done now; when there is something next (epoch seconds), None where there is not."""
        if not self._recovered:
            await self._recover()
            self._recovered = True
        due: list[float | None] = []
        for place in inside:
            due.append(await self._hear(place))
            await asyncio.sleep(0)  # of many instances, none holds up anybody else
        await self._miss(inside)
        for command, invocations in commands_with_unfinished(self._runtime.ledger.state):
            due += [await self._advance(command, it, inside) for it in invocations]
        return min((time for time in due if time is not None), default=None)

    async def settled(self) -> None:
        """Wait until no command runs."""
        while tasks := [it.task for it in self._running.values() if it.task is not None]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """End the commands that run; the next start says what became of them."""
        tasks = [it.task for it in self._running.values() if it.task is not None]
        await cancelled(*tasks)

    async def _recover(self) -> None:
        """Say of what ran before this plane that it has ended."""

        def events(state: State) -> tuple[Event, ...]:
            return tuple(put(self._lost(it)) for it in state.every(CommandInvocation) if it.status in RUNNING)

        if events(self._runtime.ledger.state):
            await self._commit(events)

    def _lost(self, it: CommandInvocation) -> CommandInvocation:
        runtime, ended = self._runtime, lost(it, self._runtime.clock())
        with suppress(BrokenSeal):
            printed = (*output_of(it, runtime.keyring), Printed(err=LOST))
            return replace(ended, sealed=sealed_output(printed, it, runtime.keyring, runtime.entropy))
        return ended

    # -- signs of life -----------------------------------------------------------------------------------

    async def _hear(self, place: Place) -> float | None:
        """Have the agent of an instance give a sign of life where one is due; when the next one is."""
        state, now = self._runtime.ledger.state, self._runtime.clock()
        instance, known = state.get(Instance, *place), state.get(ManagedInstance, *place)
        if instance is None:
            return None
        caller = await self._session(instance)
        if caller is not None:
            sign = _sign_of_life(caller, instance)
            able, polls = self._calls.allows(sign), any(self._calls.allows(sign, actions) for actions in POLLING)
            if able and polls:
                self._refused.discard(place)
                if known is not None and known.online and now < known.pinged + PING:
                    return known.pinged + PING
                with suppress(Fault):
                    await self._calls.make(sign)
                    return now + PING
            elif not able and place not in self._refused:
                self._refused.add(place)  # its refusal is recorded once, and not with each change of the state
                with suppress(Fault):
                    await self._calls.make(sign)
        await self._offline([place])
        return None

    async def _miss(self, inside: Mapping[Place, Entrance]) -> None:
        """Take those offline in which nothing is any more."""
        every = self._runtime.ledger.state.every(ManagedInstance)
        await self._offline([(it.account, it.id) for it in every if it.online and (it.account, it.id) not in inside])

    async def _offline(self, places: list[Place]) -> None:
        def events(state: State) -> tuple[Event, ...]:
            found = [state.get(ManagedInstance, *place) for place in places]
            return tuple(put(replace(it, online=False)) for it in found if it is not None and it.online)

        if events(self._runtime.ledger.state):
            await self._commit(events)

    async def _session(self, instance: Instance) -> Caller | None:
        """The session of the role of `instance`; None where it has none, or EC2 may not assume it."""
        attached, place = attached_profile(self._runtime.ledger.state, instance), (instance.account, instance.id)
        role = None if attached is None else attached.role
        if role is None or self._unassumable.get(place) is role:
            return None
        caller = await self._session_of(instance)
        if caller is None:
            self._unassumable[place] = role
        return caller

    # -- commands ----------------------------------------------------------------------------------------

    async def _advance(self, command: Command, it: CommandInvocation, inside: Mapping[Place, Entrance]) -> float | None:
        """Take an invocation further; when it is to be looked at again."""
        if it.status == "Cancelling" and (running := self._running.get(it.key)):
            running.cancelled.set()
        if it.status != "Pending":
            return None
        state, now = self._runtime.ledger.state, self._runtime.clock()
        if (over := without_delivery(state, command, it, now)) is not None:
            await self._change(it, lambda _now: over)
            return None
        place = it.account, it.instance
        known = state.get(ManagedInstance, *place)
        invocations = [other for other in state.every(CommandInvocation) if other.command == command.id]
        ready = known is not None and known.online and place in inside and has_room(command, invocations)
        if ready and len(self._running) < AT_ONCE:
            await self._begin(command, it, inside[place])
            return None
        return command.requested + command.timeout

    async def _begin(self, command: Command, it: CommandInvocation, entrance: Entrance) -> None:
        begun = await self._change(
            it, lambda now: replace(now, status="InProgress", details="InProgress") if now.status == "Pending" else now
        )
        if begun is None or begun.status != "InProgress" or it.key in self._running:
            return
        running = self._running[it.key] = _Running()
        running.task = asyncio.get_running_loop().create_task(self._run(command, begun, entrance, running))

    async def _run(self, command: Command, it: CommandInvocation, entrance: Entrance, running: _Running) -> None:
        """Run the steps of a command in an instance, and tell of their end."""
        try:
            plan = plan_of(command, self._runtime.keyring)
            results, printed = await self._steps(plan, it, entrance, running.cancelled)
            instance = self._runtime.ledger.state.get(Instance, it.account, it.instance)
            caller = None if instance is None else await self._session(instance)
            if caller is not None:
                await self._output.write(caller, command, it, plan, printed)
            cut = tuple(Printed(each.out[:MOST_OUT], each.err[:MOST_ERR]) for each in printed)
            sealed = sealed_output(cut, it, self._runtime.keyring, self._runtime.entropy)
            await self._change(it, lambda now: replace(finished(now, results), sealed=sealed))
        except (Fault, BrokenSeal) as error:
            _log.error("command %s on %s is lost: %s", it.command, it.instance, type(error).__name__)
        finally:
            del self._running[it.key]
            self._changed.set()

    async def _steps(
        self, plan: Plan, it: CommandInvocation, entrance: Entrance, cancelled: asyncio.Event
    ) -> tuple[list[PluginResult], list[Printed]]:
        results: list[PluginResult] = []
        printed: list[Printed] = []
        for step in plan.steps:
            if cancelled.is_set():
                break
            result, said = await self._step(step, it, entrance, cancelled)
            results.append(result)
            printed.append(said)
        now = self._runtime.clock()
        return results or [result_of(plan.steps[0].name, Ended(None, now, now, cancelled=True))], printed

    async def _step(
        self, step: Step, it: CommandInvocation, entrance: Entrance, cancelled: asyncio.Event
    ) -> tuple[PluginResult, Printed]:
        clock = self._runtime.clock
        variables = of_command(os.environ, self._runtime.settings.endpoint, it.region, it.instance)
        began, measured = clock(), clock.wall()
        try:
            end = await run_inside(entrance, step.script, step.directory, variables, step.timeout, cancelled)
        except OSError as refusal:  # there is no process to be had
            end = Result(CANNOT_START, b"", f"the command cannot be started: {refusal}\n".encode())
        result = result_of(step.name, Ended(end.code, began, began + clock.wall() - measured, cancelled.is_set()))
        error = end.err.decode(errors="replace")
        if end.code:
            error += f"failed to run commands: exit status {end.code}"
        return result, Printed(end.out.decode(errors="replace"), error)

    async def _change(
        self, it: CommandInvocation, changed: Callable[[CommandInvocation], CommandInvocation]
    ) -> CommandInvocation | None:
        """Commit a change of an invocation as it is by then; None where it is gone."""
        made: list[CommandInvocation] = []

        def events(state: State) -> tuple[Event, ...]:
            found = state.get(CommandInvocation, it.account, it.key)
            made[:] = [] if found is None else [changed(found)]
            return () if not made or made[0] == found else (put(made[0]),)

        await self._commit(events)
        return made[0] if made else None

    async def _commit(self, events: Callable[[State], tuple[Event, ...]]) -> None:
        await self._runtime.ledger.transact(lambda state: Outcome({}, events(state)), lambda _outcome: ())


def _sign_of_life(caller: Caller, instance: Instance) -> ServiceCall:
    return ServiceCall(caller, "ssm", "UpdateInstanceInformation", _told(instance), instance.region)


def _told(instance: Instance) -> dict[str, Any]:
    """The parameters of the agent's UpdateInstanceInformation: the system is that of this machine."""
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        system = {}
    return {
        "InstanceId": instance.id,
        "AgentName": "amazon-ssm-agent",
        "AgentStatus": "Active",
        "AgentVersion": AGENT_VERSION,
        "PlatformType": "Linux",
        "PlatformName": system.get("NAME", "Linux"),
        "PlatformVersion": system.get("VERSION_ID", ""),
        "ComputerName": private_name(instance.private_ip, instance.region),
        "IPAddress": instance.private_ip,
    }
