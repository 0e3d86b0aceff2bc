"""Two planes, one of which is the backend of EC2 for the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
def behind_a_backend(
    directories: pytest.TempPathFactory, *services: str, flags: Sequence[str] = ()
) -> Iterator[Planes]:
    """A plane with `flags` for which another plane carries out `services`."""
    with up(directories.mktemp("behind")) as behind:
        flags = [*flags, *(flag for service in services for flag in ("--backend", f"{service}={behind.endpoint}"))]
        with _with_keys(behind.root), up(directories.mktemp("front"), *flags) as front:
            yield Planes(front, behind)


@contextmanager
def ec2_behind(directories: pytest.TempPathFactory) -> Iterator[Planes]:
    """A plane whose instances another plane runs."""
    with behind_a_backend(directories, "ec2") as both:
        yield both
