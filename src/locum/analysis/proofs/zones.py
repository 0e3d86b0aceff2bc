"""Zones of trust: whose requests are from outside of one.

A zone is one account, or the accounts of an organization. What a request from outside cannot have is the zone's: the
organization of its caller, and the accounts and the organization on whose behalf a service calls.

IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from locum.analysis.proofs.callers import Caller, Mentioned
from locum.analysis.proofs.formulas import Atom, Flag, Formula, Scope, every, negation
from locum.analysis.proofs.globs import Glob, arn, flat, literal
from locum.analysis.proofs.languages import Language, member
from locum.analysis.proofs.translation import World
from locum.analysis.proofs.world import settled
from locum.core.identifiers import canonical_user_id
from locum.core.principal import ContextValue
from locum.policy import Request
from locum.policy.grammar import UNIQUE_ID
from locum.policy.patterns import scan

_OF_ACCOUNTS: Final = ("aws:sourceaccount", "aws:sourceowner", "kms:calleraccount")
_OF_ARNS: Final = ("aws:sourcearn",)
_OF_ORGANIZATIONS: Final = ("aws:principalorgid", "aws:sourceorgid")
_OF_PATHS: Final = ("aws:principalorgpaths", "aws:sourceorgpaths")


class Zone(NamedTuple):
    """A zone of trust: its accounts, and the id of the organization that they are all of."""

    accounts: frozenset[str] = frozenset()
    organization: str = ""

    def has(self, caller: Caller) -> bool:
        """Whether a caller is of an account inside. Identity providers are not, nor are ids that tell no account."""
        if caller.canonical_user:
            return caller.canonical_user in {canonical_user_id(account) for account in self.accounts}
        if caller.provider or UNIQUE_ID.fullmatch(caller.name):
            return False
        return caller.sample.account in self.accounts

    def known(self, found: Mentioned) -> Mentioned:
        """What policies mention, of which no account of the zone stands for those outside."""
        return found._replace(reserved=self.accounts)

    def outside(self, here: World) -> Formula:
        """That a request has no value that only those from inside have."""
        return every(_none_of(here, key, values) for key, values in _own(self))

    def admits(self, request: Request) -> bool:
        """Whether that is true of a request."""
        return not any(member(text, own) for key, own in _own(self) for text in values_of(request.context.get(key)))


ANYWHERE: Final = Zone()
"""The zone that nobody is inside of."""


def values_of(value: ContextValue | None) -> tuple[str, ...]:
    """The values of a condition key."""
    return (value,) if isinstance(value, str) else value or ()


@lru_cache(maxsize=64)
def _own(zone: Zone) -> tuple[tuple[str, Language], ...]:
    """The values of condition keys that only requests from inside have."""
    found: list[tuple[str, Language]] = []
    if zone.organization:
        found += _each(_OF_ORGANIZATIONS, (_folded(zone.organization),))
        found += _each(_OF_PATHS, (_folded(f"{zone.organization}/*"),))
    if zone.accounts:
        listed = sorted(zone.accounts)
        found += _each(_OF_ACCOUNTS, map(literal, listed))
        arns = (arn(scan(f"arn:*:*:*:{account}:*", variables=False), _no_mark) for account in listed)
        found += _each(_OF_ARNS, (glob for glob in arns if glob is not None))
    return tuple(found)


def _none_of(here: World, key: str, values: Language) -> Formula:
    """That no value of a condition key is among some."""
    kind = here.dimensions.get(key)
    if kind is None:
        return True
    atom = Atom(key, values, Scope.SOME if kind.multivalued else Scope.ONE)
    told = (negation(Flag(key, f"={text}")) for text in settled(kind) if member(text, values))
    return every((negation(atom), *told))


def _each(keys: Iterable[str], globs: Iterable[Glob]) -> Iterator[tuple[str, Language]]:
    language = Language(tuple(globs))
    return ((key, language) for key in keys)


def _folded(text: str) -> Glob:
    return flat(scan(text, variables=False), _no_mark, fold=True)


def _no_mark(_variable: object) -> tuple[()]:
    return ()
