"""Amazon Kinesis Data Streams: streams and consumers by name or ARN, and the stream of a shard iterator."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.partial_arn import NEW, UNKNOWN, arn_of
from locum.state import State

_ITERATOR_PARTS: Final = 3


def _arn(call: Call, name: str | None) -> str:
    return name if name is not None and name.startswith("arn:") else own_arn(call, "kinesis", "stream/", name)


def _stream(state: State, call: Call, values: Values) -> Iterable[str]:
    """A stream by name or ARN, or the stream of a consumer's ARN."""
    name = values[0]
    yield _arn(call, name and name.partition("/consumer/")[0])


def _consumer(state: State, call: Call, values: Values) -> Iterable[str]:
    """A consumer by its name and the stream's ARN; its time of creation, which ends its ARN, is not known."""
    stream, name = values
    made = NEW if call.operation == "RegisterStreamConsumer" else UNKNOWN
    yield arn_of(stream or UNKNOWN, "/consumer/", name or UNKNOWN, ":", made)


def _of_iterator(state: State, call: Call, values: Values) -> Iterable[str]:
    """The stream of a shard iterator, which in local backends is `STREAM:SHARD:SEQUENCE` in Base64; else any stream.

    The embedded backend writes it in lines.
    """
    try:
        parts = base64.b64decode((values[0] or "").replace("\n", ""), validate=True).decode("ascii").split(":")
    except (binascii.Error, UnicodeDecodeError):
        parts = []
    yield _arn(call, parts[0] if len(parts) == _ITERATOR_PARTS else None)


FUNCTIONS: Final = Functions(
    resolvers={"kinesis_consumer": _consumer, "kinesis_of_iterator": _of_iterator, "kinesis_stream": _stream}
)
