"""The runtime of a node: everything that carrying out calls takes, assembled once in the composition root."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from locum.audit import History
from locum.backends import Backend
from locum.calls.injections import Injections
from locum.core.clock import Entropy, MovableClock
from locum.credentials import KeyRing
from locum.services.verbs import Operation, Settings, UsageRecord
from locum.store import Ledger

Mode = Literal["enforce", "observe"]


@dataclass(frozen=True, slots=True)
class OwnService:
    """A service that Locum is itself. `owns` tells which calls; the others go to the backend.

    Where `backed` is false there is no backend behind it: what Locum lacks is not implemented.
    """

    operations: Mapping[str, Operation]
    owns: Callable[[str, Mapping[str, Any]], bool]
    backed: bool = False

    def find(self, operation: str, params: Mapping[str, Any]) -> Operation | None:
        """The verb for a call, or None where it is not ours."""
        found = self.operations.get(operation)
        return found.of(params) if found is not None and self.owns(operation, params) else None


@dataclass(frozen=True, slots=True)
class Backends:
    """The backends by the operation or service they carry out (by botocore's names); `default` has all the others."""

    default: Backend
    by_service: Mapping[str, Backend]
    by_operation: Mapping[tuple[str, str], Backend] = field(default_factory=dict)

    def of(self, service: str, operation: str = "") -> Backend:
        """The backend of `operation` of `service`; without an operation, the one that has the service's resources."""
        return self.by_operation.get((service, operation)) or self.by_service.get(service, self.default)

    async def forget(self, account: str) -> None:
        """Have every one let go of what an account has, which has ended."""
        for backend in self._every():
            await backend.forget(account)

    async def close(self) -> None:
        """Close every one."""
        for backend in self._every():
            await backend.close()

    def _every(self) -> Collection[Backend]:
        every = (*self.by_operation.values(), *self.by_service.values(), self.default)
        return {id(backend): backend for backend in every}.values()


@dataclass(slots=True)
class Runtime:
    """The parts of a node behind its gateway. `mode`: see ADR 7. `early_answers`: what a mutating call had a backend do
    is answered before its record is durable. Nothing changes but the endpoint in `settings`, which is not known before
    the gateway listens. `injections` are the faults on request. `node` is the name of this one of
    several, else empty."""

    ledger: Ledger
    history: History
    usage: UsageRecord
    keyring: KeyRing
    clock: MovableClock
    entropy: Entropy
    settings: Settings
    services: Mapping[str, OwnService]
    backends: Backends
    mode: Mode = "enforce"
    early_answers: bool = False
    injections: Injections = field(default_factory=Injections)
    node: str = ""
