"""Elastic Load Balancing: load balancers that are created."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.partial_arn import NEW, arn_of
from locum.state import State

_KINDS: Final = {"application": "app", "network": "net", "gateway": "gwy"}


def _created(state: State, call: Call, values: Values) -> Iterable[str]:
    """A load balancer by type ("the default is an application load balancer") and name, before it has its id."""
    kind, name = _KINDS.get(values[0] or "application"), values[1]
    yield arn_of(own_arn(call, "elasticloadbalancing", "loadbalancer/", kind, "/", name, "/"), NEW)


FUNCTIONS: Final = Functions(resolvers={"elbv2_created": _created})
