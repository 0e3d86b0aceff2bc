"""Large resource policies, of which the first decision is made beside the event loop.

Compiling a policy of the size that S3 or KMS allows takes up to some tenths of a second, in which nobody else would be
answered. It is compiled once: later decisions find it in the cache of `policy.stored`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from locum.core.resources import ResourceFacts

LARGE: Final = 4096
"""Characters. Compiling less takes no longer than a few ordinary calls."""

_REMEMBERED: Final = 1024


class LargePolicies:
    """The large policies that a decision was made with."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    def include_new(self, facts: Iterable[ResourceFacts]) -> bool:
        """Whether one of `facts` has a large policy that none had before. It is known from now on."""
        new = False
        for found in facts:
            text = found.policy
            if text is not None and len(text) > LARGE:
                new = new or text not in self._known
                self._known[text] = None
                self._known.move_to_end(text)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return new
