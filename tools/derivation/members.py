"""Where a resource's values are: the members of an operation's input that take them, and those of its output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from botocore.model import OperationModel, Shape

from derivation.names import best, key_of, same

Path = tuple[str, ...]

_TOKENS: Final = frozenset(
    {"clienttoken", "clientrequesttoken", "callerreference", "creatorrequestid", "idempotencytoken"}
)
_ACCOUNTS: Final = frozenset({"awsaccountid", "accountid", "catalogid", "ownerid"})


class Input(NamedTuple):
    """The members of an input by which an operation takes properties, by property, and those it requires.

    `paths` are where each property goes: a member, or a member of the one structure that has them.
    """

    paths: Mapping[str, Path]
    required: tuple[Path, ...]
    shape: Shape | None

    def member(self, path: Path) -> Shape:
        """The shape at `path`."""
        assert self.shape is not None
        found = self.shape
        for name in path:
            found = found.members[name]
        return found


def members(shape: Shape | None) -> Mapping[str, Shape]:
    """The members of a structure; none of anything else."""
    return shape.members if shape is not None and shape.type_name == "structure" else {}


def taken(model: OperationModel, properties: Iterable[str], nouns: tuple[str, ...]) -> Input:
    """Where the operation `model` takes each of `properties`, as far as it does."""
    shape, names = model.input_shape, sorted(properties)
    top = _matched(names, members(shape), nouns)
    paths: dict[str, Path] = {name: (member,) for name, member in top.items()}
    required: list[Path] = [(name,) for name in (shape.required_members if shape else ())]
    nested = _nesting(shape, set(top.values()), [name for name in names if name not in top], nouns)
    if nested:
        inner = members(shape)[nested]
        rest = [name for name in names if name not in top]
        paths |= {name: (nested, member) for name, member in _matched(rest, members(inner), nouns).items()}
        required = [path for path in required if path != (nested,)]
        required += [(nested, name) for name in inner.required_members]
    return Input(_elsewhere(shape, names, nested) | paths, tuple(required), shape)


def _elsewhere(shape: Shape | None, names: list[str], nested: str) -> dict[str, Path]:
    """Where exactly one structure of the input has a member of the very name: `Options` of many operations of EC2."""
    found: dict[str, list[Path]] = {}
    for name, member in members(shape).items():
        for inner in members(member) if name != nested else ():
            found.setdefault(inner.lower(), []).append((name, inner))
    return {name: found[name.lower()][0] for name in names if len(found.get(name.lower(), ())) == 1}


def _nesting(shape: Shape | None, used: set[str], names: list[str], nouns: tuple[str, ...]) -> str:
    """The one structure of the input that takes most of the properties `names`; empty where none does."""
    required = set(shape.required_members) if shape else set()
    found = {
        name: len(_matched(names, member.members, nouns))
        for name, member in members(shape).items()
        if member.type_name == "structure" and name not in used and (name in required or key_of(name)[0] in _own(nouns))
    }
    most = max(found.values(), default=0)
    fitting = [name for name, number in found.items() if number == most]
    return fitting[0] if most and len(fitting) == 1 else ""


def _own(nouns: tuple[str, ...]) -> set[str]:
    return {noun.lower() + end for noun in nouns for end in ("", "input", "config", "configuration", "request")}


def _matched(names: Iterable[str], shapes: Mapping[str, Shape], nouns: tuple[str, ...]) -> dict[str, str]:
    """The member of each name. A member that two names would take is that of the nearer one, or of neither."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        member = best(name, shapes, nouns)
        if member is not None:
            found.setdefault(member, []).append((same(name, member, nouns), name))
    matched = {}
    for member, takers in found.items():
        takers.sort(reverse=True)
        if len(takers) == 1 or takers[0][0] > takers[1][0]:
            matched[takers[0][1]] = member
    return matched


def is_token(shape: Shape) -> bool:
    """Whether a member has a client token, by which a call that is made again is known."""
    return bool(shape.metadata.get("idempotencyToken"))


def supplied(member: str, shape: Shape) -> str:
    """The template of a value that every call may have; empty where the member takes none: tokens, the account."""
    if is_token(shape) or member.lower() in _TOKENS:
        return "{client_token}"
    return "{account}" if member.lower() in _ACCOUNTS else ""


def nested_template(values: Mapping[Path, Any]) -> dict[str, Any]:
    """Templates by path as one template."""
    made: dict[str, Any] = {}
    for path, template in values.items():
        at = made
        for name in path[:-1]:
            at = at.setdefault(name, {})
        at[path[-1]] = template
    return made


class Output(NamedTuple):
    """The part of an output that tells of the resource: where it is, and its shape."""

    path: Path
    shape: Shape

    def value(self, name: str, nouns: tuple[str, ...]) -> str | None:
        """The path of the member that is `name`, a text or a number; None where there is none."""
        member = best(name, members(self.shape), nouns)
        if member is None or members(self.shape)[member].type_name in ("list", "map", "structure"):
            return None
        return ".".join((*self.path, member))

    def at(self, path: Path, nouns: tuple[str, ...]) -> str | None:
        """The path of the member at the path of a property; None where there is none.

        An endpoint's address may be the endpoint itself, and its port be beside it.
        """
        shape, found = self.shape, list(self.path)
        for number, name in enumerate(path):
            if number and shape.type_name == "string":
                beside = ".".join((*self.path, name))
                return ".".join(found) if name == "Address" else beside if name in members(self.shape) else None
            member = best(name, members(shape), nouns)
            if member is None:
                return None
            found.append(member)
            shape = members(shape)[member]
        return ".".join(found)


def told(model: OperationModel, names: Iterable[str], nouns: tuple[str, ...], *, many: bool = False) -> Output | None:
    """The part of the output of `model` that has most of `names`; the first item of a list of them if `many`."""
    names, shape = tuple(names), model.output_shape
    ranked = [
        (len(_matched(names, members(found.shape), nouns)), -len(found.path), found)
        for found in _parts(shape, nouns, many=many)
    ]
    ranked.sort(key=lambda it: it[:2], reverse=True)
    return ranked[0][2] if ranked and ranked[0][0] else None


def _parts(shape: Shape | None, nouns: tuple[str, ...], *, many: bool) -> Iterator[Output]:
    if shape is None:
        return
    if not many:
        yield Output((), shape)
    found = {
        name: member
        for name, member in members(shape).items()
        if (
            member.type_name == "list" and member.member.type_name == "structure"
            if many
            else member.type_name == "structure"
        )
    }
    for name, member in found.items():
        if len(found) > 1 and not any(noun.lower() in name.lower() for noun in nouns):
            continue
        yield Output((name, "0"), member.member) if many else Output((name,), member)
