"""The reader of decision-case files: JSON Lines (one object a line) or YAML (a list), with line numbers."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn

from locum.core.errors import LocumError

_MAX_NODES: Final = 200_000
"""The limit for one case in YAML with its aliases expanded: a few lines of aliases can expand to billions."""

_CONSTRUCTION_ERRORS: Final = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
)
"""Raised by PyYAML for an invalid value under `!!int` or `!!timestamp`, or for nesting that is too deep."""


class MalformedCase(LocumError):
    """A decision case is invalid. The message tells the case, the field and the fault; `line` is from 1; 0: unknown."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line


class Entry(NamedTuple):
    """One entry of a case file, not yet checked: its parsed `value`, and the line where it begins."""

    line: int
    value: Any


def entries(text: str, *, yaml: bool = False) -> Iterator[Entry | MalformedCase]:
    """The entries of a file's `text` in order, with errors in place of unreadable ones. YAML needs PyYAML."""
    return _yaml(text) if yaml else _json_lines(text)


# --- JSON Lines ----------------------------------------------------------------------------------------------


def _json_lines(text: str) -> Iterator[Entry | MalformedCase]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield Entry(number, json.loads(line, object_pairs_hook=_unique_members, parse_constant=_constant))
        except json.JSONDecodeError as error:
            yield MalformedCase(f"not JSON: {error.msg} (column {error.colno}); each line is a case of its own", number)
        except RecursionError:
            yield MalformedCase("not a case: it nests too deep", number)
        except ValueError as error:
            yield MalformedCase(f"not JSON: {error}", number)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    duplicate = _first_duplicate([name for name, _ in pairs])
    if duplicate is not None:
        raise ValueError(f"the field {duplicate} is given twice")
    return dict(pairs)


def _first_duplicate(names: list[str]) -> str | None:
    """The first of `names` that occurs twice; None where they are unique."""
    known: set[str] = set()
    for name in names:
        if name in known:
            return name
        known.add(name)
    return None


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


# --- YAML ----------------------------------------------------------------------------------------------------


def _yaml(text: str) -> Iterator[Entry | MalformedCase]:
    """The entries of a YAML list. Scalars other than true, false and null are strings: no dates, no numbers."""
    module = importlib.import_module("yaml")
    try:
        loader = _loader(module)(text)
        root = loader.get_single_node()
    except module.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        yield MalformedCase(f"not YAML: {_problem(error)}", 0 if mark is None else mark.line + 1)
        return
    except RecursionError:
        yield MalformedCase("not a list of cases: it nests too deep")
        return
    if root is None:
        return
    if not isinstance(root, module.SequenceNode):
        yield MalformedCase("a YAML file of cases is a list", root.start_mark.line + 1)
        return
    for node in root.value:
        yield _constructed(module, loader, node)


def _constructed(module: Any, loader: Any, node: Any) -> Entry | MalformedCase:
    line = node.start_mark.line + 1
    try:
        _expanded_size(module, node, {})
        return Entry(line, loader.construct_document(node))
    except MalformedCase as error:
        return error
    except module.YAMLError as error:
        return MalformedCase(f"not YAML: {_problem(error)}", line)
    except _CONSTRUCTION_ERRORS as error:
        return MalformedCase(f"not a case: {type(error).__name__}: {error}", line)


def _problem(error: Any) -> str:
    return getattr(error, "problem", None) or " ".join(str(error).split())


def _loader(module: Any) -> Any:
    class Loader(module.SafeLoader):  # type: ignore[misc]  # PyYAML has no types and is imported late
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - how PyYAML is configured

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")
    )
    Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"~|null|"), ["~", "n", ""])
    Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<"), ["<"])
    return Loader


def _expanded_size(module: Any, node: Any, known: dict[int, int]) -> int:
    """The number of nodes of `node` with aliases expanded.

    Raises MalformedCase for too many, or for a duplicate key.
    """
    line = node.start_mark.line + 1
    size = known.get(id(node))
    if size is not None:
        if not size:
            raise MalformedCase("an alias stands for what it is part of", line)
        return size
    known[id(node)] = 0
    children: list[Any] = []
    if isinstance(node, module.SequenceNode):
        children = node.value
    elif isinstance(node, module.MappingNode):
        _check_unique_keys(module, node)
        children = [child for pair in node.value for child in pair]
    size = 1 + sum(_expanded_size(module, child, known) for child in children)
    if size > _MAX_NODES:
        raise MalformedCase(f"a case of more than {_MAX_NODES} values, with what its aliases stand for", line)
    known[id(node)] = size
    return size


def _check_unique_keys(module: Any, node: Any) -> None:
    duplicate = _first_duplicate(
        [key.value for key, _ in node.value if isinstance(key, module.ScalarNode) and key.value != "<<"]
    )
    if duplicate is not None:
        raise MalformedCase(f"the field {duplicate} is given twice", node.start_mark.line + 1)
