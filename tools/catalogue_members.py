"""Find the members of an operation's input that name a resource, for `tools/catalogue.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from catalogue_tables import MADE, NAMES_AS_IDS, NOT_MADE, SYNONYMS

_SUFFIXES: Final = (
    "namewithpath", "withoutleadingslash", "withpath", "identifier", "resourceid", "friendlyname", "name", "arn", "id",
    "key",
)  # fmt: skip
_TAILS: Final = ("name", "id", "identifier", "arn", "", "ids", "names", "arns", "s", "identifiers", "list", "url")
_VAGUE: Final = frozenset({"", "resource", "id", "name", "token", "arn", "uuid", "relativeid", "identifier"})
_LAST_RESORT: Final = ("id", "identifier", "arn", "name", "ids", "arns", "names")
_GENERIC: Final = (
    "resourcearn", "arn", "resourceidentifier", "resourceid", "resource", "resourcename", "resourcearns",
    "resourcearnlist",
)  # fmt: skip
CREATES: Final = re.compile(
    r"(Batch)?(Create|Allocate|Import|Run|Register|Start|Request|Copy|Restore|Add|Put|Publish|Upload|Purchase|Generate|"
    r"Clone|Launch|Submit|Open|Provision|Issue|Submit|Initiate|New|Define|Deploy|Build|Schedule|Associate|Request)"
)


_OF_OTHERS: Final = re.compile(r"role|kms|key|topic|policy|cert|secret|bucket|function|principal|user", re.IGNORECASE)
_RELATION: Final = re.compile(r"(?:From|To|With|For|By|In|And|On|Version|Batch)(?=[A-Z0-9]|$)")


class Member(NamedTuple):
    """A member of an operation's input: its path, and its name in lower case without punctuation."""

    path: str
    name: str
    nested: bool
    required: bool = False
    label: bool = False
    """The member is a part of the request's path."""


def norm(text: str) -> str:
    """`text` in lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def members(shape: Any, depth: int = 3, prefix: str = "", *, nested: bool = False) -> Iterator[Member]:
    """The members of `shape` that are texts, numbers or lists of texts, down to `depth`."""
    for name, member in shape.members.items() if shape is not None else ():
        path, kind = prefix + name, member.type_name
        if kind in ("string", "integer", "long"):
            label = member.serialization.get("location") == "uri"
            yield Member(path, norm(name), nested, name in shape.required_members, label)
        elif kind == "list" and member.member.type_name == "string":
            yield Member(path + "[]", norm(name), nested, name in shape.required_members)
        elif kind == "list" and member.member.type_name == "structure" and depth > 1:
            yield from members(member.member, depth - 1, path + "[].", nested=True)
        elif kind == "structure" and depth > 1:
            yield from members(member, depth - 1, path + ".", nested=True)


class Operation(NamedTuple):
    """An operation and the members that may be its resources."""

    service: str
    name: str
    model: Any
    members: tuple[Member, ...]

    def find(self, names: Iterable[str], *, nested: bool = False) -> str | None:
        """The path of the first member that has one of `names`."""
        known: dict[str, str] = {}
        for member in self.members:
            if member.nested == nested:
                known.setdefault(member.name, member.path)
        return next((known[name] for name in names if name in known), None)

    def member(self, path: str) -> Member | None:
        """The member with this path."""
        return next((member for member in self.members if member.path == path), None)

    @property
    def generic(self) -> str | None:
        """The member with the ARN of a resource of any type."""
        return self.find(_GENERIC)

    @property
    def creates(self) -> bool:
        """Whether operations of this name make something."""
        return CREATES.match(self.name) is not None

    def makes(self, kind: str) -> bool:
        """Whether this operation makes a resource of the type `kind`: CreateStack and RestoreStackFromX a `stack`.

        What is put may be there already: PutConfigRule changes the rule that it names.
        """
        if kind in MADE.get((self.service, self.name), ()):
            return True
        verb = CREATES.match(self.name)
        if verb is None or verb[0] == "Put":
            return False
        made = norm(_RELATION.split(self.name[verb.end() :])[0]).removesuffix("s")
        if kind in NOT_MADE.get((self.service, self.name), ()):
            return False
        return kind in MADE.get((self.service, self.name), ()) or any(made.endswith(word) for word in _words(kind))


def base(text: str) -> str:
    """A variable's name without a suffix such as `Name` or `Id`."""
    text = norm(text)
    return next((text[: -len(s)] for s in _SUFFIXES if text.endswith(s) and len(text) > len(s)), text)


