"""Imports: resources that are there become resources of a stack. Nothing is made for them, and nothing is deleted.

Where the stack has tags, they are put on the resource, as AWS's event says: "Apply stack-level tags to imported
resource if applicable."
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.stacks.commits import Commit
from locum.agents.stacks.lookups import Resolver
from locum.agents.stacks.making import Failed
from locum.agents.stacks.reasons import reason_of
from locum.agents.stacks.work import carried_out
from locum.calls import Calls, Runtime
from locum.core.errors import Fault
from locum.services.cloudformation.changes import check_properties
from locum.services.cloudformation.drafts import STACK, Draft
from locum.services.cloudformation.following import actor_of
from locum.services.cloudformation.imports import There, looked_for, owned
from locum.services.cloudformation.intrinsics import Evaluation
from locum.services.cloudformation.lookup import resource_of, resources_of
from locum.services.cloudformation.nested_imports import hindrance, let_go, nested_in, unlike
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.stack_resources import as_given, in_stack, new_resource, tags_within
from locum.services.cloudformation.template import ResourceDefinition
from locum.services.cloudformation.templates import invalid
from locum.state import Stack, StackResource, StackVersion, State

_STARTED: Final = "Resource import started."
_TAGGED: Final = "Apply stack-level tags to imported resource if applicable."
_COMPLETED: Final = "Resource import completed."


class Importer:
    """Imports resources into stacks. `commit` commits a change of the stack."""

    def __init__(self, runtime: Runtime, calls: Calls, seals: Seals, commit: Commit, run_imports: set[str]) -> None:
        """`run_imports` takes the names of the exports that were looked up."""
        self._runtime = runtime
        self._calls = calls
        self._seals = seals
        self._commit = commit
        self._run_imports = run_imports

    def is_for(self, stack: Stack, logical: str) -> bool:
        """Whether a resource is imported: it was to be, and no update has made it another one since."""
        it = resource_of(self._runtime.ledger.state, stack, logical)
        return logical in stack.importing and (it is None or it.operation == stack.operation)

    async def bring_in(
        self, stack: Stack, evaluation: Evaluation, definition: ResourceDefinition, version: StackVersion
    ) -> None:
        """Make a resource one of `stack`, with the properties of its definition. Raises Failed.

        What a restart has interrupted goes on.
        """
        found = resource_of(self._runtime.ledger.state, stack, definition.logical)
        if found is None or found.status in ("IMPORT_IN_PROGRESS", "IMPORT_FAILED"):
            found = await self._imported(stack, evaluation, definition, version)
        tagged = found.type != STACK and PROVIDERS[found.type].update is not None  # a stack has those of its template
        if found.status != "UPDATE_COMPLETE" and version.tags and tagged:
            await self._tagged(stack, found)

    async def _imported(
        self, stack: Stack, evaluation: Evaluation, definition: ResourceDefinition, version: StackVersion
    ) -> StackResource:
        identifier, it = stack.importing[definition.logical], self._begun(stack, definition)
        resolver = Resolver(
            self._runtime, self._calls, self._seals, self._commit, stack, actor_of(stack), evaluation, self._run_imports
        )
        try:
            kept = await resolver.known(definition.properties)
            properties = kept["properties"]
            await asyncio.to_thread(check_properties, definition.type, definition.logical, properties)
            await self._commit(lambda _, draft: draft.resource(it, told=_STARTED))
            there = await self._there(stack, definition, properties)
            kept["tags"] = tags_within(stack.name, stack.arn, definition.logical, version.tags)
            done = replace(
                it,
                status="IMPORT_COMPLETE",
                physical=there.physical,
                properties=self._sealed(stack, kept),
                attributes=self._sealed(stack, dict(there.found.attributes)),
            )

            def complete(state: State, draft: Draft) -> None:
                if reason := owned(state, self._seals, draft.stack, done.type, done.logical, done.physical, identifier):
                    raise invalid(reason)
                if done.type == STACK and (reason := hindrance(state, draft.stack, done.physical)):
                    raise invalid(reason)
                draft.resource(done, told=_COMPLETED)
                if done.type == STACK:
                    draft.also(*nested_in(state, draft.stack, done.physical))

            await self._commit(complete)
        except Fault as fault:
            raise await self._failed(replace(it, status="IMPORT_FAILED"), fault) from fault
        return done

    async def _there(self, stack: Stack, definition: ResourceDefinition, properties: Mapping[str, Any]) -> There:
        """The resource to import. Raises Fault where it is not there, or is a stack that is not what is said of it."""
        kind, logical, here = definition.type, definition.logical, self._runtime.settings.endpoint
        work = looked_for(stack, kind, logical, stack.importing[logical])
        there = await carried_out(self._calls.make, actor_of(stack), stack.region, work, endpoint=here)
        if kind == STACK:
            inner = in_stack(stack, kind, logical, properties, "", physical=there.physical)
            alike = unlike(inner, self._runtime.settings)
            if reason := await carried_out(self._calls.make, actor_of(stack), stack.region, alike):
                raise invalid(reason)
        return there

    async def _tagged(self, stack: Stack, it: StackResource) -> None:
        """Put the tags of the stack on a resource, by an update to the properties that its template has anyway."""
        changing = replace(it, status="UPDATE_IN_PROGRESS")
        await self._commit(lambda _, draft: draft.resource(changing, told=_TAGGED))
        kept = self._seals.open(stack.account, stack.id, it.properties)
        resource = as_given(stack, it, kept, self._seals)
        update = PROVIDERS[it.type].update
        assert update is not None
        try:
            work, here = update(resource, kept["properties"]), self._runtime.settings.endpoint
            await carried_out(self._calls.make, actor_of(stack), stack.region, work, endpoint=here)
        except Fault as fault:
            raise await self._failed(replace(it, status="UPDATE_FAILED"), fault) from fault
        await self._commit(lambda _, draft: draft.resource(replace(it, status="UPDATE_COMPLETE")))

    async def _failed(self, it: StackResource, fault: Fault) -> Failed:
        failed = replace(it, reason=reason_of(fault, it))
        await self._commit(lambda _, draft: draft.resource(failed))
        return Failed(failed.reason)

    async def give_back(self) -> None:
        """Let go of what an import that failed brought in. The resources stay as they are."""

        def change(state: State, draft: Draft) -> None:
            for it in resources_of(state, draft.stack).values():
                if it.logical in draft.stack.importing:
                    draft.told(it, "IMPORT_ROLLBACK_IN_PROGRESS")
                    draft.told(it, "IMPORT_ROLLBACK_COMPLETE")
                    draft.gone(it)
                    if it.type == STACK and it.physical:
                        draft.also(*let_go(state, draft.stack, it.physical))

        await self._commit(change)

    def _begun(self, stack: Stack, definition: ResourceDefinition) -> StackResource:
        return new_resource(stack, definition, "IMPORT_IN_PROGRESS", self._runtime.clock(), self._runtime.entropy)

    def _sealed(self, stack: Stack, value: Any) -> bytes:
        return self._seals.seal(stack.account, stack.id, value)
