"""Views that make one call with what a form has, and go on to a page that tells what was done."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import RedirectResponse, Response

from locum.console.aws import CallFailed
from locum.console.person import Person, View
from locum.console.sessions import Note

Where = Callable[[Person], str]


def change(service: str, operation: str, text: str, where: Where, /, **members: str) -> View:
    """A view that makes a call: each member of its input is the part of the path, or the field of the form, named so.

    A field that is empty is left out. Where the call fails, the same page tells the error.
    """

    async def view(person: Person) -> Response:
        given = {member: value for member, name in members.items() if (value := named(person, name))}
        try:
            await person.aws.change(service, operation, **given)
        except CallFailed as failed:
            return person.failed(failed, where(person))
        return person.done(text, where(person))

    return view


def named(person: Person, name: str) -> str:
    """The part of the path, or else the field of the form, of that name."""
    return person.path[name] if name in person.path else person.field(name)


def refused(person: Person, text: str, where: str) -> Response:
    """Go to the page `where`, which tells what was wrong with a form."""
    person.session.tell(Note(text, is_error=True))
    return RedirectResponse(where, 303)
