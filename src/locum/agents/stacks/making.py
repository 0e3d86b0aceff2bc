"""Making one resource what it is to be, and its deletion: each step is committed, with the event that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from locum.agents.stacks.adoption import Creation, created
from locum.agents.stacks.commits import Change, Commit
from locum.agents.stacks.lookups import Resolver
from locum.agents.stacks.reasons import reason_of
from locum.agents.stacks.results import (
    former_of,
    in_place_of,
    is_begun,
    is_replaced,
    is_same,
    left_by_failure,
    replacing,
    skipped,
    taken_by,
    waited,
)
from locum.agents.stacks.waits import INITIATED, Bell, Waits
from locum.agents.stacks.work import Make, carried_out
from locum.calls import Calls, Runtime
from locum.core.errors import Fault, LocumError
from locum.services.cloudformation.change_set_trees import promised_token
from locum.services.cloudformation.changes import check_name, check_properties, names_given
from locum.services.cloudformation.drafts import STACK, Draft
from locum.services.cloudformation.following import actor_of
from locum.services.cloudformation.imports import held_by_a_stack
from locum.services.cloudformation.intrinsics import Evaluation
from locum.services.cloudformation.lookup import resource_of
from locum.services.cloudformation.outputs import output_text
from locum.services.cloudformation.providers import PROVIDERS, is_custom
from locum.services.cloudformation.providers.base import Made, Resource, Step
from locum.services.cloudformation.providers.snapshots import snapshot
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.signals import CreationPolicy, policy_of
from locum.services.cloudformation.stack_policies import MODIFY, REPLACE, denial
from locum.services.cloudformation.stack_resources import as_given, new_resource, tags_within
from locum.services.cloudformation.template import ResourceDefinition
from locum.services.cloudformation.templates import invalid
from locum.state import FormerResource, Stack, StackResource, StackVersion, State

T = TypeVar("T")

_UNDER_WAY: Final = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_REPLACES: Final = "Requested update requires the creation of a new physical resource; hence creating one."


class Failed(LocumError):
    """A resource could not be made what it is to be; the text is the reason."""


class Maker:
    """Makes resources of a stack. `commit` commits a change of the stack."""

    def __init__(self, runtime: Runtime, calls: Calls, seals: Seals, commit: Commit) -> None:
        self._runtime = runtime
        self._calls = calls
        self._seals = seals
        self._commit = commit
        self.imports: set[str] = set()
        self.bell = Bell()

    # -- making and changing -----------------------------------------------------------------------------

    async def settle(
        self, stack: Stack, evaluation: Evaluation, definition: ResourceDefinition, version: StackVersion, *, back: bool
    ) -> None:
        """Make a resource what `definition` says. Raises Failed where it cannot be."""
        it = self._found(stack, definition.logical)
        if back and it is not None and it.former is not None and it.operation != stack.operation:
            it = await self._restore(stack, it, it.former)
        resolver = self._resolver(stack, evaluation)
        wanted: dict[str, Any] = {}
        try:
            wanted |= await resolver.known(definition.properties)
            wanted["tags"] = tags_within(stack.name, stack.arn, definition.logical, version.tags)
            check_properties(definition.type, definition.logical, wanted["properties"])
            policy = policy_of(await resolver.resolved(definition.creation_policy))
            update_policy = await resolver.resolved(definition.update_policy)
        except Fault as fault:
            raise await self._unresolved(stack, definition, it, fault, wanted) from fault
        if it is None or not it.physical or is_begun(it):
            await self._create_again(stack, definition, it, wanted, policy)
            return
        resumed = it.status == "UPDATE_IN_PROGRESS" and it.operation == stack.operation
        before = self._opened(stack, it.properties)
        if it.waiting and not resumed:
            before = left_by_failure(before, self._opened(stack, it.waiting), wanted["properties"])
        told = it.type != STACK or it.operation == stack.operation  # what is in a nested stack may differ
        if is_same(before, wanted) and not it.waiting and it.type == definition.type and told:
            if it.status == "UPDATE_FAILED":
                await self._told(replace(it, status="UPDATE_COMPLETE", reason=""))
            return
        replaces = is_replaced(it, definition, before, wanted, update_policy, back=back)
        if not back:
            await self.check_policy(stack, it, REPLACE if replaces else MODIFY)
        if replaces:
            await self._replace(stack, definition, it, before, wanted, policy)
        else:
            await self._update(stack, it, before, wanted, update_policy, again=resumed, back=back)

    async def check_policy(self, stack: Stack, it: StackResource, action: str) -> None:
        """Check that the stack policy lets an update do `action` to a resource. Raises Failed."""
        if denied := denial(stack, action, it.logical, it.type):
            await self._told(replace(it, status="UPDATE_FAILED", reason=denied, operation=stack.operation))
            raise Failed(denied)

    async def _create_again(
        self,
        stack: Stack,
        definition: ResourceDefinition,
        it: StackResource | None,
        wanted: Mapping[str, Any],
        policy: CreationPolicy | None,
    ) -> None:
        """Make a resource that is not there, or not completely: its creation goes on, or begins anew if it failed."""
        if it is not None and it.status in _UNDER_WAY:
            await self._create(stack, it, policy, again=True)
            return
        new = self._new(stack, definition, it, wanted)
        if it is not None and it.physical:
            await self.delete(stack, it)
            new = replace(new, former=it.former, stale=it.stale)
        await self._create(stack, new, policy)

    async def _create(
        self, stack: Stack, made: StackResource, policy: CreationPolicy | None, *, again: bool = False
    ) -> None:
        """Make a resource, in the place of a former one if `made` has that. `again`: it may have been made already."""
        wanted = self._opened(stack, made.waiting)
        if not again:
            await self._told(made)
        try:
            if not again:
                self._check_free(stack, made, wanted["properties"])
            result = await self._made(stack, made, wanted, again=again)
            attributes = self._seal(stack, dict(result.attributes))
            if policy is not None:
                waits = self._waits(stack)
                await waits.began(made.logical, result.physical, attributes=attributes, reason="")
                await waits.signals(made.logical, policy)
        except Fault as fault:
            made = self._found(stack, made.logical) or made
            if made.former is None or made.physical:  # what is there of it is deleted in the end
                status = "CREATE_FAILED" if made.former is None else "UPDATE_FAILED"
                raise await self._failed(made, status, fault, wanted) from fault
            raise await self._failed(in_place_of(made, made.former), "UPDATE_FAILED", fault, wanted) from fault
        made = replace(waited(self._found(stack, made.logical) or made), properties=made.waiting, waiting=b"")
        status = "CREATE_COMPLETE" if made.former is None else "UPDATE_COMPLETE"

        def complete(_state: State, draft: Draft) -> None:
            there = replace(made, physical=result.physical, attributes=attributes, reason="", no_echo=result.no_echo)
            if made.physical != result.physical:
                draft.resource(there, told=INITIATED)
            draft.resource(replace(there, status=status))

        await self._commit(complete)

    async def _update(
        self,
        stack: Stack,
        it: StackResource,
        before: Mapping[str, Any],
        wanted: Mapping[str, Any],
        policy: Mapping[str, Any],
        *,
        again: bool,
        back: bool,
    ) -> None:
        changing = it if again else waited(it)
        changing = replace(changing, status="UPDATE_IN_PROGRESS", reason="", waiting=self._seal(stack, wanted))
        changing = replace(changing, operation=stack.operation)
        if it.waiting and not again:
            changing = replace(changing, properties=self._seal(stack, before))
        if not again:
            await self._told(changing)
        update = PROVIDERS[it.type].update
        assert update is not None
        try:
            resource = self._resource(stack, changing, wanted, again=again, update_policy=policy, back=back)
            made = await self._work(stack, it.logical, update(resource, before["properties"]))
        except Fault as fault:
            changing = self._found(stack, it.logical) or changing
            raise await self._failed(changing, "UPDATE_FAILED", fault) from fault
        changing = self._found(stack, it.logical) or changing
        changed = replace(waited(changing), status="UPDATE_COMPLETE", properties=changing.waiting, waiting=b"")
        if is_custom(it.type) and made.physical != it.physical:
            changed = replacing(changed, it, former_of(it))
        attributes = self._seal(stack, dict(made.attributes))
        await self._told(replace(changed, physical=made.physical, attributes=attributes, no_echo=made.no_echo))

    async def _replace(
        self,
        stack: Stack,
        definition: ResourceDefinition,
        it: StackResource,
        before: Mapping[str, Any],
        wanted: Mapping[str, Any],
        policy: CreationPolicy | None,
    ) -> None:
        """Make another resource in the place of `it`, which becomes the former one."""
        try:
            if it.type == definition.type:
                check_name(it.type, before["properties"], wanted["properties"])
        except Fault as fault:
            raise await self._failed(replace(it, operation=stack.operation), "UPDATE_FAILED", fault) from fault
        keeps, taken = (definition.replace_policy == name for name in ("Retain", "Snapshot"))
        former = replace(former_of(it), keeps=keeps, taken=taken)
        new = replacing(self._new(stack, definition, it, wanted), it, former)
        await self._create(stack, replace(new, status="UPDATE_IN_PROGRESS", reason=_REPLACES), policy)

    async def _restore(self, stack: Stack, it: StackResource, former: FormerResource) -> StackResource:
        """Put what an update replaced back in its place; what the update made becomes the former one."""
        it = await self._finished(stack, it)
        made = former_of(it)
        back = replace(
            in_place_of(it, former),
            status="UPDATE_COMPLETE",
            operation=stack.operation,
            former=made if it.physical else None,
        )
        await self._told(back)
        return back

    async def _finished(self, stack: Stack, it: StackResource) -> StackResource:
        """`it`, whose creation a restart may have interrupted: what it made is known then."""
        if it.physical or it.status not in _UNDER_WAY:
            return it
        wanted = self._opened(stack, it.waiting)
        try:
            made = await self._made(stack, it, wanted, again=True)
        except Fault:
            return it  # there is nothing
        return replace(it, physical=made.physical, properties=it.waiting, waiting=b"")

    # -- deletion ----------------------------------------------------------------------------------------

    async def delete(self, stack: Stack, it: StackResource, policy: str = "Delete", *, forget: bool = False) -> None:
        """Delete a resource, or leave it where it is, by its deletion `policy`. Raises Failed.

        Of what was never made the end is told, too.
        """
        it = await self._finished(stack, it)
        if policy == "Retain":
            await self._commit(lambda _, draft: skipped(draft, it, forget=forget))
            return
        if it.physical:
            deleting = replace(it, status="DELETE_IN_PROGRESS", reason="", operation=stack.operation)
            if it.status != "DELETE_IN_PROGRESS":
                await self._told(deleting)
            try:
                await self._removed(stack, it, taken=policy == "Snapshot")
            except Fault as fault:
                raise await self._failed(deleting, "DELETE_FAILED", fault) from fault

        def gone(_state: State, draft: Draft) -> None:
            done = replace(waited(it), status="DELETE_COMPLETE", reason="", operation=stack.operation)
            draft.told(done, "DELETE_COMPLETE")
            if forget:
                draft.gone(it)
            else:
                draft.quietly(done)

        await self._commit(gone)

    async def delete_replaced(self, stack: Stack, logical: str) -> None:
        """Delete what a resource took the place of. Raises Failed where some of it could not be deleted."""
        failures = []
        while (it := self._found(stack, logical)) is not None and (replaced := taken_by(it)):
            try:
                await self._delete_former(stack, it, replaced[0])
            except Failed as failure:
                failures.append(str(failure))
        if failures:
            raise Failed("; ".join(failures))

    async def _delete_former(self, stack: Stack, it: StackResource, former: FormerResource) -> None:
        """Delete what was replaced. Raises Failed, after which nothing remembers it."""
        old = in_place_of(it, former)
        others = tuple(other for other in it.stale if other is not former)
        done = replace(waited(it), former=None if former is it.former else it.former, stale=others)

        def ended(status: str, reason: str = "") -> Change:
            def change(_state: State, draft: Draft) -> None:
                draft.told(old, status, reason)
                draft.quietly(done)

            return change

        if former.keeps:
            await self._commit(ended("DELETE_SKIPPED"))
            return
        await self._commit(lambda _, draft: draft.told(old, "DELETE_IN_PROGRESS"))
        try:
            await self._removed(stack, old, taken=former.taken)
        except Fault as fault:
            await self._commit(ended("DELETE_FAILED", fault.message))
            raise Failed(fault.message) from fault
        await self._commit(ended("DELETE_COMPLETE"))

    async def _removed(self, stack: Stack, it: StackResource, *, taken: bool) -> None:
        """Have the provider delete a resource, of which a snapshot is `taken` if it is complete. Raises Fault."""
        resource = self._resource(stack, it, self._opened(stack, it.properties or it.waiting))
        if taken and it.properties:
            await self._work(stack, it.logical, snapshot(resource, stack.operation))
        await self._work(stack, it.logical, PROVIDERS[it.type].delete(resource))

    # -- outputs -----------------------------------------------------------------------------------------

    async def outputs(self, stack: Stack, evaluation: Evaluation) -> list[dict[str, str]]:
        """The outputs of a stack whose resources are made. Raises Failed."""
        resolver, made = self._resolver(stack, evaluation), []
        try:
            for name, declared in evaluation.template.outputs.items():
                if not evaluation.exists(declared):
                    continue
                output = {"OutputKey": name, "OutputValue": output_text(await resolver.output(declared["Value"]))}
                if "Description" in declared:
                    output["Description"] = str(declared["Description"])
                if "Export" in declared:
                    output["ExportName"] = str(await resolver.resolved(declared["Export"]["Name"]))
                made.append(output)
        except Fault as fault:
            raise Failed(fault.message) from fault
        return made

    # -- the parts of all of it --------------------------------------------------------------------------

    def _check_free(self, stack: Stack, it: StackResource, properties: Mapping[str, Any]) -> None:
        """Check that no stack of the region has what the properties of a new resource name. Raises Fault."""
        if held := held_by_a_stack(self._runtime.ledger.state, self._seals, stack, it, properties):
            raise invalid(held)

    async def _made(self, stack: Stack, it: StackResource, wanted: Mapping[str, Any], *, again: bool) -> Made:
        """Have the provider make a resource, `again` perhaps: what has a name of the template may be another's."""
        create, named = PROVIDERS[it.type].create, names_given(it.type, wanted.get("properties", {}))
        if not named:
            return await self._work(stack, it.logical, create(self._resource(stack, it, wanted, again=again)))
        creation = Creation(self._runtime, self._calls, stack.id, f"{it.logical}/{it.token}", named, again=again)

        async def attempt(adopts: bool) -> Made:
            work = create(self._resource(stack, it, wanted, again=adopts))
            return await self._work(stack, it.logical, work, creation.make)

        return await created(creation, attempt)

    async def _work(self, stack: Stack, logical: str, work: Steps[T], make: Make | None = None) -> T:
        waits = self._waits(stack)

        async def answer(step: Step) -> Mapping[str, Any]:
            return await waits.answer(logical, step)

        here = self._runtime.settings.endpoint
        actor, region = actor_of(stack), stack.region
        return await carried_out(make or self._calls.make, actor, region, work, waits=answer, endpoint=here)

    def _waits(self, stack: Stack) -> Waits:
        return Waits(self._runtime, self._seals, self._commit, self.bell, stack)

    def _resolver(self, stack: Stack, evaluation: Evaluation) -> Resolver:
        return Resolver(
            self._runtime, self._calls, self._seals, self._commit, stack, actor_of(stack), evaluation, self.imports
        )

    def _found(self, stack: Stack, logical: str) -> StackResource | None:
        return resource_of(self._runtime.ledger.state, stack, logical)

    def _new(
        self, stack: Stack, definition: ResourceDefinition, it: StackResource | None, wanted: Mapping[str, Any]
    ) -> StackResource:
        new = new_resource(stack, definition, "CREATE_IN_PROGRESS", self._runtime.clock(), self._runtime.entropy)
        if definition.type == STACK:  # the stack under review has the token in its name
            token = promised_token(self._runtime.ledger.state, stack, definition.logical)
            new = replace(new, token=token or new.token)
        return replace(new, waiting=self._seal(stack, wanted), order=new.order if it is None else it.order)

    def _resource(self, stack: Stack, it: StackResource, wanted: Mapping[str, Any], **more: Any) -> Resource:
        return as_given(stack, it, wanted, self._seals, **more)

    def _seal(self, stack: Stack, value: Any) -> bytes:
        return self._seals.seal(stack.account, stack.id, value)

    def _opened(self, stack: Stack, sealed: bytes) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._seals.open(stack.account, stack.id, sealed)
        return found

    async def _told(self, it: StackResource) -> None:
        await self._commit(lambda _, draft: draft.resource(it))

    async def _failed(
        self, it: StackResource, status: str, fault: Fault, wanted: Mapping[str, Any] | None = None
    ) -> Failed:
        reason = reason_of(fault, it, wanted)
        await self._told(replace(waited(it), status=status, reason=reason))
        return Failed(reason)

    async def _unresolved(
        self,
        stack: Stack,
        definition: ResourceDefinition,
        it: StackResource | None,
        fault: Fault,
        wanted: Mapping[str, Any],
    ) -> Failed:
        """The failure of a resource whose properties cannot be told, or cannot be its (`wanted`)."""
        status = "CREATE_FAILED" if it is None or not it.physical else "UPDATE_FAILED"
        made = it or self._new(stack, definition, None, wanted)
        await self._told(replace(made, status=status, reason=fault.message, operation=stack.operation))
        return Failed(fault.message)
