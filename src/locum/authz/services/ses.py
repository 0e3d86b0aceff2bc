"""Amazon SES: identities by the address that a message is from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values, as_values, own_arn
from locum.state import State

_ADDRESS: Final = re.compile(r"<([^<>]*)>\s*$")


def _identity(state: State, call: Call, values: Values) -> Iterable[str]:
    """An identity by ARN, or by the address or domain alone: `a@example.com` of `Ann <a@example.com>`."""
    name = (values[0] or "").strip()
    found = _ADDRESS.search(name)
    yield name if name.startswith("arn:") else own_arn(call, "ses", "identity/", found[1] if found else name)


def _sender(state: State, call: Call, check: Check) -> list[str]:
    """ses:FromAddress: the address that a message is from; that in a raw message is not read."""
    name = str(call.params.get("Source") or call.params.get("FromEmailAddress") or "")
    found = _ADDRESS.search(name)
    return as_values(found[1] if found else name)


FUNCTIONS: Final = Functions(resolvers={"ses_identity": _identity}, keys={"ses_sender": _sender})
