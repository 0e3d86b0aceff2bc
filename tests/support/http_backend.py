"""Two planes, one of which is the backend of EC2 for the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from support.plane import RunningPlane, up


class Planes(NamedTuple):
    """The plane of the client, and the one that is its backend."""

    front: RunningPlane
    behind: RunningPlane


@contextmanager
def _with_keys(key: Any) -> Iterator[None]:
    """The environment variables that `locum up` takes the backend's keys from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunningPlane, "environment", _environment(key))
        yield


def _environment(key: Any) -> Any:
    plain = RunningPlane.environment
    keys = {
        "LOCUM_BACKEND_ACCESS_KEY_ID": key.access_key_id,
        "LOCUM_BACKEND_SECRET_ACCESS_KEY": key.secret_access_key,
    }
    return lambda self, **more: plain(self, **keys, **more)


@contextmanager
def ec2_behind(directories: pytest.TempPathFactory) -> Iterator[Planes]:
    """A plane whose instances another plane runs."""
    with (
        up(directories.mktemp("behind")) as behind,
        _with_keys(behind.root),
        up(directories.mktemp("front"), "--backend", f"ec2={behind.endpoint}") as front,
    ):
        yield Planes(front, behind)
