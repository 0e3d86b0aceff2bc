"""Templates of values: where each value of a row comes from.

A template is a text, or a list or object of templates. `{id}` in
a text stands for a value, of any type where the text is nothing else; a template with a value that is not there is left
out. `{a|b}` is the first of the values that is there. The values:

    id            the physical id                   name          the name given, or generated
    p.NAME        a property                        c.PATH        of the answer of the call that makes it
    attr.NAME     an attribute, of its creation     r.PATH        of the answer of the call that reads it
    account, region, stack, client_token            tags, keys    in the calls that add and remove tags
    item          in the calls of an `Each`

A PATH has the members of the answer, and numbers for items of lists: `r.Vpcs.0.VpcId`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

_VALUE: Final = re.compile(r"\{([^{}]+)\}")
_PIECE: Final = re.compile(r"([^{}]*)(?:\{([^{}]+)\})?")


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """`template` with its values; None where one is missing, or all that an object or a list has."""
    if isinstance(template, str):
        return _text(template, values)
    if isinstance(template, Mapping):
        found = {name: filled(item, values) for name, item in template.items()}
        return {name: item for name, item in found.items() if item is not None} or (None if template else {})
    if isinstance(template, (list, tuple)):
        return [item for item in (filled(item, values) for item in template) if item is not None] or None
    return template


_Paths = tuple[tuple[str, ...], ...]
"""The paths of a value, of which the first that is there is taken."""


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[list[str], list[_Paths]]:
    """The literal parts of a text, and the values between them."""
    parts = _VALUE.split(text)
    return parts[::2], [tuple(tuple(path.strip().split(".")) for path in paths.split("|")) for paths in parts[1::2]]


def _text(text: str, values: Mapping[str, Any]) -> Any:
    literals, paths = _parsed(text)
    found = [next((one for path in each if (one := value_of(values, path)) is not None), None) for each in paths]
    if len(found) == 1 and literals == ["", ""]:
        return found[0]
    if None in found:
        return None
    return "".join(f"{literal}{value}" for literal, value in zip(literals, [*found, ""], strict=True))


def value_at(value: Any, path: str) -> Any:
    """What `value` has at a PATH, itself at an empty one; None where there is nothing."""
    return value_of(value, path.split(".") if path else ())


def value_of(value: Any, path: Iterable[str]) -> Any:
    """The value at the steps of a path, numbers for items of lists; None where there is nothing."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def used(template: Any, root: str) -> frozenset[str]:
    """The names of the values of `root` (`p`: the properties) that `template` has."""
    return frozenset(path[0] for path in paths_of(template, root))


def paths_of(template: Any, root: str) -> Iterator[tuple[str, ...]]:
    """The paths below `root` of the values that `template` has."""
    found = (path for text in _texts(template) for each in _parsed(text)[1] for path in each)
    return (path[1:] for path in found if path[0] == root)


def taken_apart(template: str, text: str) -> dict[str, str]:
    """The values of which `template` made `text`, by their paths; none where it did not, or they cannot be told."""
    pattern, names = "", []
    for literal, paths in _PIECE.findall(template):
        pattern += re.escape(literal) + ("(.+?)" if paths else "")
        names += [paths] if paths else []
    found = re.fullmatch(pattern, text)
    return {} if found is None else dict(zip(names, found.groups(), strict=True))


def _texts(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, (Mapping, list, tuple)):
        for item in template.values() if isinstance(template, Mapping) else template:
            yield from _texts(item)
