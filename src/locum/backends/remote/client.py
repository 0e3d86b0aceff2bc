"""The port of a backend, over connections to the process that has the backends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Container, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from locum.backends.port import Backend, BackendCall, Carried
from locum.backends.remote.channel import Channel, ChannelLost
from locum.backends.remote.handshake import NotOfThisInstallation, shown_by_server
from locum.backends.remote.messages import (
    STANDS,
    UNDO,
    Answer,
    AskFacts,
    AskTold,
    Broken,
    Done,
    Facts,
    Forget,
    Question,
    Refused,
    Told,
    encode,
    fault_of,
    question_of,
    read_answer,
    told_arn,
)
from locum.backends.remote.places import CONNECTING, Place
from locum.core.clock import Entropy
from locum.core.errors import Fault, LocumError
from locum.core.http import HttpResponse
from locum.core.resources import ResourceFacts

MOST_IDLE: Final = 32
"""Connections that are kept for later calls."""

MOST_CONNECTING: Final = 16
"""Connections that are made at the same time, of which a server does not have too many that are nobody's yet."""

STREAMED: Final = 1 << 20
"""Octets from which on an answer that an operation streams is passed on piece by piece."""


class BackendFailed(LocumError):
    """The backend in the other process raised an unexpected exception, which that one has in its log."""


class RemoteBackend(Backend):
    """The backends at `place`, whose process has the same `key`, which is had once it is needed.

    `seen` tells how much of the journal is seen here. `used` has the services that may have something, where that is
    known.
    """

    forgets = True

    def __init__(
        self,
        place: Place,
        key: Callable[[], bytes],
        entropy: Entropy,
        seen: Callable[[], int],
        used: Container[str] | None = None,
    ) -> None:
        self._place = place
        self._key = key
        self._entropy = entropy
        self._seen = seen
        self._used = used
        self._idle: list[Channel] = []
        self._undoing: set[asyncio.Task[None]] = set()
        self._connecting = asyncio.Semaphore(MOST_CONNECTING)
        self._closed = False

    async def call(self, call: BackendCall) -> Carried:
        channel, answer = await self._asked(question_of(call, self._seen()), call.service, call.body)
        whole = False
        try:
            if not isinstance(answer, Done):
                raise _unexpected(answer, call.service)
            if answer.decide_again:
                call.decide_again()
            response = HttpResponse(answer.status, answer.headers)
            if _streams(call, answer):
                response.headers = _with_length(answer)
                response.body = self._pieces(channel, answer.octets)
                whole = True
                return Carried(response, answer.deliveries)
            response.body = await _body(channel, answer.octets)
            whole = True
            return self._carried(channel, answer, response, call.service)
        except ChannelLost as error:
            raise _unavailable(call.service) from error
        finally:
            if not whole:
                channel.close()

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        answer = await self._told(
            AskFacts(service, told_arn(arn), account, region, tuple(parts), self._seen()), service
        )
        if not isinstance(answer, Facts):
            raise _unexpected(answer, service)
        return answer.facts

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        question = AskTold(service, operation, dict(params), account, region, self._seen())
        answer = await self._told(question, service)
        if not isinstance(answer, Told):
            raise _unexpected(answer, service)
        return answer.told

    def in_use(self, service: str) -> bool:
        return self._used is None or service in self._used

    async def forget(self, account: str) -> None:
        await self._told(Forget(account, self._seen()), "the account")

    async def close(self) -> None:
        self._closed = True
        if self._undoing:
            await asyncio.wait(self._undoing, timeout=CONNECTING)
        for channel in self._idle:
            channel.close()
        self._idle.clear()

    async def _told(self, question: Question, service: str) -> Answer:
        """The answer to a question that changes nothing, or may be asked twice."""
        channel, answer = await self._asked(question, service)
        self._keep(channel)
        return answer

    async def _asked(self, question: Question, service: str, body: bytes = b"") -> tuple[Channel, Answer]:
        """The answer to a question, and the connection, on which its body follows. Raises Fault."""
        if self._undoing:
            await asyncio.wait(self._undoing)
        try:
            content = encode(question)
        except (OverflowError, RecursionError, TypeError) as error:
            raise Fault("ValidationException", "The request has a parameter that cannot be read.") from error
        channel, answered = await self._connected(service), False
        try:
            await channel.send(content, body)
            answer = read_answer(await channel.receive())
            answered = True
        except (ChannelLost, msgspec.MsgspecError) as error:
            raise _unavailable(service) from error
        finally:
            if not answered:
                channel.close()
        if isinstance(answer, Refused | Broken):
            self._keep(channel)
            raise _unexpected(answer, service)
        return channel, answer

    async def _connected(self, service: str) -> Channel:
        """A connection whose both ends have shown that they are of this installation. Raises Fault."""
        while self._idle:
            channel = self._idle.pop()
            if not channel.ended:
                return channel
            channel.close()
        try:
            async with self._connecting, asyncio.timeout(CONNECTING):
                return await self._introduced()
        except (ChannelLost, TimeoutError) as error:
            raise _unavailable(service) from error

    async def _introduced(self) -> Channel:
        """A new connection. Raises ChannelLost."""
        channel, binding = await self._place.connect()
        try:
            await shown_by_server(channel, self._key(), self._entropy, binding)
        except BaseException:
            channel.close()
            raise
        return channel

    def _keep(self, channel: Channel) -> None:
        """Keep a connection for later, on which nothing is under way any more."""
        if self._closed or channel.ended or len(self._idle) >= MOST_IDLE:
            channel.close()
        else:
            self._idle.append(channel)

    async def _pieces(self, channel: Channel, octets: int) -> AsyncIterator[bytes]:
        """The body of an answer, piece by piece. Raises Fault where it breaks off."""
        whole = False
        try:
            async for piece in channel.frames() if octets < 0 else channel.pieces(octets):
                yield piece
            whole = True
        except ChannelLost as error:
            raise _unavailable("the object") from error
        finally:
            if whole:
                self._keep(channel)
            else:
                channel.close()

    def _carried(self, channel: Channel, answer: Done, response: HttpResponse, service: str) -> Carried:
        if not answer.may_undo:
            self._keep(channel)
            return Carried(response, answer.deliveries)

        async def stands() -> None:
            try:
                await self._settle(channel, STANDS)
            except ChannelLost as error:
                raise _unavailable(service) from error

        def undo() -> None:
            task = asyncio.ensure_future(self._undone(channel))
            self._undoing.add(task)
            task.add_done_callback(self._undoing.discard)

        return Carried(response, answer.deliveries, undo, stands)

    async def _undone(self, channel: Channel) -> None:
        with suppress(ChannelLost):  # the other end undoes it when the connection ends
            await self._settle(channel, UNDO)

    async def _settle(self, channel: Channel, word: bytes) -> None:
        """Say what is to become of a call, and wait until it has. Raises ChannelLost."""
        said = b""
        try:
            await channel.send(word)
            said = await channel.receive(len(STANDS))
        finally:
            if said == word:
                self._keep(channel)
            else:
                channel.close()


