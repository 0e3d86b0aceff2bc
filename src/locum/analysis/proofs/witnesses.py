"""Counterexamples: from a model of the formulas to a request that the evaluator is asked about.

A word of the model can have marks in it, each for the value of a policy variable. What stands there must be a value of
that key; where patterns of both bounds were used, not every one will do, and some are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Final

from locum.analysis.proofs.callers import Caller, realized
from locum.analysis.proofs.dimensions import ABSENT, ACTION, BLANK, CALLER, OPEN, RESOURCE, Answer, Conflict, Values
from locum.analysis.proofs.globs import is_mark
from locum.analysis.proofs.languages import Language, member
from locum.analysis.proofs.solver import Model
from locum.analysis.proofs.translation import World
from locum.core.principal import ContextValue
from locum.policy.context import DERIVED_KEYS
from locum.policy.document import Statement
from locum.policy.patterns import Variable, Wild, scan
from locum.policy.prepared import Request

_UNLIKELY: Final = ("k7q9x2", "K7-q9.x2@p4")
"""Values of variables that hardly any pattern mentions by chance."""
_MOST_ATTEMPTS: Final = 48
ACCOUNT_OF_RESOURCES: Final = "555555555555"


def requests(here: World, values: Values, model: Model, statement: Statement) -> Iterator[Request]:
    """Requests that fit `model`, in which `statement` is to apply; one, unless there are policy variables in it."""
    caller = _caller(here, model)
    words: dict[str, Answer] = {}
    for name, kind in here.dimensions.items():
        choice = _choice(model, name)
        if not kind.choices or choice == OPEN:
            found = values.of(name, model.wants.get(name, ()))
            assert not isinstance(found, Conflict)  # a model has values
            words[name] = found
        elif choice != ABSENT:
            text = "" if choice == BLANK else choice[1:]
            words[name] = (text,) if kind.multivalued else text
    options = {mark: list(_values_of(here, values, model, key, words, statement)) for key, mark in here.marks.items()}
    options = {mark: texts for mark, texts in options.items() if texts}
    for chosen in islice(product(*options.values()), _MOST_ATTEMPTS):
        yield _request(here, caller, words, dict(zip(options, chosen, strict=True)))


def _caller(here: World, model: Model) -> Caller:
    return next(caller for caller in here.callers if caller.name == model.choices[CALLER])


def _choice(model: Model, key: str) -> str:
    return model.choices.get(key, ABSENT)


def _values_of(
    here: World, values: Values, model: Model, key: str, words: Mapping[str, Answer], statement: Statement
) -> Iterator[str]:
    """What the variable of `key` can be: texts that no pattern mentions, those that the words suggest, any."""
    if _choice(model, key) != OPEN:
        return
    wants = model.wants.get(key, ())
    kind = here.dimensions[key]
    languages = [*kind.domain, *((atom.test, wanted) for atom, wanted in wants if isinstance(atom.test, Language))]
    for text in (*_suggested(key, words, statement), *_UNLIKELY):
        if all(member(text, language) is wanted for language, wanted in languages) and not kind.representatives:
            yield text
    word = words.get(key)
    if isinstance(word, str):
        yield word


def _suggested(key: str, words: Mapping[str, Answer], statement: Statement) -> Iterator[str]:
    """The texts that stand where a pattern of `statement` has the variable `key`."""
    texts = [(RESOURCE, text) for text in statement.resources or ()]
    texts += [(condition.key.lower(), text) for condition in statement.conditions for text in condition.values]
    for dimension, text in texts:
        tokens = scan(text, variables=True)
        word = words.get(dimension)
        if not isinstance(word, str) or not any(isinstance(token, Variable) and token.key == key for token in tokens):
            continue
        pattern = "".join(
            ("(.+)" if token.key == key else ".+") if isinstance(token, Variable) else _regular(token)
            for token in tokens
        )
        match = re.fullmatch(pattern, word, re.DOTALL) if len(word) < 512 else None
        if match is not None and not any(map(is_mark, match.group(1))):
            yield match.group(1)


def _regular(token: str | Wild) -> str:
    return {Wild.ANY: ".*", Wild.ONE: "."}[token] if isinstance(token, Wild) else re.escape(token)


def _request(here: World, caller: Caller, words: Mapping[str, Answer], marks: Mapping[str, str]) -> Request:
    context: dict[str, ContextValue] = {}
    of_caller: dict[str, str] = {}
    for name, word in words.items():
        plain: Answer
        if isinstance(word, tuple):
            plain = tuple(dict.fromkeys(_without_marks(text, marks) for text in word))
        else:
            plain = _without_marks(marks.get(here.marks.get(name, ""), word), marks)
        if name in DERIVED_KEYS and isinstance(plain, str):
            of_caller[name] = plain
        elif name not in (ACTION, RESOURCE):
            context[name] = plain
    action, resource = words[ACTION], words[RESOURCE]
    assert isinstance(action, str)
    assert isinstance(resource, str)
    principal = realized(caller, of_caller)
    return Request(
        principal,
        action,
        _without_marks(resource, marks),
        ACCOUNT_OF_RESOURCES,
        context,
        provider=caller.provider,
        canonical_user=caller.canonical_user,
    )


def _without_marks(text: str, marks: Mapping[str, str]) -> str:
    for _ in range(3):
        if not any(map(is_mark, text)):
            break
        text = "".join(marks.get(character, character) for character in text)
    return text
