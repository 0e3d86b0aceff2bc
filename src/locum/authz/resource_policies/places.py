"""The places of policies in the parameters of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class Place(Protocol):
    """The place of a policy's text in the parameters of an operation."""

    def read(self, params: Mapping[str, Any]) -> Any:
        """The policy; None where the call puts none."""

    def replaced(self, params: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The parameters with `text` in place of the policy."""


class Member(NamedTuple):
    """A member of the input, or of a structure or map in it: its names from the outside in."""

    path: tuple[str, ...]

    def read(self, params: Mapping[str, Any]) -> Any:
        """The policy; None where the call puts none."""
        value: Any = params
        for name in self.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def replaced(self, params: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The parameters with `text` in place of the policy."""
        name, *rest = self.path
        return {**params, name: Member(tuple(rest)).replaced(params[name], text) if rest else text}


class NamedAttribute(NamedTuple):
    """The member `value`, where the member `name` is the attribute `attribute`."""

    name: str
    attribute: str
    value: str

    def read(self, params: Mapping[str, Any]) -> Any:
        """The policy; None where the call puts none."""
        return params.get(self.value, "") if params.get(self.name) == self.attribute else None

    def replaced(self, params: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The parameters with `text` in place of the policy."""
        return {**params, self.value: text}


class Patch(NamedTuple):
    """The value of the last operation on `path` in a list of JSON Patch operations (API Gateway's Update calls)."""

    operations: str
    path: str

    def read(self, params: Mapping[str, Any]) -> Any:
        """The policy; None where the call puts none."""
        found = [each for each in params.get(self.operations) or () if self._concerns(each)]
        return found[-1].get("value", "") if found else None

    def replaced(self, params: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The parameters with `text` in place of the policy, in each operation on it."""
        operations = [{**each, "value": text} if self._concerns(each) else each for each in params[self.operations]]
        return {**params, self.operations: operations}

    def _concerns(self, operation: Any) -> bool:
        puts = isinstance(operation, Mapping) and operation.get("op") in ("add", "replace")
        return puts and operation.get("path") == self.path
