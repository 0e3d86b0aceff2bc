"""Client tokens (EC2 Developer Guide, "Ensuring idempotency in Amazon EC2 API requests")."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from locum.services.ec2.faults import bad_value
from locum.services.verbs import Params

_MAX_LENGTH: Final = 64
_NOT_COMPARED: Final = ("ClientToken", "DryRun")


def check_token(token: str) -> None:
    """Raise Fault with InvalidParameterValue where a client token is longer than 64 characters."""
    if len(token) > _MAX_LENGTH:
        raise bad_value(token, "clientToken", f"It must not exceed {_MAX_LENGTH} characters.")


def digest_of(params: Params) -> str:
    """The digest of the parameters that a call must repeat for its client token to stand for the same request."""
    compared = {name: value for name, value in params.items() if name not in _NOT_COMPARED}
    return hashlib.sha256(json.dumps(compared, sort_keys=True, default=repr).encode()).hexdigest()
