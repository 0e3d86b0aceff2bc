"""Output of a tour on a terminal of 80 columns: titles, equivalent shell commands and results."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import click

WIDTH: Final = 80
_INDENT: Final = "    "
_CLI_NAMES: Final = {"s3": "s3api"}
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUOTE: Final = re.compile(r'(?<!\\)"')
_IMPLIED: Final = frozenset({"MinCount", "MaxCount"})
"""Parameters that the AWS CLI sets by default."""


def title(number: int, text: str) -> None:
    """Print the title of a step."""
    click.echo()
    click.secho(f"{number:2d}  {text}", bold=True)


def prose(text: str) -> None:
    """Print a remark."""
    _wrapped(text, _INDENT)


def ran(words: Sequence[str], where: str = "") -> None:
    """Print a command, with `where` it is run in front of the prompt."""
    for line in command_lines(words, f"{where}$"):
        click.secho(line, fg="cyan")


def typed(text: str, where: str = "") -> None:
    """Print a shell command as it would be typed, with at most one line break."""
    first, _, rest = text.partition("\n")
    click.secho(f"{_INDENT}{where}$ {first}", fg="cyan")
    if rest:
        click.secho(f"{_INDENT}{' ' * len(where)}    {rest}", fg="cyan")


def answered(text: str) -> None:
    """Print a result."""
    _wrapped(text, _INDENT + "  ")


def quoted(lines: Iterable[str]) -> None:
    """Print the output of another command."""
    for line in lines:
        for part in line.split("\n"):
            _wrapped(part.strip(), _INDENT + "  " + " " * (len(part) - len(part.lstrip())))


def aws(service: str, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """The AWS CLI command for `operation` (its boto3 name) with `parameters`."""
    words = ["aws", _CLI_NAMES.get(service, service), operation.replace("_", "-")]
    for name, value in parameters.items():
        option = _WORD.sub("-", name).lower()
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif name not in _IMPLIED:
            words += [f"--{option}", *_argument(value)]
    return [*words, "/dev/stdout"] if operation == "get_object" else words


def _argument(value: Any) -> list[str]:
    """A parameter in the form of the CLI: text, a file for bytes, `Key=value`, or JSON."""
    if isinstance(value, bytes):
        return ["hello.txt"]
    if isinstance(value, Mapping) and all(isinstance(item, str) and "{" not in item for item in value.values()):
        return [",".join(f"{key}={item}" for key, item in value.items())]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return [value if isinstance(value, str) else json.dumps(value)]


def command_lines(words: Sequence[str], prompt: str = "$") -> list[str]:
    """One shell command of `words`, wrapped between words and inside JSON.

    >>> command_lines(["aws", "iam", "list-roles"])
    ['    $ aws iam list-roles']
    """
    lines = [f"{_INDENT}{prompt}"]
    between_words = True
    for piece, ends_word in _pieces(words):
        if len(lines[-1]) + len(piece) + len("  \\") > WIDTH and lines[-1].strip() != prompt:
            lines[-1] += " \\" if between_words else ""
            lines.append(_INDENT + " " * len(prompt) + "  ")
        lines[-1] += f" {piece}"
        between_words = ends_word
    return lines


def _pieces(words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The pieces between line breaks, and whether a word ends with each. An option and its value are not separated."""
    option = ""
    for word in words:
        if word.startswith("--"):
            if option:
                yield option, True
            option = word
            continue
        spelled = shlex.quote(word)
        if word.startswith(("{", "[")):
            if option:
                yield option, True
            *parts, last = _between_texts(spelled)
            yield from ((part, False) for part in parts)
            yield last, True
        else:
            yield f"{option} {spelled}".lstrip(), True
        option = ""
    if option:
        yield option, True


def _between_texts(spelled: str) -> list[str]:
    """JSON, divided at the spaces that are not within its texts: a text cannot have a line break."""
    parts: list[str] = []
    for piece in spelled.split(" "):
        if parts and len(_QUOTE.findall(parts[-1])) % 2:
            parts[-1] += f" {piece}"
        else:
            parts.append(piece)
    return parts


def _wrapped(text: str, indent: str) -> None:
    if not text:
        click.echo()
        return
    wrapper = textwrap.TextWrapper(
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    click.echo(wrapper.fill(text))
