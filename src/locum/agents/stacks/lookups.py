"""What the functions of a template refer to: resources, exports, zones, and dynamic references, read as the stack."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from locum.agents.stacks.commits import Commit
from locum.calls import Calls, Runtime
from locum.core.actors import Actor
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.dynamic_references import answered, reference_of, request_for
from locum.services.cloudformation.intrinsics import Evaluation, Lookups
from locum.services.cloudformation.lookup import resource_of
from locum.services.cloudformation.outputs import exported, exporting
from locum.services.cloudformation.sealing import HIDDEN, Seals
from locum.services.cloudformation.shown import Kept, Told, attribute_of, discloses, is_secret
from locum.services.cloudformation.templates import invalid
from locum.state import Stack, StackResource, State


class _Needed(LocumError):
    """A value is needed that a call gives: its key."""

    def __init__(self, key: tuple[str, str]) -> None:
        super().__init__(str(key))
        self.key = key


class Resolver:
    """Resolves the values of a template of a stack. What takes a call is asked for once, as `actor`."""

    def __init__(
        self,
        runtime: Runtime,
        calls: Calls,
        seals: Seals,
        commit: Commit,
        stack: Stack,
        actor: Actor,
        evaluation: Evaluation,
        run_imports: set[str],
    ) -> None:
        """`run_imports` takes the names of the exports that were looked up."""
        self._runtime = runtime
        self._calls = calls
        self._seals = seals
        self._commit = commit
        self._stack = stack
        self._actor = actor
        self._evaluation = evaluation
        self._asked: dict[tuple[str, str], Any] = {}
        self._imported: set[str] = set()
        self._discloses = False
        self._run_imports = run_imports

    async def resolved(self, value: Any) -> Any:
        """`value` with all functions replaced. Raises Fault."""
        return await self._resolved(value, self) if value else value

    async def _resolved(self, value: Any, lookups: Lookups) -> Any:
        while True:
            try:
                found = await asyncio.to_thread(self._evaluation.resolve, value, lookups)
                break
            except _Needed as needed:
                self._asked[needed.key] = await self._ask(*needed.key)
        self._run_imports |= self._imported
        if self._imported - set(self._stack.imports):
            await self._commit(self._note_imports)
        return found

    async def known(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """`value` as it is kept of a resource: resolved (`properties`), as an update looks, and as it may be told.

        `kept` and `shown` are there where they differ. Raises Fault.
        """
        made = await self.resolved(value)
        others = {"shown": await self._shown(value, made), "kept": await self._kept(value, made)}
        return {"properties": made, **{form: it for form, it in others.items() if it != made}}

    async def _kept(self, value: Any, made: Any) -> Any:
        """`value`, which was resolved to `made`, as far as an update looks: secrets alone are no reason for one."""
        if not self._discloses:
            return made
        return await asyncio.to_thread(self._evaluation.resolve, value, Kept(self, ("secretsmanager",)))

    async def output(self, value: Any) -> Any:
        """`value` as an output has it: resolved, but for references to secrets. Raises Fault."""
        return await self._resolved(value, Kept(self, ("secretsmanager", "ssm-secure")))

    async def _shown(self, value: Mapping[str, Any], made: Mapping[str, Any]) -> Mapping[str, Any]:
        """`value`, which was resolved to `made`, as it may be told."""
        evaluation = self._evaluation.hidden()
        if evaluation is self._evaluation and not self._discloses:
            return made
        try:
            told = Told(self, self._resource, self._evaluation)
            found: Mapping[str, Any] = await asyncio.to_thread(evaluation.resolve, value, told)
        except (Fault, _Needed):  # something else follows from the asterisks
            return dict.fromkeys(made, HIDDEN)
        return found

    # -- what the functions ask for ----------------------------------------------------------------------

    def ref(self, logical: str) -> Any:
        """The physical id of a resource."""
        return self._resource(logical).physical

    def attribute(self, logical: str, name: str) -> Any:
        """An attribute of a resource. Raises Fault."""
        found = self._resource(logical)
        self._discloses |= is_secret(found, name) or discloses(self._evaluation, logical, name)
        value = attribute_of(found, name, self._seals)
        if value is None:
            raise invalid(f"Template error: resource {logical} does not support attribute type {name} in Fn::GetAtt")
        return value

    def imported(self, export: str) -> Any:
        """The value of another stack's export. Raises Fault."""
        found = exporting(self._runtime.ledger.state, self._stack.account, self._stack.region, export)
        if found is None or found.id == self._stack.id:
            raise invalid(f"No export named {export} found.")
        self._imported.add(export)
        return exported(found, export, self._seals)

    def zones(self, region: str) -> list[str]:
        """The availability zones of a region."""
        found: list[str] = self._of("zones", region)
        return found

    def dynamic(self, reference: str) -> str:
        """The value of a dynamic reference, which is not kept. Raises Fault."""
        self._discloses = True
        return str(self._of("dynamic", reference))

    # -- how it is found ---------------------------------------------------------------------------------

    def _resource(self, logical: str) -> StackResource:
        found = resource_of(self._runtime.ledger.state, self._stack, logical)
        if found is None or not found.physical:
            raise invalid(f"Template error: resource {logical} is not there")
        return found

    def _of(self, what: str, key: str) -> Any:
        if (what, key) not in self._asked:
            raise _Needed((what, key))
        return self._asked[what, key]

    async def _ask(self, what: str, key: str) -> Any:
        if what == "zones":
            answer = await self._call("ec2", "DescribeAvailabilityZones", {}, key or self._stack.region)
            return [zone["ZoneName"] for zone in answer["AvailabilityZones"] if zone["ZoneName"].startswith(key)]
        reference = reference_of(key)
        request = request_for(reference)
        return answered(reference, await self._call(request.service, request.operation, request.params))

    async def _call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        return await self._calls.make(
            ServiceCall(self._actor, service, operation, params, region or self._stack.region)
        )

    def _note_imports(self, state: State, draft: Draft) -> None:
        for name in self._imported:  # in this very transaction: an export that is imported stays
            if exporting(state, draft.stack.account, draft.stack.region, name) is None:
                raise invalid(f"No export named {name} found.")
        draft.change(imports=tuple(sorted({*draft.stack.imports, *self._imported})))


__all__ = ["Fault", "Resolver"]
