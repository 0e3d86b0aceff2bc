"""Internals of a library that are relied on, as values that are held against the library when it is loaded.

Names that a library does not promise may change with any version of it. Where one is gone, this is found out at once,
and told with the version that is wanted, in place of breaking one call or another later on.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from locum.core.errors import ConfigurationError


class Relied(NamedTuple):
    """One thing that is relied on: `name`, dotted, in a module, because of `reason` ("to find the policy of a queue").

    `takes` are the parameters that a function is called with, by name and in order; `alone`: it has no others, because
    a function of ours stands in for it. `has` are attributes of a class or of its instances.
    """

    name: str
    reason: str
    takes: tuple[str, ...] | None = None
    alone: bool = False
    has: tuple[str, ...] = ()


def require(library: str, wanted: str, module: object, relied_on: Iterable[Relied]) -> None:
    """Raise ConfigurationError unless `module`, of the distribution `library`, has everything that is relied on.

    `wanted` are the versions that are known to have it, as a requirement (`moto>=5.2.5,<5.3`).
    """
    missing = [f"{problem}, needed {relied.reason}" for relied in relied_on for problem in _problems(module, relied)]
    if missing:
        where = getattr(module, "__name__", repr(module))
        raise ConfigurationError(
            f"{library} {installed(library)} is not a version that Locum works with: in {where} there is no "
            f"{'; no '.join(missing)}. Install {wanted}"
        )


def installed(library: str) -> str:
    """The version of a distribution that is installed, for messages."""
    # Half a megabyte of modules, for a message that hardly anybody ever sees.
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version(library)
    except PackageNotFoundError:
        return "of an unknown version"


def _problems(module: object, relied: Relied) -> Iterator[str]:
    """The internals that are not there, or not as they should be."""
    found: Any = module
    for part in relied.name.split("."):
        if not hasattr(found, part):
            yield relied.name
            return
        found = getattr(found, part)
    if relied.takes is not None and not _takes(found, relied.takes, alone=relied.alone):
        yield f"{relied.name}({', '.join(relied.takes)})"
    for attribute in relied.has:
        if not _has(found, attribute):
            yield f"{relied.name}.{attribute}"


def _takes(function: Any, names: tuple[str, ...], *, alone: bool) -> bool:
    try:
        parameters = tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # no function, or one that does not tell
        return False
    return parameters == names if alone else parameters[: len(names)] == names


def _has(kind: Any, attribute: str) -> bool:
    """Whether a class, or what its constructors set on its instances, has an attribute."""
    if hasattr(kind, attribute):
        return True
    constructors = (vars(base).get("__init__") for base in getattr(kind, "__mro__", ()))
    codes = (getattr(constructor, "__code__", None) for constructor in constructors)
    return any(code is not None and attribute in code.co_names for code in codes)
