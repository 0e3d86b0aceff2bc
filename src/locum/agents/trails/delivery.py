"""The deliveries of one trail: from the event history to its bucket, its topic and its log group.

A batch of events is fixed before anything of it is written, so that its log files have the same names and contents
whenever they are written again: after a failure, or a restart. It is done with once all of it was delivered; what
cannot be delivered is tried again, for as long as it takes, and what is behind it waits.

CloudTrail User Guide, "Finding your CloudTrail log files": "CloudTrail typically delivers logs within an average of
about 5 minutes of an API call."
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.trails import records
from locum.agents.trails.digests import Digests, new_chain
from locum.agents.trails.log_events import LogEvents
from locum.calls import Runtime
from locum.core.arn import Arn
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.cloudtrail import files, selecting
from locum.services.cloudtrail.destinations import encryption_context, principal_of
from locum.services.verbs import Outcome
from locum.state import Event, State, put
from locum.state.trails import Attempts, Batch, DigestChain, LogFile, Trail, TrailProgress

WAIT: Final = 15.0
"""Seconds from an event to its delivery, with those that come meanwhile."""
WAIT_FOR_OWN: Final = 300.0
"""Seconds from an event to its delivery where all are of CloudTrail's own calls, which each delivery causes anew."""
FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 900.0
"""Seconds: each failed delivery doubles the time to the next one, from the first up to the second."""

_log: Final = logging.getLogger("locum.agents")

Make = Callable[[ServiceCall], Awaitable[Mapping[str, Any]]]


