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
    return (sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _MAIN, _SOURCE, module)
