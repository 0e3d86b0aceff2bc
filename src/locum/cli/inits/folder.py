"""What is in a directory of `locum up --init`: read, and checked as a whole, before anything is done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from locum.cli.accounts import details
from locum.cli.inits.identities import identities
from locum.cli.inits.nodes import read
from locum.cli.screen import printable
from locum.core.errors import ConfigurationError

_LARGEST: Final = 4 << 20
"""Octets of a file of YAML or a template, of which CloudFormation takes one megabyte."""
_ANY_ACCOUNT: Final = "0" * 12
_ORDER: Final = re.compile(r"^[0-9]+[-_.]*")
_NO_STACK: Final = re.compile(r"[^A-Za-z0-9]+")


class Kind(Enum):
    """What an entry is, by the end of its name."""

    SCRIPT = "script"
    TERRAFORM = "Terraform configuration"
    TEMPLATE = "template"
    IDENTITIES = "identities"
    DETAILS = "details of an account"


_ENDINGS: Final = (
    *((f".template.{ending}", Kind.TEMPLATE) for ending in ("yaml", "yml", "json")),
    (".sh", Kind.SCRIPT),
    (".yaml", Kind.IDENTITIES),
    (".yml", Kind.IDENTITIES),
    (".json", Kind.DETAILS),
)


class Item(NamedTuple):
    """An entry that is to be carried out. `text` is what a file has, but for scripts."""

    kind: Kind
    path: Path
    text: str = ""

    @property
    def name(self) -> str:
        """The name, for a terminal."""
        return printable(self.path.name)

    @property
    def stack(self) -> str:
        """The name of a template's stack: the file's, without the digits that it begins with."""
        stem = _ORDER.sub("", self.path.name.partition(".")[0], count=1)
        name = _NO_STACK.sub("-", stem).strip("-")
        return name if name[:1].isalpha() else f"stack-{name}".rstrip("-")


class Folder(NamedTuple):
    """What a directory has, in the order of the names, and the names of what is nothing to carry out."""

    items: list[Item]
    ignored: list[str]


def contents(directory: Path) -> Folder:
    """What is in a directory. Raises ConfigurationError where something cannot be used, with all that is wrong."""
    items: list[Item] = []
    ignored: list[str] = []
    wrong: list[str] = []
    try:
        paths = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be read: {error.strerror}") from error
    for path in paths:
        try:
            item = _item(path)
            items += [] if item is None else [item]
            ignored += [printable(path.name)] if item is None else []
        except ConfigurationError as error:
            wrong.append(str(error))
    wrong += _doubles(items)
    if wrong:
        raise ConfigurationError("; ".join(wrong))
    return Folder(items, ignored)


def _item(path: Path) -> Item | None:
    """The entry at `path`; None where it is nothing to carry out. Raises ConfigurationError."""
    if path.is_dir():
        has = any(path.glob("*.tf")) or any(path.glob("*.tf.json"))
        return Item(Kind.TERRAFORM, path) if has else None
    kind = next((kind for ending, kind in _ENDINGS if path.name.endswith(ending)), None)
    if kind is None:
        return None
    if not path.is_file():  # a pipe would be waited for, without end
        raise ConfigurationError(f"{printable(path.name)} is no file")
    if kind is Kind.SCRIPT:
        return Item(kind, path)
    item = Item(kind, path, _text(path))
    if kind is Kind.IDENTITIES:
        identities(item.name, item.text, _ANY_ACCOUNT)
    elif kind is Kind.DETAILS:
        details.account(details.pages(item.name, item.text))
    else:
        _check_template(item)
    return item


def _text(path: Path) -> str:
    name = printable(path.name)
    try:
        with path.open("rb") as file:
            raw = file.read(details.LARGEST + 1)
        if len(raw) > (details.LARGEST if path.suffix == ".json" else _LARGEST):
            raise ConfigurationError(f"{name} is too large")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 text") from error
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error


def _check_template(item: Item) -> None:
    """Raise ConfigurationError where a template is none. The rest is CloudFormation's to say."""
    if item.path.suffix == ".json":
        try:
            top = json.loads(item.text)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{item.name} is no JSON: {error}") from error
        known = set(top) if isinstance(top, dict) else set()
    else:
        known = set(read(item.name, item.text).members())
    if "Resources" not in known:
        raise ConfigurationError(f"{item.name} is no template: it has no Resources")


def _doubles(items: list[Item]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for item in items:
        if item.kind is Kind.TEMPLATE:
            before = seen.setdefault(item.stack, item.name)
            if before != item.name:
                yield f"{before} and {item.name} would both be the stack {item.stack}: rename one of them"
