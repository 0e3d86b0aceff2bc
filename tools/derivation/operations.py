"""The operations that make, tell, change and delete resources of a type, by the permissions of its handlers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from botocore.model import OperationModel

from locum.services.cloudformation.schemas import Schema
from locum.wire.models import index, service_model

VERBS: Final = {
    "create": ("Create", "Put", "Register", "Add", "Associate", "Attach", "Allocate", "Request", "Enable", "Define"),
    "read": ("Get", "Describe", "List"),
    "update": ("Update", "Modify", "Put", "Change", "Set", "Edit"),
    "delete": ("Delete", "Remove", "Deregister", "Disassociate", "Detach", "Release", "Disable", "Unregister"),
}
"""The verbs of each handler's own operation, the usual ones first."""

_PREFIXES: Final = {"Batch": "batch", "CloudTrail": "cloudtrail", "Eks": "eks", "EC2": "ec2", "Kafka": "kafka"}


class Operation(NamedTuple):
    """An operation of a service, by botocore's names, as a verb with its noun."""

    service: str
    name: str
    verb: str
    noun: str

    @property
    def model(self) -> OperationModel:
        """botocore's model of it."""
        return service_model(self.service).operation_model(self.name)


@cache
def _services(prefix: str) -> tuple[str, ...]:
    """The services whose actions have the prefix."""
    prefix = _PREFIXES.get(prefix, prefix)
    return tuple(
        name
        for name, service in index().services.items()
        if prefix in (service.signing_name, service.endpoint_prefix, name)
    )


def operations(kind: str, schema: Schema, handler: str) -> Iterator[Operation]:
    """The operations that the permissions of the handler name, with the verbs it has for its own work.

    Where the schema tells no permissions, those of the service of the type's name.
    """
    permissions = schema.permissions.get(handler) or _supposed(kind, handler)
    for permission in permissions:
        prefix, _, action = permission.partition(":")
        verb = next(
            (verb for verb in VERBS[handler] if action.startswith(verb) and action[len(verb) :][:1].isupper()), ""
        )
        if not verb:
            continue
        for service in _services(prefix):
            if action in service_model(service).operation_names:
                yield Operation(service, action, verb, action.removeprefix(verb))


def _supposed(kind: str, handler: str) -> list[str]:
    _, service, noun = kind.split("::")
    return [f"{service.lower()}:{verb}{noun}" for verb in VERBS[handler]]
