"""Members of JSON objects of which only the form is known: an error names the place of what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from locum.core.errors import ConfigurationError

DEEPEST: Final = 100
"""Levels of values within values. Policies have some ten."""

_KINDS: Final = {str: "a text", list: "a list", dict: "an object", int: "a number"}


class Place(NamedTuple):
    """A JSON object, and where it is: `details.json: RoleDetailList[3]`."""

    value: dict[str, Any]
    where: str

    def error(self, member: str, what: str) -> ConfigurationError:
        """The error that a member is wrong."""
        return ConfigurationError(f"{self._of(member)} {what}")

    def _of(self, member: str) -> str:
        return f"{self.where}{'' if self.where.endswith(' ') else '.'}{member}"

    def _member(self, name: str, kind: type[Any]) -> Any:
        found = self.value.get(name)
        if found is not None and (not isinstance(found, kind) or isinstance(found, bool)):
            raise self.error(name, f"is not {_KINDS[kind]}")
        return found

    def text(self, name: str) -> str:
        """A member that is there. Raises ConfigurationError."""
        found = self._member(name, str)
        if not found:
            raise self.error(name, "is missing" if found is None else "is empty")
        return str(found)

    def optional(self, name: str) -> str | None:
        """A member, or None."""
        found: str | None = self._member(name, str)
        return found

    def number(self, name: str) -> int | None:
        """A number, or None."""
        found: int | None = self._member(name, int)
        return found

    def objects(self, name: str) -> Iterator[Place]:
        """The objects of a list, which may not be there."""
        for index, value in enumerate(self._member(name, list) or ()):
            where = f"{self._of(name)}[{index}]"
            if not isinstance(value, dict):
                raise ConfigurationError(f"{where} is not an object")
            yield Place(value, where)

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list, which may not be there."""
        found = self._member(name, list) or []
        if not all(isinstance(one, str) for one in found):
            raise self.error(name, "is not a list of texts")
        return tuple(found)

    def inner(self, name: str) -> Place | None:
        """An object, or None."""
        found = self._member(name, dict)
        return None if found is None else Place(found, self._of(name))


def is_deep(value: Any) -> bool:
    """Whether `value` has more than DEEPEST levels."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
