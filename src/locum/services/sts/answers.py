"""Members of STS's answers."""

from __future__ import annotations

from typing import Any

from locum.core.principal import Session
from locum.credentials import issue
from locum.services.sts.passed import Passed
from locum.services.verbs import Context


def credentials(ctx: Context, session: Session) -> dict[str, Any]:
    """Issue `Credentials` for `session`. The client is told their end by its own clock, as it acts on it."""
    issued = issue(ctx.keyring, session, ctx.entropy, ctx.state.sequence)
    return {
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": issued.secret_access_key,
        "SessionToken": issued.session_token,
        "Expiration": issued.expiration - round(ctx.ahead),
    }


def packed_size(passed: Passed) -> dict[str, Any]:
    """`PackedPolicySize`, where session policies or tags were passed."""
    return {} if passed.packed is None else {"PackedPolicySize": passed.packed}
