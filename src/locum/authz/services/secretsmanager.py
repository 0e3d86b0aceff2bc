"""AWS Secrets Manager: batches of secrets."""

from __future__ import annotations

from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions
from locum.core.errors import Fault
from locum.state import State


def _secrets_of_filters(state: State, call: Call) -> tuple[Check, ...]:
    """Refuse filters: only the backend knows their secrets, and each secret takes a permission of its own."""
    if call.params.get("Filters"):
        raise Fault("NotImplemented", "Filters are not implemented here: name the secrets in SecretIdList.", 501)
    return ()


FUNCTIONS: Final = Functions(planners={"secrets_of_filters": _secrets_of_filters})
