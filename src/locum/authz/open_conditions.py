"""The condition keys of a call that nobody made: of the request, only those are known that are given.

What follows from the principal and the resource is known as for a call that is made; all else is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final, NamedTuple

from locum.authz.call import Call, Check, Value
from locum.authz.catalogue import service
from locum.authz.context import Conditions
from locum.authz.deciding import Asking
from locum.authz.services import TAGGED_AS_REQUESTED
from locum.core.partial_arn import PartialArn
from locum.core.principal import PrincipalKind
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.policy import Open, Presumed
from locum.state import State

OWN_KEYS: Final = frozenset({"aws:principalarn", "aws:userid", "aws:username"})
"""The keys that tell principals of one account apart, beside their tags."""

TAGS: Final = "aws:principaltag/"

_OF_ORGANIZATION: Final = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_OF_PRINCIPAL: Final = OWN_KEYS | frozenset(
    {
        "aws:assumedroot",
        "aws:principalaccount",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:principaltype",
        *_OF_ORGANIZATION,
    }
)
_OF_RESOURCE: Final = frozenset(
    {"aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "s3:resourceaccount"}
)
_OF_SOURCE: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
_OF_CREDENTIALS: Final = frozenset(
    {"aws:multifactorauthage", "aws:multifactorauthpresent", "aws:sourceidentity", "aws:tokenissuetime"}
)
_WITHOUT_CREDENTIALS: Final = frozenset({PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS})
_RESOURCE_TAGS: Final = (":resourcetag", "s3:accesspointtag", "s3:existingobjecttag")

NOT_GIVEN: Final = _OF_PRINCIPAL | _OF_RESOURCE
"""The keys that nobody gives: they follow from who asks, and for what."""


class Unsaid(Enum):
    """In place of the value of a key that is open."""

    OPEN = "open"


class Supposition(NamedTuple):
    """What is supposed of a call and of its caller.

    `given` are the values of open keys by lower-case key, `absent` the keys that it does not have. `closed`: all that
    is not given is absent. `tags_open`: sessions of the caller may have tags of their own. `unidentified`: the caller
    stands for others, of whom the keys in it are not known. `read` is where the keys of `OWN_KEYS` and `TAGS` are noted
    that were asked for, each with its value.
    """

    given: Mapping[str, Value]
    absent: frozenset[str] = frozenset()
    closed: bool = False
    tags_open: bool = False
    unidentified: frozenset[str] = frozenset()
    read: dict[str, Value | Unsaid | None] | None = None

    def asking(self, presumed: Presumed | None) -> Asking:
        """How a decision is made under it, with open statements `presumed`."""

        def conditions(state: State, call: Call, check: Check, facts: ResourceFacts, account: str) -> OpenConditions:
            return OpenConditions(state, call, check, facts, account, self)

        return Asking(conditions, presumed)


class OpenConditions(Conditions):
    """The condition keys of one check under a supposition. `get` raises Open for a key that is open."""

    __slots__ = ("supposed",)

    def __init__(
        self, state: State, call: Call, check: Check, facts: ResourceFacts, account: str, supposed: Supposition
    ) -> None:
        super().__init__(state, call, check, facts, account)
        self.supposed = supposed

    def _compute(self, key: str) -> Value | None:
        supposed = self.supposed
        try:
            value = self._value(key)
        except Open:
            if supposed.read is not None and is_own(key):
                supposed.read.setdefault(key, Unsaid.OPEN)
            raise
        if supposed.read is not None and is_own(key):
            supposed.read.setdefault(key, value)
        return value

    def _value(self, key: str) -> Value | None:
        supposed = self.supposed
        if not self._is_open(key):
            return super()._compute(key)
        value = supposed.given.get(key)
        if value is not None or supposed.closed or key in supposed.absent:
            return value
        raise Open

    def _is_open(self, key: str) -> bool:
        supposed, kind = self.supposed, self.call.caller.principal.kind
        if key in supposed.unidentified or (key.startswith(TAGS) and supposed.tags_open):
            return True
        if key in _OF_PRINCIPAL or key in _OF_RESOURCE or key.startswith(TAGS):
            return False
        if key in _OF_SOURCE:
            return kind is PrincipalKind.SERVICE
        if key in _OF_CREDENTIALS:
            return kind not in _WITHOUT_CREDENTIALS
        if key.partition("/")[0].endswith(_RESOURCE_TAGS):
            return not self._has_known_tags(key)
        return not self._is_attribute(key)

    def _has_known_tags(self, key: str) -> bool:
        """Whether the tags are those of a resource that is known, and not of one of its versions that is not."""
        check, call = self.check, self.call
        if isinstance(check.resource, PartialArn) or self.facts is UNKNOWN:
            return False
        if f"{check.action.partition(':')[0]}:{call.operation}" in TAGGED_AS_REQUESTED:
            return False
        return not (key.startswith("s3:existingobjecttag") and "Version" in call.operation)

    def _is_attribute(self, key: str) -> bool:
        """Whether the key is an attribute of the resource that is known."""
        if not self.facts.attributes:
            return False
        sources = service(self.call.service).keys.get(key, ())
        return any(source.attribute and source.attribute in self.facts.attributes for source in sources)

    def _candidates(self) -> Iterator[str]:
        yield from dict.fromkeys((*super()._candidates(), *self.supposed.given))


def is_own(key: str) -> bool:
    """Whether a key (lower-case) tells principals of one account apart."""
    return key in OWN_KEYS or key.startswith(TAGS)


def own_value(state: State, call: Call, supposed: Supposition, key: str) -> Value | Unsaid | None:
    """The value of a key that `is_own` for the caller of `call`."""
    try:
        return OpenConditions(state, call, Check("", "*"), UNKNOWN, "", supposed._replace(read=None)).get(key)
    except Open:
        return Unsaid.OPEN
