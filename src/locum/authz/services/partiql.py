"""PartiQL statements of DynamoDB: the action, the tables that are named, and what the WHERE clause says of keys.

Amazon DynamoDB Developer Guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB".
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Final, NamedTuple

from locum.core.errors import Fault

_TOKEN: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][\w.-]*|\S""")
_ACTIONS: Final = {
    "SELECT": "Select",
    "EXISTS": "Select",
    "INSERT": "Insert",
    "UPDATE": "Update",
    "DELETE": "Delete",
}
_NAMES_TABLE: Final = frozenset({"FROM", "INTO", "UPDATE"})
_FOLLOWS_TABLE: Final = frozenset({"", "WHERE", "ORDER", "SET", "REMOVE", "VALUE", "RETURNING", ")", ";"})
_TABLE: Final = re.compile(r"(arn:aws:dynamodb:[a-z0-9-]+:[0-9]{12}:table/)?[A-Za-z0-9_.-]+")
_UNREADABLE: Final = frozenset({"'", '"', "`", "\\"})
_COMMENTS: Final = frozenset({("-", "-"), ("/", "*")})
_BRACKETS: Final = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_LITERAL: Final = re.compile(r"'.*'|[0-9.,?+()\[\]-]|(?i:true|false|null|e[0-9]*)", re.DOTALL)
LONGEST: Final = 8192
"""Characters of a statement. Amazon DynamoDB API Reference, ExecuteStatement."""
_MOST_PARENTHESES: Final = 64
"""Parentheses that are looked into: a WHERE clause with more is taken to name no keys."""


class Statement(NamedTuple):
    """A statement.

    `action` is the last word of the permission (`Select`), `targets` are pairs of a table, by name or ARN, and an index
    or an empty text, each once. `keyed` are the attributes which the WHERE clause compares with values in every
    alternative, by equality or IN: a SELECT with the partition key among them reads those items alone.
    """

    action: str
    targets: tuple[tuple[str, str], ...]
    keyed: frozenset[str]


@lru_cache(maxsize=256)
def parse(text: str) -> Statement:
    """Parse a statement.

    Raises Fault for one that is too long or cannot be parsed, and for one in which another parser might find another
    table (comments, an open quotation, several tables after one FROM), as a Deny on that table would not be evaluated.
    """
    tokens = _TOKEN.findall(text) if len(text) <= LONGEST else []
    action = _ACTIONS.get(tokens[0].upper()) if tokens and _is_unambiguous(text, tokens) else None
    targets = [_target(tokens, index + 1) for index, token in enumerate(tokens) if token.upper() in _NAMES_TABLE]
    if action is None or not targets or not all(table for table, _ in targets):
        raise Fault("ValidationException", "Statement wasn't well formed, can't be processed", 400)
    return Statement(action, tuple(dict.fromkeys(targets)), _keyed(tokens) if action == "Select" else _NONE)


def _is_unambiguous(text: str, tokens: list[str]) -> bool:
    """Whether a statement has no comments, open quotations or escapes, which parsers may treat differently."""
    return "\\" not in text and _UNREADABLE.isdisjoint(tokens) and _COMMENTS.isdisjoint(itertools.pairwise(tokens))


_NOTHING: Final = ("", "")


def _target(tokens: list[str], start: int) -> tuple[str, str]:
    """The table and the index in `"table"."index"`, quoted or not, at `start`; empty where there are none."""
    words = [*tokens[start : start + 4], "", "", "", ""]
    table = words[0]
    if table[:1] == '"':
        found, used = ((_unquoted(table), _unquoted(words[2])), 3) if words[1] == "." else ((_unquoted(table), ""), 1)
    elif table[:1].isalpha() or table[:1] == "_":
        name, _, rest = table.partition(".")
        found, used = ((name, _unquoted(words[1])), 2) if table.endswith(".") else ((name, rest), 1)
    else:
        return _NOTHING
    return found if words[used].upper() in _FOLLOWS_TABLE and _TABLE.fullmatch(found[0]) else _NOTHING


def _unquoted(token: str) -> str:
    return token[1:-1].replace('""', '"') if token[:1] == '"' else token


# -- the WHERE clause ------------------------------------------------------------------------------------------

_NONE: Final[frozenset[str]] = frozenset()


def _keyed(tokens: list[str]) -> frozenset[str]:
    """The attributes that the one WHERE clause of a SELECT compares with values in each of its alternatives."""
    words = [token.upper() for token in tokens]
    if words.count("WHERE") != 1:
        return _NONE
    end = words.index("ORDER") if "ORDER" in words else len(words)
    clause = tokens[words.index("WHERE") + 1 : end]
    while clause and (clause[-1] == ";" or (clause[-1] == ")" and clause.count(")") > clause.count("("))):
        clause.pop()  # the parenthesis that is closed is that of EXISTS
    return _of_alternatives(clause) if clause.count("(") <= _MOST_PARENTHESES else _NONE


def _of_alternatives(tokens: list[str]) -> frozenset[str]:
    return frozenset.intersection(*(_of_conjunction(part) for part in _split(tokens, "OR")))


def _of_conjunction(tokens: list[str]) -> frozenset[str]:
    parts = iter(_split(tokens, "AND"))
    keyed = _NONE
    for part in parts:
        if len(_split(part, "BETWEEN")) > 1:
            next(parts, None)  # the upper bound, which is no condition of its own
        else:
            keyed |= _of_condition(part)
    return keyed


def _split(tokens: list[str], word: str) -> list[list[str]]:
    """The parts of a condition between `word`, but for what is in brackets."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += _BRACKETS.get(token, 0)
        if depth == 0 and token.upper() == word:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _of_condition(tokens: list[str]) -> frozenset[str]:
    if tokens[:1] == ["("] and tokens[-1] == ")" and len(_split(tokens, ")")) == 2:  # one pair, around everything
        return _of_alternatives(tokens[1:-1])
    if len(tokens) < 3:
        return _NONE
    compared = []
    if tokens[1] == "=" or (tokens[1].upper() == "IN" and tokens[2] in "(["):
        compared.append((tokens[0], tokens[2:]))
    if tokens[-2] == "=":
        compared.append((tokens[-1], tokens[:-2]))
    return frozenset(
        _unquoted(name) for name, values in compared if _is_name(name) and all(map(_LITERAL.fullmatch, values))
    )


def _is_name(token: str) -> bool:
    return token[:1] == '"' or token[:1].isalpha() or token[:1] == "_"