def _words(kind: str) -> tuple[str, ...]:
    """The type's name, and its last word."""
    last = [word for word in re.findall(r"[A-Z]?[a-z0-9]+", kind)[-1:] if len(word) > 3]
    return tuple(dict.fromkeys(norm(word).removesuffix("s") for word in (kind, *last)))


def candidates(variable: str, kind: str) -> tuple[str, ...]:
    """Possible names of a member with the variable `variable` of the resource type `kind`, the likeliest first."""
    stem = base(variable)
    vague = stem in _VAGUE or norm(variable) in _VAGUE
    stems = dict.fromkeys([*([] if vague else [stem.removesuffix("s")]), *_words(kind)])
    found = [] if vague else [norm(variable)]
    return tuple(dict.fromkeys([*found, *(stem + tail for stem in stems for tail in _TAILS)]))


def binding(operation: Operation, prefix: str, kind: str, variable: str, *, single: bool) -> str | None:
    """The path of the member with the value of `variable`, or None."""
    synonyms = SYNONYMS.get((prefix, kind), {}).get(variable)
    if synonyms is not None:
        paths = {member.path for member in operation.members}
        return next((p for name in synonyms for p in (name, f"{name}[]") if p in paths), None)
    names = candidates(variable, kind)
    if _has_own_id(prefix, kind, variable):
        names = tuple(name for name in names if not name.endswith(("name", "names")))
    found = operation.find(names) or _alike(operation, kind, variable) or _same(operation, variable)
    if found is None and (single or any(word in norm(operation.name) for word in _words(kind))):
        found = operation.find(_LAST_RESORT) or (operation.generic if single else None)
    found = found or operation.find(names, nested=True)
    return None if found is not None and other_name(prefix, kind, variable, found) else found


def other_name(prefix: str, kind: str, variable: str, path: str) -> bool:
    """Whether a member is for the name of a resource, of whose ARN the variable is an id of the service's own."""
    return bool(re.search(r"[nN]ames?(\[\])?$", path)) and _has_own_id(prefix, kind, variable)


def _has_own_id(prefix: str, kind: str, variable: str) -> bool:
    """Whether the value of a variable is an id of the service's own, which no member for a name has.

    A variable without a better word for it (`ResourceId`) often has the name.
    """
    identifies = variable != "ResourceId" and variable.endswith(("Id", "ID", "Uuid", "UUID", "Identifier"))
    return identifies and kind not in NAMES_AS_IDS.get(prefix, ())


def _same(operation: Operation, variable: str) -> str | None:
    """A required member with the variable's very name."""
    same = (m for m in operation.members if m.required and not m.nested and m.name == norm(variable))
    return next((m.path for m in same), None)


def lone_arn(operation: Operation) -> str | None:
    """The only required member that is an ARN, but for those of roles, keys and the like."""
    arns = [m.path for m in operation.members if not m.nested and m.required and is_arn(m.path)]
    return arns[0] if len(arns) == 1 and not _OF_OTHERS.search(arns[0]) else None


def _alike(operation: Operation, kind: str, variable: str) -> str | None:
    """A required member that names the type in short: `WindowId` a `maintenancewindow`."""
    wholes = {norm(kind), base(variable)}
    for member in operation.members:
        stem = base(member.name)
        if member.required and not member.nested and stem != member.name:
            if norm(variable).endswith(member.name) and len(member.name) > 4:
                return member.path
            if len(stem) > 3 and any(w.endswith(stem) or stem.endswith(w) for w in wholes if len(w) > 3):
                return member.path
    return None


def bound(operation: Operation, prefix: str, kind: str, variables: list[str], *, single: bool) -> dict[str, str | None]:
    """The members with the values of a type's variables; each member for one variable only.

    An ARN is bound to the last variable, as it stands for the text up to there.
    """
    found = {v: binding(operation, prefix, kind, v, single=single) for v in variables}
    arn = operation.find((norm(kind) + "arn", norm(kind) + "arns"))
    if arn is None and single and not any(found.values()) and not operation.makes(kind):
        arn = lone_arn(operation)
    if arn is not None and variables and not all(found.values()):
        found[variables[-1]] = arn
    whole = next((path for path in found.values() if is_arn(path)), None)
    if whole is not None and len(variables) > 1 and not found[variables[-1]] and not _of_parent(whole, kind, found):
        found[variables[-1]] = whole
    found = {variable: path and _required(operation, path) for variable, path in found.items()}
    for path in {path for path in found.values() if path}:
        best = max((v for v in variables if found[v] == path), key=lambda v: _fit(v, path, last=v == variables[-1]))
        found.update((v, None) for v in variables if found[v] == path and v != best)
    listed = SYNONYMS.get((prefix, kind), {}).keys() >= set(variables)
    return found if listed else _by_position(operation, variables, found)


