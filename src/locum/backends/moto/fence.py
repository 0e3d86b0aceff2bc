"""Refusal of calls by which moto would act in another service without authorization.

moto's services call the models of one another: its Firehose writes to any bucket, its CloudFormation creates functions
with any role. Such actions are neither authorized nor recorded. The deliveries of S3, SNS and EventBridge become calls
(`deliveries`); others that reach another account, pass a role, or read or write objects are refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from locum.backends.moto import attributes, lookups, outward, reach
from locum.backends.moto.internals import fence_lookups, replace_function, without_access_logs, without_containers
from locum.backends.moto.models import models_of
from locum.backends.moto.s3 import not_implemented
from locum.backends.port import BackendCall
from locum.core.errors import Fault

_REFUSED_MEMBER: Final = "The embedded backend does not implement {} with {}, as it would reach another service."
_replaced: Final[set[str]] = set()


def check(call: BackendCall) -> None:
    """Raise Fault NotImplemented where moto would act in another service without authorization.

    Raises the service's own Fault for attributes that it does not have.
    """
    service = call.service
    if service in attributes.SERVICES:
        attributes.check(call)
    members = reach.refused_operations().get(f"{service}:{call.operation}")
    if members is not None:
        named = sorted(member for member in members if member in call.params)
        if not members:
            raise not_implemented(call)
        if named:
            raise Fault("NotImplemented", _REFUSED_MEMBER.format(f"{call.service}:{call.operation}", named[0]), 501)
    if service == "events" and "ResourceARN" in call.params:
        _check_tagged(call)


def _check_tagged(call: BackendCall) -> None:
    """Raise Fault where moto would take a rule or an event bus by the end of an ARN that is not its own."""
    models, arn = models_of("events", call.account, call.region), str(call.params["ResourceARN"])
    if models is None:
        return
    name = arn.rpartition("/")[2]
    kept = [*(bus.rules for bus in models.event_buses.values()), models.event_buses]
    taken = next((registry[name] for registry in kept if name in registry), None)
    if taken is not None and taken.arn != arn:
        raise Fault("ResourceNotFoundException", f"{arn} does not exist.", 400)


def put_up() -> None:
    """Fence moto in: its look-ups, its connections, and the functions that reach beyond a service. Idempotent."""
    fence_lookups(lookups.check, lookups.visible)
    outward.keep_in()
    without_containers()
    without_access_logs()
    replace_refused()


def replace_refused() -> None:
    """Replace the functions that are refused (`reach`) in the modules of moto that are loaded."""
    for place in reach.replaced():
        if place.name not in _replaced and replace_function(place.name, _refusing(place)):
            _replaced.add(place.name)


def _refusing(place: reach.Place) -> Callable[..., None]:
    def refuse(*_arguments: Any, **_keywords: Any) -> None:
        if not place.left_out:
            raise lookups.refusal(f"reach {' and '.join(place.reaches)} ({place.name})")

    return refuse
