"""What is asked of the backends of another process, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from locum.backends.port import BackendCall, Carried, Delivery, Origin
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.partial_arn import Missing, Name, PartialArn
from locum.core.principal import Caller
from locum.core.resources import ResourceFacts
from locum.wire.codec import codec
from locum.wire.models import index


class Carry(msgspec.Struct, tag="carry", omit_defaults=True):
    """A call to be carried out: `BackendCall` without what is no plain data. Its body follows, of `octets`.

    `after` is the number of the journal's entry that whoever asks has seen. `payload` is the parameter that
    the body is.
    """

    service: str
    operation: str
    protocol: str
    account: str
    region: str
    request: tuple[str, str, str, dict[str, str], str, bool]
    params: dict[str, Any]
    caller: Caller
    origin: Origin
    resources: tuple[str, ...] = ()
    host_bucket: str = ""
    effect: str = ""
    access_point: str = ""
    payload: str = ""
    octets: int = 0
    in_json: bool = False
    after: int = 0


class Partial(msgspec.Struct, tag="partial"):
    """A `PartialArn`: each part with whether it is a text, not the kind of what is missing."""

    parts: tuple[tuple[str, bool], ...]
    name: tuple[str, str] | None = None


class AskFacts(msgspec.Struct, tag="facts", omit_defaults=True):
    """`Backend.facts`."""

    service: str
    arn: str | Partial
    account: str
    region: str
    parts: tuple[str, ...] = ()
    after: int = 0


class AskTold(msgspec.Struct, tag="told", omit_defaults=True):
    """`Backend.told`."""

    service: str
    operation: str
    params: dict[str, Any]
    account: str
    region: str
    after: int = 0


class Forget(msgspec.Struct, tag="forget", omit_defaults=True):
    """`Backend.forget`, of all backends."""

    account: str
    after: int = 0


Question = Carry | AskFacts | AskTold | Forget


class Done(msgspec.Struct, tag="done", omit_defaults=True):
    """A call that was carried out. Its body follows: `octets`, or frames until an empty one where it is -1.

    `may_undo`: the server keeps it undone or not until it is told. `decide_again`: whoever asks is to decide on it
    before the answer is anybody's.
    """

    status: int
    headers: list[tuple[str, str]]
    octets: int
    deliveries: tuple[Delivery, ...] = ()
    may_undo: bool = False
    decide_again: bool = False


class Facts(msgspec.Struct, tag="facts", omit_defaults=True):
    """The answer to AskFacts."""

    facts: ResourceFacts


class Told(msgspec.Struct, tag="told", omit_defaults=True):
    """The answer to AskTold."""

    told: dict[str, Any] | None


class Forgotten(msgspec.Struct, tag="forgotten"):
    """The answer to Forget."""


class Refused(msgspec.Struct, tag="refused", omit_defaults=True):
    """A `Fault`."""

    code: str
    message: str
    status: int
    members: dict[str, Any] = {}
    resource: str | None = None


class Broken(msgspec.Struct, tag="broken"):
    """What is no Fault: the class of the exception. The server's log has the rest."""

    what: str


Answer = Done | Facts | Told | Forgotten | Refused | Broken

UNDO: Final = b"undo"
STANDS: Final = b"stands"
"""What becomes of a call that may be undone: the one or the other is acknowledged with the same."""


def _plain(value: Any) -> Any:
    """What msgspec does not know, as what it does: other mappings, texts and collections than Python's own."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"no value of a message: {type(value).__name__}")


encode: Final[Callable[[Question | Answer], bytes]] = msgspec.msgpack.Encoder(enc_hook=_plain).encode
read_question: Final[Callable[[bytes], Question]] = msgspec.msgpack.Decoder(Question).decode
read_answer: Final[Callable[[bytes], Answer]] = msgspec.msgpack.Decoder(Answer).decode


def question_of(call: BackendCall, after: int) -> Carry:
    """The question that has `call` carried out. What its body is, is not in it."""
    request, payload = call.request, _payload(call)
    params = {name: value for name, value in call.params.items() if name != payload or not payload}
    return Carry(
        service=call.service,
        operation=call.operation,
        protocol=call.protocol,
        account=call.account,
        region=call.region,
        request=_plain_request(request),
        params=params,
        caller=call.caller,
        origin=call.origin,
        resources=call.resources,
        host_bucket=call.host_bucket,
        effect=call.effect,
        access_point=call.access_point,
        payload=payload,
        octets=len(call.body),
        in_json=call.codec.in_json,
        after=after,
    )


def call_of(question: Carry, body: bytes, decide_again: Callable[[], None]) -> BackendCall:
    """The call of a question. Raises Fault where this version knows no such operation."""
    service = index().services.get(question.service)
    found = None if service is None else codec(service, question.operation, question.protocol)
    if found is None:
        raise Fault("NotImplemented", f"{question.service}:{question.operation} is not known here.", 501)
    method, path, query, headers, source_ip, secure = question.request
    return BackendCall(
        codec=found.answering_in_json if question.in_json else found,
        account=question.account,
        region=question.region,
        request=HttpRequest(method, path, query, headers, body, source_ip, secure),
        body=body,
        params={**question.params, question.payload: body} if question.payload else question.params,
        host_bucket=question.host_bucket,
        effect=question.effect,
        origin=question.origin,
        access_point=question.access_point,
        caller=question.caller,
        decide_again=decide_again,
        resources=question.resources,
    )


def _plain_request(request: HttpRequest) -> tuple[str, str, str, dict[str, str], str, bool]:
    """A request without its body."""
    headers = dict(request.headers)
    return request.method, request.raw_path, request.query_string, headers, request.source_ip, request.secure


def _payload(call: BackendCall) -> str:
    """The parameter that is the body itself; empty where none is."""
    body = call.body
    return next((name for name, value in call.params.items() if value is body), "") if body else ""


def told_arn(arn: str) -> str | Partial:
    """`arn` for a question. What is known of it in part is not the text that it looks like."""
    if not isinstance(arn, PartialArn):
        return arn
    parts = tuple((part, True) if isinstance(part, str) else (part.value, False) for part in arn.parts)
    return Partial(parts, None if arn.name is None else (arn.name.kind, arn.name.value))


def arn_in(told: str | Partial) -> str:
    """The ARN that a question is about."""
    if isinstance(told, str):
        return told
    parts = tuple(part if known else Missing(part) for part, known in told.parts)
    return PartialArn(parts, None if told.name is None else Name(*told.name))


def answer_of(carried: Carried, *, decide_again: bool) -> Done:
    """The answer that tells of `carried`."""
    response = carried.response
    octets = len(response.body) if isinstance(response.body, bytes) else -1
    may_undo = carried.undo is not None
    return Done(response.status, response.headers, octets, carried.deliveries, may_undo, decide_again)


def refused(fault: Fault) -> Refused:
    """The answer that tells of a fault."""
    return Refused(fault.code, fault.message, fault.status, dict(fault.members), fault.resource)


def fault_of(answer: Refused) -> Fault:
    """The fault that an answer tells of."""
    return Fault(answer.code, answer.message, answer.status, members=answer.members, resource=answer.resource)


__all__ = [
    "STANDS",
    "UNDO",
    "Answer",
    "AskFacts",
    "AskTold",
    "Broken",
    "Carry",
    "Done",
    "Facts",
    "Forget",
    "Forgotten",
    "Partial",
    "Question",
    "Refused",
    "Told",
    "answer_of",
    "arn_in",
    "call_of",
    "encode",
    "fault_of",
    "question_of",
    "read_answer",
    "read_question",
    "refused",
    "told_arn",
]
