"""A guard for types whose creation succeeds where somebody else's resource of that name is there already."""

from __future__ import annotations

from collections.abc import Callable

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Provider, Request, Resource, Work, is_gone

_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})


def new_only(made_by: Provider, look: Callable[[Resource], Request | None], *, unless_denied: bool = False) -> Provider:
    """`made_by`, whose creation is refused where `look` finds something, which is None where no name is given.

    It would be deleted when the creation of the stack is taken back. `unless_denied` is for what may not be looked at
    by all who may create it.
    """

    def create(resource: Resource) -> Work:
        request = None if resource.again else look(resource)
        if request is None:
            return (yield from made_by.create(resource))
        try:
            yield request
        except Fault as fault:
            if not (is_gone(fault) or (unless_denied and fault.code in _DENIED)):
                raise
            return (yield from made_by.create(resource))
        name = next(iter(request.params.values()))
        raise Fault("AlreadyExists", f"Resource of type '{resource.type}' with identifier '{name}' already exists.")

    return made_by._replace(create=create)
