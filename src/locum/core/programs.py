"""Programs of Locum's own: modules that a new interpreter executes, with nothing of this process's but their words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_SOURCE: Final = str(Path(__file__).resolve().parents[2])
_MAIN: Final = (
    "import sys; from importlib import import_module; "
    "sys.path.insert(0, sys.argv[1]); import_module(sys.argv[2]).main()"
)


def program(module: str) -> tuple[str, ...]:
    """The words that execute `main` of `module` in an interpreter of its own; its arguments come behind them.

    It starts quickly, and no variable or file of a user's steers it: it has the standard library and Locum, and not
    the packages that are installed (python(1), -I and -S).
    """
    return _words(module, "-I", "-S", "-B")


def program_with_packages(module: str) -> tuple[str, ...]:
    """As `program`, with the packages that are installed."""
    return _words(module, "-I", "-B")


def program_alike(module: str) -> tuple[str, ...]:
    """As `program`, in an interpreter like this one: the same variables steer it."""
    return _words(module)


def _words(module: str, *flags: str) -> tuple[str, ...]:
    return (sys.executable, *flags, "-X", "utf8", "-c", _MAIN, _SOURCE, module)
