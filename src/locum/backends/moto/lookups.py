"""The fence around moto's data: which accounts and services a call may look up.

All data of moto is in dictionaries by account and region, one for each service (`BackendDict`). Each look-up in one is
checked here, as authorization is of the resource of a call in one account: another account is there for nobody, and
another service for the places that the table of reaches lists (`reach.toml`). What moto tries beyond that fails the
call, also where moto ignores the exception.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import Final

from locum.backends.moto import reach, recall
from locum.core.errors import Fault
from locum.core.reading import reads_only

_INFRASTRUCTURE: Final = frozenset({"core", "utilities", "settings", "moto_api", "backends"})
_IDENTITY: Final = frozenset({"iam", "sts"})
"""Parts without anything of an account: Locum's directory stands in for them (`identity`)."""
_CALLER: Final = 3
"""The number of frames from `_asks_locum` to the code that looks something up."""


class Within:
    """A context manager that limits what the code of moto may look up in this thread while it is entered.

    That is what belongs to `account`, for `part` of moto (`s3`) and the operation (`s3:GetObject`). Leaving it raises
    the first Fault with which something was refused, whatever moto made of it. Entering it raises one where the account
    has ended.
    """

    __slots__ = ("_token", "account", "operation", "part", "refused")

    def __init__(self, part: str, account: str, operation: str = "") -> None:
        self.part, self.account, self.operation = part, account, operation
        self.refused: list[Fault] = []
        self._token: Token[Within | None] | None = None

    def __enter__(self) -> Within:
        if self.account in _ended:  # after it was authorized
            raise Fault("AccessDenied", f"The account {self.account} does not exist any more.", 403)
        self._token = _current.set(self)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        assert self._token is not None
        _current.reset(self._token)
        if self.refused and error is not self.refused[0]:
            raise self.refused[0] from error

    def refuse(self, what: str) -> Fault:
        """Note and return the error for something that the backend does not do."""
        fault = Fault("NotImplemented", f"The embedded backend does not {what}.", 501)
        self.refused.append(fault)
        return fault


_ended: Final[set[str]] = set()
"""Accounts of which nothing is to be made any more."""

_current: ContextVar[Within | None] = ContextVar("locum_moto_call", default=None)


def end(account: str) -> None:
    """Have no further call be carried out in an account."""
    _ended.add(account)


def refusal(what: str) -> Fault:
    """The error for something that moto's code is about to do and may not. It fails the call."""
    current = _current.get()
    return Within("", "").refuse(what) if current is None else current.refuse(what)


def check(part: str, account: str) -> None:
    """Raise Fault unless the code that looks up `part` of moto in `account` may do so."""
    current = _current.get()
    if current is not None and account == current.account and (part == current.part or part in _IDENTITY):
        return
    if _asks_locum():
        _reached(part, current)
        return
    place = _outer_place(part)
    if current is None:
        if place is not None:
            raise refusal(f"let {place} reach {part} outside of a call")
        return
    if account != current.account and (_inner_place(), current.operation) not in reach.may_cross():
        raise current.refuse(f"reach {part} in account {account} for a call in account {current.account}")
    if not _may_reach(place, part):
        raise current.refuse(f"reach {part} for {current.operation or current.part}")
    _reached(part, current)


def _reached(part: str, current: Within | None) -> None:
    """Have what was kept of another part be there, and note that a call may change it."""
    recall.here(part)
    if current is not None and current.operation and not reads_only(current.operation.partition(":")[2]):
        recall.changing(part)


def visible(part: str, account: str) -> bool:
    """Whether moto's data of an account is there for the code that goes through all accounts of `part`."""
    current = _current.get()
    if current is None:
        return _outer_place(part) is None
    return account == current.account


def _asks_locum() -> bool:
    """Whether the look-up is in code of Locum's: who called the replacement (`internals`) that called `check`."""
    frame = inspect.currentframe()
    for _ in range(_CALLER):
        frame = None if frame is None else frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__", "")).startswith("locum.")


def _may_reach(place: str | None, part: str) -> bool:
    if place is None or place in reach.may_reach_every_service():
        return True
    own = place.split(".")[1]
    return own == part or (own, part) in reach.may_reach()


def _outer_place(part: str) -> str | None:
    """The innermost function on the stack of a service other than `part`, or of `part` where there is no other."""
    places = list(_places())
    return next((place for place in places if place.split(".")[1] != part), places[0] if places else None)


def _inner_place() -> str:
    """The innermost function on the stack of any service of moto."""
    return next(_places(), "")


def _places() -> Iterator[str]:
    """The functions of moto's services on the stack of this thread, innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("moto.") and module.split(".")[1] not in _INFRASTRUCTURE:
            # What is defined inside a function counts as that function.
            yield f"{module}.{frame.f_code.co_qualname.partition('.<locals>')[0]}"
        frame = frame.f_back
