"""What a learner does with labs: start, hint, check, solve, reset, and the progress.

The command line and the console use it alike, each with clients, a way into instances and a store of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from locum.core.errors import ConfigurationError
from locum.labs import organizations, sweeping_iam
from locum.labs.catalogue import LABS
from locum.labs.lab import INSIDE, ORGANIZATION, Lab
from locum.labs.progress import BUILDING, BY_LEARNER, BY_SOLVE, STARTED, Progress, Standing, Store
from locum.labs.sweeping import found, sweep
from locum.labs.world import PROBE, Broken, Call, Clients, Inside, World


class LabError(ConfigurationError):
    """What was asked for cannot be done with a lab as it stands."""


class Verdict(NamedTuple):
    """What a check found: whether the goal is reached, and if not what is wrong."""

    passed: bool
    word: str = ""


class Row(NamedTuple):
    """A lab and how far the learner is with it."""

    lab: Lab
    standing: Standing


class Runner:
    """Labs in one account, in one Region. One of its methods runs at a time, also of several runners on one store."""

    def __init__(self, clients: Clients, region: str, store: Store, inside: Inside | None = None) -> None:
        self._clients = clients
        self._region = region
        self._inside = inside
        self._progress = Progress(store)

    def progress(self) -> Iterator[Row]:
        """All labs, in the order in which they are best done."""
        for lab in LABS.values():
            yield Row(lab, self._progress.of(lab.id))

    def standing(self, name: str) -> Standing:
        """How far the learner is with a lab. Raises LabError where there is no such lab."""
        return self._progress.of(lab_of(name).id)

    def start(self, name: str) -> dict[str, str]:
        """Build the world of a lab; what of it the learner has to know, by name.

        Raises LabError, and leaves nothing behind, where it cannot be built.
        """
        lab = lab_of(name)
        standing = self._progress.of(lab.id)
        if standing.state:
            raise LabError(f"{lab.id} is started already: check it, or take it away with `locum lab reset {lab.id}`")
        world = self._world(lab)
        self._check_requirements(lab, world)
        self._reserve(lab, world)
        standing.state, standing.hints, standing.helped = BUILDING, 0, False
        standing.notes.clear()
        self._progress.keep(lab.id)
        try:
            lab.build(world)
        except (ClientError, BotoCoreError, Broken) as error:
            left = self._taken_away(lab)
            more = f"; `locum lab reset {lab.id}` has to take away: {'; '.join(left)}" if left else ""
            raise LabError(f"{lab.id} could not be built: {error}{more}") from error
        standing.state = STARTED
        self._progress.keep(lab.id)
        return facts(standing)

    def hint(self, name: str) -> tuple[int, str]:
        """The next hint and its number; the last one again where there is no other. Raises LabError."""
        lab, standing = self._started(name)
        standing.hints = min(standing.hints + 1, len(lab.hints))
        self._progress.keep(lab.id)
        return standing.hints, lab.hints[standing.hints - 1]

    def check(self, name: str) -> Verdict:
        """Ask the plane whether the goal is reached. Raises LabError where the lab is not started."""
        lab, standing = self._started(name)
        world = self._world(lab)
        try:
            sweeping_iam.remove_user(world, world.name(PROBE))  # of a check that was killed
            lab.check(world)
        except Broken as broken:
            return Verdict(passed=False, word=str(broken))
        except (ClientError, BotoCoreError) as error:
            word = f"something that the lab needs is not as it was: {error}. `locum lab reset {lab.id}` begins anew"
            return Verdict(passed=False, word=word)
        if standing.solved != BY_LEARNER:
            standing.solved = BY_SOLVE if standing.helped else BY_LEARNER
            self._progress.keep(lab.id)
        return Verdict(passed=True)

    def solve(self, name: str) -> list[Call]:
        """Mend the world of a lab; the calls that it took. Raises LabError."""
        lab, standing = self._started(name)
        world = self._world(lab)
        standing.helped = True
        self._progress.keep(lab.id)
        try:
            lab.solve(world)
        except (ClientError, BotoCoreError, Broken) as error:
            raise LabError(f"{lab.id} is too far from what it was: {error}. `locum lab reset {lab.id}`") from error
        return [
            call for call in world.calls if not call.operation.startswith(("get_", "list_", "describe_", "lookup_"))
        ]

    def reset(self, name: str) -> None:
        """Remove all that a lab made, and what was made of it. Raises LabError where something is left."""
        lab = lab_of(name)
        if not self._progress.of(lab.id).state:
            raise LabError(f"{lab.id} is not started: there is nothing to take away")
        if left := self._taken_away(lab):
            raise LabError(f"not all of {lab.id} could be taken away: {'; '.join(left)}")

    def _taken_away(self, lab: Lab) -> list[str]:
        """Remove all of a lab; what is left. Only where nothing is does the lab count as not started."""
        standing, world = self._progress.of(lab.id), self._world(lab)
        left: list[str] = []
        try:
            left = organizations.leave(world) if ORGANIZATION in lab.requires else []
            left += sweep(world, lab.services).left
        except (ClientError, BotoCoreError, Broken) as error:
            left.append(str(error))
        if not left:
            standing.state = ""
            standing.notes.clear()
            self._progress.keep(lab.id)
        return left

    def _started(self, name: str) -> tuple[Lab, Standing]:
        lab = lab_of(name)
        standing = self._progress.of(lab.id)
        if standing.state == BUILDING:
            raise LabError(f"{lab.id} was not built to the end: `locum lab reset {lab.id}`, and start it again")
        if not standing.state:
            raise LabError(f"{lab.id} is not started: `locum lab start {lab.id}`")
        return lab, standing

    def _check_requirements(self, lab: Lab, world: World) -> None:
        if INSIDE in lab.requires and self._inside is None:
            raise LabError(f"{lab.id} needs a way into instances, which is not there")
        if ORGANIZATION in lab.requires and (word := _obstacle(world)):
            raise LabError(f"{lab.id} needs an organization: {word}")

    def _reserve(self, lab: Lab, world: World) -> None:
        """Check that nobody has what `reset` will remove. Raises LabError."""
        try:
            there = [thing.name for thing in found(world, lab.services)]
        except (ClientError, BotoCoreError) as error:
            raise LabError(f"{lab.id} cannot be built here: {error}") from error
        if there:
            raise LabError(f"the names of {lab.id} are taken, by {', '.join(there)}: remove that first")

    def _world(self, lab: Lab) -> World:
        notes = self._progress.of(lab.id).notes
        return World(lab.id, self._clients, self._region, self._inside, notes, partial(self._progress.keep, lab.id))


def _obstacle(world: World) -> str:
    """Why the world cannot have an organization; empty where it can."""
    try:
        return organizations.obstacle(world)
    except (ClientError, BotoCoreError) as error:
        return str(error)


def lab_of(name: str) -> Lab:
    """The lab with the id `name`. Raises LabError."""
    if name not in LABS:
        raise LabError(f"there is no lab {name}: `locum lab list` has them")
    return LABS[name]


def facts(standing: Standing) -> dict[str, str]:
    """What of a lab's world the learner has to know, by name."""
    return {name: value for name, value in standing.notes.items() if "." not in name}
