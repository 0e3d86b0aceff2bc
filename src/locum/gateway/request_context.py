"""How far a request has come: filled in by the pipeline, and by nothing else, in the order of the fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from locum.authz import Authorization, Plan
from locum.core.http import HttpRequest
from locum.core.principal import NOBODY, Caller
from locum.state import State
from locum.wire import Codec


@dataclass(slots=True)
class RequestContext:
    """One request. `now` (epoch seconds) was taken when it came, and is the only one it sees.

    So was `state`. It is a later one where the request had to wait before it was decided on (for the keys of an
    issuer), or where its transaction sees one: then it is decided on anew.
    """

    request: HttpRequest
    request_id: str
    now: float
    state: State
    region: str
    codec: Codec | None = None
    caller: Caller = NOBODY
    params: dict[str, Any] = field(default_factory=dict)
    plan: Plan | None = None
    verdict: Authorization | None = None

    @property
    def protocol(self) -> str:
        """The protocol of the call, as far as it is known."""
        return "query" if self.codec is None else self.codec.protocol
