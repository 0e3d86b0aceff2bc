"""unittest: a plane for the whole run, and an account of its own for each test."""

from __future__ import annotations

from typing import Any
from unittest import TestCase

from locum.testing.account import LocumAccount
from locum.testing.plane import LocumPlane, shared_plane


class LocumMixin:
    """To stand before `unittest.TestCase`, or a class made of it: see `LocumTestCase`."""

    _account: LocumAccount | None = None

    @property
    def locum(self) -> LocumPlane:
        """The plane that all tests of this process share, those of pytest too, started when it is first used."""
        return shared_plane()

    @property
    def account(self) -> LocumAccount:
        """The account of this test, made when it is first used and ended after the test's cleanups."""
        if self._account is None:
            self._account = self.locum.account()
        return self._account

    def run(self, result: Any = None) -> Any:
        """Run the test, and end its account."""
        try:
            return super().run(result)  # type: ignore[misc] # of unittest.TestCase
        finally:
            account, self._account = self._account, None
            if account is not None:
                account.end()


class LocumTestCase(LocumMixin, TestCase):
    """A test case of unittest with an account of its own for each test: `self.account`, and `self.locum`, the plane."""
