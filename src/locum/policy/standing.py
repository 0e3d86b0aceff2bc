"""Whether the parts of a statement match a request of which something is open (`openness`): yes, no, or it depends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from locum.core.partial_arn import PartialArn
from locum.policy.openness import Open
from locum.policy.partial import arn_matches
from locum.policy.patterns import ArnPattern
from locum.policy.prepared import PreparedRequest


def holds(test: Callable[[PreparedRequest], bool], prepared: PreparedRequest) -> bool | None:
    """Whether a condition holds; None where that depends on what is open."""
    try:
        return test(prepared)
    except Open:
        return None


def is_in(patterns: Sequence[ArnPattern], prepared: PreparedRequest, *, undefined: bool) -> bool | None:
    """Whether any of `patterns` matches the resource; None where that depends on what is open.

    `undefined` is the result for a pattern with a variable that has no value.
    """
    found = [_matches(pattern, prepared, undefined=undefined) for pattern in patterns]
    return True if True in found else None if None in found else False


def _matches(pattern: ArnPattern, prepared: PreparedRequest, *, undefined: bool) -> bool | None:
    asked: list[str] = []

    def variable(key: str) -> str | None:
        try:
            return prepared.variable(key)
        except Open:
            asked.append(key)
            return None

    found = _every_and_any(pattern, prepared.resource, variable)
    if asked:
        widest = _every_and_any(pattern.opened(asked), prepared.resource, variable)
        return False if widest is not None and not widest[1] else None
    if found is None:
        return undefined
    every, some = found
    return every if every == some else None


def _every_and_any(
    pattern: ArnPattern, resource: str, variable: Callable[[str], str | None]
) -> tuple[bool, bool] | None:
    """Whether a pattern matches all that the resource may be, and any of it; None where a variable has no value."""
    if not isinstance(resource, PartialArn):
        found = pattern.matches(resource, variable)
        return None if found is None else (found, found)
    every = arn_matches(pattern, resource, variable, every=True)
    some = arn_matches(pattern, resource, variable, every=False)
    return None if every is None or some is None else (every, some)
