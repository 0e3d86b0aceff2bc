"""The parameter DryRun.

EC2 API, common query parameters: "Checks whether you have the required permissions for the operation, without
actually making the request [...] If you have the required permissions, the error response is DryRunOperation."
Permissions are checked before a verb runs. Nothing else is.
"""

from __future__ import annotations

from functools import wraps

from locum.core.errors import Fault
from locum.services.verbs import Context, Outcome, Params, Verb


def with_dry_run(verb: Verb) -> Verb:
    """Add the parameter DryRun to `verb`."""

    @wraps(verb)
    def run(ctx: Context, params: Params) -> Outcome:
        if params.get("DryRun"):
            raise Fault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        return verb(ctx, params)

    return run
