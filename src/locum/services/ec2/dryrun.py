"""DryRun.

EC2 API, common query parameters: "Checks whether you have the required permissions for the operation, without
actually making the request [...] If you have the required permissions, the error response is DryRunOperation."
The permissions were checked before a verb runs. As a verb changes nothing by itself, a dry run is the whole run
with its outcome dropped; so a call that would fail is found out as well.
"""

from __future__ import annotations

from functools import wraps

from locum.core.errors import Fault
from locum.services.verbs import Context, Outcome, Params, Verb


def dry(verb: Verb) -> Verb:
    """`verb`, obeying DryRun."""

    @wraps(verb)
    def run(ctx: Context, params: Params) -> Outcome:
        outcome = verb(ctx, params)
        if params.get("DryRun"):
            raise Fault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        return outcome

    return run
