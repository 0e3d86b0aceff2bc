"""A backend that is loaded late is loaded once, and its failure to load is an answer like any other."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from locum.backends import Backend, Carried
from locum.backends.lazy import LazyBackend
from locum.core.errors import ConfigurationError
from locum.core.http import HttpResponse
from locum.core.resources import UNKNOWN
from support.backends import Doing


def counting(makes: list[Callable[[], Backend]]) -> tuple[LazyBackend, list[int]]:
    """A late backend that `makes` make in turn, and how often it was made."""
    made: list[int] = []

    def load() -> Backend:
        made.append(len(made))
        return makes[len(made) - 1]()

    return LazyBackend(load), made


def test_calls_that_come_at_once_load_it_once() -> None:
    async def story() -> None:
        backend, made = counting([lambda: Doing(lambda _call: HttpResponse(200))])
        told = await asyncio.gather(*(backend.facts("s3", "*", "", "") for _ in range(5)))
        assert (told, made) == ([UNKNOWN] * 5, [0])
        assert isinstance(await backend.call(None), Carried)  # type: ignore[arg-type] # nobody looks at it
        await backend.close()

    asyncio.run(story())


def test_what_cannot_be_loaded_fails_the_call_and_is_tried_again() -> None:
    def broken() -> Backend:
        raise ConfigurationError("another version is wanted")

    async def story() -> None:
        backend, made = counting([broken, lambda: Doing(lambda _call: HttpResponse(200))])
        with pytest.raises(ConfigurationError, match="another version"):
            await backend.facts("s3", "*", "", "")
        assert await backend.facts("s3", "*", "", "") is UNKNOWN
        assert made == [0, 1]

    asyncio.run(story())


def test_what_was_never_needed_is_never_loaded() -> None:
    backend, made = counting([])
    asyncio.run(backend.close())
    assert made == []


@pytest.mark.parametrize(
    ("service", "operation"), [("accessanalyzer", "ValidatePolicy"), ("cloudtrail", "LookupEvents")]
)
def test_a_plane_has_its_services_and_loads_the_late_ones_when_they_are_asked_for(service: str, operation: str) -> None:
    code = (
        "import sys; from locum.cli.own_services import own_services as own\n"
        f"late = own()['{service}'].operations\n"
        f"assert 'locum.services.{service}' not in sys.modules\n"
        f"assert '{operation}' in late\n"
        f"from locum.services.{service} import OPERATIONS\n"
        "assert dict(late) == dict(OPERATIONS) and len(late) == len(OPERATIONS)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
