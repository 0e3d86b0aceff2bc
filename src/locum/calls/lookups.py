"""The look-up of resources that a call names otherwise than their ARN does, in the state or at the backend."""

from __future__ import annotations

import logging
from typing import Final

from locum import authz
from locum.authz import Lookup, Plan
from locum.calls.backend_answers import backend_answer
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.calls.verbs import verb_context
from locum.core.calls import Call
from locum.core.errors import LocumError
from locum.core.partial_arn import PartialArn

_log = logging.getLogger(__name__)
_STEPS: Final = 2
"""The most look-ups after one another for a resource: a policy's group, and the id in the ARN of that group."""


async def resolved(runtime: Runtime, context: RequestContext, call: Call, plan: Plan) -> Plan:
    """`plan` with the ARNs of the resources that `call` names otherwise, as far as they are found.

    A resource that is not found, or cannot be looked up, stays unknown: only who is allowed all of its kind is allowed
    it. The look-up is part of the decision and not a call of anybody: it is not recorded.
    """
    found = context.found = context.found or {}
    for _ in range(_STEPS):
        for check in plan.checks:
            resource = check.resource
            if isinstance(resource, PartialArn) and resource not in found:
                lookup = authz.lookup_of(call, check)
                if lookup is not None:
                    found[resource] = await _look_up(runtime, context, lookup)
        plan = authz.resolved(plan, found)
    return plan


def again(context: RequestContext, plan: Plan) -> Plan:
    """`plan`, made anew, with the resources that were found for the call before."""
    found = context.found or {}
    for _ in range(_STEPS if found else 0):
        plan = authz.resolved(plan, found)
    return plan


async def _look_up(runtime: Runtime, context: RequestContext, lookup: Lookup) -> tuple[str, ...]:
    account, region = context.caller.account, context.region
    own = runtime.services.get(lookup.service)
    operation = None if own is None else own.find(lookup.operation, lookup.params)
    try:
        if operation is not None and not operation.special:  # Locum has such resources itself
            return lookup.resources(operation.verb(verb_context(runtime, context), lookup.params).answer)
        answer = await backend_answer(runtime, lookup.service, lookup.operation, lookup.params, account, region)
        return lookup.resources(answer)
    except LocumError as error:  # Faults, and whatever else went wrong in the backend
        _log.debug("%s:%s finds nothing: %s", lookup.service, lookup.operation, error)
        return ()
