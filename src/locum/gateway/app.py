"""The gateway as an ASGI application, with one port for all services."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from locum import __version__
from locum.calls import Runtime
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.gateway.exposition import Source, exposition
from locum.gateway.pipeline import Pipeline
from locum.gateway.published import published
from locum.gateway.readiness import Readiness
from locum.gateway.replies import Replies
from locum.http import asgi
from locum.http.bodies import Bodies, BodyRefused, BodyTimedOut, BodyTooLarge
from locum.http.refusals import SLOW_DOWN, TIMED_OUT
from locum.services.verbs import ISSUERS
from locum.store.writer import UNAVAILABLE
from locum.wire.route import OWN_API

OWN = "/_locum/"
HEALTH = "/_locum/health"
READY = "/_locum/ready"
METRICS = "/_locum/metrics"

OWN_API_BODY = 4 << 20
"""The limit in octets for a body of Locum's own API: of as many and as long policies as it takes."""


class Gateway:
    """The ASGI application. Only `/_locum/health`, `/_locum/ready`, `/_locum/metrics`, the documents of issuers and the
    answers for waiting resources of CloudFormation need no authentication. `/_locum/api/` has calls of a service like
    any other. `metrics` are told beside those of the requests. `readiness` is what the node says of
    itself. Where there are several processes, `exposed` are the metrics of all.
    """

    def __init__(
        self,
        runtime: Runtime,
        pipeline: Pipeline,
        bodies: Bodies | None = None,
        metrics: Sequence[Source] = (),
        exposed: Callable[[], Awaitable[HttpResponse]] | None = None,
    ) -> None:
        self._runtime = runtime
        self._pipeline = pipeline
        self._bodies = bodies or Bodies()
        self._replies = Replies(runtime, pipeline.refusal)
        self.metrics = pipeline.metrics.families, *metrics
        self.exposed = exposed
        self.readiness = Readiness(runtime.ledger)

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] != "http":
            return
        try:
            try:
                request = await asgi.read(scope, receive, self._allowance, self._bodies)
            except BodyRefused as refused:
                response = self._pipeline.refusal(refused.request, await self._fault(refused))
            else:
                if request.raw_path.startswith(OWN_API):
                    request.gone = partial(asgi.gone, receive)
                response = await self._own(request.raw_path) or await self._answer(request)
            await asgi.write(scope, send, response)
        except asgi.ClientGone:
            return
        finally:
            self._bodies.release(scope)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        answering = self._replies if self._replies.handles(request) else self._pipeline
        return await answering.answer(request)

    async def _fault(self, refused: BodyRefused) -> Fault:
        if isinstance(refused, BodyTooLarge):
            return await self._too_large(refused.request)
        code, status, message, _ = TIMED_OUT if isinstance(refused, BodyTimedOut) else SLOW_DOWN
        return Fault(code, message, status)

    async def _too_large(self, request: HttpRequest) -> Fault:
        """The fault for a body over the limit; to come again, where its key was not known here and is now."""
        limit = self._allowance(request)
        try:
            await self._runtime.ledger.current()
        except Fault as unavailable:
            return unavailable
        if self._allowance(request) > limit:
            return Fault(*UNAVAILABLE)
        return Fault("EntityTooLarge", f"This request may carry at most {limit} bytes here.", 413)

    async def _own(self, path: str) -> HttpResponse | None:
        """The response to a path of Locum's own, which needs no signature; None for other paths."""
        if not path.startswith(OWN) or path.startswith(OWN_API):
            return None
        if path == HEALTH:
            return self._health()
        if path == METRICS:
            return exposition(self.metrics) if self.exposed is None else await self.exposed()
        if path == READY:
            return self.readiness.response()
        return await self._published(path)

    async def _published(self, path: str) -> HttpResponse | None:
        """The response with a document of an issuer; also of one that another node has just enabled."""
        ledger, settings = self._runtime.ledger, self._runtime.settings
        try:
            found = published(await ledger.fresh(), settings, path)
            if found is None and path.startswith(ISSUERS):
                found = published(await ledger.current(), settings, path)
            return found
        except Fault as unavailable:
            return HttpResponse(unavailable.status)

    def _allowance(self, request: HttpRequest) -> int:
        most = OWN_API_BODY if request.raw_path.startswith(OWN_API) else asgi.MAX_BODY
        return most if self._pipeline.knows_signer(request) else asgi.FREE_BODY

    def _health(self) -> HttpResponse:
        ledger = self._runtime.ledger
        failed = "failed" if ledger.ended else "storage"
        body = {
            "status": failed if ledger.failure else "ok",
            "version": __version__,
            "sequence": ledger.state.sequence,
        }
        status = 503 if ledger.ended else 200  # another start does not mend what the storage has for a while
        return HttpResponse(status, [("content-type", "application/json")], json.dumps(body).encode())
