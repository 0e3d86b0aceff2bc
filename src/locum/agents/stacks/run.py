"""What is under way for one stack: its resources are made, changed and deleted in the order of their dependencies.

1. What becomes of a resource is committed before anything is called for it: an operation that a restart interrupts is
   made again, with the same names and client tokens, and finds what the first one made.
2. A phase of a stack is done with when nothing that is settled differs from what it is to be. So nothing is noted of
   resources that stay as they are.
3. Resources that do not depend on one another are made at the same time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from locum.agents.stacks.commits import Commits
from locum.agents.stacks.importing import Importer
from locum.agents.stacks.making import Failed, Maker
from locum.agents.stacks.triggers import Watch
from locum.agents.waiting import cancelled
from locum.calls import Calls, Runtime
from locum.core.errors import INTERNAL, Fault, LocumError
from locum.core.identifiers import request_id
from locum.services.cloudformation.changes import unsupported_attribute
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.dynamic_references import misplaced_text
from locum.services.cloudformation.intrinsics import Evaluation
from locum.services.cloudformation.lookup import resource_of, resources_of
from locum.services.cloudformation.outputs import exporting, outputs_of
from locum.services.cloudformation.parts import is_held
from locum.services.cloudformation.proposals import evaluation_of, outside_of, template_of_version
from locum.services.cloudformation.schemas import schema_of
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.stack_policies import DELETE, ruling
from locum.services.cloudformation.template import dependencies
from locum.state import Stack, StackResource, StackVersion, State
from locum.state.indexes import NESTED

_AT_ONCE: Final = 64
"""Resources of a stack that are made at the same time."""

_AFTER_FAILURE: Final = {
    "ROLLBACK": ("Rollback", "ROLLBACK_IN_PROGRESS"),
    "DELETE": ("Delete", "DELETE_IN_PROGRESS"),
}
"""What a creation that failed does -> its name, and the status of the stack meanwhile."""

_ROLLED_BACK: Final = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
_IMPORTS: Final = "IMPORT_IN_PROGRESS"
_LATE: Final = "Stack creation time exceeded the specified timeout."

_log: Final = logging.getLogger("locum.agents")


class StackRun:
    """Does what is under way for a stack."""

    def __init__(self, runtime: Runtime, calls: Calls, stack: Stack) -> None:
        self._runtime = runtime
        self._account, self._key, self.stack_id = stack.account, stack.key, stack.id
        self._seals = Seals(runtime.keyring, runtime.entropy)
        self._commit = Commits(runtime, stack.account, stack.key).commit
        self._maker = Maker(runtime, calls, self._seals, self._commit)
        self._watch = Watch(runtime, calls, self._maker.bell, self._commit)
        self._importer = Importer(runtime, calls, self._seals, self._commit, self._maker.imports)
        self._phases: Mapping[str, Callable[[Stack], Awaitable[None]]] = {
            "CREATE_IN_PROGRESS": self._create,
            "ROLLBACK_IN_PROGRESS": self._roll_back,
            "DELETE_IN_PROGRESS": self._delete,
            "UPDATE_IN_PROGRESS": self._update,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": self._clean_up,
            "UPDATE_ROLLBACK_IN_PROGRESS": self._roll_update_back,
            _ROLLED_BACK: self._clean_up_rolled_back,
            _IMPORTS: self._import,
            "IMPORT_ROLLBACK_IN_PROGRESS": self._roll_import_back,
        }

    async def run(self) -> None:
        """Go on until nothing is under way. Raises LocumError where it has to wait, for storage say."""
        while (stack := self._now()) is not None and stack.status in self._phases and not is_held(self._state, stack):
            self._maker.bell.giving_up = False
            await self._phases[stack.status](stack)

    def changed(self) -> None:
        """Look again at what is waited for: a resource received a signal."""
        self._maker.bell.ring()

    # -- phases ------------------------------------------------------------------------------------------

    async def _create(self, stack: Stack) -> None:
        if wrong := await asyncio.to_thread(self._unsupported, stack):
            await self._not_created(stack, wrong)
            return
        timer = asyncio.ensure_future(self._late(stack.deadline))
        try:
            failed = await self._watch.during(stack, lambda: self._forward(stack, stack.version))
        finally:
            timer.cancel()
        alarmed = self._watch.reason
        late = not alarmed and self._maker.bell.giving_up and 0 < stack.deadline <= self._runtime.clock()
        reason = alarmed or (_LATE if late else _failures(failed, "create"))
        if failed or late or alarmed:
            await self._not_created(stack, reason)
        else:
            await self._complete(stack, "CREATE_COMPLETE")

    async def _not_created(self, stack: Stack, reason: str) -> None:
        """End a creation that failed, or take it back."""
        if stack.keeps == "DO_NOTHING":
            await self._end(stack, "CREATE_FAILED", reason)
            return
        what, status = _AFTER_FAILURE[stack.keeps]
        told = f"{reason.strip().rstrip('.')}. {what} requested by user."
        await self._go_on(stack, status, told, ending=self._runtime.clock())

    async def _late(self, deadline: float) -> None:
        """Have a creation given up at `deadline`, if it has one."""
        if deadline:
            await self._maker.bell.rings_until(deadline, self._runtime.clock)
            self._maker.bell.give_up()

    async def _update(self, stack: Stack) -> None:
        if wrong := await asyncio.to_thread(self._unsupported, stack):
            await self._go_on(stack, "UPDATE_ROLLBACK_IN_PROGRESS", wrong)
            return
        failed = await self._watch.during(stack, lambda: self._updated(stack))
        reason = self._watch.reason or (_failures(failed, "update") if failed else "")
        if reason and stack.keeps == "DO_NOTHING":
            await self._end(stack, "UPDATE_FAILED", reason)
        elif reason:
            await self._go_on(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        else:
            await self._complete(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    async def _updated(self, stack: Stack) -> dict[str, str]:
        """Make everything what an update says; the reasons of failures."""
        return await self._removals_denied(stack) or await self._forward(stack, stack.version)

    async def _roll_update_back(self, stack: Stack) -> None:
        assert stack.before is not None
        failed = await self._forward(stack, stack.before, back=True)
        if failed:
            await self._end(stack, "UPDATE_ROLLBACK_FAILED", _failures(failed, "update"))
        elif stack.part:  # its update may have been complete, with other outputs
            await self._complete(stack, _ROLLED_BACK)
        else:
            imports = tuple(sorted(self._maker.imports))
            await self._go_on(stack, _ROLLED_BACK, "", imports=imports)

    async def _clean_up(self, stack: Stack) -> None:
        await self._remove_what_is_left(stack, stack.version)
        await self._parts_ended(stack)
        await self._end(stack, "UPDATE_COMPLETE", "", before=None, part=False)

    async def _clean_up_rolled_back(self, stack: Stack) -> None:
        assert stack.before is not None
        await self._remove_what_is_left(stack, stack.before)
        back = {"version": stack.before, "before": None, "retained": (), "part": False}
        await self._end(stack, "UPDATE_ROLLBACK_COMPLETE", "", **back)

    async def _parts_ended(self, stack: Stack) -> None:
        """Wait until the nested stacks whose updates are parts of this one are done as well."""
        while not self._is_over(stack):
            bell = self._maker.bell.next()
            nested = [it for it in self._state.find(NESTED, stack.arn) if isinstance(it, Stack)]
            if not any(it.part and it.status.endswith("_IN_PROGRESS") for it in nested):
                break
            await bell.wait()

    async def _roll_back(self, stack: Stack) -> None:
        failed = await self._backward(stack, resources_of(self._state, stack))
        if failed:
            await self._end(stack, "ROLLBACK_FAILED", _failures(failed, "delete"))
        else:
            await self._end(stack, "ROLLBACK_COMPLETE", "", outputs=b"", imports=())

    async def _delete(self, stack: Stack) -> None:
        failed = await self._backward(stack, resources_of(self._state, stack))
        if failed:
            await self._end(stack, "DELETE_FAILED", _failures(failed, "delete"))
        else:
            now = self._runtime.clock()
            await self._end(stack, "DELETE_COMPLETE", "", deleted=now, exports={}, imports=(), outputs=b"")

    async def _import(self, stack: Stack) -> None:
        failed = await self._forward(stack, stack.version)
        if failed:
            await self._go_on(stack, "IMPORT_ROLLBACK_IN_PROGRESS", _failures(failed, "import"))
        else:
            await self._end(stack, "IMPORT_COMPLETE", "", before=None, importing={})

    async def _roll_import_back(self, stack: Stack) -> None:
        await self._importer.give_back()
        version = stack.before or stack.version
        await self._end(stack, "IMPORT_ROLLBACK_COMPLETE", "", version=version, before=None, importing={})

    # -- making ------------------------------------------------------------------------------------------

    async def _forward(self, stack: Stack, version: StackVersion, *, back: bool = False) -> dict[str, str]:
        """Make all resources what they are in `version`; the reasons of those that failed, by their logical ids.

        `back`: what was updated before becomes what it was.
        """
        self._maker.imports.clear()
        evaluation = await asyncio.to_thread(self._evaluated, stack, version)
        template = evaluation.template
        wanted = {name: it for name, it in template.resources.items() if evaluation.exists(it)}
        if back:
            wanted = {name: it for name, it in wanted.items() if name not in stack.retained}
        if stack.status == _IMPORTS:
            wanted = {name: it for name, it in wanted.items() if name in stack.importing}
        needs = {name: found & wanted.keys() for name, found in evaluation.dependencies().items() if name in wanted}

        async def settle(logical: str) -> None:
            if not back and self._importer.is_for(self._present(), logical):
                await self._importer.bring_in(self._present(), evaluation, wanted[logical], version)
                return
            await self._maker.settle(self._present(), evaluation, wanted[logical], version, back=back)

        return await self._in_order(stack, needs, settle)

    async def _backward(self, stack: Stack, resources: Mapping[str, StackResource]) -> dict[str, str]:
        """Delete `resources`, what depends on others before those; the reasons of those that failed."""
        there = {name: it for name, it in resources.items() if it.status != "DELETE_COMPLETE"}
        needs = await asyncio.to_thread(self._dependents, stack, there)
        policies = await asyncio.to_thread(self._policies, stack)
        policies |= dict.fromkeys(stack.retained, "Retain")

        async def delete(logical: str) -> None:
            await self._maker.delete_replaced(self._present(), logical)
            policy = policies.get(logical, "Delete")
            await self._maker.delete(self._present(), self._resource(logical), policy)

        return await self._in_order(stack, needs, delete, stops=False)

    async def _remove_what_is_left(self, stack: Stack, version: StackVersion) -> None:
        """Delete what was replaced, and what is not in `version`. What cannot be deleted is told, and left."""
        evaluation = await asyncio.to_thread(evaluation_of, self._state, stack, version, self._seals)
        there = resources_of(self._state, stack)
        wanted = {name for name, it in evaluation.template.resources.items() if evaluation.exists(it)}
        left = {name: it for name, it in there.items() if name not in wanted or it.former or it.stale}
        needs = await asyncio.to_thread(self._dependents, stack, left)
        policies = await asyncio.to_thread(self._policies, stack)

        async def delete(logical: str) -> None:
            await self._maker.delete_replaced(self._present(), logical)
            if logical not in wanted:
                policy = policies.get(logical, "Delete")
                await self._maker.delete(self._present(), self._resource(logical), policy, forget=True)

        await self._in_order(stack, needs, delete, stops=False)

    async def _removals_denied(self, stack: Stack) -> dict[str, str]:
        """Why an update may not remove resources, by their logical ids; nothing is done of it then."""
        failed: dict[str, str] = {}
        if ruling(stack):
            evaluation = await asyncio.to_thread(evaluation_of, self._state, stack, stack.version, self._seals)
            wanted = {name for name, it in evaluation.template.resources.items() if evaluation.exists(it)}
            for logical, it in resources_of(self._state, stack).items():
                if logical not in wanted and it.physical and it.status != "DELETE_COMPLETE":
                    try:
                        await self._maker.check_policy(stack, it, DELETE)
                    except Failed as failure:
                        failed[logical] = str(failure)
        return failed

    async def _in_order(
        self,
        stack: Stack,
        needs: Mapping[str, Iterable[str]],
        work: Callable[[str], Awaitable[None]],
        *,
        stops: bool = True,
    ) -> dict[str, str]:
        """Do `work` for each of `needs`, once it is done for all that one needs; the reasons of failures.

        `stops`: nothing is begun after a failure.
        """
        waiting = {name: set(others) for name, others in needs.items()}
        failed: dict[str, str] = {}
        running: dict[asyncio.Task[None], str] = {}
        try:
            while waiting or running:
                stopped = self._is_stopped(stack, failed=stops and bool(failed))
                ready = [] if stopped else [name for name, others in waiting.items() if not others]
                for name in ready[: _AT_ONCE - len(running)]:
                    del waiting[name]
                    running[asyncio.ensure_future(work(name))] = name
                if not running:
                    break
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    name = running.pop(task)
                    try:
                        task.result()
                    except Failed as failure:
                        failed[name] = str(failure)
                    except LocumError:
                        raise
                    except Exception:  # a fault barrier: what breaks fails its resource, and the stack is rolled back
                        _log.exception("resource %s of stack %s failed", name, stack.arn)
                        failed[name] = INTERNAL[1]
                    else:
                        for others in waiting.values():
                            others.discard(name)
        finally:
            await cancelled(*running)
        return failed

    def _evaluated(self, stack: Stack, version: StackVersion) -> Evaluation:
        """The template of a version with its parameters. The schemas of its types are loaded, which takes long."""
        evaluation = evaluation_of(self._state, stack, version, self._seals)
        for it in evaluation.template.resources.values():
            schema_of(it.type)
        return evaluation

    def _unsupported(self, stack: Stack) -> str:
        """What is wrong with the template of a stack, so that nothing is made of it; empty for nothing."""
        wrong = unsupported_attribute(template_of_version(self._state, stack, stack.version))
        if wrong:
            return wrong
        found = outside_of(evaluation_of(self._state, stack, stack.version, self._seals))
        if found.misplaced:
            return misplaced_text([path for path, _ in found.misplaced])
        absent = [it for it in found.imports if exporting(self._state, stack.account, stack.region, it) is None]
        return f"No export named {absent[0]} found" if absent else ""

    def _dependents(self, stack: Stack, there: Mapping[str, StackResource]) -> dict[str, set[str]]:
        """For each resource, those that depend on it, by all templates that the stack has now."""
        needs: dict[str, set[str]] = {name: set() for name in there}
        for version in (stack.version, stack.before):
            if version is None:
                continue
            for name, others in dependencies(template_of_version(self._state, stack, version)).items():
                for other in others & there.keys() if name in there else ():
                    needs[other].add(name)
        return needs

    def _policies(self, stack: Stack) -> dict[str, str]:
        """`Retain` or `Snapshot`, for resources that have it where the stack, or their part of it, is deleted."""
        found: dict[str, str] = {}
        keeping = {"Retain"} if stack.status == "ROLLBACK_IN_PROGRESS" else {"Retain", "RetainExceptOnCreate"}
        for version in (stack.before, stack.version):
            if version is not None:
                for name, it in template_of_version(self._state, stack, version).resources.items():
                    if it.deletion_policy in keeping:
                        found[name] = "Retain"
                    elif it.deletion_policy == "Snapshot":
                        found.setdefault(name, "Snapshot")
        if stack.status == "ROLLBACK_IN_PROGRESS":  # what was imported was there before
            found |= dict.fromkeys(stack.importing, "Retain")
        return found

    # -- commits -----------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return self._runtime.ledger.state

    def _now(self) -> Stack | None:
        return self._state.get(Stack, self._account, self._key)

    def _present(self) -> Stack:
        found = self._now()
        assert found is not None
        return found

    def _resource(self, logical: str) -> StackResource:
        found = resource_of(self._state, self._present(), logical)
        assert found is not None
        return found

    def _is_stopped(self, stack: Stack, *, failed: bool) -> bool:
        """Whether nothing more is begun. Where something `failed`, who waits for somebody else gives up."""
        bell = self._maker.bell
        if failed and not bell.giving_up:
            bell.give_up()
        return bell.giving_up or self._is_over(stack)

    def _is_over(self, stack: Stack) -> bool:
        """Whether something else is under way for the stack: its update was cancelled, or it is being deleted."""
        now = self._now()
        return now is None or now.operation != stack.operation

    async def _complete(self, stack: Stack, status: str) -> None:
        """End a phase in which all resources were made; it fails where the outputs cannot be told."""
        version = stack.before if status == _ROLLED_BACK and stack.before is not None else stack.version
        evaluation = await asyncio.to_thread(evaluation_of, self._state, stack, version, self._seals)
        try:
            outputs = await self._maker.outputs(self._present(), evaluation)
            await self._commit_outputs(stack, status, outputs)
        except (Failed, Fault) as failure:
            reason = failure.message if isinstance(failure, Fault) else str(failure)
            if stack.status == "CREATE_IN_PROGRESS":
                await self._not_created(stack, reason)
            elif status == _ROLLED_BACK:
                await self._end(stack, "UPDATE_ROLLBACK_FAILED", reason)
            else:
                await self._go_on(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)

    async def _commit_outputs(self, stack: Stack, status: str, outputs: list[dict[str, str]]) -> None:
        def change(state: State, draft: Draft) -> None:
            outputs_of(state, draft, outputs, self._seals)
            policy = draft.stack.coming or draft.stack.policy
            draft.status(status, imports=tuple(sorted(self._maker.imports)), policy=policy, coming="")

        await self._commit(change, stack.operation)

    async def _go_on(self, stack: Stack, status: str, reason: str, **changes: Any) -> None:
        """Begin another phase, as another operation."""

        def change(_state: State, draft: Draft) -> None:
            draft.status(status, reason, operation=request_id(self._runtime.entropy), **changes)

        await self._commit(change, stack.operation)

    async def _end(self, stack: Stack, status: str, reason: str, **changes: Any) -> None:
        await self._commit(lambda _state, draft: draft.status(status, reason, **changes), stack.operation)


def _failures(failed: Mapping[str, str], what: str) -> str:
    """The reason of a status, as AWS writes it: with a blank in the end."""
    return f"The following resource(s) failed to {what}: [{', '.join(sorted(failed))}]. "
