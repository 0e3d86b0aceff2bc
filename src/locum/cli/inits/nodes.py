"""YAML of which errors name the file, the line and the field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from locum.cli.screen import printable
from locum.core.errors import ConfigurationError

if TYPE_CHECKING:
    from yaml.nodes import Node  # type: ignore[import-untyped]

_DEEPEST: Final = 50
_MOST: Final = 200_000
"""Values of a file, with what aliases stand for."""
_TRUTHS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Field(NamedTuple):
    """A value of a file: its node, the name of the file, and how it is called there (`roles[2].trust`)."""

    node: Node
    file: str
    name: str

    def error(self, what: str) -> ConfigurationError:
        """The error that it is wrong: `roles.yaml:12: roles[2].trust WHAT`."""
        at = f"{self.file}:{self.node.start_mark.line + 1}"
        return ConfigurationError(printable(f"{at}: {self.name or 'the file'} {what}"))

    @property
    def kind(self) -> str:
        """`scalar`, `sequence` or `mapping`."""
        return str(self.node.id)

    def members(self) -> dict[str, Field]:
        """The members of a mapping. Raises ConfigurationError, also where one is there twice."""
        if self.kind != "mapping":
            raise self.error("is no mapping")
        found: dict[str, Field] = {}
        for key, value in self.node.value:
            name = str(key.value) if key.id == "scalar" else ""
            field = Field(value, self.file, f"{self.name}.{name}" if self.name else name)
            if not name or name in found:
                raise Field(key, self.file, field.name).error("is there twice" if name else "has a key that is no text")
            found[name] = field
        return found

    def only(self, known: Sequence[str]) -> dict[str, Field]:
        """The members of a mapping, of which there are no others. Raises ConfigurationError."""
        found = self.members()
        for name, field in found.items():
            if name not in known:
                raise field.error(f"is unknown here: there are {', '.join(known)}")
        return found

    def items(self) -> list[Field]:
        """The values of a list. Raises ConfigurationError."""
        if self.kind != "sequence":
            raise self.error("is no list")
        return [Field(node, self.file, f"{self.name}[{index}]") for index, node in enumerate(self.node.value)]

    def text(self) -> str:
        """A text, as it is written: also a number or a date. Raises ConfigurationError."""
        if self.kind != "scalar" or not self.node.value:
            raise self.error("is no text")
        return str(self.node.value)

    def truth(self) -> bool:
        """True or false. Raises ConfigurationError."""
        word = str(self.node.value).lower() if self.kind == "scalar" else ""
        if word not in _TRUTHS:
            raise self.error("is neither true nor false")
        return _TRUTHS[word]

    def value(self) -> Any:
        """The value, as JSON has it: dates are texts, and so are numbers that are not written as JSON does."""
        if self.kind == "mapping":
            return {name: field.value() for name, field in self.members().items()}
        if self.kind == "sequence":
            return [field.value() for field in self.items()]
        text = str(self.node.value)
        if self.node.tag.endswith(":bool"):
            return _TRUTHS.get(text.lower(), text)
        if self.node.tag.endswith(":null"):
            return None
        return int(text) if self.node.tag.endswith(":int") and text.isdecimal() and str(int(text)) == text else text


def read(file: str, text: str) -> Field:
    """The value of the YAML in `text`. Raises ConfigurationError."""
    import yaml  # type: ignore[import-untyped]

    try:
        _check(file, yaml.parse(text, Loader=yaml.SafeLoader))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}"
        raise ConfigurationError(printable(f"{file}{line}: no YAML: {error.problem}")) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(printable(f"{file}: no YAML: {error}")) from error
    if node is None:
        raise ConfigurationError(f"{file} is empty")
    _count(file, node)
    return Field(node, file, "")


def _check(file: str, events: Iterator[Any]) -> None:
    """Raise ConfigurationError where values are too deep, before they are made."""
    import yaml

    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ConfigurationError(f"{file}:{event.start_mark.line + 1}: nested deeper than {_DEEPEST} levels")


def _count(file: str, node: Node) -> None:
    """Raise ConfigurationError where aliases make more of the file than it looks like, or contain themselves."""
    level, count = [node], 0
    for _ in range(_DEEPEST + 1):
        level = [inner for one in level if one.id != "scalar" for inner in _inner(one)]
        count += len(level)
        if not level:
            return
        if count > _MOST:
            break
    raise ConfigurationError(f"{file} has more than {_MOST} values, or one that contains itself")


def _inner(node: Node) -> list[Node]:
    if node.id == "mapping":
        return [one for pair in node.value for one in pair]
    return list(node.value)
