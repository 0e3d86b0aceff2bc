"""The digest files of one trail: hourly, signed, each with the hash and the signature of the one before.

CloudTrail User Guide, "Validating CloudTrail log file integrity": "Every hour, CloudTrail also creates and delivers a
file that references the log files for the last hour and contains a hash of each."
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from locum.calls import Runtime
from locum.core.clock import DAY
from locum.core.errors import Fault
from locum.credentials.digestkeys import new_digest_key, signature
from locum.services.cloudtrail import files, selecting
from locum.services.verbs import Outcome
from locum.state import Event, State, put, remove
from locum.state.trails import Attempts, DigestChain, DigestKey, LogFile, Trail, TrailProgress

VALID: Final = 365 * DAY
"""Seconds for which a key signs."""
_HOUR: Final = 3600.0
_MOST_HOURS: Final = 48
"""After more hours than these without a digest file (the clock was moved, say), one file tells of all of them."""
RETRY: Final = 60.0
"""Seconds after which it is tried again where a digest file could not be delivered."""

_log: Final = logging.getLogger("locum.agents")

PutFile = Callable[[Trail, files.File, Mapping[str, str]], Awaitable[None]]


def new_chain(trail: Trail, account: str, region: str) -> DigestChain:
    """A chain that is still to get its first digest file."""
    return DigestChain(
        account=trail.account,
        region=trail.region,
        trail=trail.name,
        of=account,
        at=region,
        since=trail.digests_since,
    )


class Digests:
    """Delivers the digest files of the trail with the key `key` (account, key)."""

    def __init__(self, runtime: Runtime, put_file: PutFile, key: tuple[str, str]) -> None:
        self._runtime = runtime
        self._put_file = put_file
        self._key = key

    async def step(self) -> float | None:
        """Deliver the digest files that are due; when the next one is."""
        trail = self._runtime.ledger.state.get(Trail, *self._key)
        if trail is None or not trail.validation:
            return None
        if trail.logging:
            await self._begin_at_home(trail)
        due = [await self._go_on(trail, chain) for chain in self._chains(trail)]
        return min(due, default=None)

    def _chains(self, trail: Trail) -> list[DigestChain]:
        found = self._runtime.ledger.state.table(DigestChain, trail.account).values()
        return [chain for chain in found if (chain.region, chain.trail) == (trail.region, trail.name)]

    async def _begin_at_home(self, trail: Trail) -> None:
        """Begin the chain of the trail's account in its home region, which has digest files also without log files."""
        home = new_chain(trail, trail.account, trail.region)
        if self._runtime.ledger.state.get(DigestChain, home.account, home.key) is None:
            await self._commit(trail, lambda _state: [put(home)])

    async def _go_on(self, trail: Trail, chain: DigestChain) -> float:
        """Deliver the digest files of one place that are due; when the next one is."""
        while True:
            now = self._runtime.clock()
            hours = int((now - chain.since) // _HOUR)
            if hours < 1:
                return chain.since + _HOUR
            end = chain.since + _HOUR * (hours if hours > _MOST_HOURS else 1)
            logs = self._logs(chain, end)
            if not logs and not (trail.logging and chain.of in self._accounts(trail)):
                # "the chain of digest files is broken", as is that of an account that left the organization
                await self._commit(trail, partial(_ended, chain))
                return now + _HOUR
            try:
                chain = await self._deliver(trail, chain, end, logs)
            except Fault as fault:
                _log.warning("a digest file of %s is not delivered: %s", trail.arn, fault.code)
                await self._attempted(trail, now, fault.code)
                return now + RETRY

    def _accounts(self, trail: Trail) -> Mapping[str, selecting.Part]:
        return selecting.accounts_of(self._runtime.ledger.state, trail)

    def _logs(self, chain: DigestChain, end: float) -> list[LogFile]:
        """The log files of a place that the digest file until `end` tells of, in the order of their delivery."""
        place = chain.region, chain.trail, chain.of, chain.at
        found = [
            log
            for log in self._runtime.ledger.state.table(LogFile, chain.account).values()
            if (log.region, log.trail, log.of, log.at) == place and log.delivered < end
        ]
        return sorted(found, key=lambda log: (log.delivered, log.object))

    async def _deliver(self, trail: Trail, chain: DigestChain, end: float, logs: Sequence[LogFile]) -> DigestChain:
        """Deliver one digest file; the chain with it. Raises Fault."""
        key = await self._signing_key(trail, chain.since)
        accounts = self._accounts(trail)
        organization = accounts.get(chain.of, accounts[trail.account]).organization
        place = files.Place(chain.of, chain.at, organization)
        file = files.digest_file(trail, place, chain, end, logs, key.id)
        text = files.signed(trail.bucket, file, end, chain.signature)
        signed = await asyncio.to_thread(signature, key.sealed, self._runtime.keyring, _owner(trail), text)
        await self._put_file(trail, file, {"signature": signed, "signature-algorithm": files.SIGNATURE})
        made = replace(
            chain,
            since=end,
            bucket=trail.bucket,
            object=file.key,
            hash=file.hash,
            signature=signed,
        )
        await self._commit(trail, lambda _state: [put(made), *(remove(log) for log in logs)])
        await self._attempted(trail, self._runtime.clock(), "")
        return made

    async def _signing_key(self, trail: Trail, since: float) -> DigestKey:
        """The key that signs now, made where there is none: it is valid for what happened `since`, too."""
        runtime, now = self._runtime, self._runtime.clock()
        keys = runtime.ledger.state.table(DigestKey, trail.account).values()
        valid = [key for key in keys if key.region == trail.region and key.created <= now < key.expires]
        if valid:
            return max(valid, key=lambda key: key.created)
        pair = await asyncio.to_thread(new_digest_key, runtime.keyring, runtime.entropy, _owner(trail))
        made = DigestKey(
            account=trail.account,
            region=trail.region,
            id=pair.fingerprint,
            created=min(now, since),
            expires=now + VALID,
            public=pair.public,
            sealed=pair.sealed,
        )
        await self._commit(trail, lambda _state: [put(made)])
        return made

    async def _attempted(self, trail: Trail, now: float, error: str) -> None:
        def told(state: State) -> list[Event]:
            progress = state.get(TrailProgress, *self._key)
            if progress is None:
                return []
            succeeded = progress.digests.succeeded if error else now
            return [put(replace(progress, digests=Attempts(attempted=now, succeeded=succeeded, error=error)))]

        await self._commit(trail, told)

    async def _commit(self, trail: Trail, events: Callable[[State], Sequence[Event]]) -> None:
        """Commit events, if the trail is still there: one that was made again begins anew."""

        def handler(state: State) -> Outcome:
            it = state.get(Trail, trail.account, trail.key)
            there = it is not None and it.created == trail.created
            return Outcome({}, tuple(events(state)) if there else ())

        await self._runtime.ledger.transact(handler, lambda _outcome: ())


def _ended(chain: DigestChain, _state: State) -> list[Event]:
    return [remove(chain)]


def _owner(trail: Trail) -> str:
    """The account and the region, each of which has signing keys of its own."""
    return f"{trail.account}/{trail.region}"
