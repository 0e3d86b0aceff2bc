"""Labs: broken worlds to be mended, built and checked with the calls of the one who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from starlette.responses import Response

from locum.console.aws import CallFailed, told
from locum.console.command_line import as_command
from locum.console.pages.forms import refused
from locum.console.person import Person, View, url
from locum.console.sessions import Note
from locum.core.errors import LocumError
from locum.core.sign_in import Keys
from locum.labs import BY_LEARNER, Call, Credentials, LabError, Row, Runner, facts, lab_of

T = TypeVar("T")


async def listing(person: Person) -> Response:
    """All labs, theme by theme, with how far somebody is."""
    rows = await _with(person, lambda runner: list(runner.progress()))
    themes: dict[str, list[Row]] = {}
    for row in rows:
        themes.setdefault(row.lab.theme, []).append(row)
    solved = sum(bool(row.standing.solved) for row in rows)
    return person.page("labs.html", themes=themes, solved=solved, total=len(rows), by_learner=BY_LEARNER)


async def show(person: Person) -> Response:
    """One lab: its story, its goal, what of its world is to be known, and the hints that were asked for."""
    try:
        lab = lab_of(person.path["name"])
    except LabError as error:
        raise CallFailed("NotFound", str(error), "labs") from error
    standing = await _with(person, lambda runner: runner.standing(lab.id))
    known = facts(standing) if standing.state else {}
    hints = lab.hints[: standing.hints] if standing.state else ()
    return person.page("lab.html", lab=lab, standing=standing, facts=known, hints=hints, left=len(lab.hints))


def _doing(work: Callable[[Person, Runner, str], Note]) -> View:
    """A view that does something with a lab, and tells what came of it on its page."""

    async def view(person: Person) -> Response:
        name = person.path["name"]
        try:
            note = await _with(person, lambda runner: work(person, runner, name))
        except CallFailed as failed:
            return person.failed(failed, url("labs", name))
        except LocumError as error:
            return refused(person, str(error), url("labs", name))
        person.session.tell(note)
        return person.done_without_a_word(url("labs", name))

    return view


def _start(_person: Person, runner: Runner, name: str) -> Note:
    runner.start(name)
    return Note("The world of the lab is built, and broken. Mend it, and have it checked.")


def _hint(_person: Person, runner: Runner, name: str) -> Note:
    number, text = runner.hint(name)
    return Note(f"Hint {number}: {text}")


def _check(_person: Person, runner: Runner, name: str) -> Note:
    verdict = runner.check(name)
    return Note("Solved.") if verdict.passed else Note(f"Not yet. {verdict.word}", is_error=True)


def _solve(person: Person, runner: Runner, name: str) -> Note:
    return Note("It is mended. Have it checked.", tuple(_command(person, call) for call in runner.solve(name)))


def _reset(_person: Person, runner: Runner, name: str) -> Note:
    runner.reset(name)
    return Note("Nothing of the lab is left.")


def _command(person: Person, call: Call) -> str:
    keys, region = person.session.signed.keys, person.session.region
    model = person.aws.clients.operation(keys, call.service, region, call.operation)
    return as_command(model, call.parameters)


class _Progress:
    """The progress of the account, as far as the one who is signed in may see and change it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self) -> bytes:
        """Its content; empty where there is none. Raises CallFailed."""
        with told("locum", "get_lab_progress"):
            return str(self._client.get_lab_progress().get("Progress", "")).encode()

    def put(self, content: bytes) -> None:
        """Replace it. Raises CallFailed."""
        with told("locum", "put_lab_progress"):
            self._client.put_lab_progress(Progress=content.decode())


async def _with(person: Person, work: Callable[[Runner], T]) -> T:
    """The result of `work` with the labs as they are for the one who is signed in. Raises LocumError."""
    clients, signed, region = person.aws.clients, person.session.signed, person.session.region

    def client(service: str, region: str, credentials: Credentials | None) -> Any:
        return clients.of(signed.keys if credentials is None else Keys(*credentials), service, region)

    def run() -> T:
        with person.labs(signed.account) as inside:
            return work(Runner(client, region, _Progress(client("locum", region, None)), inside))

    return await clients.run(run)


_PATH: Final = f"{url('labs')}/{{name}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("labs"), listing),
    ("GET", _PATH, show),
    ("POST", f"{_PATH}/start", _doing(_start)),
    ("POST", f"{_PATH}/hint", _doing(_hint)),
    ("POST", f"{_PATH}/check", _doing(_check)),
    ("POST", f"{_PATH}/solve", _doing(_solve)),
    ("POST", f"{_PATH}/reset", _doing(_reset)),
)
