"""The default backend: moto in this process.

moto is plain Python, and knows no threads: its code runs in one thread at a time (`turns`). Calls that are known to be
short run on the event loop where no other call is being carried out, all others on a few threads.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from moto.core.exceptions import ServiceException
from moto.core.request import Request
from werkzeug.exceptions import HTTPException

from locum.backends import translate
from locum.backends.directory import Directory
from locum.backends.kept_files import Keeping
from locum.backends.moto import (
    access_points,
    additions,
    api_deployments,
    definitions,
    deliveries,
    facts,
    fence,
    handlers,
    identity,
    instances,
    internals,
    invoke_settings,
    items,
    lookups,
    objects,
    qualifiers,
    reach,
    recall,
    s3,
    s3_acls,
    s3_locks,
    s3_owners,
    s3_tags,
    s3_tiering,
    uploads,
)
from locum.backends.moto.bodies import Body
from locum.backends.moto.keeping import Keeper, changes, forget_everything
from locum.backends.moto.long_polls import LongPolls
from locum.backends.moto.requests import FORM_PROTOCOLS, PlainRequest, environ_of
from locum.backends.moto.s3 import not_implemented
from locum.backends.moto.turns import Taken, at_once, in_turn
from locum.backends.moto.workers import Workers, contained
from locum.backends.port import BackendCall, Carried
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.resources import ResourceFacts
from locum.wire.models import CBOR

SHORT: Final = {
    "s3": frozenset({"GetObject", "HeadObject", "HeadBucket", "DeleteObject", "GetBucketLocation"}),
    "dynamodb": frozenset({"GetItem", "DeleteItem", "DescribeTable"}),
    "sns": frozenset({"CreateTopic", "GetTopicAttributes"}),
    "sqs": frozenset({"GetQueueUrl"}),
    "ssm": frozenset({"PutParameter"}),
}
"""Calls that mostly take well under a millisecond, and not longer the more is there.

Others do: those that list or search, UpdateItem with the size of the item, GetQueueAttributes and CreateQueue (of a
queue that is there) with its messages; GetParameter loads thousands of public parameters.
"""

SHORT_WITH: Final = {"s3": {"PutObject": 1 << 14}, "dynamodb": {"PutItem": 1 << 12}}
"""Calls that take about as long if their body has at most so many octets."""

SimpleRead = Callable[[BackendCall], HttpResponse | None]

_SIMPLE_READS: Final[dict[tuple[str, str], SimpleRead]] = {
    ("s3", "GetObject"): objects.read,
    ("s3", "HeadObject"): objects.read,
    ("dynamodb", "GetItem"): items.read,
}
"""Short calls that mostly need not go through moto's handler."""

_OWN_OF_S3: Final[dict[str, Callable[[BackendCall], HttpResponse | None]]] = {
    "CreateBucket": s3_owners.made_again,
    "DeleteBucketTagging": s3_tags.delete,
    "GetObjectRetention": s3_locks.retention,
    "PutBucketTagging": s3_tags.put,
    "PutObject": objects.write,
    "PutObjectAcl": s3_owners.set_object_acl,
    **s3_tiering.OPERATIONS,
}
"""Calls that are carried out without moto's handler, where that is possible."""

_ANSWERS_OF_S3: Final[dict[str, Callable[[BackendCall, HttpResponse], HttpResponse]]] = {
    "GetBucketAcl": s3_owners.with_acl,
    "GetObjectAcl": s3_owners.with_acl,
    "GetBucketPolicyStatus": s3_acls.policy_status,
    "GetObjectLockConfiguration": s3_locks.with_configuration,
    "PutBucketPolicy": s3.without_content,
}
"""The answers in place of moto's responses."""

WAITING: Final = {
    "swf": frozenset({"PollForActivityTask", "PollForDecisionTask"}),
    "lambda": frozenset({"Invoke", "InvokeAsync"}),
}
"""Calls in which moto waits for something: they cannot have the turn while they do."""

