"""Answers of those who make custom resources, and signals to wait conditions: an HTTP PUT that nobody signs.

    /_locum/cloudformation/TOKEN

Whoever knows a URL may answer (`services.cloudformation.signals`). The URL is in no record, and what is refused here is
counted and recorded like any other call of a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from locum.calls import Runtime
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.services.verbs import RESPONSE_URLS, Outcome
from locum.state import State

_SEALING: Final = "locum.services.cloudformation.sealing"
_SIGNALS: Final = "locum.services.cloudformation.signals"
"""Loaded with the first answer: a plane without stacks does without CloudFormation."""


class Replies:
    """Keeps what comes in at the URLs of waiting resources. `refusal` makes the response for a fault."""

    def __init__(self, runtime: Runtime, refusal: Callable[[HttpRequest, Fault], HttpResponse]) -> None:
        self._runtime = runtime
        self._refusal = refusal

    def handles(self, request: HttpRequest) -> bool:
        """Whether `request` is for such a URL, a valid one or not."""
        return request.raw_path.startswith(RESPONSE_URLS)

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """The response, once the answer is durable."""
        runtime, signals = self._runtime, import_module(_SIGNALS)
        url = signals.presigned_url(request.raw_path, runtime.keyring)
        if url is None or request.method != "PUT":
            return self._refusal(request, Fault("AccessDenied", "Access Denied", 403))
        seals = import_module(_SEALING).Seals(runtime.keyring, runtime.entropy)

        def keep(state: State) -> Outcome:
            outcome: Outcome = signals.answered(state, url, request.body, seals)
            return outcome

        try:
            await runtime.ledger.transact(keep, lambda _outcome: ())
        except Fault as fault:
            return self._refusal(request, fault)
        return HttpResponse(200)
