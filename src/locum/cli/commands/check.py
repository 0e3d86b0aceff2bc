"""`locum check`: unit tests for policies."""

from __future__ import annotations

import json
from pathlib import Path

import click

from locum.policy import cases


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a case, and nothing else.")
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """Run the decision cases in FILES (JSON Lines, or YAML by the name's ending); exit 1 when one fails."""
    passed = failed = 0
    for path in files:
        text = path.read_text()
        for case in cases.read(text, yaml=path.suffix in (".yaml", ".yml")):
            result = cases.run(case)
            passed += result.passed
            failed += not result.passed
            if as_json:
                click.echo(json.dumps(_row(result)))
            elif not result.passed:
                click.echo(f"{path}: {result.id}: expected {result.expected}, got {result.actual}")
                click.echo("".join(f"    {line}\n" for line in result.reason.splitlines()), nl=False)
    if not as_json:
        click.echo(f"{passed} passed, {failed} failed")
    raise SystemExit(1 if failed else 0)


def _row(result: cases.Result) -> dict[str, object]:
    return {
        "id": result.id,
        "expected": str(result.expected),
        "actual": str(result.actual),
        "passed": result.passed,
        "reason": result.reason,
    }
