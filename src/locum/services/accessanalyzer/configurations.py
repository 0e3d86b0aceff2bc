"""The configurations of analyzers.

Access Analyzer API Reference, AnalyzerConfiguration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.services.accessanalyzer import exclusions, inclusions
from locum.services.accessanalyzer.faults import invalid
from locum.services.accessanalyzer.kinds import INTERNAL, KINDS, UNUSED

Configuration = Mapping[str, Any]


def configured(kind: str, owner: str, given: Configuration, before: Configuration | None = None) -> dict[str, Any]:
    """The configuration of an analyzer of the type `kind` of the account `owner`.

    What is not `given` is as `before`, or as in a new analyzer. Raises Fault ValidationException.
    """
    known = _KNOWN.get(KINDS[kind].analysis)
    member = "" if known is None else known[0]
    if any(name != member for name in given):
        raise invalid("configuration", f"It is not the configuration of an analyzer of the type {kind}.")
    if known is None:
        return {}
    former = (before or {}).get(member) or {}
    return {member: known[1](kind, owner, {**former, **(given.get(member) or {})})}


_KNOWN: Final[Mapping[str, tuple[str, Callable[[str, str, Configuration], dict[str, Any]]]]] = {
    INTERNAL: ("internalAccess", inclusions.configured),
    UNUSED: ("unusedAccess", exclusions.configured),
}
"""By analysis, the member of AnalyzerConfiguration and what makes its structure; other analyses have none."""
