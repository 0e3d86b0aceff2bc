"""Conversion of an HTTP request to a call, and of its result to an HTTP response.

Authentication, resolution of the operation and parsing are done here, and `calls` takes the call from there. Both raise
Fault for errors. A failed request is recorded as far as it was parsed, and `wire` renders AWS's error for the protocol.
"""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from typing import TYPE_CHECKING, Final

from locum import sigv4, wire
from locum.authz import Refusal
from locum.calls import Calls, RequestContext, Runtime
from locum.calls.recorder import traceback_of
from locum.calls.throttling import throttled
from locum.core.errors import INTERNAL, Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.core.principal import NOBODY
from locum.gateway import hosts, seen
from locum.gateway.access_log import AccessLog
from locum.gateway.answers import with_request_id
from locum.gateway.authenticate import Signer, Signers, check_session, signing_of, verified
from locum.gateway.call_metrics import CallMetrics
from locum.gateway.federation import FederatedCallers
from locum.gateway.forms import Forms
from locum.gateway.issuerkeys import IssuerKeys
from locum.gateway.strangers import Strangers
from locum.gateway.website import Websites
from locum.sigv4.certificate_signing import is_signed_by_certificate
from locum.wire import Codec

if TYPE_CHECKING:
    from locum.gateway.tracing import Tracing

LARGE: Final = 1 << 20
"""Octets. The signature of a request with a larger body is verified beside the event loop."""

_log: Final = logging.getLogger("locum.gateway")


class Pipeline:
    """The handling of HTTP requests."""

    def __init__(
        self,
        runtime: Runtime,
        calls: Calls,
        issuer_keys: IssuerKeys,
        strangers: Strangers | None = None,
        access_log: AccessLog | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._runtime = runtime
        self._calls = calls
        self._signers = Signers(runtime.keyring)
        self._forms = Forms(calls, self._signers, runtime.ledger)
        self._websites = Websites(calls)
        self._federated = FederatedCallers(runtime, issuer_keys)
        self._strangers = strangers or Strangers()
        self._access_log = access_log
        self._tracing = tracing
        self.metrics = CallMetrics()

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """The response to `request`. An error on a state that is outdated leads to a second try. Raises nothing."""
        context, ledger = self._calls.begin(request), self._runtime.ledger
        if ledger.stale:
            try:
                context.state = await ledger.fresh()
            except Fault as fault:  # nobody is authenticated, and nothing is recorded
                return self._logged(context, _rendered(context, fault), fault.code)
        try:
            try:
                return self._logged(context, await self._handle(context))
            except Fault:
                if not await self._calls.outdated(context):
                    raise
            context = self._calls.begin(request)
            return self._logged(context, await self._handle(context))
        except Fault as fault:
            return await self._failed(context, fault)
        except Exception as error:  # the fault barrier: no internals in the response
            _log.error("request %s failed\n%s", context.request_id, traceback_of(error, context))
            return await self._failed(context, Fault(*INTERNAL))
        finally:
            # The answer is delayed, not the decision, which is made on what is true when the request comes.
            if self._runtime.injections.some:
                await self._runtime.injections.hold(context)

    def _logged(self, context: RequestContext, response: HttpResponse, code: str = "") -> HttpResponse:
        """`response`, counted, with its line in the access log and its span."""
        seen.told(self._runtime.ledger, context.request, response)
        now = self._runtime.clock.wall()
        self.metrics.add(context, response.status, now, code)
        if self._access_log is not None:
            self._access_log.add(context, response.status, now, code)
        if self._tracing is not None:
            self._tracing.add(context, response.status, now, code)
        return response

    def refusal(self, request: HttpRequest, fault: Fault) -> HttpResponse:
        """The response for `fault` to a request that was not read completely."""
        context = self._calls.begin(request)
        return self._logged(context, self._error_response(context, fault), fault.code)

    def knows_signer(self, request: HttpRequest) -> bool:
        """Whether the request names an existing key. The signature is only verified of a form, once it has a body."""
        state = self._runtime.ledger.state
        try:
            claim = sigv4.read(request)
            if claim is None and wire.is_post_form(request):
                return not request.body or self._forms.knows_signer(state, request, self._runtime.clock.wall())
            return claim is not None and bool(self._signers.find(state, claim).secret)
        except Fault:
            return False

    async def _handle(self, context: RequestContext) -> HttpResponse:
        request = context.request
        if request.method == "OPTIONS" and (bucket := wire.preflighted_bucket(request)):
            # whatever its query is: it may be that of a presigned URL for another method
            return await self._calls.preflight(context, bucket)
        site = wire.website_of_host(request.headers.get("host", ""))
        if site:
            return await self._websites.answer(context, site)
        if is_signed_by_certificate(request):
            certificates = import_module("locum.gateway.certificates")  # late: few planes know certificates
            response: HttpResponse = await certificates.create_session(self._calls, context)
            return response
        claim = sigv4.read(request)
        context.region = hosts.region_of(request, claim) or context.region
        if claim is None and wire.is_post_form(request):
            return await self._forms.handle(context)
        if claim is not None:
            context.region = claim.scope.region or context.region
            context.signing = signing_of(claim, context.wall)
        signer = self._signers.find(context.state, claim)
        codec = context.codec = wire.resolve(request, None if claim is None else claim.scope.service)
        body = await _verified(context, codec, signer, claim)
        ledger = self._runtime.ledger
        if seen.concerns(ledger, request) and await seen.caught_up(ledger, context, signer, claim):
            signer = self._signers.find(context.state, claim)
            body = await _verified(context, codec, signer, claim)
        context.body = body
        context.caller = signer.caller
        if claim is not None:
            request = context.request = sigv4.without_chunk_framing(request, claim, body)
        self._calls.name(context, codec, codec.parse(request, body))
        if self._federated.handles(codec):
            context.caller = await self._federated.caller(context, codec)
        answer = await self._calls.take(context)
        if not isinstance(answer, dict):
            return with_request_id(answer, codec, context.request_id)
        if context.operation is not None and context.operation.computes:  # serializing it may take long, too
            return await asyncio.to_thread(codec.serialize, answer, context.request_id)
        return codec.serialize(answer, context.request_id)

    async def _failed(self, context: RequestContext, fault: Fault) -> HttpResponse:
        if isinstance(fault, Refusal):
            context.authorization = fault.authorization
        response = self._error_response(context, fault)
        try:
            await self._calls.settle(context)
        except Fault as unrecorded:
            return self._logged(context, _rendered(context, unrecorded), unrecorded.code)
        return self._logged(context, response, fault.code)

    def _error_response(self, context: RequestContext, fault: Fault) -> HttpResponse:
        if context.caller is NOBODY and not self._strangers.admit(context.request.source_ip, context.wall):
            fault = throttled("" if context.codec is None else context.codec.protocol)
        else:
            fault = self._calls.refuse(context, fault)
        return _rendered(context, fault)


async def _verified(context: RequestContext, codec: Codec, signer: Signer, claim: sigv4.Claim | None) -> bytes:
    """The payload, once the signature is verified, and that the session has not ended. Raises Fault."""
    request = context.request
    if len(request.body) > LARGE:  # digesting it takes long
        body = await asyncio.to_thread(verified, signer, request, claim, context.wall, codec)
    else:
        body = verified(signer, request, claim, context.wall, codec)
    check_session(signer, claim, context.now)
    return body


def _rendered(context: RequestContext, fault: Fault) -> HttpResponse:
    if context.codec is None:
        return wire.plain_fault(context.request, fault, context.request_id)
    return context.codec.fault(fault, context.request_id)