def _streams(call: BackendCall, answer: Done) -> bool:
    """Whether the response is passed on as it comes. Errors, documents and what may be undone are read completely."""
    if answer.status >= 300 or answer.may_undo or not (answer.octets < 0 or answer.octets > STREAMED):
        return False
    return bool(call.model.has_streaming_output or call.model.has_event_stream_output)


def _with_length(answer: Done) -> list[tuple[str, str]]:
    if answer.octets < 0:
        return answer.headers
    others = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
    return [*others, ("Content-Length", str(answer.octets))]


async def _body(channel: Channel, octets: int) -> bytes:
    """The whole body of an answer. Raises ChannelLost."""
    if octets >= 0:
        return await channel.octets(octets) if octets else b""
    return b"".join([piece async for piece in channel.frames()])


def _unavailable(service: str) -> Fault:
    return Fault("ServiceUnavailable", f"The backend of {service} did not answer.", 503)


def _unexpected(answer: Answer, service: str) -> LocumError:
    """The error that an answer is which is not the one to the question."""
    if isinstance(answer, Refused):
        return fault_of(answer)
    if isinstance(answer, Broken):
        return BackendFailed(f"the backend of {service} raised {answer.what}")
    return BackendFailed(f"the backend of {service} answered something else")


__all__ = ["BackendFailed", "NotOfThisInstallation", "RemoteBackend"]
