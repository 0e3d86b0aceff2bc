"""Statements of permissions on Lambda functions and layers, in place of moto's.

moto leaves a principal that is an account id, a user or a role as it is, keeps parameters that it does not know as
elements of the statement, loses conditions, and takes a second statement of one id: nobody can read such a policy.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from locum.backends.moto.internals import keep_asynchronous_settings, replace_permissions
from locum.core.errors import Fault
from locum.core.function_permissions import statement

_MOTOS = ("RevisionId", "StatementId")
"""The parameters that are left to moto: the revision that must be the present one, and the id."""


@cache
def complete() -> None:
    """Have moto's Lambda make the statements that AWS makes. Raises Fault, in calls, for an id that is taken."""
    original: list[Callable[..., tuple[Any, str]]] = []

    def add_statement(policy: Any, raw: str, qualifier: str | None = None) -> tuple[Any, str]:
        params = json.loads(raw)
        if any(known.get("Sid") == params.get("StatementId") for known in policy.statements):
            raise Fault(
                "ResourceConflictException",
                f"The statement id ({params.get('StatementId')}) provided already exists. Please provide a new "
                "statement id, or remove the existing statement.",
                409,
            )
        left = {name: params[name] for name in _MOTOS if name in params}
        added, revision = original[0](policy, json.dumps(left), qualifier)
        made = statement(params, added["Resource"])
        added.clear()
        added.update(made)
        return added, revision

    original.append(replace_permissions(add_statement))
    keep_asynchronous_settings()
