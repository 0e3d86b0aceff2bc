"""The check that moto is a version with the internals that are used."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Final

from locum.backends.moto.relied_on import RELIED_ON
from locum.core.errors import ConfigurationError
from locum.core.reliance import installed, require

WANTED: Final = "moto[all]>=5.2.5,<5.3"
"""As in pyproject.toml."""


@cache
def check(part: str) -> None:
    """Import `part` of moto and raise ConfigurationError unless it has the internals that are used."""
    for name, relied_on in RELIED_ON.get(part, {}).items():
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise ConfigurationError(f"moto {installed('moto')} cannot be used: {error}. Install {WANTED}") from error
        require("moto", WANTED, module, relied_on)
