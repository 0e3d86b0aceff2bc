"""What lint asks of patterns: whether one covers another, whether two have anything in common.

Every answer costs what the two lengths say, whatever the patterns are.
"""

from __future__ import annotations

import re
from typing import Final

from locum.policy.patterns import Matcher, glob, scan

_LITERAL_VARIABLES: Final = frozenset({"${*}", "${?}", "${$}"})
_FREE: Final = re.compile(r"[*?]|\$\{[^}]*\}")
# What stands for a wildcard of the covered pattern: no policy has private-use characters.
_ANY_MARK: Final = "\ue000"
_ONE_MARK: Final = "\ue001"
_MARKS: Final = str.maketrans({"*": _ANY_MARK, "?": _ONE_MARK})


def is_free(text: str) -> bool:
    """Whether wildcards or variables leave open what `text` is."""
    return any(match.group() not in _LITERAL_VARIABLES for match in _FREE.finditer(text))


def has_wildcard(text: str) -> bool:
    """Whether there is a `*` or `?` that is not written as a variable."""
    return any(len(match.group()) == 1 for match in _FREE.finditer(text))


def matcher(pattern: str) -> Matcher:
    """A matcher of whole texts: `*` and `?` are wildcards, all else is literal."""
    return glob(scan(pattern, variables=False))


def coverer(pattern: str) -> Matcher:
    """A test whether all that a second pattern matches is matched by `pattern` too.

    The wildcards of the second are taken for characters that only `*` matches; a `?` of `pattern` would match them
    too, so a pattern with `?` covers only what has no wildcard.
    """
    matches = matcher(pattern)
    if "?" in pattern:
        return lambda other: matches(other) and not has_wildcard(other)
    return lambda other: matches(other.translate(_MARKS))


def overlaps(pattern: str, template: str) -> bool:
    """Whether something can match both. `${...}` is open in either; `?` counts as `*`, which is lenient.

    Of two globs that both have a `*`, one text with the longer beginning, all middles and the longer end matches
    both, if the beginnings and the ends are compatible: nothing else has to be looked at.
    """
    ours, theirs = _FREE.split(pattern), _FREE.split(template)
    if len(ours) == 1:
        return _stars(theirs)(pattern)
    if len(theirs) == 1:
        return _stars(ours)(template)
    beginnings = ours[0].startswith(theirs[0]) or theirs[0].startswith(ours[0])
    return beginnings and (ours[-1].endswith(theirs[-1]) or theirs[-1].endswith(ours[-1]))


def _stars(pieces: list[str]) -> Matcher:
    return matcher("*".join(pieces))
