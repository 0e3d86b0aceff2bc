"""A view of a document for the checks: its statements, elements and conditions, which may be invalid.

Values of the wrong type are omitted from the view; `structure` reports them.
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
    """An issue that a check found. `words` fill in the template of the code's text."""

    code: str
    places: tuple[Location, ...]
    words: dict[str, str]


class Condition(NamedTuple):
    """A condition: a key under an operator. `parts` is None for an unknown operator; `values` are its scalars."""

    operator: Member
    parts: Operator | None
    key: Member
    values: tuple[Node, ...]

    @property
    def name(self) -> str:
        """The key in lower case, as keys are not case-sensitive."""
        return self.key.name.lower()

    @property
    def negated(self) -> bool:
        """Whether the operator is negated (Not...)."""
        return self.parts is not None and self.parts.negated

    @property
    def family(self) -> str:
        """The operator's family: String, Numeric, Date, Bool, Binary, Ip, Arn, Null; empty for an unknown operator."""
        return self.parts.family if self.parts is not None else ""


class Principal(NamedTuple):
    """One value of Principal or NotPrincipal. `kind` is AWS, Service, Federated ..., or empty for a lone string."""

    kind: str
    value: Node
    negated: bool


class Statement:
    """A view of one statement."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._elements = {member.name: member for member in reversed(node.members)}

    def element(self, name: str) -> Member | None:
        """The element called `name`; of duplicates, the first."""
        return self._elements.get(name)

    def texts(self, *names: str) -> tuple[Node, ...]:
        """The string values of the elements called `names`."""
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
        """All keys of all operators."""
        block = self.element("Condition")
        return tuple(
            Condition(outer, operator(outer.name), key, tuple(v for v in _flat(key.value) if v.kind in _SCALARS))
            for outer in (block.value.members if block is not None else ())
            for key in outer.value.members
        )

    @cached_property
    def keys(self) -> frozenset[str]:
        """The lower-case names of all condition keys; for keys with a tag key, also the part before the slash."""
        names = {condition.name for condition in self.conditions}
        return frozenset(names | {name.partition("/")[0] for name in names})

    @cached_property
    def principals(self) -> tuple[Principal, ...]:
        """All values of Principal and NotPrincipal."""
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
    """A view of a document, with its declared type and the offsets of its lines."""

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
        """The statements that are JSON objects."""
        member = self.elements.get("Statement")
        found = () if member is None else _flat(member.value)
        return tuple(Statement(node) for node in found if node.kind is Kind.OBJECT)

    @property
    def trust(self) -> bool:
        """Whether this is known to be a role's trust policy."""
        return self.resource_type == TRUST_POLICY

    def trusts(self, statement: Statement) -> bool:
        """Whether the statement is in a trust policy: a declared one, or a resource policy of STS actions only."""
        if self.type is not PolicyType.RESOURCE_POLICY or self.resource_type is not None:
            return self.trust
        return bool(statement.actions) and all(node.text.lower().startswith("sts:") for node in statement.actions)

    @property
    def variables(self) -> bool:
        """Whether the version has policy variables (`${...}`)."""
        version = self.elements.get("Version")
        return version is not None and version.value.text == CURRENT_VERSION

    # --- locations ---

    def _span(self, start: int, end: int) -> Span:
        first, last = bisect_right(self._lines, start) - 1, bisect_right(self._lines, end) - 1
        start_column, end_column = start - self._lines[first] + 1, end - self._lines[last] + 1
        return Span(start, end, first + 1, start_column, last + 1, end_column)

    def everywhere(self) -> Location:
        """The location of the whole document."""
        return Location((), self._span(0, len(self.text)))

    def offset(self, offset: int) -> Location:
        """The location of an offset."""
        return Location((), self._span(offset, offset))

    def value(self, node: Node) -> Location:
        """The location of a value."""
        return Location(node.path, self._span(node.start, node.end))

    def key(self, member: Member) -> Location:
        """The location of a member's key."""
        path: tuple[PathElement, ...] = (*member.value.path[:-1], Key(member.name))
        return Location(path, self._span(member.start, member.end))

    def part(self, node: Node, start: int, length: int) -> Location:
        """The location of `length` characters of a string from `start`.

        The span is that of the whole string if the string has escapes.
        """
        path: tuple[PathElement, ...] = (*node.path, Substring(start, length))
        if node.end - node.start != len(node.text) + 2:
            return Location(path, self._span(node.start, node.end))
        first = node.start + 1 + start
        return Location(path, self._span(first, first + length))


def issue(code: str, *places: Location, **words: str) -> Issue:
    """Make an issue at `places`."""
    return Issue(code, places, words)
