"""The plane of a test run: started when it is first used, in memory and on a free port, and gone with the run."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from locum.cli.home import read_plane, read_root_key
from locum.testing.account import LocumAccount
from locum.testing.link import Keys, Link
from locum.testing.process import PlaneProcess

REGION: Final = "us-east-1"

_shared: Final[dict[int, LocumPlane]] = {}
"""The plane that all tests of a process share, by the process: one that was forked from it starts its own."""


class LocumPlane:
    """A plane, and by the same methods its first account. A context manager; `close` it otherwise.

    Its process starts with this object, and is waited for when it is first needed.
    """

    def __init__(self, region: str = REGION) -> None:
        self.region = region
        self._process = PlaneProcess(region)
        self._link = Link(self._ready)

    def __enter__(self) -> LocumPlane:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        """A method of the first account."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.first, name)

    @property
    def endpoint(self) -> str:
        """The URL of the plane."""
        return self._process.ready()

    @property
    def data(self) -> Path:
        """Its data directory, for `locum ... --data`."""
        return self._ready()

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    @cached_property
    def first(self) -> LocumAccount:
        """The account that it began with, which lasts as long as it does."""
        key = read_root_key(self.data)
        root = Keys(key.access_key_id, key.secret_access_key)
        return self._account(read_plane(self.data).account, root)

    def account(self) -> LocumAccount:
        """A new account, alone and empty. `end` it."""
        return self._account(*self._link.make_account())

    def close(self) -> None:
        """End the plane, and all that it has."""
        if _shared.get(os.getpid()) is self:
            del _shared[os.getpid()]
        self._process.close()

    def _account(self, account: str, root: Keys) -> LocumAccount:
        return LocumAccount(self._link, lambda: self.endpoint, self.region, account, root)

    def _ready(self) -> Path:
        self._process.ready()
        return self._process.plane_data


def shared_plane(region: str = REGION) -> LocumPlane:
    """The plane that the tests of this process share, started when it is first asked for. It ends with the process."""
    process = os.getpid()
    if process not in _shared:
        _shared[process] = LocumPlane(region)
    return _shared[process]


def is_shared() -> bool:
    """Whether there is such a plane."""
    return os.getpid() in _shared
