"""The gateway as an ASGI application, with one port for all services."""

from __future__ import annotations

import json

from locum import __version__
from locum.calls import Runtime
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.gateway.pipeline import Pipeline
from locum.gateway.published import published
from locum.http import asgi

OWN = "/_locum/"
HEALTH = "/_locum/health"


class Gateway:
    """The ASGI application. Only `/_locum/health` and the documents of issuers need no authentication."""

    def __init__(self, runtime: Runtime, pipeline: Pipeline) -> None:
        self._runtime = runtime
        self._pipeline = pipeline

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] != "http":
            return
        try:
            request = await asgi.read(scope, receive, self._allowance)
        except asgi.ClientGone:
            return
        except asgi.BodyTooLarge as error:
            limit = self._allowance(error.request)
            fault = Fault("EntityTooLarge", f"This request may carry at most {limit} bytes here.", 413)
            await asgi.write(scope, send, self._pipeline.refusal(error.request, fault))
            return
        response = self._own(request.raw_path) or await self._pipeline.answer(request)
        await asgi.write(scope, send, response)

    def _own(self, path: str) -> HttpResponse | None:
        """The response to a path of Locum's own, which needs no signature; None for other paths."""
        if not path.startswith(OWN):
            return None
        return self._health() if path == HEALTH else published(self._runtime.ledger.state, self._runtime.settings, path)

    def _allowance(self, request: HttpRequest) -> int:
        return asgi.MAX_BODY if self._pipeline.knows_signer(request) else asgi.FREE_BODY

    def _health(self) -> HttpResponse:
        ledger = self._runtime.ledger
        body = {
            "status": "failed" if ledger.failure else "ok",
            "version": __version__,
            "sequence": ledger.state.sequence,
        }
        status = 503 if ledger.failure else 200
        return HttpResponse(status, [("content-type", "application/json")], json.dumps(body).encode())
