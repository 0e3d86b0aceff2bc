"""`locum quiz`: fifty questions, each of which the plane itself answers."""

from __future__ import annotations

import textwrap
from pathlib import Path
from random import SystemRandom
from typing import Final

import click

from locum.cli.home import data_option
from locum.cli.labs import world_on
from locum.cli.screen import WIDTH, printable
from locum.core.errors import LocumError
from locum.labs.proofs import clear, prove
from locum.labs.quiz import THEMES, Question, letter, question, questions

_ENOUGH: Final = "q"


@click.command()
@data_option
@click.option("--theme", type=click.Choice(list(THEMES)), help="Questions on this theme alone.")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="How many are asked, at random.")
@click.option("--show", is_flag=True, help="Print the questions with their answers; nothing is asked.")
@click.option("--prove", "number", type=int, metavar="N", help="Have the plane show the answer to question N.")
def command(data: Path, theme: str | None, count: int, show: bool, number: int | None) -> None:
    """Be asked about roles, instance profiles, metadata, sessions, policies, trails and launches.

    Exit code 0: all that was answered was right, or the proof came out as it should; 1: not all, or it did not.
    """
    if number is not None:
        _prove(data, question(number))
        return
    chosen = [each for each in questions() if theme in (None, each.theme)]
    if show:
        for each in chosen:
            _show(each)
        return
    picked = SystemRandom().sample(chosen, min(count, len(chosen)))
    asked, right = _asked(picked)
    click.echo(f"\n{right} of {asked} right.")
    raise SystemExit(0 if right == asked else 1)


def _asked(picked: list[Question]) -> tuple[int, int]:
    """Ask until there are no more, or it is enough; how many were answered, and how many rightly."""
    right = 0
    for asked, each in enumerate(picked):
        _put(each)
        choices = click.Choice([letter(index) for index in range(len(each.answers))] + [_ENOUGH])
        said = click.prompt(f"Your answer ({_ENOUGH}: enough)", type=choices, show_choices=False)
        if said == _ENOUGH:
            return asked, right
        right += said == each.letter
        click.secho(
            "Right." if said == each.letter else f"No: {each.letter}.", fg="green" if said == each.letter else "red"
        )
        _say(each.why)
        click.secho(f"  $ locum quiz --prove {each.number}", fg="cyan")
    return len(picked), right


def _put(each: Question) -> None:
    """Print a question and its answers."""
    click.echo()
    click.secho(f"{each.number}  {THEMES[each.theme]}", bold=True)
    _say(each.ask)
    for index, text in enumerate(each.answers):
        _say(f"  {letter(index)}  {text}")


def _show(each: Question) -> None:
    _put(each)
    _say(f"Right: {each.letter}. {each.why}")


def _prove(data: Path, each: Question) -> None:
    """Carry out the proof on the plane, and print what came of each step. Raises SystemExit where it fails."""
    _put(each)
    click.echo()
    try:
        world = world_on(data, f"quiz-{each.number}")
        clear(world, each.steps)  # what one left that was killed
        for line in prove(world, each.steps):
            _say(f"  {line}")
    except LocumError as error:
        click.secho(f"The plane does not show it: {error}", fg="red", err=True)
        raise SystemExit(1) from None
    _say(f"Right: {each.letter}. {each.right}")


def _say(text: str) -> None:
    indent = " " * (len(text) - len(text.lstrip()))
    wrapped = textwrap.wrap(
        printable(text), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    click.echo("\n".join(wrapped))
