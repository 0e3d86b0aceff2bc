"""Answers of those who make custom resources, and signals to wait conditions: an HTTP PUT that nobody signs.

    /_locum/cloudformation/TOKEN

Whoever knows a URL may answer (`services.cloudformation.signals`). The URL is in no record, and what is refused here is
counted and recorded like any other call of a stranger.
"""

from __future__ import annotations

from collections.abc import Callable

from locum.calls import Runtime
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.signals import DOORS, answered, door_at
from locum.services.verbs import Outcome
from locum.state import State


class Replies:
    """Keeps what comes in at the URLs of waiting resources. `refusal` makes the response for a fault."""

    def __init__(self, runtime: Runtime, refusal: Callable[[HttpRequest, Fault], HttpResponse]) -> None:
        self._runtime = runtime
        self._refusal = refusal

    def handles(self, request: HttpRequest) -> bool:
        """Whether `request` is for such a URL, a valid one or not."""
        return request.raw_path.startswith(DOORS)

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """The response, once the answer is durable."""
        runtime = self._runtime
        door = door_at(request.raw_path, runtime.keyring)
        if door is None or request.method != "PUT":
            return self._refusal(request, Fault("AccessDenied", "Access Denied", 403))
        seals = Seals(runtime.keyring, runtime.entropy)

        def keep(state: State) -> Outcome:
            return answered(state, door, request.body, seals)

        try:
            await runtime.ledger.transact(keep, lambda _outcome: ())
        except Fault as fault:
            return self._refusal(request, fault)
        return HttpResponse(200)