class Delivery:
    """Delivers the events of the trail that `trail` is now."""

    def __init__(self, runtime: Runtime, make: Make, trail: Trail) -> None:
        self._runtime = runtime
        self._make = make
        self._key = trail.account, trail.key
        self._seen = 0
        self._digests = Digests(runtime, self._put, self._key)
        self._log_events = LogEvents(make)

    async def step(self) -> float | None:
        """Deliver what is due; when to look again (epoch seconds), None where the trail logs nothing more."""
        state = self._runtime.ledger.state
        trail, progress = state.get(Trail, *self._key), state.get(TrailProgress, *self._key)
        if trail is None or progress is None or not (trail.started or progress.batch):
            return None
        due = await self._deliver(trail, progress)
        digests_due = await self._digests.step()
        return min((at for at in (due, digests_due) if at is not None), default=None)

    async def _deliver(self, trail: Trail, progress: TrailProgress) -> float | None:
        """Deliver batches until there is nothing more to deliver now; when to look again."""
        while True:
            trail = self._runtime.ledger.state.get(Trail, *self._key) or trail
            due: float | None
            if progress.batch is None:
                due = await self._begin(trail, progress)
            else:
                due = await self._finish(trail, progress, progress.batch)
            found = self._runtime.ledger.state.get(TrailProgress, *self._key)
            if due is not None or found is None or found == progress:
                return due
            progress = found

    async def _begin(self, trail: Trail, progress: TrailProgress) -> float | None:
        """Fix the next batch where it is due; else when it may be. None where it is fixed, or nothing can come."""
        runtime, now = self._runtime, self._runtime.clock()
        accounts = selecting.accounts_of(runtime.ledger.state, trail)
        position = max(progress.position, self._seen)
        if not position:
            since = progress.since or trail.started
            position = await runtime.ledger.read(lambda: runtime.history.position_at(since))
        found = await runtime.ledger.read(lambda: records.waiting(runtime.history, trail, accounts, position))
        if runtime.ledger.state.get(Trail, *self._key) is not trail:
            return now  # what was read may be of the trail as it is now
        if found.since is None:
            self._seen = found.last
            if found.full:
                await self._commit(progress, lambda _state: [put(replace(progress, position=found.last))])
                return None
            return now + WAIT if trail.logging else None
        due = found.since + (WAIT_FOR_OWN if found.own else WAIT)
        if due > now >= found.since and trail.logging and not found.full:
            return min(due, now + WAIT)
        made = Batch(id=request_id(runtime.entropy), last=found.last, at=now, trail=trail)
        await self._commit(progress, lambda _state: [put(replace(progress, position=position, batch=made))])
        return None

    async def _finish(self, trail: Trail, progress: TrailProgress, batch: Batch) -> float | None:
        """Deliver the batch that is under way; when to try again where that fails, else None."""
        runtime = self._runtime
        now = runtime.clock()
        if progress.files.error and progress.files.attempted <= now < self._retry_at(progress):
            return self._retry_at(progress)
        accounts = selecting.accounts_of(runtime.ledger.state, trail)
        fixed = batch.trail or trail
        found = await runtime.ledger.read(
            lambda: records.batch(runtime.history, fixed, accounts, progress.position, batch.last)
        )
        try:
            logs = [await self._put_log(trail, batch, place, events) for place, events in found.items()]
        except Fault as fault:
            if fault.code != progress.files.error:  # it is told once, however often it is tried
                _log.warning("the log files of %s are not delivered: %s", trail.arn, fault.code)
            attempts = Attempts(attempted=now, succeeded=progress.files.succeeded, error=fault.code)
            failed = replace(progress, files=attempts, failures=progress.failures + 1)
            await self._commit(progress, lambda _state: [put(failed)])
            return self._retry_at(failed)
        notices = await self._notify(trail, progress.notices, logs, now)
        told = await self._log_events.put(trail, progress.logs, found, now)
        self._seen = batch.last
        done = Attempts(attempted=now, succeeded=now)
        made = replace(progress, position=batch.last, batch=None, failures=0, files=done, notices=notices, logs=told)
        noted = trail if trail.validation else None
        await self._commit(progress, lambda state: [put(made), *(_noted(state, logs, noted))])
        return None

    @staticmethod
    def _retry_at(progress: TrailProgress) -> float:
        wait = min(FIRST_RETRY * 2.0 ** min(progress.failures - 1, 32), LONGEST_RETRY)
        return progress.files.attempted + wait

    async def _put_log(
        self, trail: Trail, batch: Batch, place: files.Place, events: Sequence[Mapping[str, Any]]
    ) -> LogFile:
        """Write the log file of a place."""
        file = await asyncio.to_thread(files.log_file, trail, place, batch.id, batch.at, events)
        await self._put(trail, file, {})
        times = [event["eventTime"] for event in events]
        return LogFile(
            account=trail.account,
            region=trail.region,
            trail=trail.name,
            of=place.account,
            at=place.region,
            bucket=trail.bucket,
            object=file.key,
            hash=file.hash,
            oldest=min(times),
            newest=max(times),
            delivered=batch.at,
        )

    async def _put(self, trail: Trail, file: files.File, metadata: Mapping[str, str]) -> None:
        """Write a file to the bucket of a trail. Raises Fault."""
        params: dict[str, Any] = {
            "Bucket": trail.bucket,
            "Key": file.key,
            "Body": await asyncio.to_thread(lambda: file.body),
            "ACL": files.ACL,
            "ContentType": "application/json",
            "ContentEncoding": "gzip",
            "Metadata": dict(metadata),
        }
        if trail.key_arn:
            context = json.dumps(encryption_context(trail)).encode()
            params |= {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": trail.key_arn,
                "SSEKMSEncryptionContext": base64.b64encode(context).decode(),
            }
        await self._make(ServiceCall(principal_of(trail), "s3", "PutObject", params, trail.region))

    async def _notify(self, trail: Trail, last: Attempts, logs: Sequence[LogFile], now: float) -> Attempts:
        """Tell the topic of a trail, if it has one, of its new log files."""
        arn = Arn.find(trail.topic)
        if arn is None or not logs:
            return last
        params = {"TopicArn": trail.topic, "Message": files.notice(trail.bucket, [log.object for log in logs])}
        try:
            await self._make(ServiceCall(principal_of(trail), "sns", "Publish", params, arn.region))
        except Fault as fault:
            return Attempts(attempted=now, succeeded=last.succeeded, error=fault.code)
        return Attempts(attempted=now, succeeded=now)

    async def _commit(self, before: TrailProgress, events: Callable[[State], Sequence[Event]]) -> None:
        """Commit events, if the progress is still the one that they were made of."""

        def handler(state: State) -> Outcome:
            there = state.get(TrailProgress, *self._key) == before
            return Outcome({}, tuple(events(state)) if there else ())

        await self._runtime.ledger.transact(handler, lambda _outcome: ())


def _noted(state: State, logs: Sequence[LogFile], trail: Trail | None) -> list[Event]:
    """The events that note log files for the next digest file of their place, the first of which begins a chain.

    `trail` is None where it has no digest files.
    """
    events: list[Event] = []
    if trail is None:
        return events
    for log in logs:
        events.append(put(log))
        chain = new_chain(trail, log.of, log.at)
        if state.get(DigestChain, chain.account, chain.key) is None:
            events.append(put(chain))
    return events
