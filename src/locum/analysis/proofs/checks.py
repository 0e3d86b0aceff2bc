"""The custom policy checks of IAM Access Analyzer, decided by proof.

IAM User Guide, "Validate policies with IAM Access Analyzer custom policy checks"; Access Analyzer API Reference,
CheckNoNewAccess, CheckAccessNotGranted, CheckNoPublicAccess. A check passes if no request can be found, and has looked
at all; a request that it finds is evaluated before it is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from locum import policy
from locum.analysis.proofs import callers
from locum.analysis.proofs.budget import Budget
from locum.analysis.proofs.callers import Caller, Mentioned, mentioned
from locum.analysis.proofs.dimensions import ACTION, RESOURCE, Values
from locum.analysis.proofs.errors import NotDecided
from locum.analysis.proofs.formulas import Atom, Formula, every, negation
from locum.analysis.proofs.globs import arn
from locum.analysis.proofs.languages import Language, member
from locum.analysis.proofs.references import as_read
from locum.analysis.proofs.solver import Solver
from locum.analysis.proofs.translation import Translator, World, actions
from locum.analysis.proofs.witnesses import requests
from locum.analysis.proofs.world import background, choices, world
from locum.policy import Document, PolicyKind, Request, Source, Statement
from locum.policy.patterns import scan

PARTLY: Final = "A condition compares a part of an account id, which cannot be analyzed."
UNCONFIRMED: Final = "The policies could not be analyzed: whether they grant the access depends on policy variables."


class Found(NamedTuple):
    """A statement by which the policy grants what it should not, and a request that shows it."""

    statement: Statement
    request: Request


class Access(NamedTuple):
    """Access that is not to be granted: patterns of actions and of resources; empty for any."""

    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Is there a request that `document` allows, that `unless` does not, and that `also` is true of?

    `admits` is what `also` says, of a request. `knowing` adds what is known of callers besides.

    `callers` are the classes of callers that it can be of. `target`: whether the statements are
    targets (`translation`), which they are not where `also` speaks of resources.
    """

    document: Document
    callers: Callable[[Mentioned], Iterable[Caller]]
    unless: Document | None = None
    also: Callable[[World], Formula] = lambda _world: True
    admits: Callable[[Request], bool] = lambda _request: True
    target: bool = True
    knowing: Callable[[Mentioned], Mentioned] = lambda known: known

    def found(self, budget: Budget) -> tuple[Found, ...]:
        """A request for each statement by which there is one. Raises NotDecided."""
        documents = [self.document] if self.unless is None else [self.document, self.unless]
        known = self.knowing(mentioned(documents))
        here = world(documents, self.callers(known))
        values = Values(dict(here.dimensions), budget)
        solver = Solver(values.of, budget)
        for flags in choices(here):
            solver.choose(flags)
        solver.require(background(here, known))
        solver.require(self.also(here))
        translator = Translator(here, self.document)
        solver.require(negation(translator.any_of(allow=False)))
        allows = [
            (statement, translator.asked(statement, target=self.target))
            for statement in self.document.statements
            if statement.allows
        ]
        solver.require(translator.bounds())
        generic = translator.generic()
        if self.unless is not None:
            reference = Translator(here, self.unless, reference=True)
            solver.require(negation(reference.allows()))
            solver.require(reference.bounds())
            generic = every((generic, reference.generic()))
        found = []
        for statement, applies in allows:
            request = self._request(here, values, solver, statement, applies, generic)
            if request is not None:
                found.append(Found(statement, request))
        if not found and known.partly:
            raise NotDecided(PARTLY)
        return tuple(found)

    def _request(
        self, here: World, values: Values, solver: Solver, statement: Statement, applies: Formula, generic: Formula
    ) -> Request | None:
        """A request by `statement`; None where there is none. Raises NotDecided where none is confirmed.

        Values of policy variables that nothing depends on are tried first.
        """
        for formula in (applies,) if generic is True else (every((applies, generic)), applies):
            model = solver.model(formula)
            if model is not None:
                for request in requests(here, values, model, statement):
                    if self._confirms(statement, request):
                        return request
        if model is None:
            return None
        raise NotDecided(UNCONFIRMED)

    def _confirms(self, statement: Statement, request: Request) -> bool:
        """Whether the evaluator says that `request` is allowed by `statement`, and is what was asked for."""
        alone = self.document._replace(statements=(statement._replace(number=0),))
        return (
            self.admits(request)
            and grants(alone, request)
            and grants(self.document, request)
            and (self.unless is None or not grants(self.unless, request, reference=True))
        )


def grants(document: Document, request: Request, *, reference: bool = False) -> bool:
    """Whether the evaluator has `document` allow `request`, without regard to other policies.

    A `reference` is read as checks read it: `*` is everybody, and there may be wildcards in the names of principals.
    """
    compiled = policy.compile(as_read(document, request, reference=reference), Source(document.kind))
    return policy.allows_alone(request, compiled)


def _callers(document: Document) -> Callable[[Mentioned], Iterable[Caller]]:
    return callers.identities if document.kind is PolicyKind.IDENTITY else callers.everybody


def new_access(new: Document, existing: Document, budget: Budget | None = None) -> tuple[Found, ...]:
    """The statements of `new` that allow a request which `existing` does not. Raises NotDecided."""
    return Question(new, _callers(new), unless=existing).found(budget or Budget())


def granted_access(document: Document, access: Access, budget: Budget | None = None) -> tuple[Found, ...]:
    """The statements of `document` that allow any of `access`. Raises NotDecided."""
    listed_actions = actions(access.actions)
    resources = _resources(access.resources, complete=document.kind is PolicyKind.IDENTITY)

    def wanted(_world: World) -> Formula:
        parts: list[Formula] = [Atom(ACTION, listed_actions)] if access.actions else []
        return every((*parts, Atom(RESOURCE, resources)) if access.resources else parts)

    def admits(request: Request) -> bool:
        return (not access.actions or member(request.action, listed_actions)) and (
            not access.resources or member(request.resource, resources)
        )

    question = Question(document, _callers(document), also=wanted, admits=admits, target=not access.resources)
    return question.found(budget or Budget())


def _resources(texts: Sequence[str], *, complete: bool) -> Language:
    globs = (arn(scan(text, variables=False), lambda _variable: (), complete=complete) for text in texts)
    return Language(tuple(glob for glob in globs if glob is not None))