_HOP_BY_HOP: Final = frozenset({"status", "server", "date", "connection", "transfer-encoding"})
_UNWANTED_VARIABLES: Final = ("MOTO_ACCOUNT_ID", "INITIAL_NO_AUTH_ACTION_COUNT", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""Environment variables that make moto use one account, authorize calls itself, or look for an AWS profile."""


class EmbeddedMoto:
    """moto as a Backend. Its data is in memory, and is kept where it is `given` files for it."""

    forgets = True

    def __init__(self, directory: Directory, given: Keeping | None = None) -> None:
        for name in _UNWANTED_VARIABLES:
            os.environ.pop(name, None)
        self._directory = directory
        self._installed: set[str] = set()
        self._loaded: set[str] = set()
        self._workers = Workers()
        self._instances = instances.LentInstances(directory)
        self._long_polls = LongPolls(self._carry_quickly)
        deliveries.divert()
        fence.put_up()
        internals.keep_bodies_in(Body)
        internals.write_dates_once()
        internals.compute_names_once()
        internals.let_go_of_models()
        self._keeper = None if given is None else Keeper(*given)

    async def call(self, call: BackendCall) -> Carried:
        service = call.service
        if call.account not in self._installed:
            identity.lend(self._directory, call.account)
            self._installed.add(call.account)
        if service == "s3":
            s3.check(call)
        fence.check(call)
        if service not in self._loaded:
            await self._load(service)
        if service == "sqs":
            return await self._long_polls.call(call)
        return await self._carry_quickly(call)

    async def _carry_quickly(self, call: BackendCall) -> Carried:
        """Carry out a call: one that is short, at once, where no thread has the turn."""
        simple = _SIMPLE_READS.get((call.service, call.operation))
        if simple is not None or _is_short(call):
            with suppress(Taken):
                return at_once(contained, _carry_out_shortly, call, simple)
        return await self._carry(call)

    async def _load(self, service: str) -> None:
        """Load moto's module of `service` beside the event loop, as it may take seconds.

        That has its turn as well: modules that import one another are not to be imported in two threads.
        """
        await self._workers.run(in_turn, self._load_in_turn, service)
        self._loaded.add(service)

    def _load_in_turn(self, service: str) -> None:
        """Load a service, with what was kept of it and of those that it reaches."""
        handlers.load(service)
        part = handlers.module_of(service)
        if self._keeper is None or part is None:
            return
        self._keeper.used(service, part)
        for each in (part, *reach.reached_by(part)):
            self._keeper.recall(each)

    async def _carry(self, call: BackendCall) -> Carried:
        """Carry out a call in one of the threads."""
        if call.operation in WAITING.get(call.service, ()):
            return await self._workers.run(_wait, call)
        if call.service in instances.USERS:
            return await self._workers.run(in_turn, self._carry_out_with_instances, call)
        return await self._workers.run(in_turn, carry_out, call)

    def _carry_out_with_instances(self, call: BackendCall) -> Carried:
        self._instances.lend(call.account, call.region)
        return carry_out(call)

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        if service not in self._loaded and facts.knows(service):
            await self._load(service)
        try:
            return at_once(contained, facts.facts, service, arn, account, region, parts)
        except Taken:
            return await self._workers.run(in_turn, facts.facts, service, arn, account, region, parts)

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        if (service, operation) != ("ec2", "DescribeInstances"):
            return None
        if service not in self._loaded:
            await self._load(service)
        return await self._workers.run(in_turn, self._instances.described, account, region)

    def in_use(self, service: str) -> bool:
        return service in self._loaded

    async def prepare(self, service: str) -> None:
        """Have what is kept of a service be there."""
        if service not in self._loaded:
            await self._load(service)

    async def resume(self) -> None:
        """Nothing of moto's own goes on by itself."""

    async def save(self, work: Callable[[], None]) -> None:
        """Keep everything as it is now, and do `work` with the files of it, in a thread."""
        if self._keeper is None:
            await asyncio.to_thread(work)
        else:
            await asyncio.to_thread(self._keeper.copied, work)

    async def forget(self, account: str) -> None:
        lookups.end(account)
        forget = forget_everything if self._keeper is None else self._keeper.forget_account
        await self._workers.run(in_turn, forget, account)
        self._installed.discard(account)

    async def close(self) -> None:
        self._workers.close()
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.close)


def _wait(call: BackendCall) -> Carried:
    """Carry out a call that waits. What it changes in the end may be in no snapshot that was written meanwhile."""
    try:
        return carry_out(call)
    finally:
        recall.changing(handlers.module_of(call.service) or "")


def _is_short(call: BackendCall) -> bool:
    if call.operation in SHORT.get(call.service, ()):
        return True
    largest = SHORT_WITH.get(call.service, {}).get(call.operation)
    return largest is not None and len(call.body) <= largest


def _carry_out_shortly(call: BackendCall, simple: SimpleRead | None) -> Carried:
    """Carry out a call, by `simple` and without moto's handler where that is possible."""
    read = None if simple is None else simple(call)
    return carry_out(call) if read is None else Carried(read)


def carry_out(call: BackendCall) -> Carried:
    """Run moto's handler for `call` in this thread. Raises Fault where moto has no such service or operation."""
    if call.service == "s3":
        uploads.check(call)
        s3_acls.check(call)
        s3_locks.check(call)
        access_points.check_bucket(call)
    part = handlers.module_of(call.service) or ""
    if changes(call.service, call.operation):
        recall.changing(part)
    allowed = lookups.Within(part, call.account, f"{call.service}:{call.operation}")
    with allowed, deliveries.collecting(call) as collected:
        response = _OWN_RESPONSES.get(call.service, _response_to)(call)
    return collected.after(response, part)


