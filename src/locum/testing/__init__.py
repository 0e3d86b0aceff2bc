"""Locum in a test suite: a plane that belongs to the run, accounts for single tests, and what is asserted of calls.

link         the questions to the plane
process      the plane, in a process of its own
serving      the program of that process
clients      boto3 clients of a plane
roles        roles made by tests, and their sessions
denials      denied calls, with their explanations
expecting    assertions about the decisions on calls
account      an account, with clients, roles, denials and assertions
plane        the plane, and its first account
needs        the permissions that the roles of a run needed, in a file
pytest_plugin  fixtures and options of pytest
cases        the same for unittest
containers   the plane in a container, for testcontainers

What is here is loaded when it is first named: pytest imports this package wherever Locum is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from locum.testing.account import LocumAccount
    from locum.testing.cases import LocumMixin, LocumTestCase
    from locum.testing.denials import Denial
    from locum.testing.plane import LocumPlane
    from locum.testing.roles import LocumRole

_PLACES: Final = {
    "Denial": "denials",
    "LocumAccount": "account",
    "LocumMixin": "cases",
    "LocumPlane": "plane",
    "LocumRole": "roles",
    "LocumTestCase": "cases",
}

__all__ = ["Denial", "LocumAccount", "LocumMixin", "LocumPlane", "LocumRole", "LocumTestCase"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(loaded(_PLACES[name]), name)


def loaded(name: str) -> Any:
    """A module of this package. Raises ImportError, which says what to install, where its libraries are not there."""
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != "boto3":
            raise
        raise ImportError("tests with Locum need boto3: pip install 'locum[testing]'") from error
