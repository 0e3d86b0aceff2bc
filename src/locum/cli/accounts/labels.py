"""Names within a file that is written: made of the names of entities, and each only once."""

from __future__ import annotations

from collections.abc import Callable


class Labels:
    """Makes labels. `plain` makes one of a name; `between` is put before the number of one that is taken."""

    def __init__(self, plain: Callable[[str], str], between: str) -> None:
        self._plain = plain
        self._between = between
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """A label of its own for what is called so."""
        base = label = self._plain(name) or "Unnamed"
        number = 1
        while label.lower() in self._taken:
            number += 1
            label = f"{base}{self._between}{number}"
        self._taken.add(label.lower())
        return label
