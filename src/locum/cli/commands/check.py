"""`locum check`: unit tests for policies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from locum.cli.screen import folded, printable
from locum.policy import cases

PASSED: Final = "passed"
FAILED: Final = "failed"
UNUSABLE: Final = "unusable"

YAML_ENDINGS: Final = (".yaml", ".yml")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a case, and nothing else.")
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """Run the decision cases in FILES (JSON Lines, or YAML by the name's ending).

    Exit code 0: all passed; 1: some failed; 2: a file or a case in it cannot be used. The others are run all the same.
    """
    counted: Counter[str] = Counter()
    for path in files:
        for found in read_leniently(path):
            if isinstance(found, cases.MalformedCase):
                counted[UNUSABLE] += 1
                click.echo(f"{printable(str(path))}:{found.line or 1}: {printable(found.message)}", err=True)
                continue
            result = cases.run(found)
            counted[PASSED if result.passed else FAILED] += 1
            if as_json:
                click.echo(json.dumps(_row(result)))
            elif not result.passed:
                click.echo("\n".join(failure(path, found, result)) + "\n")
    if not as_json:
        unusable = f", {counted[UNUSABLE]} {UNUSABLE}" if counted[UNUSABLE] else ""
        click.echo(f"{counted[PASSED]} passed, {counted[FAILED]} failed{unusable}")
    raise SystemExit(2 if counted[UNUSABLE] else 1 if counted[FAILED] else 0)


def read_leniently(path: Path) -> Iterator[cases.Case | cases.MalformedCase]:
    """Read the cases in the file at `path`, with a MalformedCase in place of each that is invalid."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield cases.MalformedCase(f"not UTF-8 text: byte {error.start}", error.object[: error.start].count(b"\n") + 1)
    except OSError as error:
        yield cases.MalformedCase(error.strerror or str(error))
    else:
        yield from cases.read_leniently(text, yaml=path.suffix in YAML_ENDINGS)


def failure(path: Path, case: cases.Case, result: cases.Result) -> Iterator[str]:
    """The report of a failed case: expected and actual verdict, the explanation and remedies."""
    yield from folded([f"{path}:{case.line}: {result.id}: expected {result.expected}, got {result.actual}"])
    yield from folded(f"    {line}" for line in result.reason.splitlines())


def _row(result: cases.Result) -> dict[str, object]:
    return {
        "id": result.id,
        "expected": str(result.expected),
        "actual": str(result.actual),
        "passed": result.passed,
        "reason": result.reason,
    }
