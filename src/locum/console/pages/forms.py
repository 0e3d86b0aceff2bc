"""What forms have in common: views that make one call, and fields that are numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from locum.console.aws import CallFailed
from locum.console.person import Person, View

Given = Callable[[Person], Mapping[str, Any]]
"""The parameters of a call, out of the path and the form. Raises CallFailed for a field that is none."""


def changing(service: str, operation: str, text: str, given: Given, where: Callable[[Person], str]) -> View:
    """A view that makes one call and goes to the page `where`, which tells `text`, or the error."""

    async def view(person: Person) -> Response:
        try:
            await person.aws.change(service, operation, **given(person))
        except CallFailed as failed:
            return person.failed(failed, where(person))
        return person.done(text, where(person))

    return view


def number(person: Person, field: str) -> int:
    """A field that is a whole number. Raises CallFailed."""
    text = person.field(field)
    try:
        return int(text)
    except ValueError:
        raise CallFailed("ValidationError", f"{text or 'Nothing'} is no whole number: {field}.", "the form") from None


def filled(**parameters: Any) -> dict[str, Any]:
    """The parameters that there is something in."""
    return {name: value for name, value in parameters.items() if value not in ("", None, [])}
