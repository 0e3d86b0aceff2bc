"""Relations between patterns: whether one covers another, and whether two overlap.

All take time in proportion to the lengths of the patterns, whatever they contain.
"""

from __future__ import annotations

import re
from typing import Final

from locum.policy.patterns import Matcher, glob, scan

_LITERAL_VARIABLES: Final = frozenset({"${*}", "${?}", "${$}"})
_OPEN: Final = re.compile(r"[*?]|\$\{[^}]*\}")
# Replacements for the wildcards of the covered pattern: policies have no private-use characters.
_ANY_MARK: Final = "\ue000"
_ONE_MARK: Final = "\ue001"
_MARKS: Final = str.maketrans({"*": _ANY_MARK, "?": _ONE_MARK})


def is_open(text: str) -> bool:
    """Whether `text` has wildcards or variables, so that it is not one fixed value."""
    return any(match.group() not in _LITERAL_VARIABLES for match in _OPEN.finditer(text))


def has_wildcard(text: str) -> bool:
    """Whether there is a `*` or `?` other than in the variables `${*}` and `${?}`."""
    return any(len(match.group()) == 1 for match in _OPEN.finditer(text))


def matcher(pattern: str) -> Matcher:
    """A matcher of whole texts for `pattern`: `*` and `?` are wildcards, all else is literal."""
    return glob(scan(pattern, variables=False))


def covers(pattern: str) -> Matcher:
    """A test whether `pattern` matches everything that a second pattern matches.

    The wildcards of the second are replaced by characters that only `*` matches. A `?` of `pattern` would match them
    too, so a pattern with `?` covers only texts without wildcards.
    """
    matches = matcher(pattern)
    if "?" in pattern:
        return lambda other: matches(other) and not has_wildcard(other)
    return lambda other: matches(other.translate(_MARKS))


def overlaps(pattern: str, template: str) -> bool:
    """Whether a text can match both. `${...}` counts as `*` in either, and so does `?`, which is lenient.

    If both have a `*` and their prefixes and suffixes are compatible, the longer prefix, all chunks of both, and the
    longer suffix make a text that matches both: only prefixes and suffixes need to be compared.
    """
    ours, theirs = _OPEN.split(pattern), _OPEN.split(template)
    if len(ours) == 1:
        return _stars(theirs)(pattern)
    if len(theirs) == 1:
        return _stars(ours)(template)
    beginnings = ours[0].startswith(theirs[0]) or theirs[0].startswith(ours[0])
    return beginnings and (ours[-1].endswith(theirs[-1]) or theirs[-1].endswith(ours[-1]))


def _stars(pieces: list[str]) -> Matcher:
    return matcher("*".join(pieces))
