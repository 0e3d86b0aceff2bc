"""The flaws for which a service refuses a policy, and the words in which each service does."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault, LocumError
from locum.policy import MalformedPolicy

_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})


class Flaw(StrEnum):
    """A kind of flaw in a resource policy, as far as services tell them apart."""

    FIRST_BYTE = "first byte"
    JSON = "JSON"
    SIZE = "size"
    MISSING_FIELD = "missing field"
    UNKNOWN_FIELD = "unknown field"
    VERSION = "version"
    EMPTY = "empty"
    EFFECT = "effect"
    PRINCIPAL = "principal"
    PRINCIPAL_SYNTAX = "principal syntax"
    SERVICE = "service principal"
    ACTION = "action"
    RESOURCE = "resource"
    ACTION_RESOURCE = "action and resource"
    CONDITION_TYPE = "condition type"
    CONDITION_KEY = "condition key"
    CONDITION_ACTION = "condition and action"
    SYNTAX = "syntax"
    LOCKOUT = "lockout"


_LESS_SPECIFIC: Final[Mapping[Flaw, Flaw]] = {
    Flaw.FIRST_BYTE: Flaw.JSON,
    Flaw.SERVICE: Flaw.PRINCIPAL,
    Flaw.PRINCIPAL_SYNTAX: Flaw.PRINCIPAL,
    Flaw.CONDITION_ACTION: Flaw.CONDITION_KEY,
}
"""The flaw whose text is used where a service has none for the flaw itself."""


class FlawedPolicy(LocumError):
    """A resource policy has a flaw. `detail` is the parser's message, `value` the offending value, as far as known."""

    def __init__(self, flaw: Flaw, detail: str, value: str = "") -> None:
        super().__init__(detail)
        self.flaw = flaw
        self.detail = detail
        self.value = value


class Words(NamedTuple):
    """A service's error for policies that it refuses.

    `code` and `status` are those of each flaw that is not in `codes`, `text` the message of each that is not in
    `texts`. In messages `{detail}` is the parser's message and `{value}` the offending value.
    """

    code: str
    text: str = "{detail}"
    texts: Mapping[Flaw, str] = _NONE
    codes: Mapping[Flaw, tuple[str, int]] = _NONE
    status: int = 400

    def fault(self, flawed: FlawedPolicy) -> Fault:
        """The service's Fault for a flawed policy."""
        flaw = flawed.flaw
        code, status = self.codes.get(flaw, (self.code, self.status))
        text = self.texts.get(flaw) or self.texts.get(_LESS_SPECIFIC.get(flaw, flaw), self.text)
        return Fault(code, text.replace("{detail}", flawed.detail).replace("{value}", flawed.value), status)


_BY_ELEMENT: Final[Mapping[str, Flaw]] = {
    "Version": Flaw.VERSION,
    "Effect": Flaw.EFFECT,
    "Principal": Flaw.PRINCIPAL,
    "NotPrincipal": Flaw.PRINCIPAL,
    "Action": Flaw.ACTION,
    "NotAction": Flaw.ACTION,
    "Resource": Flaw.RESOURCE,
    "NotResource": Flaw.RESOURCE,
    "Condition": Flaw.CONDITION_TYPE,
}
_BY_BEGINNING: Final[Mapping[str, Flaw]] = {
    "Missing required field": Flaw.MISSING_FIELD,
    "Unknown field": Flaw.UNKNOWN_FIELD,
    "Has prohibited field": Flaw.UNKNOWN_FIELD,
    "This policy contains invalid Json": Flaw.JSON,
}


def flawed(error: MalformedPolicy) -> FlawedPolicy:
    """The parser's error as a flaw: by its message, else by the element in which it is."""
    for beginning, flaw in _BY_BEGINNING.items():
        if error.message.startswith(beginning):
            return FlawedPolicy(flaw, error.message)
    steps = [step for step in error.path if isinstance(step, str)]
    element = next((step for step in steps if step in _BY_ELEMENT), "")
    found = _BY_ELEMENT.get(element, Flaw.SYNTAX)
    if found is Flaw.PRINCIPAL:
        found = _principal_flaw(steps)
    if found is Flaw.CONDITION_TYPE and not error.message.startswith("Invalid Condition type"):
        found = Flaw.CONDITION_KEY if "vendor" in error.message else Flaw.SYNTAX
    return FlawedPolicy(found, error.message)


def _principal_flaw(steps: list[str]) -> Flaw:
    """The flaw in a Principal element: in its form, in the name of a service, or in another name."""
    if steps[-1] in ("Principal", "NotPrincipal"):
        return Flaw.PRINCIPAL_SYNTAX
    return Flaw.SERVICE if steps[-1] == "Service" else Flaw.PRINCIPAL
