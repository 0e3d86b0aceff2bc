"""Late import of services that are large and rarely called."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import cast

from locum.services.verbs import Operation


class LateOperations(Mapping[str, Operation]):
    """The `OPERATIONS` of the package `locum.services.NAME`, which is imported at the first access."""

    def __init__(self, name: str) -> None:
        self._package = f"locum.services.{name}"

    @cached_property
    def _operations(self) -> Mapping[str, Operation]:
        return cast("Mapping[str, Operation]", importlib.import_module(self._package).OPERATIONS)

    def __getitem__(self, name: str) -> Operation:
        return self._operations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)
