"""A parsed policy: immutable, in the document's own order and spelling."""

from __future__ import annotations

from typing import NamedTuple

from locum.policy.grammar import PolicyKind
from locum.policy.location import JsonPath, Span, locate


class Principals(NamedTuple):
    """A Principal or NotPrincipal element. `everyone` is `"*"`; the rest is by type, as written."""

    everyone: bool
    aws: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()


class Condition(NamedTuple):
    """One key under one operator. `values` are texts: booleans and numbers as JSON writes them."""

    operator: str
    key: str
    values: tuple[str, ...]
    path: JsonPath


class Statement(NamedTuple):
    """One statement, the `number`th from 0.

    Of `actions` and `not_actions` exactly one is not None; so, where there are any, the others.
    """

    number: int
    path: JsonPath
    sid: str
    allows: bool
    principals: Principals | None
    not_principals: Principals | None
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    conditions: tuple[Condition, ...]


class Document(NamedTuple):
    """A policy document. `text` is what was parsed; `variables`: whether `${...}` means anything in it."""

    kind: PolicyKind
    version: str
    id: str
    statements: tuple[Statement, ...]
    variables: bool
    text: str

    def span(self, statement: Statement) -> Span:
        """Where `statement` stands in the text."""
        return locate(self.text, statement.path)
