"""A document as the checks see it: statements, their elements and conditions, however broken the rest is.

What is not of the type that belongs in its place is left out of the views here; `structure` reports it.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import Final, NamedTuple

from locum.lint.catalogue import Catalogue
from locum.lint.finding import Key, Location, PathElement, PolicyType, Substring
from locum.lint.reading import Kind, Member, Node
from locum.policy.grammar import CURRENT_VERSION, Operator, operator
from locum.policy.location import Span

TRUST_POLICY: Final = "AWS::IAM::AssumeRolePolicyDocument"
_SCALARS: Final = frozenset({Kind.STRING, Kind.NUMBER, Kind.BOOLEAN})


class Issue(NamedTuple):
    """What a check yields: `words` fill the gaps of the code's text."""

    code: str
    places: tuple[Location, ...]
    words: dict[str, str]


class Condition(NamedTuple):
    """One key under one operator. `parts` is None for an operator that does not exist; `values` are its scalars."""

    operator: Member
    parts: Operator | None
    key: Member
    values: tuple[Node, ...]

    @property
    def name(self) -> str:
        """The key, lower-case: keys are not case-sensitive."""
        return self.key.name.lower()

    @property
    def negated(self) -> bool:
        """Whether the operator is one of the Not... kind."""
        return self.parts is not None and self.parts.negated

    @property
    def family(self) -> str:
        """String, Numeric, Date, Bool, Binary, Ip, Arn, Null; empty where the operator does not exist."""
        return self.parts.family if self.parts is not None else ""


class Principal(NamedTuple):
    """One value of Principal or NotPrincipal. `kind` is AWS, Service, Federated ..., or empty for a lone string."""

    kind: str
    value: Node
    negated: bool


class Statement:
    """One statement."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._elements = {member.name: member for member in reversed(node.members)}

    def element(self, name: str) -> Member | None:
        """The element called `name`; of several, the first."""
        return self._elements.get(name)

    def texts(self, *names: str) -> tuple[Node, ...]:
        """The strings of the elements called `names`."""
        found = [self._elements[name].value for name in names if name in self._elements]
        return tuple(text for value in found for text in _flat(value) if text.kind is Kind.STRING)

    @cached_property
    def actions(self) -> tuple[Node, ...]:
        """The values of Action."""
        return self.texts("Action")

    @cached_property
    def resources(self) -> tuple[Node, ...]:
        """The values of Resource."""
        return self.texts("Resource")

    def _effect(self) -> str:
        member = self.element("Effect")
        return member.value.text if member is not None and member.value.kind is Kind.STRING else ""

    @property
    def allows(self) -> bool:
        """Whether the effect is Allow."""
        return self._effect() == "Allow"

    @property
    def denies(self) -> bool:
        """Whether the effect is Deny."""
        return self._effect() == "Deny"

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every key of every operator."""
        block = self.element("Condition")
        return tuple(
            Condition(outer, operator(outer.name), key, tuple(v for v in _flat(key.value) if v.kind in _SCALARS))
            for outer in (block.value.members if block is not None else ())
            for key in outer.value.members
        )

    @cached_property
    def keys(self) -> frozenset[str]:
        """The lower-case names of all condition keys, and of keys with tags the part before the slash too."""
        names = {condition.name for condition in self.conditions}
        return frozenset(names | {name.partition("/")[0] for name in names})

    @cached_property
    def principals(self) -> tuple[Principal, ...]:
        """Every value of Principal and NotPrincipal."""
        found: list[Principal] = []
        for name in ("Principal", "NotPrincipal"):
            member = self.element(name)
            if member is None:
                continue
            negated = name == "NotPrincipal"
            if member.value.kind is Kind.STRING:
                found.append(Principal("", member.value, negated))
            for kind in member.value.members:
                found += [Principal(kind.name, v, negated) for v in _flat(kind.value) if v.kind is Kind.STRING]
        return tuple(found)


def _flat(value: Node) -> tuple[Node, ...]:
    return value.items if value.kind is Kind.ARRAY else (value,)


class Policy:
    """The document, what it is said to be, and where its lines are."""

    def __init__(
        self, text: str, root: Node, policy_type: PolicyType, resource_type: str | None, catalogue: Catalogue
    ) -> None:
        self.text = text
        self.root = root
        self.type = policy_type
        self.resource_type = resource_type
        self.catalogue = catalogue
        self._lines = [0] + [i + 1 for i, character in enumerate(text) if character == "\n"]
        self.elements = {member.name: member for member in reversed(root.members)}

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements that are objects."""
        member = self.elements.get("Statement")
        found = () if member is None else _flat(member.value)
        return tuple(Statement(node) for node in found if node.kind is Kind.OBJECT)

    @property
    def trust(self) -> bool:
        """Whether this is known to be a role's trust policy."""
        return self.resource_type == TRUST_POLICY

    def trusts(self, statement: Statement) -> bool:
        """Whether the statement is one of a trust policy: said to be, or a resource policy that speaks of STS only."""
        if self.type is not PolicyType.RESOURCE_POLICY or self.resource_type is not None:
            return self.trust
        return bool(statement.actions) and all(node.text.lower().startswith("sts:") for node in statement.actions)

    @property
    def variables(self) -> bool:
        """Whether `${...}` means anything in it."""
        version = self.elements.get("Version")
        return version is not None and version.value.text == CURRENT_VERSION

    # --- places ---

    def _span(self, start: int, end: int) -> Span:
        first, last = bisect_right(self._lines, start) - 1, bisect_right(self._lines, end) - 1
        start_column, end_column = start - self._lines[first] + 1, end - self._lines[last] + 1
        return Span(start, end, first + 1, start_column, last + 1, end_column)

    def everywhere(self) -> Location:
        """The whole document."""
        return Location((), self._span(0, len(self.text)))

    def offset(self, offset: int) -> Location:
        """One point of the text."""
        return Location((), self._span(offset, offset))

    def value(self, node: Node) -> Location:
        """A value."""
        return Location(node.path, self._span(node.start, node.end))

    def key(self, member: Member) -> Location:
        """The key of a member."""
        path: tuple[PathElement, ...] = (*member.value.path[:-1], Key(member.name))
        return Location(path, self._span(member.start, member.end))

    def part(self, node: Node, start: int, length: int) -> Location:
        """`length` characters of a string from `start` on; escapes in it leave the span at the whole string."""
        path: tuple[PathElement, ...] = (*node.path, Substring(start, length))
        if node.end - node.start != len(node.text) + 2:
            return Location(path, self._span(node.start, node.end))
        first = node.start + 1 + start
        return Location(path, self._span(first, first + length))


def issue(code: str, *places: Location, **words: str) -> Issue:
    """An issue at `places`."""
    return Issue(code, places, words)
