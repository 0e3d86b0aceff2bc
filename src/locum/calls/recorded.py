"""The calls in the record, read again page by page and made ready to be decided on again.

Calls that are alike in all but their time count as one, the newest. At most `MOST` different ones are read.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from locum import authz
from locum.audit import Record
from locum.audit.record import encode
from locum.authz import Authorization, Plan
from locum.authz.access_points import is_access_point, placed, planned_through
from locum.calls import access_points
from locum.calls.carrying import Facts, facts_of
from locum.calls.destination import named_region, other_region
from locum.calls.replay import as_of, doubt, planned_again, recorded_call
from locum.calls.runtime import Runtime
from locum.core.calls import Call
from locum.core.principal import PrincipalKind
from locum.core.resources import UNKNOWN, ResourceFacts, owner_of
from locum.state import Role, State, User
from locum.state.arns import entity_of

MOST: Final = 20_000
_PAGE: Final = 500
_HAVE_POLICIES: Final = (PrincipalKind.USER, PrincipalKind.ROLE_SESSION)
_NO_CALL: Final = "the record does not name an operation that Locum knows"
_NO_CALLER: Final = "its user or role does not exist any more"
_FOREIGN: Final = "what it is about is another account's, and so are the policies that decide on it there"
_OTHER_RESOURCES: Final = "the record does not have all that tells which resources it is about"


@dataclass(slots=True)
class Times:
    """The number of calls that are alike; counted on while the record is read."""

    count: int = 1


@dataclass(slots=True)
class Repeated:
    """A recorded call, made ready to be decided on again.

    Where `doubt` is not empty, it is the reason why it cannot be decided again; `call` is None where it cannot even be
    told which permissions it took. `through`: it came through an access point of S3. `foreign`: it is about what is
    another account's, for whose policies nobody of this one can ask.
    """

    record: Record
    times: Times
    entity: User | Role | None = None
    call: Call | None = None
    plan: Plan = field(default_factory=Plan)
    doubt: str = ""
    through: bool = False
    foreign: bool = False


class Recorded:
    """The calls of the user or role `principal` (an ARN; None: of all) between two epoch seconds, both inclusive.

    Those of a user include what it called under names that it had before. Where `access_key` is given, they are only
    those that were signed with that key. Where `account` is given, they are those that it made.
    `state` is the one that they are decided on. `facts` are those of their resources, `refused` is how many calls were
    refused before a decision, `truncated` whether there were more than `MOST`, once they have been read.
    """

    def __init__(
        self,
        runtime: Runtime,
        state: State,
        principal: str | None,
        since: float,
        until: float | None,
        access_key: str = "",
        account: str = "",
    ) -> None:
        self._runtime = runtime
        self._account = account
        self._state = state
        entity = None if principal is None else entity_of(state, principal)
        self._user = entity if isinstance(entity, User) else None
        if self._user is None:
            found = runtime.history.principal_calls(principal, since, until)
        else:
            found = runtime.history.user_calls(self._user.arn, self._user.id, since, until)
        self._records = (
            record
            for record in found
            if (not access_key or record.identity.access_key_id == access_key)
            and (not account or record.identity.account == account)
        )
        self._seen: dict[bytes, Times] = {}
        self.facts: Facts = {}
        self.refused = 0
        self.truncated = False

    @property
    def outcome(self) -> dict[str, Any]:
        """The extent of what was read, as JSON values."""
        records = sum(times.count for times in self._seen.values())
        return {"records": records, "refusedBefore": self.refused, "truncated": self.truncated}

    async def pages(self) -> AsyncIterator[list[Repeated]]:
        """The calls, newest first, each kind of call once. The facts of their resources are in `facts`."""
        read = self._runtime.ledger.read
        while page := await read(lambda: list(islice(self._records, _PAGE))):
            fresh = await asyncio.to_thread(lambda records: list(self._fresh(records)), page)
            await self._look_up(fresh)
            await asyncio.to_thread(self._doubt, fresh)
            yield fresh
            if len(self._seen) >= MOST:
                self.truncated = bool(await read(lambda: list(islice(self._records, 1))))
                return

    def decided(self, one: Repeated, state: State) -> Authorization:
        """The decision on a call on `state`, with the facts of its resources as they are now.

        Where it was carried out in another region, it is decided on there as well (`destination.other_region`).
        """
        assert one.call is not None
        found = authz.decide(state, one.call, one.plan, self.facts_of(one))
        region = other_region(one.call, one.plan, self.facts, named_region(one.call, one.plan, through=one.through))
        if not region or not found.allowed:
            return found
        return authz.decide(state, one.call._replace(region=region), one.plan, self.facts_of(one))

    def facts_of(self, one: Repeated) -> Callable[[str], ResourceFacts]:
        """The look-up of the facts of the resources of a call."""
        facts = access_points.seen(one.plan, self.facts) if one.through else self.facts
        return lambda arn: facts.get(arn, UNKNOWN)

    def forgets(self, service: str) -> bool:
        """Whether the backend of a service knows facts of resources, and not for ever."""
        return self._runtime.backends.of(service).forgets

    def _fresh(self, page: list[Record]) -> Iterator[Repeated]:
        """The calls of `page` whose like was not seen before."""
        for record in page:
            if record.identity.kind not in _HAVE_POLICIES:
                continue
            if not record.verdict:
                self.refused += 1
                continue
            kind = _kind(record)
            if kind in self._seen:
                self._seen[kind].count += 1
                continue
            times = self._seen[kind] = Times()
            yield self._prepared(record, times)

    def _prepared(self, record: Record, times: Times) -> Repeated:
        call, entity = recorded_call(record), self._user or entity_of(self._state, record.identity.principal_arn)
        if call is None:
            return Repeated(record, times, doubt=_NO_CALL)
        if not isinstance(entity, User | Role):
            return Repeated(record, times, doubt=_NO_CALLER)
        call = as_of(call, entity)
        call, through = access_points.again(call, [resource.arn for resource in record.resources])
        plan = authz.plan(self._state, call)
        again = planned_again(record, plan if through is None else planned_through(plan, through))
        if again is None or (through is not None and not through.points):
            return Repeated(record, times, doubt=_OTHER_RESOURCES)
        return Repeated(record, times, entity, call, again, through=through is not None)

    async def _look_up(self, fresh: list[Repeated]) -> None:
        """Get the facts that are not known yet. Others get their turn of the event loop after each."""
        for one in fresh:
            if one.call is None:
                continue
            resources = one.plan.resources
            points = [arn.partition("/object/")[0] for arn in map(str, resources) if is_access_point(arn)]
            for arn in (*resources, *points):
                if arn not in self.facts:
                    self.facts |= await facts_of(self._runtime, [arn], one.call.caller.account, one.call.region)
                    await asyncio.sleep(0)
            if one.through:
                one.plan = placed(one.plan, self.facts)

    def _doubt(self, fresh: list[Repeated]) -> None:
        """Note what follows from facts that are gone."""
        for one in fresh:
            if one.call is None:
                continue
            one.foreign = bool(self._account) and any(map(self._is_of_another, one.plan.resources))
            one.doubt = _FOREIGN if one.foreign else doubt(one.record, one.plan, self._state, self.facts, self.forgets)

    def _is_of_another(self, resource: str) -> bool:
        return owner_of(resource, self.facts.get(resource, UNKNOWN)) not in ("", self._account)


def went_on(record: Record) -> bool:
    """Whether a call was carried out, though perhaps denied (mode `observe`)."""
    return not record.denied or (record.mode == "observe" and not record.error_message.startswith(record.denial))


def _kind(record: Record) -> bytes:
    """A digest of all that a call is decided by, but its time."""
    parts = (
        record.service, record.operation, record.parameters, record.identity, record.region, record.source_ip,
        record.user_agent, record.secure, record.referer, record.presigned, record.second_factor, record.via,
        record.source_account, record.source_arn, record.invoked_by, record.verdict, record.determining, record.denial,
        went_on(record),
    )  # fmt: skip
    return hashlib.sha256(encode(parts)).digest()
