"""Access Analyzer's operations, imported when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from locum.services.verbs import Operation


class LazyAnalyzer(Mapping[str, Operation]):
    """`locum.services.accessanalyzer.OPERATIONS`: policy lint is a tenth of start-up otherwise, and rarely called."""

    def _operations(self) -> Mapping[str, Operation]:
        from locum.services.accessanalyzer import OPERATIONS

        return OPERATIONS

    def __getitem__(self, name: str) -> Operation:
        return self._operations()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations())

    def __len__(self) -> int:
        return len(self._operations())
