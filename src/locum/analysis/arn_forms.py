"""Whether a pattern of a policy can match a resource of any of the types that an action is about.

The types and the forms of their ARNs are those of the Service Authorization Reference. An Allow of `s3:GetBucketAcl` on
`arn:aws:s3:::b/*` allows nothing: no bucket is called so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from locum.authz import service_reference as reference

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_FIELDS: Final = 6
_WITHOUT_SLASH: Final = frozenset({"BucketName"})
"""Variables of forms whose values have no slash, in services where those of others may have one."""

_ANY: Final = "*"
_NAME: Final = "\0"
"""In a form: any text without a slash."""


def complete(pattern: str) -> str:
    """`pattern` with `*` in place of the fields that it lacks: "incomplete ARNs" of identity policies."""
    fields = pattern.split(":", _FIELDS - 1)
    return pattern if len(fields) == 1 else ":".join((*fields, *["*"] * (_FIELDS - len(fields))))


@lru_cache(maxsize=1024)
def forms_of(prefix: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The forms of the ARNs of resource types, as patterns; those that the reference does not have are `*`."""
    types = reference.resource_types(prefix)
    return tuple(_form(str(types.get(kind.lower(), {}).get("arn", _ANY))) for kind in kinds)


def _form(arn: str) -> str:
    return _VARIABLE.sub(lambda found: _NAME if found[1] in _WITHOUT_SLASH else _ANY, arn)


def can_be_of(pattern: str, forms: Iterable[str]) -> bool:
    """Whether a Resource pattern without variables matches any ARN of one of the forms."""
    return pattern == _ANY or any(form == _ANY or _matches_some(complete(pattern), form) for form in forms)


def _matches_some(pattern: str, form: str) -> bool:
    ours, theirs = pattern.split(":", _FIELDS - 1), form.split(":", _FIELDS - 1)
    return len(ours) == len(theirs) and all(map(_overlap, ours, theirs))


@lru_cache(maxsize=8192)
def _overlap(pattern: str, form: str) -> bool:
    """Whether some text matches both: the pairs of positions that can be reached, as in a product of automata."""
    todo, seen = [(0, 0)], {(0, 0)}
    while todo:
        at, to = todo.pop()
        if at == len(pattern) and to == len(form):
            return True
        for step in _steps(pattern[at : at + 1], form[to : to + 1]):
            reached = (at + step[0], to + step[1])
            if reached not in seen:
                seen.add(reached)
                todo.append(reached)
    return False


def _steps(ours: str, theirs: str) -> Sequence[tuple[int, int]]:
    """How both go on, where the next signs are `ours` and `theirs`; empty at the end of a text."""
    steps: list[tuple[int, int]] = []
    if ours == _ANY:
        steps.append((1, 0))
    if theirs in (_ANY, _NAME) and theirs:
        steps.append((0, 1))
    if not ours or not theirs:
        return steps
    if ours == _ANY:  # it reads what theirs is
        steps += [] if theirs in (_ANY, _NAME) else [(0, 1)]
    elif theirs == _ANY or (theirs == _NAME and ours != "/"):
        steps.append((1, 0))
    elif ours in (theirs, "?"):
        steps.append((1, 1))
    return steps
