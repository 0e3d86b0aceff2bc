"""What an interrupted creation has made is found again by the record, also where its name is one of the template.

Something of that name may be somebody else's. So the calls that make such a resource have request ids that follow from
its token: the record of a call under such an id, which Locum gives to no other, proves that this stack made it. It
does not any more once anybody else has changed what it names. A call that is made again has another id of the stack's,
so that it disproves nothing of the other resources.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from locum.audit import Record
from locum.calls import Calls, Runtime
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError
from locum.core.identifiers import request_id
from locum.core.reading import reads_only
from locum.services.cloudformation.providers.base import Made

_FOREIGN: Final = "Foreign."
"""What the code of a fault begins with that a provider must not take for a sign of its own work."""

_OWN: Final = 13
"""The characters of a request id that are the same for all calls of the creations of one stack."""


class Proven(LocumError):
    """A call was refused because it had been made before: its resource is there, and is this stack's."""


class Creation:
    """Makes the calls of the creation of a resource with `names` of the template's, or of a request's.

    `owner` is the id of the stack or request, `seed` of this creation alone. `again`: it was interrupted, and what it
    made is not known. `cause` is the request id of the call on whose account they are made.
    """

    def __init__(
        self,
        runtime: Runtime,
        calls: Calls,
        owner: str,
        seed: str,
        names: Iterable[str],
        *,
        again: bool,
        cause: str = "",
    ) -> None:
        self._runtime = runtime
        self._calls = calls
        self._owner = owner
        self._seed = f"{owner}/{seed}"
        self._cause = cause
        self._names = frozenset(names)
        self._again = again
        self._made: Counter[str] = Counter()
        self._adopts = False
        self._unless_proven: Fault | None = None

    def adopting(self, fault: Fault | None = None) -> None:
        """Begin anew, with a provider that takes what is there for its own.

        `fault` is of a provider that found something there, and had made no call: it is raised again where that is not
        what its first call made. Raises Fault where there is nothing to adopt.
        """
        if fault is not None and (self._made or not self._again or self._adopts):
            raise fault
        self._made.clear()
        self._adopts = True
        self._unless_proven = fault

    async def make(self, call: ServiceCall) -> Mapping[str, Any]:
        """Make a call. Raises Fault, and Proven where it was made before and its provider does not know that."""
        if reads_only(call.operation):
            return await self._calls.make(call, self._cause)
        name = f"{call.service}:{call.operation}"
        of = f"{name}/{self._made[name]}"
        identity = self._identity(of)
        self._made[name] += 1
        before = await self._record(identity) if self._again else None
        if self._unless_proven is not None and (before is None or not await self._is_proof(before)):
            raise self._unless_proven
        self._unless_proven = None
        try:
            if before:
                identity = self._identity(f"{of}/{self._runtime.entropy(16).hex()}")
            return await self._calls.make(call, self._cause, request_id=identity)
        except Fault as fault:
            if not self._again:
                raise
            proven = before is not None and await self._is_proof(before)
            if proven and not self._adopts:
                raise Proven(fault.message) from fault
            if self._adopts and not proven:
                raise Fault(_FOREIGN + fault.code, fault.message, fault.status) from fault
            raise

    def _identity(self, of: str) -> str:
        own, each = (hashlib.sha256(text.encode()).digest() for text in (self._owner, f"{self._seed}/{of}"))
        return request_id(lambda size: (own[: size // 2] + each)[:size])

    async def _record(self, identity: str) -> Record | None:
        """The record of the call with this id that succeeded."""
        found = await self._runtime.ledger.read(lambda: self._runtime.history.by_request(identity))
        return next((it for it in found if _succeeded(it)), None)

    async def _is_proof(self, record: Record) -> bool:
        """Whether what a call made is still what it names: nobody else has changed it since."""
        named = [it.name for it in record.resources if _last(it.name) in self._names]
        own, history = record.request_id[:_OWN], self._runtime.history

        def untouched() -> bool:
            later = (it for name in named for it in history.changes_of(name, record.at))
            return all(it.request_id.startswith(own) or not _succeeded(it) for it in later)

        return bool(named) and await self._runtime.ledger.read(untouched)


async def created(creation: Creation, attempt: Callable[[bool], Awaitable[Made]]) -> Made:
    """What `attempt` makes by the calls of `creation`; told true, it takes what is there for its own. Raises Fault."""
    try:
        try:
            return await attempt(False)
        except Proven:
            creation.adopting()
        except Fault as fault:
            creation.adopting(fault)
        return await attempt(True)
    except Fault as fault:
        raise _told(fault) from fault


def _told(fault: Fault) -> Fault:
    """The fault that a service answered."""
    if not fault.code.startswith(_FOREIGN):
        return fault
    original = fault.__cause__
    return original if isinstance(original, Fault) else fault


def _succeeded(it: Record) -> bool:
    return it.status < 300 and not it.error_code


def _last(name: str) -> str:
    """The last part of a name, or of an ARN."""
    return name.rpartition("/")[2] if "/" in name else name.rpartition(":")[2]
