"""The code blocks of a page of the documentation, run as they stand there.

A comment before a block says what it is for; a page without any is not run:

    <!-- run -->            run it with bash; all those of a page are one script, in its order
    <!-- run: fails -->     the same, and it has to fail
    <!-- file: NAME -->     write it to the file NAME first
    <!-- shows -->          the output of the block that was run before has its lines; `...` in one stands for anything

A comment of its own says what the page takes: `<!-- page: nightly plane=--tls,--port,0 needs=namespaces,terraform -->`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from support.processes import finished

_PAGE: Final = re.compile(r"^<!-- page: (.+) -->$", re.MULTILINE)
_BLOCK: Final = re.compile(
    r"^<!-- (?P<kind>run|shows|file)(?:: (?P<name>\S+))? -->\n+```[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FAILS: Final = "fails"
_MARK: Final = "@@ the end of block {} @@"


class Block(NamedTuple):
    """A block: its kind (`run`, `file`, `shows`), the name of a file or `fails`, the text."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True)
class Page:
    """What a page has to be run, and what that takes: flags of `locum up`, programs."""

    blocks: Sequence[Block]
    nightly: bool = False
    flags: Sequence[str] = ()
    needs: frozenset[str] = field(default_factory=frozenset)


def page(path: Path) -> Page:
    """The page in the file `path`."""
    text = path.read_text()
    blocks = [Block(found["kind"], found["name"] or "", found["text"]) for found in _BLOCK.finditer(text)]
    words = " ".join(_PAGE.findall(text)).split()
    told = dict(word.partition("=")[::2] for word in words)
    return Page(blocks, "nightly" in told, _listed(told.get("plane", "")), frozenset(_listed(told.get("needs", ""))))


def unshown(found: Page, environment: Mapping[str, str], folder: Path, seconds: float) -> str:
    """Run a page in `folder`: what went wrong, empty where all did what the page says."""
    for block in found.blocks:
        if block.kind == "file":
            (folder / block.name).write_text(block.text)
    done = finished(["bash", "-c", _script(found.blocks)], seconds=seconds, env=dict(environment), cwd=folder)
    if done.returncode:
        return f"exit code {done.returncode}:\n{done.stdout}"
    outputs, number, wrong = done.stdout, -1, []
    for block in found.blocks:
        number += block.kind == "run"
        if block.kind == "shows" and not _has(_between(outputs, number), block.text):
            wrong.append(f"this is not shown:\n{block.text}\nbut:\n{_between(outputs, number)}")
    return "\n".join(wrong)


def _script(blocks: Sequence[Block]) -> str:
    """Stops where something fails, and says where each block ends."""
    parts = ["set -eu -o pipefail", "exec 2>&1", f"echo '{_MARK.format(-1)}'"]
    for number, block in enumerate(block for block in blocks if block.kind == "run"):
        failing = f"if (\n{block.text}\n); then echo 'it ought to fail'; exit 1; fi"
        parts += [failing if block.name == _FAILS else block.text, f"echo; echo '{_MARK.format(number)}'"]
    return "\n".join(parts)


def _between(output: str, number: int) -> str:
    return output.partition(_MARK.format(number - 1))[2].partition(_MARK.format(number))[0]


def _has(output: str, expected: str) -> bool:
    """Whether the lines of `expected` are in `output`, in their order. Breaks and spaces count alike."""
    pattern = r"\s+".join(re.escape(word).replace(r"\.\.\.", r".*?") for word in expected.split())
    return re.search(pattern, output, re.DOTALL) is not None


def _listed(text: str) -> list[str]:
    return [item for item in text.split(",") if item]
