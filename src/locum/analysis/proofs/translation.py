"""The translation of statements into formulas.

What a statement says of a request is exact, but for policy variables: a test that has them is between two bounds
(`globs`, `formulas.Between`). The target, the statement about which something is asked, is taken at the lower bound
where the request has to have the value of a variable in it: then it is the variable itself that stands there.

What a condition means without its key, and of a value on its own, the evaluator is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

from locum.analysis.proofs.callers import Caller, wildcards
from locum.analysis.proofs.dimensions import ABSENT, ACTION, BLANK, CALLER, OPEN, RESOURCE, Dimension, asking, atom_of
from locum.analysis.proofs.errors import NotDecided
from locum.analysis.proofs.formulas import Atom, Between, Comparison, Flag, Formula, Scope, either, every, negation
from locum.analysis.proofs.globs import ARN, UNMARKED, Element, Glob, Reads, arn, flat, is_mark
from locum.analysis.proofs.languages import Language, member
from locum.analysis.proofs.references import is_for_everyone
from locum.core.principal import PrincipalKind
from locum.policy import values
from locum.policy.compile import CompiledStatement
from locum.policy.conditions import PreparedCondition
from locum.policy.context import PRINCIPAL_ARN
from locum.policy.document import Document, Statement
from locum.policy.grammar import OPERATORS, RULES, Operator, PolicyKind, Quantifier, Source
from locum.policy.patterns import Tokens, Variable, arn_fields, has_variables, scan
from locum.policy.prepared import PreparedRequest, Request

TEXTS: Final = frozenset({"String", "Arn"})
FAMILIES_OF_TEXT: Final = TEXTS | {"Bool"}
"""The families of operators whose values may have variables."""
_MOST_COMBINATIONS: Final = 64


class World(NamedTuple):
    """What requests consist of: the dimensions by name and the classes of callers.

    `marks` are those of the keys in policy variables; `marked` are the dimensions in whose texts they can be.
    """

    dimensions: Mapping[str, Dimension]
    callers: tuple[Caller, ...]
    marks: Mapping[str, str]
    marked: frozenset[str]


Reading = Mapping[str, str | None]
"""What each variable reads: a text, a mark, or None where its key is absent."""


class _Test(NamedTuple):
    """A test of a dimension by patterns: the language that it is in a bound, and the formula of that.

    `target`: the lower bound is enough. `choice`: what the key is, if that is no open one.
    """

    dimension: str
    scanned: Sequence[Tokens]
    language: Callable[[Reading, bool], Language | bool]
    result: Callable[[Language], Formula]
    target: bool
    choice: str = ""


class Translator:
    """Translates the statements of one document. `reference`: its `*` includes services and identity providers.

    `betweens` are the tests of what it has translated of which only bounds are known.
    """

    def __init__(self, world: World, document: Document, *, reference: bool = False) -> None:
        self._world = world
        self._document = document
        self._reference = reference
        self._compiled = [CompiledStatement(statement, document, _SOURCE) for statement in document.statements]
        self.betweens: dict[Between, None] = {}

    def asked(self, statement: Statement, *, target: bool) -> Formula:
        """That `statement`, about which something is asked, applies, in a form that one text at least has."""
        applies, claimed = self._applies(statement, target=target)
        # Where no value of a variable has to be in a text, it can be taken as it is.
        return every((applies, *(Atom(name, _UNMARKED) for name in sorted(self._world.marked - claimed))))

    def _applies(self, statement: Statement, *, target: bool = False) -> tuple[Formula, set[str]]:
        """That `statement` applies to the request, and the dimensions in whose texts marks have to be for that."""
        parts = [self._action(statement), self._resource(statement, target=target), self._principal(statement)]
        claimed: set[str] = set()
        for prepared in self._compiled[statement.number].conditions:
            key = prepared.key
            variable = self._document.variables and _has_variables(prepared)
            use = _Use(prepared, statement.allows, variable)
            # A text is made of the value of a variable in one way: for further conditions there are bounds.
            if target and use.with_variables and not use.prepared.operator.negated and key not in claimed:
                claimed.add(key)
                use = use._replace(target=True)
            parts.append(self._condition(use))
        if target and any(has_variables(scan(text, variables=True)) for text in statement.resources or ()):
            claimed.add(RESOURCE)
        return every(parts), claimed

    def allows(self) -> Formula:
        """That the document allows the request: some Allow applies and no Deny."""
        return every((self.any_of(allow=True), negation(self.any_of(allow=False))))

    def any_of(self, *, allow: bool) -> Formula:
        """That some Allow, or some Deny, applies."""
        return either(self._applies(each)[0] for each in self._document.statements if each.allows is allow)

    def bounds(self) -> Formula:
        """What is known of the tests between bounds."""
        return every(
            part
            for test in self.betweens
            for part in (either((negation(test.lower), test)), either((negation(test), test.upper)))
        )

    def generic(self) -> Formula:
        """That no test holds because of the value that a variable has, of all that it can have."""
        return every(either((negation(test), test.lower)) for test in self.betweens)

    # --- action, resource and principal ---

    def _action(self, statement: Statement) -> Formula:
        listed = statement.actions if statement.actions is not None else statement.not_actions
        found = Atom(ACTION, actions(listed or ()))
        return negation(found) if statement.not_actions is not None else found

    def _resource(self, statement: Statement, *, target: bool) -> Formula:
        if statement.not_resources is not None:
            # A variable without a value excludes everything from an Allow, and nothing from a Deny.
            return negation(self._resources(statement.not_resources, unresolved=statement.allows, target=False))
        if statement.resources is None:
            return True
        return self._resources(statement.resources, unresolved=False, target=target)

    def _resources(self, texts: Sequence[str], *, unresolved: bool, target: bool) -> Formula:
        complete = RULES[self._document.kind].completes

        def language(read: Reading, upper: bool) -> Language | bool:
            globs = []
            for tokens in scanned:
                misplaced = any(has_variables(field) for field in arn_fields(tokens)[:5])
                if misplaced or not _resolved(tokens, read):
                    if unresolved:
                        return True
                    continue
                found = arn(tokens, _mark(read, upper=upper), complete=complete, upper=upper)
                if found is not None:
                    globs.append(found)
            return Language(tuple(globs)) if globs else False

        scanned = [scan(text, variables=self._document.variables) for text in texts]
        test = _Test(RESOURCE, scanned, language, lambda found: Atom(RESOURCE, found), target)
        return self._of_variables(test)

    def _principal(self, statement: Statement) -> Formula:
        if statement.principals is None and statement.not_principals is None:
            return True
        compiled = self._compiled[statement.number]
        return either(
            every((Flag(CALLER, caller.name), self._names(statement, compiled, caller)))
            for caller in self._world.callers
        )

    def _names(self, statement: Statement, compiled: CompiledStatement, caller: Caller) -> Formula:
        if compiled.names(_request_of(caller)) is not None:
            return True
        listed = statement.principals
        if listed is None:
            return False
        everyone = is_for_everyone(statement, reference=self._reference)
        service = caller.sample.kind is PrincipalKind.SERVICE
        if (everyone or (service and "*" in listed.service)) and (service or caller.provider):
            return True
        if caller.provider and "*" in listed.federated:
            return True
        patterns = wildcards(listed) if statement.allows or self._reference else []
        if not patterns or caller.derived[PRINCIPAL_ARN] is None:
            return False
        test = Language(tuple(flat(scan(text, variables=False), _no_mark) for text in patterns))
        exact = caller.derived[PRINCIPAL_ARN]
        return member(exact, test) if isinstance(exact, str) else Atom(PRINCIPAL_ARN, test)

    # --- conditions ---

    def _condition(self, use: _Use) -> Formula:
        kind = self._world.dimensions[use.prepared.key]
        return either(every((Flag(kind.name, choice), self._chosen(use, kind, choice))) for choice in kind.choices)

    def _chosen(self, use: _Use, kind: Dimension, choice: str) -> Formula:
        """What a condition says of a key that is `choice`."""
        text = {ABSENT: None, BLANK: "", OPEN: "x"}.get(choice, choice[1:])
        prepared, parts = use.prepared, use.prepared.operator
        blank = parts.quantifier is Quantifier.ALL and text == ""
        constant = parts.family == "Null" or choice == ABSENT or (choice != OPEN and (blank or not use.with_variables))
        if constant:
            several = kind.multivalued and text is not None
            return prepared.holds(asking(kind.name, (text or "",) if several else text))
        if choice != OPEN:
            return self._text_test(use._replace(target=False), lambda test: member(text or "", test), choice)
        scope = {Quantifier.ALL: Scope.EACH, Quantifier.ANY: Scope.SOME}.get(
            parts.quantifier, Scope.EACH if use.allows else Scope.SOME
        )
        if parts.family in TEXTS or (parts.family == "Bool" and not use.with_variables):
            return self._text_test(use, lambda test: atom_of(kind, test, scope), choice)
        if use.with_variables:
            raise NotDecided(f"A policy variable cannot be analyzed with {prepared.source.operator}.")
        return atom_of(kind, Comparison(_plain_name(parts), prepared.source.values, use.allows), scope)

    def _text_test(self, use: _Use, result: Callable[[Language], Formula], choice: str) -> Formula:
        parts, undefined = use.prepared.operator, not use.allows
        wildcards_too = parts.family == "Arn" or parts.comparison == "like"
        variables = use.prepared.variables
        scanned = [scan(text, variables=variables, wildcards=wildcards_too) for text in use.prepared.source.values]
        domain = _domain(parts.family)
        if use.with_variables and parts.family == "Arn" and parts.negated and undefined:
            if not all(isinstance(each[0], str) and each[0].startswith("arn:") for each in scanned if each):
                raise NotDecided("A policy variable at the beginning of an ARN cannot be analyzed in a Deny.")
            domain = None

        def language(read: Reading, upper: bool) -> Language:
            inner = upper is not parts.negated
            resolved = [tokens for tokens in scanned if _resolved(tokens, read)]
            globs = _texts(parts, resolved, _mark(read, upper=inner), inner and use.prepared.key in self._world.marked)
            return Language(globs, parts.negated, domain, undefined and parts.negated)

        return self._of_variables(_Test(use.prepared.key, scanned, language, result, use.target, choice))

    # --- variables ---

    def _of_variables(self, test: _Test) -> Formula:
        """The test, for each choice of what its variables are."""
        keys = dict.fromkeys(token.key for each in test.scanned for token in each if isinstance(token, Variable))
        if test.dimension in keys:
            raise NotDecided(f"The condition key {test.dimension} is compared with itself, which cannot be analyzed.")
        choices = list(self._choices([key for key in keys if key]))
        if len(choices) > _MOST_COMBINATIONS:
            raise NotDecided("The policies have too many policy variables to be analyzed.")
        return either(every((given, self._bounded(test, read))) for given, read in choices)

    def _bounded(self, test: _Test, read: Reading) -> Formula:
        lower = self._result(test, read, upper=False)
        if test.target or test.dimension not in self._world.marked:
            return lower
        upper = self._result(test, read, upper=True)
        if lower == upper:
            return lower
        between = Between(
            (test.dimension, test.choice, *map(repr, test.scanned), repr(sorted(read.items()))), lower, upper
        )
        self.betweens[between] = None
        return between

    def _result(self, test: _Test, read: Reading, *, upper: bool) -> Formula:
        found = test.language(read, upper)
        return found if isinstance(found, bool) else test.result(found)

    def _choices(self, keys: Sequence[str]) -> Iterator[tuple[Formula, Reading]]:
        options = [self._readings(key) for key in keys]
        for combination in product(*options):
            yield (
                every(Flag(key, choice) for key, (choice, _) in zip(keys, combination, strict=True)),
                {key: text for key, (_, text) in zip(keys, combination, strict=True)},
            )

    def _readings(self, key: str) -> list[tuple[str, str | None]]:
        kind = self._world.dimensions[key]
        known = {ABSENT: None, BLANK: "", OPEN: self._world.marks[key]}
        return [(choice, known[choice] if choice in known else choice[1:]) for choice in kind.choices]


_UNMARKED: Final = Language((UNMARKED,))
_SOURCE: Final = Source(PolicyKind.RESOURCE)


def actions(texts: Iterable[str]) -> Language:
    """The language of Action patterns, of lower-case actions."""
    return Language(tuple(dict.fromkeys(flat(scan(text.lower(), variables=False), _no_mark) for text in texts)))


def _has_variables(prepared: PreparedCondition) -> bool:
    """Whether a condition has policy variables in its values."""
    if prepared.operator.family not in FAMILIES_OF_TEXT:
        return False
    return any(has_variables(scan(text, variables=True)) for text in prepared.source.values)


class _Use(NamedTuple):
    """A condition in one use of its statement: of an Allow or a Deny; in the target, where it claims the text."""

    prepared: PreparedCondition
    allows: bool
    with_variables: bool
    target: bool = False


def _request_of(caller: Caller) -> PreparedRequest:
    request = Request(caller.sample, "", "*", "", {}, provider=caller.provider, canonical_user=caller.canonical_user)
    return PreparedRequest(request)


def _no_mark(_variable: Variable) -> Sequence[Element]:
    return ()


def _resolved(tokens: Tokens, read: Reading) -> bool:
    """Whether all variables have a value or a default."""
    return all(
        read.get(token.key) is not None or token.default is not None for token in tokens if isinstance(token, Variable)
    )


def _mark(read: Reading, *, upper: bool) -> Callable[[Variable], Sequence[Element]]:
    def elements(variable: Variable) -> Sequence[Element]:
        text = read.get(variable.key)
        if text is None:
            text = variable.default or ""
        if upper and len(text) == 1 and is_mark(text):
            return (Reads.ONE, Reads.MANY)  # what is open is not empty
        return text

    return elements


def _texts(
    parts: Operator, scanned: Sequence[Tokens], mark: Callable[[Variable], Sequence[Element]], upper: bool
) -> tuple[Glob, ...]:
    if parts.family == "Arn":
        return tuple(glob for glob in (arn(each, mark, upper=upper) for each in scanned) if glob is not None)
    if parts.family == "Bool":
        known = {values.boolean("".join(map(str, each))) for each in scanned}
        return tuple(_BOOLEANS[value] for value in sorted(value for value in known if value is not None))
    fold = parts.comparison == "equals-ignore-case"
    if fold and not all(str(token).isascii() for each in scanned for token in each):
        raise NotDecided("Text beyond ASCII cannot be analyzed where its case is ignored.")
    return tuple(flat(each, mark, upper=upper, fold=fold) for each in scanned)


_BOOLEANS: Final = {
    truth: flat(scan(text, variables=False), _no_mark, fold=True) for truth, text in ((True, "true"), (False, "false"))
}


def _domain(family: str) -> tuple[Glob, ...] | None:
    """The texts that the operators of a family can compare; None where they compare all."""
    return {"Arn": (ARN,), "Bool": tuple(_BOOLEANS.values())}.get(family)


def _plain_name(parts: Operator) -> str:
    """The name of an operator without set operator and IfExists, which make no difference to one value."""
    return next(name for name, known in OPERATORS.items() if known == (parts.family, parts.comparison, parts.negated))
