"""What a call depends on that was written on another node, and that this one has to see before it decides.

x-locum-after: N       the client asks that the answer is given on a state that has the journal's entry N
x-locum-sequence: N    the answer tells which entry this node has seen: the call's own change, and all before it
a session              it is honoured on a state that has what the node had seen that issued it
"""

from __future__ import annotations

import re
from typing import Final

from locum import sigv4
from locum.calls import RequestContext
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.gateway.authenticate import Signer, refused
from locum.sigv4 import Failure
from locum.store import Ledger
from locum.store.writer import UNAVAILABLE

AFTER: Final = "x-locum-after"
SEQUENCE: Final = "x-locum-sequence"

_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


def concerns(ledger: Ledger, request: HttpRequest) -> bool:
    """Whether a call may depend on what is not seen: where there may be other nodes, or the client asks."""
    return ledger.shared or AFTER in request.headers


async def caught_up(ledger: Ledger, context: RequestContext, signer: Signer, claim: sigv4.Claim | None) -> bool:
    """Have the context of a call that it `concerns` see what that depends on; whether it has another state now.

    The journal is asked once for its end, and nobody waits for what it does not have. Raises Fault where that is: a
    session of a later time than the journal's end has ended with the journal that it is from (an older copy took its
    place), and what a client asks for may come yet.
    """
    session, asked = signer.caller.session, _asked(context.request)
    issued = 0 if session is None or not ledger.shared else session.sequence
    if max(asked, issued) <= context.state.sequence:
        return False
    before, context.state = context.state, await ledger.reached(max(asked, issued))
    if claim is not None and issued > context.state.sequence:
        raise refused(Failure.EXPIRED_TOKEN, claim)
    if asked > context.state.sequence:
        raise Fault(*UNAVAILABLE)
    return context.state is not before


def told(ledger: Ledger, request: HttpRequest, response: HttpResponse) -> None:
    """Tell in the response what the node has seen, where that may be asked."""
    if concerns(ledger, request):
        response.headers.append((SEQUENCE, str(ledger.state.sequence)))


def _asked(request: HttpRequest) -> int:
    """The entry that the client asks for; 0 where it asks for none. Raises Fault where it is no number."""
    text = request.headers.get(AFTER)
    if text is None:
        return 0
    if not _NUMBER.fullmatch(text):
        raise Fault("InvalidParameterValue", f"The value of the header {AFTER} is not the number of an entry.", 400)
    return int(text)
