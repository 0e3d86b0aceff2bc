"""Large policies, with which the first decision is made beside the event loop.

Compiling a policy of the size that S3 or KMS allows, or the many that one role may have, takes up to some tenths of a
second, in which nobody else would be answered. They are compiled once: later decisions find them in the cache of
`policy.stored`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

LARGE: Final = 4096
"""Characters. Compiling less takes no longer than a few ordinary calls."""

_COUNTED: Final = 512
"""Characters. Policies that are shorter are not counted, nor remembered."""
_REMEMBERED: Final = 4096


class LargePolicies:
    """The policies that a decision was made with, but for short ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    def include_new(self, texts: Iterable[str]) -> bool:
        """Whether those of `texts` with which no decision was made before are large together. They are known then."""
        new = 0
        for text in texts:
            if len(text) > _COUNTED:
                new += 0 if text in self._known else len(text)
                self._known[text] = None
                self._known.move_to_end(text)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return new > LARGE