def _response_of_s3(call: BackendCall) -> HttpResponse:
    """The response of moto's S3, with what moto does not keep or tell of uploads, owners and policies."""
    own = _OWN_OF_S3.get(call.operation)
    carried = None if own is None else own(call)
    response = _response_to(call) if carried is None else carried
    uploads.remember(call, response)
    uploads.name_no_null_version(call, response)
    s3_owners.remember_owner(call, response)
    tell = _ANSWERS_OF_S3.get(call.operation)
    return s3_owners.with_canonical_ids(call, response, uploads.owner(call)) if tell is None else tell(call, response)


def _response_of_s3_control(call: BackendCall) -> HttpResponse:
    """The response of moto's S3 Control, but for what it does not know of access points."""
    access_points.check(call)
    own = access_points.OPERATIONS.get(call.operation)
    return _response_to(call) if own is None else call.codec.serialize(own(call), "")


def _response_of_lambda(call: BackendCall) -> HttpResponse:
    """The response of moto's Lambda, of the function, version or alias that the call names."""
    own = invoke_settings.response(call)
    if own is not None:
        return own
    call = qualifiers.apart(call)
    own = qualifiers.policy(call)
    return _response_to(call) if own is None else own


def _response_of_apigateway(call: BackendCall) -> HttpResponse:
    """The response of moto's API Gateway, to a definition that it can import, of a deployment as it is."""
    api_deployments.follow(call)
    return _response_to(definitions.understood(call))


_OWN_RESPONSES: Final = {
    "apigateway": _response_of_apigateway,
    "lambda": _response_of_lambda,
    "s3": _response_of_s3,
    "s3control": _response_of_s3_control,
}


def _response_to(call: BackendCall) -> HttpResponse:
    own = additions.OPERATIONS.get((call.service, call.operation))
    if own is not None:
        return call.codec.serialize(own(call), "")
    protocol = translate.protocol_for(call.model, call.protocol)
    service = handlers.find(call.service, call.endpoint_prefix, call.signing_name, call.region, call.account)
    if service is None or protocol is None:
        raise not_implemented(call)
    if not handlers.has_region(call.service, call.account, call.region):
        raise Fault("SignatureDoesNotMatch", "Credential should be scoped to a valid region. ", 403)
    restated = translate.restated(call.model, protocol, _with_queue_name(call))
    handler = service.handler(f"https://{service.host}{restated.path}")
    if handler is None:
        raise not_implemented(call)
    environ = environ_of(call, service.host, restated, protocol)
    form = protocol in FORM_PROTOCOLS
    request = Request(environ, populate_request=False) if form else PlainRequest(environ, restated.body)
    answer = _run_handler(call, handler, request)
    if protocol == "json":  # which moto sometimes gets wrong
        _set_content_type(answer, restated.headers["content-type"])
    if call.protocol != CBOR:
        return answer
    assert isinstance(answer.body, bytes)
    output = translate.read_answer(call.model, protocol, answer.status, answer.headers, answer.body)
    return call.codec.serialize(output, "")


def _run_handler(call: BackendCall, handler: handlers.Handler, request: Request) -> HttpResponse:
    try:
        status, headers, body = handler(request, request.raw_url, request.headers)
    except ServiceException as error:
        raise Fault(error.code or "InternalFailure", error.message, _status_of(call, error.code)) from error
    except HTTPException as error:
        status, headers, body = error.code or 500, dict(error.get_headers()), error.get_body()
    except NotImplementedError as error:
        raise not_implemented(call) from error
    hidden = _HOP_BY_HOP if request.method == "HEAD" else _HOP_BY_HOP | {"content-length"}
    kept = [(name, str(value)) for name, value in headers.items() if name.lower() not in hidden]
    return HttpResponse(int(status), kept, _answer_body(body))


def _set_content_type(answer: HttpResponse, content_type: str) -> None:
    kept = [pair for pair in answer.headers if pair[0].lower() != "content-type"]
    answer.headers = [*kept, ("Content-Type", content_type)]


def _with_queue_name(call: BackendCall) -> Mapping[str, Any]:
    """The parameters, with a queue's name in place of its URL, of which moto sometimes parses another name."""
    url = call.params.get("QueueUrl") if call.service == "sqs" else None
    if url is None:
        return call.params
    segments = [part for part in urlsplit(url).path.split("/") if part]
    return {**call.params, "QueueUrl": segments[-1] if segments else ""}


def _status_of(call: BackendCall, code: str) -> int:
    for shape in call.model.service_model.error_shapes:
        if code in (shape.name, shape.error_code):
            return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
    return 400


def _answer_body(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if body is None:
        return b""
    return b"".join(part if isinstance(part, bytes) else part.encode() for part in body)
