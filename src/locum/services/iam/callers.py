"""Whom an operation is about when it names no user."""

from __future__ import annotations

from locum.core.principal import PrincipalKind
from locum.services.iam.faults import validation_error
from locum.services.verbs import Context, Params


def user_name(context: Context, params: Params) -> str:
    """The UserName of `params`, else the calling user's.

    Raises ValidationError where a role session, a federated user or root calls and names nobody.
    """
    if "UserName" in params:
        return str(params["UserName"])
    caller = context.caller.principal
    if caller.kind is not PrincipalKind.USER:
        raise validation_error("Must specify userName when calling with non-User credentials")
    return caller.name
