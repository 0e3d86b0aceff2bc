"""Sets of texts that are given by patterns, and the search for a text that is in some of them and not in others.

All patterns of a search are one automaton: its states are the positions in all of them, held as the bits of one
integer, of which each character moves all at once. The search goes through the sets of positions that can be reached,
and ends, as they are finitely many: it finds a text, or there is none. It decides what a string theory would be
asked, and never answers "unknown" but by its budget (ADR 37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from typing import Final, NamedTuple

from locum.analysis.proofs.budget import Budget
from locum.analysis.proofs.globs import Glob, Reads, is_mark

_FRESH: Final = "x0zq1wvyj"
"""Characters for what no pattern mentions, in this order; then any other one."""


class Language(NamedTuple):
    """The texts that match any of `globs`; with `negated`, none of them.

    A text outside of `domain` cannot be compared: it is in the language if `undefined` (`policy.conditions`).
    """

    globs: tuple[Glob, ...]
    negated: bool = False
    domain: tuple[Glob, ...] | None = None
    undefined: bool = False


Wanted = tuple[Language, bool]
"""A language, and whether the text is to be in it."""


class _Bits(NamedTuple):
    """The positions of some globs: all of them, the last ones, and those of the last that are kept for ever."""

    live: int
    accepting: int
    lasting: int


class _Test:
    """What is wanted of one language, as a test of states."""

    __slots__ = ("domain", "globs", "language", "wanted")

    def __init__(self, wanted: Wanted, globs: _Bits, domain: _Bits | None) -> None:
        self.language, self.wanted = wanted
        self.globs = globs
        self.domain = domain

    def fails(self, state: int) -> bool:
        """Whether the text that led to `state` is not as wanted."""
        return not self.holds(state)

    def holds(self, state: int) -> bool:
        """Whether it is."""
        if self.domain is not None and not state & self.domain.accepting:
            return self.wanted is (self.language.negated and self.language.undefined)
        return self.wanted is (bool(state & self.globs.accepting) is not self.language.negated)

    def hopeless(self, state: int) -> bool:
        """Whether no text that goes on from `state` can pass."""
        inside = self.domain is None or bool(state & self.domain.live)
        outside = self.domain is not None and not state & self.domain.lasting
        negated = self.language.negated
        return not (
            (inside and bool(state & self.globs.live) and self.wanted is not negated)
            or (inside and not state & self.globs.lasting and self.wanted is negated)
            or (outside and self.wanted is (negated and self.language.undefined))
        )


class _Automaton:
    """Globs side by side. The state is an integer: bit i is set if position i, of all globs in order, is reached."""

    def __init__(self, tests: Sequence[Wanted], marks: str = "") -> None:
        self.start = self._many = self._many_of_field = 0
        self._one = self._one_of_field = self._many_unmarked = 0
        self._literal: dict[str, int] = {}
        self._uppers: list[int] = []
        self.size = 0
        self._places: dict[Glob, _Bits] = {}
        self.tests = [self._test(wanted) for wanted in tests]
        fields = self._many_of_field | self._one_of_field
        self._characters = sorted({*self._literal, *(":" if fields else "")})
        self._marks = marks
        self._fresh = _fresh(self._literal)

    def _test(self, wanted: Wanted) -> _Test:
        language = wanted[0]
        domain = None if language.domain is None else self._bits(language.domain)
        return _Test(wanted, self._bits(language.globs), domain)

    def _bits(self, globs: Iterable[Glob]) -> _Bits:
        live = accepting = lasting = 0
        for glob in globs:
            if glob not in self._places:
                self._places[glob] = self._place(glob)
            place = self._places[glob]
            live, accepting, lasting = live | place.live, accepting | place.accepting, lasting | place.lasting
        return _Bits(live, accepting, lasting)

    def _place(self, glob: Glob) -> _Bits:
        first = bit = 1 << self.size
        lasting = 0
        for element in glob.elements:
            lasting = 0
            if element is Reads.MANY:
                self._many |= bit
                lasting = bit
                continue
            if element is Reads.MANY_UNMARKED:
                self._many_unmarked |= bit
                continue
            if element is Reads.MANY_OF_FIELD:
                self._many_of_field |= bit
                continue
            if element is Reads.ONE:
                self._one |= bit
            elif element is Reads.ONE_OF_FIELD:
                self._one_of_field |= bit
            else:
                for character in element:
                    self._literal[character] = self._literal.get(character, 0) | bit
            bit <<= 1
            self.size += 1
        self.size += 1
        self.start |= first
        live = (bit << 1) - first
        if glob.upper:
            self._uppers.append(live)
        return _Bits(live, bit, lasting)

    def step(self, state: int, character: str) -> int:
        """The state after `character`."""
        literal = self._literal.get(character, 0)
        if is_mark(character):
            moved = (state & literal) << 1 | state & self._many
            for live in self._uppers:
                reached = state & live
                if reached:
                    moved |= live & ~((reached & -reached) - 1)
            return moved
        one, many = self._one, self._many | self._many_unmarked
        if character != ":":
            one, many = one | self._one_of_field, many | self._many_of_field
        return (state & (one | literal)) << 1 | state & many

    def next_characters(self, state: int) -> Iterator[str]:
        """The characters that lead to different states: those that a position reads, one that none reads, and a mark.

        All marks that no position reads lead to the same state, another one than that of a character: a text that is
        not to match `* without marks` has one.
        """
        for character in self._characters:
            if character == ":" or state & self._literal.get(character, 0):
                yield character
        yield self._fresh
        yield from islice((mark for mark in self._marks if not state & self._literal.get(mark, 0)), 1)


def _fresh(known: Iterable[str]) -> str:
    taken = set(known)
    for character in _FRESH:
        if character not in taken:
            return character
    return next(character for character in map(chr, range(0xA1, 0xD7FF)) if character not in taken)


class Refuted(NamedTuple):
    """There is no such text: what is wanted at these indices contradicts itself."""

    core: frozenset[int]


def search(wanted: Sequence[Wanted], budget: Budget, marks: str = "") -> str | Refuted:
    """A text of at least one character that is in the languages as wanted, or that there is none.

    `marks` are those that the text can have in it.

    A language that the text is to be in is taken apart: each of its globs has a beginning that leaves few of the
    others. Raises NotDecided where the budget ends before it is known.
    """
    split = _to_split(wanted)
    if split is None:
        return _explore(wanted, budget, marks)
    core = {split}
    language = wanted[split][0]
    for glob in language.globs:
        beginning = _beginning(glob)
        part = [_within((known, value), beginning) for known, value in wanted]
        part[split] = (language._replace(globs=(glob,)), True)
        budget.spend(1 + sum(len(known.globs) for known, _ in wanted) // 16)
        found = _explore(part, budget, marks)
        if isinstance(found, str):
            return found
        core |= found.core
    return Refuted(frozenset(core))


def _to_split(wanted: Sequence[Wanted]) -> int | None:
    """The index of a language that the text is to be in, with the fewest globs; None where there is none."""
    positive = [i for i, (language, value) in enumerate(wanted) if value and not language.negated]
    return min(positive, key=lambda i: len(wanted[i][0].globs), default=None)


@lru_cache(maxsize=65536)
def _beginning(glob: Glob) -> str:
    """The literal text that all matches begin with; nothing in the upper bound, which reads marks."""
    single = takewhile(lambda element: isinstance(element, str) and len(element) == 1, glob.elements)
    return "" if glob.upper else "".join(map(str, single))


def _within(wanted: Wanted, beginning: str) -> Wanted:
    """What is wanted of a text with this beginning: without the globs that cannot match it."""
    language, value = wanted
    if not beginning or len(language.globs) <= 1 or any(map(is_mark, beginning)):
        return wanted
    kept = tuple(
        glob
        for glob in language.globs
        for other in (_beginning(glob),)
        if other.startswith(beginning) or beginning.startswith(other)
    )
    return language._replace(globs=kept), value


def _explore(wanted: Sequence[Wanted], budget: Budget, marks: str) -> str | Refuted:
    automaton = _Automaton(wanted, marks)
    tests = automaton.tests
    budget.spend(1 + automaton.size // 16)
    cost = 1 + automaton.size // 1000
    core: dict[int, None] = {}
    seen: dict[int, tuple[int, str] | None] = {automaton.start: None}
    waiting = [automaton.start]
    while waiting:
        found: list[int] = []
        for state in waiting:
            for character in automaton.next_characters(state):
                budget.spend(cost)
                reached = automaton.step(state, character)
                if reached in seen and reached != automaton.start:
                    continue
                failing = _first(core, tests, reached, _Test.fails)
                if failing is None:
                    return _text(seen, state) + character
                core[failing] = None
                if reached in seen:
                    continue
                hopeless = _first(core, tests, reached, _Test.hopeless)
                if hopeless is None:
                    seen[reached] = (state, character)
                    found.append(reached)
                else:
                    core[hopeless] = None
        waiting = found
    return Refuted(frozenset(core))


def _first(core: Iterable[int], tests: Sequence[_Test], state: int, says: Callable[[_Test, int], bool]) -> int | None:
    """The first test that says so of a state, of those in the core if possible."""
    for i in core:
        if says(tests[i], state):
            return i
    return next((i for i, test in enumerate(tests) if says(test, state)), None)


def _text(seen: dict[int, tuple[int, str] | None], state: int) -> str:
    characters: list[str] = []
    step = seen[state]
    while step is not None:
        state, character = step
        characters.append(character)
        step = seen[state]
    return "".join(reversed(characters))


def member(text: str, language: Language) -> bool:
    """Whether `text` is in `language`."""
    automaton = _Automaton([(language, True)])
    state = automaton.start
    for character in text:
        state = automaton.step(state, character)
    return automaton.tests[0].holds(state)
