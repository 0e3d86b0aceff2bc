"""pytest's fixtures `locum` and `locum_account`, and its options for the policies that a run needs.

Named by `locum.cli.pytest_plugin`, which pytest loads wherever Locum is installed: nothing of Locum is imported before
a test needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from locum.testing import loaded

if TYPE_CHECKING:
    from locum.testing.account import LocumAccount
    from locum.testing.plane import LocumPlane

FIXTURES: Final = frozenset({"locum", "locum_account"})
_KEY: Final = "locum_needs"
"""The member of a worker's output (pytest-xdist) that has what its tests needed."""

_plane: Final = pytest.StashKey["LocumPlane"]()
_own: Final = pytest.StashKey[bool]()
_run: Final = pytest.StashKey["PolicyRun"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """pytest's hook: the options."""
    group = parser.getgroup("locum", "Locum")
    group.addoption("--locum-policy-out", metavar="FILE", type=Path,
                    help="write the policies that the roles of the run needed to FILE")  # fmt: skip
    group.addoption("--locum-policy-check", metavar="FILE", type=Path,
                    help="fail where a role of the run needed what the policies in FILE do not allow")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook: with one of the options, gather what roles need."""
    out, check = config.getoption("--locum-policy-out"), config.getoption("--locum-policy-check")
    if out is not None or check is not None:
        run = PolicyRun(config, out, check)
        config.stash[_run] = run
        config.pluginmanager.register(run, "locum-policies")


def pytest_collection_finish(session: pytest.Session) -> None:
    """pytest's hook: start the plane now where a test needs it, so that nobody waits for it.

    Workers of pytest-xdist collect all tests, and may run none of these.
    """
    config = session.config
    if config.option.collectonly or _is_worker(config) or getattr(config.option, "tx", None):
        return
    if any(not FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) for item in session.items):
        _started(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """pytest's hook: end the plane that this run started, however it ends."""
    if config.stash.get(_own, False):
        config.stash[_plane].close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """pytest's hook: a test that uses the plane's first account sees the denials since here."""
    if "locum" in getattr(item, "fixturenames", ()) and _plane in item.config.stash:
        item.config.stash[_plane].first.begin()


@pytest.fixture(scope="session", name="locum")
def locum_fixture(pytestconfig: pytest.Config) -> Iterator[LocumPlane]:
    """A plane for the whole run (of this worker), which is also its first account: see `locum.testing`."""
    plane = _started(pytestconfig)
    yield plane
    if _run in pytestconfig.stash:
        pytestconfig.stash[_run].gather(plane.first)


@pytest.fixture(name="locum_account")
def locum_account_fixture(pytestconfig: pytest.Config) -> Iterator[LocumAccount]:
    """An account of the test's own, empty at its begin and gone at its end: see `locum.testing`."""
    account = _started(pytestconfig).account()
    try:
        yield account
        if _run in pytestconfig.stash:
            pytestconfig.stash[_run].gather(account)
    finally:
        account.end()


class PolicyRun:
    """The policies of a run: gathered by each worker, merged, written and checked by whoever controls them."""

    def __init__(self, config: pytest.Config, out: Path | None, check: Path | None) -> None:
        self._config = config
        self._out = out
        self._check = check
        self._lost: list[str] = []
        self._told: list[str] = []
        self._needs = _needs_module().Needs()
        # A file that cannot be read, or written, fails the run before its tests.
        if out is not None and not (config.invocation_params.dir / out).parent.is_dir():
            raise pytest.UsageError(f"--locum-policy-out {out}: there is no directory {out.parent}")
        self._known = None if check is None or _is_worker(config) else _known(config.invocation_params.dir / check)

    def gather(self, account: LocumAccount) -> None:
        """Add what the roles of an account needed."""
        self._needs.gather(account)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """pytest-xdist's hook: a worker has ended."""
        found = getattr(node, "workeroutput", {}).get(_KEY)
        if found is None:
            self._lost.append(node.gateway.id)
        else:
            self._needs.merge(found)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """pytest's hook: hand on, or write and check."""
        if _is_worker(self._config):
            self._config.workeroutput[_KEY] = self._needs.told()  # type: ignore[attr-defined] # pytest-xdist's
            return
        if self._config.option.collectonly:
            return
        self._told += [f"NOT COMPLETE: worker {name} told nothing of its tests" for name in self._lost]
        self._told += self._needs.incomplete
        here = self._config.invocation_params.dir
        if self._out is not None:
            (here / self._out).write_text(self._needs.text())
            self._told.append(f"the policies that were needed are in {self._out}")
        grown = [] if self._known is None else list(self._needs.beyond(self._known))
        self._told += [f"needed beyond {self._check}: {one}" for one in grown]
        failed = grown or (self._check is not None and (self._lost or self._needs.incomplete))
        if failed and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """pytest's hook: tell of it."""
        if self._told:
            terminalreporter.section("Locum: policies")
            for line in self._told:
                terminalreporter.line(line)


def _started(config: pytest.Config) -> LocumPlane:
    """The plane that the tests of this process share."""
    if _plane not in config.stash:
        planes = loaded("plane")
        config.stash[_own] = not planes.is_shared()
        config.stash[_plane] = planes.shared_plane()
    return config.stash[_plane]


def _needs_module() -> Any:
    return loaded("needs")


def _known(file: Path) -> Any:
    try:
        return _needs_module().Known.read(file)
    except ValueError as error:
        raise pytest.UsageError(f"--locum-policy-check: {error}") from error


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
