"""What forms have in common: views that make one call, and fields that are numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import RedirectResponse, Response

from locum.console.aws import CallFailed
from locum.console.person import Person, View
from locum.console.sessions import Note

Where = Callable[[Person], str]
"""The page to go to."""

Given = Callable[[Person], Mapping[str, Any]]
"""The parameters of a call, out of the path and the form. Raises CallFailed for a field that is none."""


def changing(service: str, operation: str, text: str, given: Given, where: Where) -> View:
    """A view that makes one call and goes to the page `where`, which tells `text`, or the error."""

    async def view(person: Person) -> Response:
        try:
            await person.aws.change(service, operation, **given(person))
        except CallFailed as failed:
            return person.failed(failed, where(person))
        return person.done(text, where(person))

    return view


def change(service: str, operation: str, text: str, where: Where, /, **members: str) -> View:
    """`changing`, with members of the call's input that are the part of the path, or the field of the form, named so.

    A field that is empty is left out.
    """

    def given(person: Person) -> Mapping[str, Any]:
        return filled(**{member: named(person, name) for member, name in members.items()})

    return changing(service, operation, text, given, where)


def named(person: Person, name: str) -> str:
    """The part of the path, or else the field of the form, of that name."""
    return person.path[name] if name in person.path else person.field(name)


def refused(person: Person, text: str, where: str) -> Response:
    """Go to the page `where`, which tells what was wrong with a form."""
    person.session.tell(Note(text, is_error=True))
    return RedirectResponse(where, 303)


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
