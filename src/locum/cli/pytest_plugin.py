"""The pytest plugin, which collects decision cases in files `*.cases.yaml` and `*.cases.jsonl` as tests.

pytest loads it by the entry point `pytest11` wherever Locum is installed, so that it imports Locum only when there is
such a file. The fixtures for tests are those of `locum.testing`, whose plugin pytest loads with this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from locum.policy.cases import Case

pytest_plugins = ("locum.testing.pytest_plugin",)

ENDINGS: Final = (".cases.yaml", ".cases.yml", ".cases.jsonl")


class CaseFailedError(Exception):
    """A case has another result than expected. The text is the explanation."""


class CaseItem(pytest.Item):
    """One decision case. Its name is the case's id."""

    def __init__(self, *, case: Case, **more: Any) -> None:
        super().__init__(**more)
        self.case = case

    def runtest(self) -> None:
        from locum.cli.commands.check import failure
        from locum.policy import cases

        result = cases.run(self.case)
        if not result.passed:
            raise CaseFailedError("\n".join(failure(self._file(), self.case, result)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, CaseFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, max(self.case.line - 1, 0), self.name

    def _file(self) -> Path:
        """The path of the file, relative to pytest's root directory where it is below that."""
        root = self.config.rootpath
        return self.path.relative_to(root) if self.path.is_relative_to(root) else self.path


class CasesFile(pytest.File):
    """A file of decision cases."""

    def collect(self) -> Iterator[CaseItem]:
        """Collect the cases. Raises CollectError with all invalid ones where there are any."""
        from locum.cli.commands.check import read_leniently
        from locum.cli.screen import printable
        from locum.policy import cases

        found = list(read_leniently(self.path))
        wrong = [case for case in found if isinstance(case, cases.MalformedCase)]
        if wrong:
            lines = (f"{self.path}:{case.line or 1}: {printable(case.message)}" for case in wrong)
            raise self.CollectError("\n".join(lines))
        for case in found:
            if not isinstance(case, cases.MalformedCase):
                yield CaseItem.from_parent(self, name=printable(case.id), case=case)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CasesFile | None:
    """pytest's hook: make the collector for a file of decision cases."""
    return CasesFile.from_parent(parent, path=file_path) if file_path.name.endswith(ENDINGS) else None
