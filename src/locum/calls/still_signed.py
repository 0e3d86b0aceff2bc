"""Whether credentials still are what they were when they signed a call whose answer was waited for."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.state import AccessKey, State, organizations
from locum.state.indexes import ACCESS_KEY_ID

_EXPIRED: Final = ("ExpiredTokenException", "The security token included in the request is expired", 403)
_UNKNOWN: Final = ("UnrecognizedClientException", "The security token included in the request is invalid.", 403)


def still_signed(state: State, caller: Caller, now: float) -> None:
    """Raise Fault where the session of `caller` has ended by `now`, its key is not active, or its account is closed."""
    session = caller.session
    if session is not None and now >= session.expires_at:
        raise Fault(*_EXPIRED)
    key = None if session is not None else state.first(AccessKey, ACCESS_KEY_ID, caller.access_key_id)
    inactive = session is None and (key is None or not key.active)
    if inactive or caller.account in organizations.suspended(state):
        raise Fault(*_UNKNOWN)