def _of_parent(arn: str, kind: str, found: dict[str, str | None]) -> bool:
    """Whether the member `arn` is for the ARN of what a resource is in: a table's bucket."""
    stem = base(arn.rpartition(".")[2])
    own = next(variable for variable, path in found.items() if path == arn)
    return base(own) == stem and not any(stem.endswith(word) for word in _words(re.sub(r"v\d$", "", kind)))


def _fit(variable: str, path: str, *, last: bool) -> int:
    """How well a member suits a variable: by its name best, then as the ARN of the whole."""
    leaf = norm(path.rpartition(".")[2])
    if leaf == norm(variable):
        return 3
    return 2 if is_arn(path) and last else 1 if base(leaf) == base(variable) else 0


def _by_position(operation: Operation, variables: list[str], found: dict[str, str | None]) -> dict[str, str | None]:
    """Bind the labels of the path to the variables, in order, where there are as many of both and all else agrees."""
    labels = [member.path for member in operation.members if member.label and not member.nested]
    agree = all(found[v] in (None, label) for v, label in zip(variables, labels, strict=False))
    if len(labels) == len(variables) and agree and any(found.values()) and not all(found.values()):
        return dict(zip(variables, labels, strict=True))
    return found


_ABOUT_LISTS: Final = re.compile(
    r"(next|page|pagination|start(ing)?|continuation)?(page)?(token|index)|max(results|items|records)?|limit|marker|count|"
    r"pagesize|filters?|filter\w*|sort\w*|order\w*|reverse\w*|include\w*|(aws)?accountid|\w*contains|\w*prefix|"
    r"(creation|last|start|end|created|updated|modified)\w*(time|date|at|before|after)\w*|status(es)?|types?|dryrun|locale|"
    r"pagenumber|nextmarker|exclusivestart\w*|resultspage|detailed|verbose|scope|catalog"
)


def lists(operation: Operation, *, but: str | None = None) -> bool:
    """Whether a call is for all resources, as its members, except for `but`, say only how to list them."""
    reads = operation.name.startswith(("List", "Describe", "Search", "Get"))
    members = [m for m in operation.members if not m.nested and m.path != but]
    by_arn = (m for m in operation.members if m.nested and is_arn(m.path) and "filter" not in m.path.lower())
    if any(not _OF_OTHERS.search(m.path) for m in by_arn):
        return False  # a structure with the name of a resource, or its ARN
    return reads and all(_ABOUT_LISTS.fullmatch(m.name) and not m.label for m in members)


def is_arn(path: str | None) -> bool:
    """Whether a member's name says that it is an ARN."""
    return norm(path or "").endswith(("arn", "arns"))


def aliases(operation: Operation, path: str) -> list[str]:
    """All members beside `path` that name the same thing, by name, id or ARN."""
    member = operation.member(path)
    if member is None or member.nested or member.required:
        return [path]
    stem = base(member.name)
    same = {stem + tail for tail in ("name", "id", "arn", "identifier", "")}
    others = [m.path for m in operation.members if m.name in same and not m.nested and not m.path.endswith("[]")]
    return list(dict.fromkeys([path, *others])) if stem not in _VAGUE else [path]


def _required(operation: Operation, path: str) -> str:
    """The required member beside `path` that names the same thing; `path` is then a name that the thing is to have."""
    names = aliases(operation, path)
    required = [name for name in names if _is_required(operation, name)]
    return path if not required or any(is_arn(name) for name in names if name not in required) else required[0]


def _is_required(operation: Operation, path: str) -> bool:
    member = operation.member(path)
    return member is not None and member.required


_SIDES: Final = ("source", "target", "destination", "original")


def other_side(operation: Operation, kind: str, variable: str, path: str | None) -> list[str]:
    """The members beside `path` that name another resource of the same type: the source of a copy, and its target."""
    stems = {norm(kind), base(variable)} if path is None else {base(path)}
    stems = {next((stem[len(s) :] for s in _SIDES if stem.startswith(s)), stem) for stem in stems} - _VAGUE
    sought = {side + stem for stem in stems for side in ("", *_SIDES)}
    members = (m for m in operation.members if not m.nested and m.path not in (path, f"{path}[]"))
    named = (m for m in members if m.name.startswith(_SIDES) and not m.name.endswith("resourceid"))
    return [m.path for m in named if base(m.name) in sought]
