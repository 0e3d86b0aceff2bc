"""Zones of trust: whose requests are from outside of one, and what bounds them.

A zone is one account, or the accounts of an organization. What a request from outside cannot have is the zone's: the
organization of its caller, and the accounts and the organization on whose behalf a service calls.

IAM User Guide, "AWS global condition context keys"; Organizations User Guide, "RCP evaluation".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.analysis.proofs.callers import Caller, Mentioned
from locum.analysis.proofs.checks import Question
from locum.analysis.proofs.dimensions import CALLER, RESOURCE
from locum.analysis.proofs.formulas import Atom, Flag, Formula, Scope, either, every, negation
from locum.analysis.proofs.globs import Glob, arn, flat, literal
from locum.analysis.proofs.languages import Language, member
from locum.analysis.proofs.translation import World
from locum.analysis.proofs.world import settled
from locum.core.identifiers import canonical_user_id
from locum.core.principal import ContextValue
from locum.policy import Document, Request
from locum.policy.grammar import UNIQUE_ID
from locum.policy.patterns import scan

_OF_ACCOUNTS: Final = ("aws:sourceaccount", "aws:sourceowner", "kms:calleraccount")
_WITH_PARTS: Final = {"dynamodb": "/", "es": "/", "lambda": ":", "s3": "/"}
"""What stands between the ARN of a resource and what it has: objects, indexes, versions."""
_OF_ARNS: Final = ("aws:sourcearn",)


class Zone(NamedTuple):
    """A zone of trust: its accounts, and the id of the organization that they are in.

    `others` are the accounts of the organization that are not in the zone: none where that is all of it.
    """

    accounts: frozenset[str] = frozenset()
    organization: str = ""
    others: frozenset[str] = frozenset()

    def has(self, caller: Caller) -> bool:
        """Whether a caller is of an account inside. Identity providers are not, nor are ids that tell no account."""
        if caller.canonical_user:
            return caller.canonical_user in {canonical_user_id(account) for account in self.accounts}
        if caller.provider or UNIQUE_ID.fullmatch(caller.name):
            return False
        return caller.sample.account in self.accounts

    def known(self, found: Mentioned) -> Mentioned:
        """What policies mention, with an account that stands for those of `others` that they do not mention.

        No account of the organization stands for those outside of it.
        """
        accounts = tuple(filter(None, (*found.accounts, self.other(found))))
        return found._replace(accounts=accounts, reserved=self.accounts | self.others)

    def other(self, found: Mentioned) -> str:
        """The account that stands for those of `others` that policies do not mention; empty where there is none."""
        return min(self.others.difference(found.accounts), default="")

    def own(self) -> tuple[tuple[str, Language], ...]:
        """The values of condition keys that only requests from inside have."""
        return _own(self)

    def of_members(self) -> Iterator[tuple[str, Language]]:
        """The values of condition keys that only requests of callers of the organization have."""
        return _of_organization(self.organization, "principal") if self.organization else iter(())


class Bounds(NamedTuple):
    """What bounds requests from outside of a zone: the resource control policies of a resource's account, its ARN.

    The ARN is that of the resource, or that of what it has (an object, a version); empty: it may be any.
    """

    zone: Zone = Zone()
    limits: tuple[Document, ...] = ()
    resource: str = ""

    def formula(self, here: World) -> Formula:
        """That a request comes from outside, and is about the resource."""
        parts: list[Formula] = [Atom(RESOURCE, self._about())] if self.resource else []
        members = [Flag(CALLER, it.name) for it in here.callers if it.sample.account in self.zone.others]
        for key, values in self.zone.own():
            parts.append(_none_of(here, key, values))
        for key, values in self.zone.of_members():
            parts.append(either((*members, _none_of(here, key, values))))
        return every(parts)

    def admits(self, request: Request) -> bool:
        """Whether that is true of a request."""
        if self.resource and not member(request.resource, self._about()):
            return False
        of_members = () if request.principal.account in self.zone.others else self.zone.of_members()
        own = (*self.zone.own(), *of_members)
        return not any(member(text, values) for key, values in own for text in values_of(request.context.get(key)))

    def question(self, document: Document, callers: Callable[[Mentioned], Iterable[Caller]], **asked: Any) -> Question:
        """A question about requests within these bounds. `asked` are `also` and `admits`, which have them in them."""
        zone = self.zone
        return Question(document, callers, target=not self.resource, limits=self.limits, knowing=zone.known, **asked)

    def _about(self) -> Language:
        ends = _WITH_PARTS.get(self.resource.split(":", 3)[2], "")
        return Language((literal(self.resource), *(_beginning(f"{self.resource}{end}") for end in ends)))


UNBOUNDED: Final = Bounds()


def values_of(value: ContextValue | None) -> tuple[str, ...]:
    """The values of a condition key."""
    return (value,) if isinstance(value, str) else value or ()


@lru_cache(maxsize=64)
def _own(zone: Zone) -> tuple[tuple[str, Language], ...]:
    found: list[tuple[str, Language]] = []
    if zone.organization and not zone.others:
        found += _of_organization(zone.organization, "source")
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


def _of_organization(organization: str, whose: str) -> Iterator[tuple[str, Language]]:
    yield f"aws:{whose}orgid", Language((_folded(organization),))
    yield f"aws:{whose}orgpaths", Language((_folded(f"{organization}/*"),))


def _each(keys: Iterable[str], globs: Iterable[Glob]) -> Iterator[tuple[str, Language]]:
    language = Language(tuple(globs))
    return ((key, language) for key in keys)


def _folded(text: str) -> Glob:
    return flat(scan(text, variables=False), _no_mark, fold=True)


def _beginning(text: str) -> Glob:
    return flat((*scan(text, variables=False), *scan("*", variables=False)), _no_mark)


def _no_mark(_variable: object) -> tuple[()]:
    return ()
