"""A library of another version than the one that is relied on is told at once, with what it lacks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from locum.core.errors import ConfigurationError
from locum.core.reliance import Relied, installed, require


class Base:
    def __init__(self) -> None:
        self.inherited = 1


class Model(Base):
    declared = 2

    def __init__(self) -> None:
        super().__init__()
        self.own = 3

    @property
    def computed(self) -> int:
        return 4


def function(first: Any, second: Any, third: Any = None) -> None:
    """Takes three."""


MODULE = SimpleNamespace(__name__="library.module", Model=Model, function=function, VALUE=0)


def told(*relied: Relied) -> str:
    with pytest.raises(ConfigurationError) as refused:
        require("pytest", "pytest>=9,<10", MODULE, relied)
    return str(refused.value)


def test_what_is_there_is_relied_on() -> None:
    require(
        "pytest",
        "pytest>=9",
        MODULE,
        [
            Relied("VALUE", "-"),
            Relied("Model", "-", has=("inherited", "declared", "own", "computed")),
            Relied("Model.computed", "-"),
            Relied("function", "-", takes=("first", "second")),
            Relied("function", "-", takes=("first", "second", "third"), alone=True),
        ],
    )


def test_what_is_not_there_is_told_with_its_reason_and_both_versions() -> None:
    assert told(Relied("Model.gone", "to test")) == (
        f"pytest {installed('pytest')} is not a version that Locum works with: in library.module there is no "
        "Model.gone, needed to test. Install pytest>=9,<10"
    )


@pytest.mark.parametrize(
    ("relied", "missing"),
    [
        (Relied("gone", "-"), "gone"),
        (Relied("Model", "-", has=("own", "gone")), "Model.gone"),
        (Relied("function", "-", takes=("second",)), "function(second)"),
        (Relied("function", "-", takes=("first", "second"), alone=True), "function(first, second)"),
        (
            Relied("function", "-", takes=("first", "second", "third", "fourth")),
            "function(first, second, third, fourth)",
        ),
        (Relied("VALUE", "-", takes=()), "VALUE()"),
    ],
)
def test_each_kind_of_thing_is_held_against_the_library(relied: Relied, missing: str) -> None:
    assert f"there is no {missing}, needed -" in told(relied)


def test_all_that_is_missing_is_told() -> None:
    assert "no gone, needed to a; no lost, needed to b" in told(Relied("gone", "to a"), Relied("lost", "to b"))


def test_a_library_that_is_not_installed_has_no_version() -> None:
    assert installed("no-such-distribution") == "of an unknown version"
