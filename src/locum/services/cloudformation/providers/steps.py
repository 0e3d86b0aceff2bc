"""Steps that generator providers share: waiting, refusing, replaying, and tags as each API has them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Pause,
    Properties,
    Provider,
    Request,
    Resource,
    Step,
    Work,
    is_gone,
    or_undone,
)

T = TypeVar("T")
Steps = Generator[Step, Mapping[str, Any], T]

_ATTEMPTS: Final = 600
_SECONDS: Final = 1.0
_RESERVED: Final = "aws:"


def until(
    request: Request,
    ready: Callable[[Mapping[str, Any]], bool],
    *,
    attempts: int = _ATTEMPTS,
    seconds: float = _SECONDS,
) -> Steps[Mapping[str, Any]]:
    """The first answer of `request` that is `ready`, which may raise. Raises Fault NotStabilized after `attempts`."""
    for _ in range(attempts):
        answer = yield request
        if ready(answer):
            return answer
        yield Pause(seconds)
    raise Fault("NotStabilized", f"Resource did not stabilize: {request.operation} does not show it as ready")


def gone(request: Request, ended: Callable[[Mapping[str, Any]], bool]) -> Ending:
    """Wait until `request` is refused, as for something that is not there, or its answer says that it `ended`."""
    for _ in range(_ATTEMPTS):
        try:
            answer = yield request
        except Fault as fault:
            if is_gone(fault):
                return
            raise
        if ended(answer):
            return
        yield Pause(_SECONDS)
    raise Fault("NotStabilized", f"Resource did not stabilize: {request.operation} still shows it")


def attempted(request: Request, *codes: str) -> Steps[Mapping[str, Any]]:
    """The answer of `request`, empty where it is refused with one of `codes`."""
    try:
        return (yield request)
    except Fault as fault:
        if fault.code not in codes:
            raise
        return {}


def refuse(properties: Properties, *names: str) -> None:
    """Raise Fault where `properties` has one of `names`, on which nothing can act."""
    for name in names:
        if name in properties:
            raise Fault("InvalidRequest", f"Encountered unsupported property {name}")


def refuse_others(properties: Properties, known: Iterable[str]) -> None:
    """Raise Fault where `properties` has one that is not of those `known`."""
    refuse(properties, *sorted(set(properties) - set(known)))


def changed(before: Properties, after: Properties, *names: str) -> bool:
    """Whether any of the properties `names` is another one."""
    return any(before.get(name) != after.get(name) for name in names)


def truth(value: Any, *, default: bool = False) -> bool:
    """A boolean property, which may be a text."""
    return default if value is None else str(value).lower() == "true"


def listed(value: Any) -> list[Any]:
    """A property that is a list, or one item of it."""
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def moment(value: Any) -> str:
    """A time of an answer as the text that an attribute is."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def or_instead(work: Work, instead: Callable[[Request, Fault], Request | Mapping[str, Any] | None]) -> Work:
    """`work`, in which `instead` tells what takes the place of a request that is refused.

    That is another request, or the answer where none is to be made; None where the work has to do with the refusal.
    """
    try:
        step = next(work)
        while True:
            try:
                got = yield step
            except Fault as fault:
                other = instead(step, fault) if isinstance(step, Request) else None
                if other is None:
                    step = work.throw(fault)
                    continue
                got = (yield other) if isinstance(other, Request) else other
            step = work.send(got)
    except StopIteration as done:
        made: Made = done.value
        return made


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """`tags` without those of AWS, for services that refuse them from everyone."""
    return {key: value for key, value in tags.items() if not key.startswith(_RESERVED)}


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """`tags` as a list of `key` and `value`."""
    return [{key: name, value: text} for name, text in tags.items()]


def without(properties: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """`properties` but for `names`."""
    left_out = frozenset(names)
    return {name: value for name, value in properties.items() if name not in left_out}


def resumed(work: Steps[T], answer: Mapping[str, Any]) -> Steps[T]:
    """The rest of `work`, whose latest request got `answer`."""
    try:
        step = work.send(answer)
        while True:
            try:
                got = yield step
            except Fault as fault:
                step = work.throw(fault)
            else:
                step = work.send(got)
    except StopIteration as done:
        result: T = done.value
        return result


def adopting(made_by: Provider, find: Callable[[Resource], Steps[Mapping[str, Any] | None]]) -> Provider:
    """`made_by`, whose creation takes for the answer of its first call what `find` finds of an interrupted one."""

    def create(resource: Resource) -> Work:
        found = (yield from find(resource)) if resource.again else None
        work = made_by.create(resource)
        first = next(work)
        return (yield from resumed(work, found if found is not None else (yield first)))

    return made_by._replace(create=create)


def telling(made_by: Provider, tell: Callable[[Resource, str], Steps[Mapping[str, Any]]]) -> Provider:
    """`made_by`, with the attributes that `tell` reads of a resource by its physical id."""

    def create(resource: Resource) -> Work:
        made = yield from made_by.create(resource)
        there = replace(resource, physical=made.physical, attributes=made.attributes)
        return (yield from or_undone(told(resource, made), made_by.delete(there)))

    def told(resource: Resource, made: Made) -> Work:
        more = yield from tell(resource, made.physical)
        return Made(made.physical, {**made.attributes, **more})

    def update(resource: Resource, before: Properties) -> Work:
        assert made_by.update is not None
        return (yield from told(resource, (yield from made_by.update(resource, before))))

    return made_by._replace(create=create, update=update if made_by.update else None)


def lenient(made_by: Provider, *marks: str) -> Provider:
    """`made_by`, for whose deletion a refusal with a code or a text of `marks` says that the resource is gone."""

    def delete(resource: Resource) -> Ending:
        try:
            yield from made_by.delete(resource)
        except Fault as fault:
            if fault.code not in marks and not any(mark in fault.message for mark in marks):
                raise

    return made_by._replace(delete=delete)


def seen_first(made_by: Provider, see: Callable[[Resource], Request]) -> Provider:
    """`made_by`, whose deletion is done where `see` finds nothing: a backend may fail for what is not there."""

    def delete(resource: Resource) -> Ending:
        try:
            yield see(resource)
        except Fault as fault:
            if is_gone(fault):
                return
            raise
        yield from made_by.delete(resource)

    return made_by._replace(delete=delete)
