"""The public keys that digest files are verified with. CloudTrail API Reference, ListPublicKeys."""

from __future__ import annotations

from typing import Any, Final

from locum.core.clock import DAY
from locum.core.errors import Fault
from locum.services.verbs import Context, Operation, Outcome, Params, reads
from locum.state.trails import DigestKey

_DEFAULT_RANGE: Final = 1 * DAY
"""ListPublicKeys: "If not specified, ... the current time is used", of which a day before is the start."""


def list_public_keys(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:ListPublicKeys: the keys that were valid at some time of the range."""
    end = params.get("EndTime", ctx.now)
    start = params.get("StartTime", end - _DEFAULT_RANGE)
    if start > end:
        raise Fault("InvalidTimeRangeException", "The start time occurs after the end time.", 400)
    keys = [key for key in ctx.state.table(DigestKey, ctx.account).values() if key.region == ctx.region]
    valid = [key for key in keys if key.created <= end and key.expires >= start]
    return Outcome({"PublicKeyList": [_shown(key) for key in sorted(valid, key=lambda key: key.created)]})


def _shown(key: DigestKey) -> dict[str, Any]:
    return {
        "Value": key.public,
        "ValidityStartTime": key.created,
        "ValidityEndTime": key.expires,
        "Fingerprint": key.id,
    }


OPERATIONS: Final[dict[str, Operation]] = {"ListPublicKeys": reads(list_public_keys)}
