"""Guards for types whose creation succeeds where somebody else's resource of that name is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Provider, Request, Resource, Work, is_gone
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.providers.templates import value_at

_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})
_THERE = "Resource of type '{type}' with identifier '{name}' already exists."


def new_only(
    made_by: Provider,
    look: Callable[[Resource], Request | None],
    *,
    at: str = "",
    unless_denied: bool = False,
    told: str = _THERE,
) -> Provider:
    """`made_by`, whose creation is refused where `look` finds something, which is None where no name is given.

    It would be deleted when the creation of the stack is taken back. `at` is the path in the answer of what is found,
    where one that has nothing is no error. `unless_denied` is for what may not be looked at by all who may create it.
    `told` is the text.
    """

    def there(resource: Resource) -> Steps[str | None]:
        request = look(resource)
        if request is None:
            return None
        try:
            answer = yield request
        except Fault as fault:
            if is_gone(fault) or (unless_denied and fault.code in _DENIED):
                return None
            raise
        if at and not value_at(answer, at):
            return None
        first = next(iter(request.params.values()))
        return str(first[0] if isinstance(first, list) else first)

    return _refused(made_by, there, told)


def unread_only(made_by: Provider, given: str, *of: str) -> Provider:
    """`made_by`, whose creation is refused where what its property `given` names can be read already.

    `of` are the properties that its identifier has before the name.
    """
    read = made_by.read
    assert read is not None

    def there(resource: Resource) -> Steps[str | None]:
        name = resource.properties.get(given)
        if not name:
            return None
        try:
            yield from read(replace(resource, physical=name))
        except Fault as fault:
            if is_gone(fault):
                return None
            raise
        return "|".join([*(str(resource.properties.get(each)) for each in of), name])

    return _refused(made_by, there, _THERE)


def _refused(made_by: Provider, there: Callable[[Resource], Steps[str | None]], told: str) -> Provider:
    """`made_by`, whose creation is refused with the text `told` where `there` finds something, and answers its name."""

    def create(resource: Resource) -> Work:
        name = None if resource.again else (yield from there(resource))
        if name is not None:
            raise Fault("AlreadyExists", told.format(type=resource.type, name=name))
        return (yield from made_by.create(resource))

    return made_by._replace(create=create)


def named(service: str, operation: str, member: str, given: str, **more: Any) -> Callable[[Resource], Request | None]:
    """The look for a resource by the name that its property `given` says: by `operation`, which takes it as `member`.

    A `member` that ends with `[]` is a list. `more` are further members.
    """

    def look(resource: Resource) -> Request | None:
        name = resource.properties.get(given)
        value = [name] if member.endswith("[]") else name
        params: Mapping[str, Any] = {member.removesuffix("[]"): value, **more}
        return Request(service, operation, params) if name else None

    return look
