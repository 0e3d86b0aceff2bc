"""The parsed form of a policy document: immutable, in the document's own order and spelling."""

from __future__ import annotations

from typing import NamedTuple

from locum.policy.grammar import PolicyKind
from locum.policy.location import JsonPath, Span, locate


class Principals(NamedTuple):
    """A Principal or NotPrincipal element.

    `everyone`: the element is `"*"`; the rest is by principal type, as written.
    """

    everyone: bool
    aws: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()

    @property
    def anyone(self) -> bool:
        """Whether anybody is named: by `"*"`, or by `{"AWS": "*"}`, which is the same for principals of accounts."""
        return self.everyone or "*" in self.aws


class Condition(NamedTuple):
    """One condition: a key under an operator. `values` are strings: booleans and numbers as JSON writes them."""

    operator: str
    key: str
    values: tuple[str, ...]
    path: JsonPath


class Statement(NamedTuple):
    """One statement. `number` is its index in the document, from 0.

    Exactly one of `actions` and `not_actions` is not None, at most one of `resources` and `not_resources`, and at most
    one of `principals` and `not_principals`.
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
    """A policy document. `text` is its source; `variables`: whether its version has policy variables (`${...}`)."""

    kind: PolicyKind
    version: str
    id: str
    statements: tuple[Statement, ...]
    variables: bool
    text: str

    def span(self, statement: Statement) -> Span:
        """The position of `statement` in the text."""
        return locate(self.text, statement.path)
