"""One import: the log files in a bucket, in the order of their keys, and the ones that failed before.

A file is done with once its events are in the column store and the import says so. After a restart between the two it
is read again, and its events, which are there by their ids, are not added twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from msgspec.structs import replace

from locum.agents.lake.column_store import ColumnStore
from locum.agents.lake.running import committed
from locum.calls import Runtime
from locum.core.calls import ServiceCall
from locum.core.errors import ConfigurationError, Fault
from locum.services.cloudtrail.given_events import GivenEvent
from locum.services.cloudtrail.imports import failures_of, listing, role_of
from locum.services.cloudtrail.log_files import Unreadable, events_of, is_wanted
from locum.state import Event, EventDataStore, State, TrailImport, TrailImportFailure, put
from locum.state.autoscaling import regional

MOST_FAILURES: Final = 1_000
"""Files of an import that fail before it ends."""
_STEP: Final = 4 << 20
"""Characters of events that are added at once."""
_SERVER_ERROR: Final = 500
_log: Final = logging.getLogger("locum.agents")

Make = Callable[[ServiceCall], Awaitable[Mapping[str, Any]]]


class Stopped(Exception):
    """The import has ended, or its event data store is gone."""


class Importing:
    """Carries out an import. Raises LocumError where it has to wait."""

    def __init__(self, runtime: Runtime, make: Make, store: ColumnStore, it: TrailImport) -> None:
        self._runtime = runtime
        self._make = make
        self._store = store
        self._key = it.account, it.key

    async def run(self) -> None:
        """Import what is there, until the end or until the import is stopped."""
        try:
            await self._change(lambda _state, it: (put(replace(it, status="IN_PROGRESS")),))
            await self._retry()
            while await self._page():
                pass
            await self._change(self._ended)
        except Stopped:
            pass
        except (Fault, ConfigurationError) as error:
            if isinstance(error, Fault) and error.status >= _SERVER_ERROR:
                raise
            _log.warning("import %s fails: %s", self._key[1], error)
            await self._fail(error)

    async def _page(self) -> bool:
        """Import the files of the next page of the bucket; whether there are more."""
        it = self._import()
        params = listing(it) | ({"StartAfter": it.after} if it.after else {})
        told = await self._make(ServiceCall(role_of(it), "s3", "ListObjectsV2", params, it.bucket_region))
        found = [unquote_plus(item["Key"]) for item in told.get("Contents") or ()]
        for key in found:
            if is_wanted(it, key):
                await self._file(key)
        if found:
            await self._change(lambda _state, it: (put(replace(it, after=max(it.after, found[-1]))),))
        return bool(told.get("IsTruncated")) and bool(found)

    async def _retry(self) -> None:
        """Read the files again that failed before, where the import was started again."""
        if not self._import().retries:
            return
        failures = [it for it in failures_of(self._runtime.ledger.state, self._import()) if it.status == "FAILED"]
        for failure in failures:
            if failure.file:
                await self._file(failure.file, again=True)
        # Without a file: of the bucket as a whole, which is read again.
        mended = [put(replace(it, status="SUCCEEDED")) for it in failures if not it.file]
        await self._change(lambda _state, it: (*mended, put(replace(it, retries=False))))

    async def _file(self, key: str, *, again: bool = False) -> None:
        """Import one file, or note why it cannot be."""
        it, store = self._import(), self._destination()
        try:
            events = await self._read(it, store, key)
        except Unreadable as error:
            await self._note_failure(key, "InvalidFile", str(error), again=again)
            return
        except Fault as fault:
            if fault.status >= _SERVER_ERROR:
                raise
            await self._note_failure(key, fault.code, fault.message, again=again)
            return
        for step in _steps(events):
            await self._store.add([(store.id, *event) for event in step])
        await self._change(lambda state, it: self._done(state, it, key, len(events), again=again))

    async def _read(self, it: TrailImport, store: EventDataStore, key: str) -> list[GivenEvent]:
        """The events of a file. Raises Unreadable, Fault."""
        params = {"Bucket": it.bucket, "Key": key}
        told = await self._make(ServiceCall(role_of(it), "s3", "GetObject", params, it.bucket_region))
        return await asyncio.to_thread(events_of, it, store, told.get("Body") or b"", self._runtime.clock())

    def _done(self, state: State, it: TrailImport, key: str, events: int, *, again: bool) -> tuple[Event, ...]:
        done = replace(it, files=it.files + 1, events=it.events + events)
        if not again:
            return (put(_moved(done, key)),)
        former = state.get(TrailImportFailure, it.account, regional(it.region, it.id, key))
        succeeded = () if former is None else (replace(former, status="SUCCEEDED", updated=self._runtime.clock()),)
        return (put(done), *map(put, succeeded))

    async def _note_failure(self, key: str, error: str, message: str, *, again: bool) -> None:
        def change(state: State, it: TrailImport) -> tuple[Event, ...]:
            told = TrailImportFailure(
                account=it.account,
                region=it.region,
                of=it.id,
                file=key,
                error=error,
                message=message[:1000],
                updated=self._runtime.clock(),
            )
            moved = it if again else _moved(it, key)
            if len(failures_of(state, it)) >= MOST_FAILURES:
                moved = replace(moved, status="FAILED")
            return put(told), put(moved)

        await self._change(change)

    def _ended(self, state: State, it: TrailImport) -> tuple[Event, ...]:
        failed = any(failure.status != "SUCCEEDED" for failure in failures_of(state, it))
        return (put(replace(it, status="FAILED" if failed else "COMPLETED")),)

    async def _fail(self, error: Exception) -> None:
        """End an import whose bucket cannot be read any more; what was read stays."""
        code = error.code if isinstance(error, Fault) else "UnsupportedOperationException"
        try:
            await self._note_failure("", code, str(error), again=True)
            await self._change(lambda _state, it: (put(replace(it, status="FAILED")),))
        except Stopped:
            pass

    def _import(self) -> TrailImport:
        it = self._runtime.ledger.state.get(TrailImport, *self._key)
        if it is None or not it.under_way:
            raise Stopped
        return it

    def _destination(self) -> EventDataStore:
        it = self._import()
        store = self._runtime.ledger.state.get(EventDataStore, it.account, regional(it.region, it.store))
        if store is None or store.deleted:
            raise Fault("InactiveEventDataStoreException", "The event data store is pending deletion, or gone.")
        return store

    async def _change(self, change: Callable[[State, TrailImport], tuple[Event, ...]]) -> None:
        """Commit a change of the import, if it is still under way. Raises Stopped."""
        now = self._runtime.clock()

        def changed(state: State) -> tuple[Event, ...]:
            it = state.get(TrailImport, *self._key)
            return () if it is None or not it.under_way else change(state, replace(it, updated=now))

        self._import()
        await committed(self._runtime, changed)


def _steps(events: list[GivenEvent]) -> Iterator[list[GivenEvent]]:
    """The events in lists of a bounded length in all."""
    step: list[GivenEvent] = []
    size = 0
    for event in events:
        step.append(event)
        size += len(event.event)
        if size >= _STEP:
            yield step
            step, size = [], 0
    if step:
        yield step


def _moved(it: TrailImport, key: str) -> TrailImport:
    """An import that is done with the file `key`."""
    folder = key.rpartition("/")[0]
    return replace(it, after=max(it.after, key), folder=folder, folders=it.folders + (folder != it.folder))
