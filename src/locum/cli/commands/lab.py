"""`locum lab`: broken worlds to be mended, each with a goal, hints and a check that asks the plane."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path
from typing import Final

import click

from locum.cli import narration
from locum.cli.home import data_option
from locum.cli.labs import runner_on
from locum.cli.screen import WIDTH, printable
from locum.labs import BY_LEARNER, LABS, Call, Lab, Row, Runner, Standing, facts, lab_of

_name: Final = click.argument("name")
_THEMES: Final = tuple(dict.fromkeys(lab.theme for lab in LABS.values()))


@click.group()
def command() -> None:
    """Mend broken worlds. `locum lab list` has them, `locum lab start NAME` builds one."""


@command.command("list")
@data_option
@click.option("--theme", type=click.Choice(_THEMES), help="Only labs of this theme.")
def list_labs(data: Path, theme: str | None) -> None:
    """All labs, and how far you are with each."""
    with runner_on(data) as runner:
        rows = [row for row in runner.progress() if theme in (None, row.lab.theme)]
    for row in rows:
        click.echo(f"{row.lab.id:22} {_standing(row):22} {row.lab.title}")
    solved = sum(bool(row.standing.solved) for row in rows)
    _say(f"{solved} of {len(rows)} solved.")
    ahead = next((row for row in rows if not row.standing.solved), None)
    if ahead is not None:
        _next(f"locum lab {'show' if ahead.standing.state else 'start'} {ahead.lab.id}")


@command.command()
@data_option
@_name
def show(data: Path, name: str) -> None:
    """What a lab is about, its goal, and what of it is there."""
    lab = lab_of(name)
    with runner_on(data) as runner:
        standing = runner.standing(name)
    _tell(lab, facts(standing) if standing.state else {})
    for number in range(standing.hints if standing.state else 0):
        _say(f"Hint {number + 1}: {lab.hints[number]}")
    _next(*_commands(lab, standing))


@command.command()
@data_option
@_name
def start(data: Path, name: str) -> None:
    """Build the world of a lab."""
    with runner_on(data) as runner:
        lab = lab_of(name)
        _tell(lab, runner.start(name))
    _say('Your shell calls as root of this plane after: eval "$(locum env)"')
    _next(f"locum lab check {lab.id}", f"locum lab hint {lab.id}")


@command.command()
@data_option
@_name
def hint(data: Path, name: str) -> None:
    """The next hint; the last one again where there is no other."""
    with runner_on(data) as runner:
        number, text = runner.hint(name)
    lab = lab_of(name)
    _say(f"Hint {number} of {len(lab.hints)}: {text}")
    more = number < len(lab.hints)
    _next(f"locum lab check {lab.id}", f"locum lab {'hint' if more else 'solve'} {lab.id}")


@command.command()
@data_option
@click.option("--wait", type=click.IntRange(0, 600), default=0, metavar="SECONDS", show_default=True,
              help="Check again for so long, until it passes: an Auto Scaling group takes a while.")  # fmt: skip
@_name
def check(data: Path, name: str, wait: int) -> None:
    """Ask the plane whether the goal is reached. Exit code 0: it is; 1: not yet, or it cannot be asked."""
    end = time.monotonic() + wait
    while True:
        with runner_on(data) as runner:
            verdict = runner.check(name)
        if verdict.passed or time.monotonic() >= end:
            break
        time.sleep(0.5)
    if not verdict.passed:
        _say(f"Not yet. {verdict.word}")
        _next(f"locum lab hint {name}")
        raise SystemExit(1)
    _passed(data, name)


@command.command()
@data_option
@_name
def solve(data: Path, name: str) -> None:
    """Mend the world of a lab, and show the calls that it took."""
    with runner_on(data) as runner:
        calls = runner.solve(name)
    for call in calls:
        _show_call(call)
    _next(f"locum lab check {name}")


@command.command()
@data_option
@_name
def reset(data: Path, name: str) -> None:
    """Remove all that a lab made, and what you made of it. Exit code 1 where something is left."""
    with runner_on(data) as runner:
        runner.reset(name)
    _say(f"Nothing is left of {name}.")
    _next(f"locum lab start {name}")


def _standing(row: Row) -> str:
    solved = {"": "", BY_LEARNER: "solved"}.get(row.standing.solved, "solved by `solve`")
    return ", ".join(word for word in (solved, row.standing.state) if word)


def _tell(lab: Lab, known: dict[str, str]) -> None:
    click.secho(f"{lab.title}\n", bold=True)
    _say(lab.story)
    click.echo()
    _say(f"Goal: {lab.goal}")
    click.echo()
    for name, value in known.items():
        click.echo(f"  {name:12} {printable(value)}")


def _commands(lab: Lab, standing: Standing) -> tuple[str, ...]:
    if not standing.state:
        return (f"locum lab start {lab.id}",)
    return (f"locum lab check {lab.id}", f"locum lab hint {lab.id}", f"locum lab reset {lab.id}")


def _passed(data: Path, name: str) -> None:
    with runner_on(data) as runner:
        ahead = _ahead(runner)
    click.secho("Solved.", fg="green")
    _next(f"locum lab reset {name}", *([f"locum lab start {ahead}"] if ahead else []))


def _ahead(runner: Runner) -> str:
    """The first lab that is not solved yet; empty where all are."""
    return next((row.lab.id for row in runner.progress() if not row.standing.solved), "")


def _show_call(call: Call) -> None:
    parameters = {name: "FILE" if isinstance(value, bytes) else value for name, value in call.parameters.items()}
    words = narration.aws(call.service, call.operation, parameters)
    for line in narration.command_lines([*words, *(["--region", call.region] if call.region else [])]):
        click.secho(line, fg="cyan")


def _say(text: str) -> None:
    click.echo(textwrap.fill(printable(text), WIDTH, break_long_words=False, break_on_hyphens=False))


def _next(*commands: str) -> None:
    click.echo()
    for line in commands:
        click.secho(f"  $ {line}", fg="cyan")
