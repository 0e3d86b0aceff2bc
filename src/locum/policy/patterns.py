"""Policy patterns with wildcards and policy variables: scanning, resolving and matching.

A text is scanned once into tokens: literal text, `*`, `?`, and variables. IAM User Guide, "Policy variables":
`${*}`, `${?}` and `${$}` are the literal characters; `${key, 'default'}` has a default; variables exist only in
documents of version 2012-10-17.

Matching never backtracks. A pattern is split at its `*` into chunks; the first is anchored at the start, the last
at the end, and those between are searched for one after the other, each at its earliest position: if the pattern
matches at all, it matches there. A chunk without `?` is found by `str.find`, one with `?` by the bit-parallel
shift-and algorithm (Baeza-Yates and Gonnet), so that a hostile pattern like `*a*a*a*...` takes linear time.

The value of a variable is literal text: a `*` in a user's tag is not a wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from enum import Enum
from typing import Final, NamedTuple

from locum.core.letter_case import folded


class Wild(Enum):
    """A wildcard: any text, or exactly one character."""

    ANY = "*"
    ONE = "?"


class Variable(NamedTuple):
    """A policy variable, `${key}` or `${key, 'default'}`. The key is lower-case; empty where the syntax is invalid."""

    key: str
    default: str | None = None


Token = str | Wild | Variable
Tokens = tuple[Token, ...]
Matcher = Callable[[str], bool]
Lookup = Callable[[str], str | None]
"""The value of a single-valued condition key, or None."""

_SPECIAL: Final = re.compile(r"\$\{([^{}]*)\}|\$\{|[*?]")
# In version 2008-10-17 variables "are instead treated as literal strings", so that the star of `${*}` is a wildcard
# (SEMANTICS 35).
_PLAIN: Final = re.compile(r"[*?]")
_LITERAL_VARIABLES: Final = frozenset("*?$")
_ARN_FIELDS: Final = 6
_CACHED_RESOLUTIONS: Final = 256


def scan(text: str, *, variables: bool, wildcards: bool = True) -> Tokens:
    """The tokens of `text`. Without `wildcards`, `*` and `?` are literal (StringEquals: SEMANTICS 45)."""
    tokens: list[Token] = []
    position = 0
    for match in (_SPECIAL if variables else _PLAIN).finditer(text):
        token = _special(match, wildcards)
        if token is None:
            continue
        _append(tokens, text[position : match.start()])
        _append(tokens, token)
        position = match.end()
    _append(tokens, text[position:])
    return tuple(tokens)


def _special(match: re.Match[str], wildcards: bool) -> Token | None:
    spelled = match.group()
    if len(spelled) == 1:
        return Wild(spelled) if wildcards else None
    inner = match.group(1)
    if inner is None:
        return Variable("")
    if inner in _LITERAL_VARIABLES:
        return inner
    return _variable(inner)


def _variable(inner: str) -> Variable:
    """The variable `key` or `key, 'default'`; for anything else, one that never has a value."""
    key, comma, rest = inner.partition(",")
    key, default = folded(key.strip()), rest.strip()
    if not key or "'" in key:
        return Variable("")
    if not comma:
        return Variable(key)
    if len(default) < 2 or default[0] != "'" or default[-1] != "'" or "'" in default[1:-1]:
        return Variable("")
    return Variable(key, default[1:-1])


def _append(tokens: list[Token], token: Token) -> None:
    """Append `token`: adjacent literals are joined; empty text and a `*` after a `*` are dropped."""
    if token == "" or (token is Wild.ANY and tokens and tokens[-1] is Wild.ANY):
        return
    if isinstance(token, str) and tokens and isinstance(tokens[-1], str):
        tokens[-1] += token
    else:
        tokens.append(token)


def has_variables(tokens: Sequence[Token]) -> bool:
    """Whether any token is a variable."""
    return any(isinstance(token, Variable) for token in tokens)


def resolve(tokens: Sequence[Token], lookup: Lookup) -> Tokens | None:
    """`tokens` with each variable replaced; None where one has no value and no default (SEMANTICS 49)."""
    resolved: list[Token] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = lookup(token.key)
            if value is None:
                value = token.default
            if value is None:
                return None
            _append(resolved, value)
        else:
            _append(resolved, token)
    return tuple(resolved)


# --- globs ---------------------------------------------------------------------------------------------------


class WildcardChunk:
    """A chunk that contains `?`, searched for with the shift-and algorithm: one bit per alignment."""

    __slots__ = ("_accept", "_anywhere", "_masks", "length")

    def __init__(self, tokens: Sequence[Token]) -> None:
        characters: list[str | None] = []
        for token in tokens:
            characters.extend(token if isinstance(token, str) else [None])
        self.length = len(characters)
        self._accept = 1 << (self.length - 1)
        self._anywhere = sum(1 << i for i, character in enumerate(characters) if character is None)
        self._masks: dict[str, int] = {}
        for i, character in enumerate(characters):
            if character is not None:
                self._masks[character] = self._masks.get(character, self._anywhere) | 1 << i

    def find(self, text: str, start: int, end: int) -> int:
        """The first position of the chunk in `text[start:end]`, or -1."""
        alignments = 0
        for i in range(start, end):
            alignments = (alignments << 1 | 1) & self._masks.get(text[i], self._anywhere)
            if alignments & self._accept:
                return i - self.length + 1
        return -1


def _chunks(tokens: Sequence[Token]) -> list[str | WildcardChunk]:
    groups: list[list[Token]] = [[]]
    for token in tokens:
        if token is Wild.ANY:
            groups.append([])
        else:
            groups[-1].append(token)
    return [_chunk(group) for group in groups]


def _chunk(group: Sequence[Token]) -> str | WildcardChunk:
    if not group:
        return ""
    only = group[0]
    return only if len(group) == 1 and isinstance(only, str) else WildcardChunk(group)


def _length(chunk: str | WildcardChunk) -> int:
    return len(chunk) if isinstance(chunk, str) else chunk.length


def _matches_at(chunk: str | WildcardChunk, text: str, position: int) -> bool:
    if isinstance(chunk, str):
        return text.startswith(chunk, position)
    end = position + chunk.length
    return end <= len(text) and chunk.find(text, position, end) == position


def glob(tokens: Sequence[Token]) -> Matcher:
    """A matcher of whole texts for `tokens`, which contain no variables."""
    first, *rest = _chunks(tokens)
    if not rest:
        return _exactly(first)
    last = rest.pop()
    if not rest and last == "":
        return _starting_with(first)
    return _chunked(first, [chunk for chunk in rest if chunk != ""], last)


def _exactly(chunk: str | WildcardChunk) -> Matcher:
    if isinstance(chunk, str):
        return chunk.__eq__
    return lambda text: len(text) == chunk.length and _matches_at(chunk, text, 0)


def _starting_with(chunk: str | WildcardChunk) -> Matcher:
    if chunk == "":
        return always
    if isinstance(chunk, str):
        return lambda text: text.startswith(chunk)
    return lambda text: _matches_at(chunk, text, 0)


def _chunked(first: str | WildcardChunk, middle: Sequence[str | WildcardChunk], last: str | WildcardChunk) -> Matcher:
    start, tail = _length(first), _length(last)

    def matches(text: str) -> bool:
        end = len(text) - tail
        if end < start or not _matches_at(first, text, 0) or not _matches_at(last, text, end):
            return False
        position = start
        for chunk in middle:
            found = text.find(chunk, position, end) if isinstance(chunk, str) else chunk.find(text, position, end)
            if found < 0:
                return False
            position = found + _length(chunk)
        return True

    return matches


def always(_text: str) -> bool:
    """Matches everything."""
    return True


def never(_text: str) -> bool:
    """Matches nothing."""
    return False


# --- ARNs ----------------------------------------------------------------------------------------------------


def arn_fields(tokens: Sequence[Token]) -> list[list[Token]]:
    """`tokens` split at their first five colons: at most six fields, of which the sixth keeps its colons."""
    fields: list[list[Token]] = [[]]
    for token in tokens:
        if not isinstance(token, str):
            fields[-1].append(token)
            continue
        head, *others = token.split(":", _ARN_FIELDS - len(fields))
        _append(fields[-1], head)
        for piece in others:
            fields.append([])
            _append(fields[-1], piece)
    return fields


def arn_glob(tokens: Sequence[Token], *, complete: bool = False) -> Matcher:
    """A matcher of ARNs, field by field: `*` and `?` do not cross a colon of the first five (SEMANTICS 31, 45).

    With `complete`, missing fields are `*` (SEMANTICS 32); without, an incomplete ARN matches nothing.
    """
    fields = arn_fields(tokens)
    if len(fields) < _ARN_FIELDS:
        if not complete:
            return never
        fields += [[Wild.ANY]] * (_ARN_FIELDS - len(fields))
    head = [_literal(field) for field in fields[:5]]
    if None not in head:
        return _tail_glob(":".join(map(str, head)) + ":", fields[5])
    matchers = [glob(field) for field in fields]

    def matches(text: str) -> bool:
        parts = text.split(":", 5)
        if len(parts) != _ARN_FIELDS:
            return False
        return all(match(part) for match, part in zip(matchers, parts, strict=True))

    return matches


def _literal(field: Sequence[Token]) -> str | None:
    if not field:
        return ""
    only = field[0]
    return only if len(field) == 1 and isinstance(only, str) else None


def _tail_glob(head: str, tail: Sequence[Token]) -> Matcher:
    """A matcher for the common case: the first five fields are literal, so that the ARN is matched as one text."""
    tokens: list[Token] = [head]
    for token in tail:
        _append(tokens, token)
    return glob(tokens)


class ArnPattern:
    """A compiled ARN pattern, of a Resource element or a condition. `prefix` is the text that every match begins with.

    `complete`: missing fields are `*`. `resource_variables_only`: variables are resolved in the sixth field only.
    """

    __slots__ = ("_cache", "_complete", "_keys", "_misplaced", "_tokens", "fixed", "prefix", "text")

    def __init__(
        self, text: str, tokens: Tokens, *, complete: bool = False, resource_variables_only: bool = False
    ) -> None:
        self.text = text
        self.prefix = _prefix(tokens, complete)
        self._tokens = tokens
        self._complete = complete
        # "You can use policy variables ... only after the fifth colon" of a Resource (SEMANTICS 50): elsewhere in it
        # a variable never has a value.
        self._misplaced = resource_variables_only and any(has_variables(field) for field in arn_fields(tokens)[:5])
        self._keys = tuple(token for token in tokens if isinstance(token, Variable))
        self._cache: dict[tuple[str, ...], Matcher] = {}
        self.fixed: Matcher | None = None if self._keys else self._compile(tokens)
        """The matcher of a pattern without variables; otherwise None."""

    def _compile(self, tokens: Tokens) -> Matcher:
        return always if tokens == (Wild.ANY,) else arn_glob(tokens, complete=self._complete)

    def matches(self, arn: str, lookup: Lookup) -> bool | None:
        """Whether `arn` matches; None where a variable has no value (SEMANTICS 49)."""
        if self.fixed is not None:
            return self.fixed(arn)
        if self._misplaced:
            return None
        values: list[str] = []
        for key, default in self._keys:
            value = lookup(key)
            if value is None:
                value = default
            if value is None:
                return None
            values.append(value)
        return self._resolved(tuple(values), lookup)(arn)

    def _resolved(self, values: tuple[str, ...], lookup: Lookup) -> Matcher:
        matcher = self._cache.get(values)
        if matcher is None:
            if len(self._cache) >= _CACHED_RESOLUTIONS:
                self._cache.clear()
            # The pattern is split into fields before it is resolved, so that a colon in a value cannot shift them.
            matcher = self._cache[values] = self._compile_fields(lookup)
        return matcher

    def _compile_fields(self, lookup: Lookup) -> Matcher:
        fields = [resolve(field, lookup) or () for field in arn_fields(self._tokens)]
        if len(fields) < _ARN_FIELDS:
            return self._compile(resolve(self._tokens, lookup) or ())
        matchers = [glob(field) for field in fields[:5]]
        tail = glob(fields[5])

        def matches(text: str) -> bool:
            parts = text.split(":", 5)
            if len(parts) != _ARN_FIELDS or not tail(parts[5]):
                return False
            return all(match(part) for match, part in zip(matchers, parts, strict=False))

        return matches

    def opened(self, keys: Collection[str]) -> ArnPattern:
        """The pattern with `*` in place of the variables `keys`, which are where variables may be."""
        tokens = tuple(Wild.ANY if isinstance(it, Variable) and it.key in keys else it for it in self._tokens)
        return ArnPattern(self.text, tokens, complete=self._complete)

    def fields(self, lookup: Lookup) -> list[Tokens] | None:
        """The six fields with their variables replaced, or `*` alone; [] where the pattern is no ARN.

        None where a variable has no value.
        """
        if self._misplaced:
            return None
        fields = [resolve(field, lookup) for field in arn_fields(self._tokens)]
        if self._tokens != (Wild.ANY,) and len(fields) < _ARN_FIELDS:
            if not self._complete:
                return []
            fields += [(Wild.ANY,)] * (_ARN_FIELDS - len(fields))
        known = [field for field in fields if field is not None]
        return known if len(known) == len(fields) else None


def _prefix(tokens: Tokens, complete: bool) -> str:
    if not tokens or not isinstance(tokens[0], str):
        return ""
    text = tokens[0]
    if complete and len(tokens) == 1 and text.count(":") < _ARN_FIELDS - 1:
        return text + ":"
    return text
