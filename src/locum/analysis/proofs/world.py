"""The world of one question: what its requests can consist of, as far as the policies can tell.

Only the condition keys that the policies mention are dimensions: nothing depends on any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from locum.analysis.proofs.callers import Caller, Mentioned, wildcards
from locum.analysis.proofs.condition_keys import KeyType, key_type
from locum.analysis.proofs.dimensions import ABSENT, ACTION, BLANK, CALLER, OPEN, RESOURCE, Dimension
from locum.analysis.proofs.errors import NotDecided
from locum.analysis.proofs.formulas import Atom, Flag, Formula, either, every, negation
from locum.analysis.proofs.globs import ARN, MARKS, MOST_MARKS, Glob, Reads, is_mark, literal
from locum.analysis.proofs.languages import Language, Wanted, member
from locum.analysis.proofs.representatives import FAMILIES
from locum.analysis.proofs.translation import FAMILIES_OF_TEXT, World
from locum.core.letter_case import folded
from locum.core.principal import PrincipalKind
from locum.policy.context import DERIVED_KEYS, PRINCIPAL_ARN, USER_ID
from locum.policy.document import Document, Statement
from locum.policy.grammar import UNIQUE_ID, Operator, operator
from locum.policy.patterns import Variable, has_variables, scan

_WORD: Final = (Reads.ONE_OF_FIELD, Reads.MANY_OF_FIELD)
_ACTION: Final = Language((Glob((*_WORD, ":", *_WORD)),))
_RESOURCE: Final = Language((ARN, literal("*")))
_BOOLEAN: Final = Language((literal("true"), literal("false")))
_MOST_LITERALS: Final = 24
_IS_SERVICE: Final = "aws:principalisawsservice"


class _Mentions(NamedTuple):
    """What the policies say of one condition key: by families of operators, the values; and how it is used."""

    by_family: dict[str, list[str]]
    quantified: bool
    equals: list[str]


def world(documents: Sequence[Document], callers: Iterable[Caller]) -> World:
    """The world of a question about `documents`. Raises NotDecided."""
    classes = tuple(callers)
    for document in documents:
        if any(map(is_mark, _characters(document))):
            raise NotDecided("Characters of private use cannot be analyzed.")
    keys = _keys(documents)
    variables = {key: None for document in documents for key in _variables(document) if key}
    if len(variables) > MOST_MARKS:
        raise NotDecided("The policies have too many policy variables to be analyzed.")
    marks = {key: chr(MARKS + number) for number, key in enumerate(variables)}
    for key in (*variables, *([PRINCIPAL_ARN] if _has_wildcards(documents) else [])):
        keys.setdefault(key, _Mentions({}, quantified=False, equals=[]))
    dimensions = {
        ACTION: Dimension(ACTION, domain=((_ACTION, True),)),
        RESOURCE: Dimension(RESOURCE, domain=((_RESOURCE, True),)),
    }
    for key, mentions in keys.items():
        dimensions[key] = _dimension(key, mentions, classes, variable=key in variables)
    marked = _marked(documents, marks)
    for name, texts in marked.items():
        dimensions[name] = dimensions[name]._replace(marks=texts)
    return World(dimensions, classes, marks, frozenset(marked))


def _characters(document: Document) -> set[str]:
    """The characters of a document, also those that are escaped in its text."""
    return set(json.dumps(json.loads(document.text), ensure_ascii=False))


def choices(here: World) -> Iterator[tuple[Flag, ...]]:
    """The flags of which exactly one is set: who calls, and what each condition key is."""
    yield tuple(Flag(CALLER, caller.name) for caller in here.callers)
    for kind in here.dimensions.values():
        if kind.choices:
            yield tuple(Flag(kind.name, choice) for choice in kind.choices)


def background(here: World, known: Mentioned) -> Formula:
    """What follows from who calls, for all requests."""
    parts: list[Formula] = []
    for key in here.marks:
        listed = settled(here.dimensions[key])
        if listed:
            open_to_others = negation(Atom(key, Language(tuple(map(literal, listed)))))
            parts.append(either((negation(Flag(key, OPEN)), open_to_others)))
    for caller in here.callers:
        given = Flag(CALLER, caller.name)
        parts += [either((negation(given), fact)) for fact in _facts(here, caller, known)]
    return every(parts)


def _facts(here: World, caller: Caller, known: Mentioned) -> Iterator[Formula]:
    for key in DERIVED_KEYS & here.dimensions.keys():
        value = caller.derived[key]
        if value is None or isinstance(value, str):
            yield Flag(key, ABSENT if value is None else f"={value}")
            continue
        named = _named(key, known) if caller.unnamed else ()
        fitting = [
            Flag(key, f"={text}")
            for text in settled(here.dimensions[key])
            if member(text, Language(value)) and not member(text, Language(named))
        ]
        others = [
            Flag(key, OPEN),
            Atom(key, Language(value)),
            *([negation(Atom(key, Language(named)))] if named else []),
        ]
        yield either((every(others), *fitting))
    if _IS_SERVICE in here.dimensions:
        yield _is_service(here, caller)
    if caller.sample.kind is PrincipalKind.ANONYMOUS:
        # "the request context for an anonymous request does not include" the keys of principals.
        for key in here.dimensions:
            if key.startswith("aws:principal") and key not in DERIVED_KEYS:
                yield Flag(key, ABSENT)


def _is_service(here: World, caller: Caller) -> Formula:
    """What aws:PrincipalIsAWSService is: "present in the request context for all signed API requests"."""
    value = "true" if caller.sample.kind is PrincipalKind.SERVICE else "false"
    fitting = [Flag(_IS_SERVICE, f"={text}") for text in settled(here.dimensions[_IS_SERVICE]) if text == value]
    told = either((every((Flag(_IS_SERVICE, OPEN), Atom(_IS_SERVICE, Language((literal(value),))))), *fitting))
    unsigned = caller.provider or caller.sample.kind is PrincipalKind.ANONYMOUS
    return either((Flag(_IS_SERVICE, ABSENT), told)) if unsigned else told


def settled(kind: Dimension) -> list[str]:
    """The values of a key that are choices on their own."""
    return [choice[1:] for choice in kind.choices if choice.startswith("=")]


def _named(key: str, known: Mentioned) -> tuple[Glob, ...]:
    """The values of a key that belong to callers that policies name."""
    if key == PRINCIPAL_ARN:
        return tuple(map(literal, known.names))
    if key == USER_ID:
        ids = [name for name in known.names if UNIQUE_ID.fullmatch(name)]
        return tuple(Glob((*name, ":", Reads.MANY)) if name.startswith("AROA") else literal(name) for name in ids)
    return ()


def _has_wildcards(documents: Iterable[Document]) -> bool:
    """Whether a name of a principal has wildcards in it."""
    listed = (statement.principals for document in documents for statement in document.statements)
    return any(wildcards(each) for each in listed if each is not None)


def _keys(documents: Iterable[Document]) -> dict[str, _Mentions]:
    found: dict[str, _Mentions] = {}
    for document in documents:
        for statement in document.statements:
            for condition in statement.conditions:
                parts = operator(condition.operator)
                if parts is None:
                    raise NotDecided(f"The condition operator {condition.operator} does not exist.")
                key = folded(condition.key)
                mentions = found.setdefault(key, _Mentions({}, quantified=False, equals=[]))
                if parts.quantifier:
                    mentions = found[key] = mentions._replace(quantified=True)
                if parts.family != "Null":
                    mentions.by_family.setdefault(parts.family, []).extend(condition.values)
                if _compares_equal(parts):
                    plain = (scan(text, variables=document.variables, wildcards=False) for text in condition.values)
                    mentions.equals.extend("".join(map(str, each)) for each in plain if not has_variables(each))
    return found


def _compares_equal(parts: Operator) -> bool:
    return parts.family == "String" and parts.comparison.startswith("equals")


def _variables(document: Document) -> Iterator[str]:
    if document.variables:
        for _, texts in _patterns(document):
            for text in texts:
                yield from (token.key for token in scan(text, variables=True) if isinstance(token, Variable))


def _patterns(document: Document) -> Iterator[tuple[str, Iterable[str]]]:
    """The texts that may have policy variables, by their dimension."""
    for statement in document.statements:
        yield RESOURCE, _resources(statement)
        for condition in statement.conditions:
            parts = operator(condition.operator)
            if parts is not None and parts.family in FAMILIES_OF_TEXT:
                yield folded(condition.key), condition.values


def _resources(statement: Statement) -> Iterable[str]:
    return statement.resources or statement.not_resources or ()


def _marked(documents: Iterable[Document], marks: Mapping[str, str]) -> dict[str, str]:
    """The dimensions that are compared with policy variables, and the marks of those."""
    found: dict[str, dict[str, None]] = {}
    for document in documents:
        for dimension, texts in _patterns(document) if document.variables else ():
            for text in texts:
                tokens = [token for token in scan(text, variables=True) if isinstance(token, Variable)]
                if tokens:
                    of_keys = {marks[token.key]: None for token in tokens if token.key}
                    found.setdefault(dimension, {}).update(of_keys)
    return {dimension: "".join(listed) for dimension, listed in found.items()}


def _dimension(key: str, mentions: _Mentions, callers: Sequence[Caller], *, variable: bool) -> Dimension:
    kind = key_type(key)
    several = mentions.quantified if kind is None else kind.multivalued
    if several and variable:
        raise NotDecided(f"The condition key {key} has several values, and cannot be analyzed as a policy variable.")
    choices: dict[str, None] = {} if kind is not None and kind.always else {ABSENT: None}
    if not mentions.by_family.keys() - FAMILIES_OF_TEXT and (kind is None or kind.name in ("", "String")):
        choices[BLANK] = None
    choices[OPEN] = None
    if key in DERIVED_KEYS:
        values = (caller.derived[key] for caller in callers)
        choices.update({f"={value}": None for value in values if isinstance(value, str)})
    if variable:
        choices.update({f"={text}": None for text in mentions.equals[:_MOST_LITERALS] if text})
    return Dimension(key, tuple(choices), several, _domain(kind, mentions), _representatives(mentions))


def _domain(kind: KeyType | None, mentions: _Mentions) -> tuple[Wanted, ...]:
    """What all values of a key have in common: by its type, or else by the operators that it is used with."""
    families = set(mentions.by_family)
    if families - FAMILIES_OF_TEXT:
        return ()
    name = kind.name if kind is not None else ""
    if name == "Bool" or (not name and families == {"Bool"}):
        return ((_BOOLEAN, True),)
    if name == "ARN" or (not name and families == {"Arn"}):
        return ((Language((ARN._replace(upper=True),)), True),)
    return ()


def _representatives(mentions: _Mentions) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for family, read in FAMILIES.items():
        if family in mentions.by_family:
            found.update(dict.fromkeys(read(mentions.by_family[family])))
    return tuple(found)
