"""The keeping of moto's data: snapshots of what has changed, in pauses and at the end, and their reading when needed.

A unit is one part of moto, or several that have one another's objects (`TOGETHER`). It is marked as changed before a
call changes it, and pickled in moto's turn, so that a snapshot is of one moment; it is sealed and written outside of
it. Units are read when they are first looked up.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from threading import Condition, RLock, Thread
from typing import Any, Final, NamedTuple

from locum.backends.kept_files import PIECE, Header, KeptFiles, Refused
from locum.backends.moto import aftercare, handlers, recall
from locum.backends.moto.bodies import Body
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import dictionaries
from locum.backends.moto.pickling import PROTOCOL, CannotBeKept, Pickled, Source, proven, unpickled
from locum.backends.moto.turns import in_turn
from locum.backends.moto.workers import MotoFailed, contained
from locum.core.clock import Clock, Entropy
from locum.core.reading import reads_only

TOGETHER: Final = (
    ("ds", "workspaces"),
    ("dynamodb", "dynamodbstreams"),
    ("ec2", "ebs", "efs", "elb", "elbv2"),
    ("iot", "iotdata"),
    ("opensearch", "es"),
    ("s3", "s3control", "s3tables"),
    ("sagemaker", "sagemakermetrics", "sagemakerruntime"),
    ("ses", "sesv2"),
    ("timestreamwrite", "timestreamquery"),
)
"""The parts of moto that have objects of one another: each of these is one unit, named after the first."""

NOT_KEPT: Final = handlers.WITHHELD | {"core", "moto_api", "awslambda_simple", "batch_simple"}
"""The parts that have nothing of their own here: Locum has it, another part has it, or it is made anew."""

LARGE: Final = 1 << 20
"""Octets of an object of S3 that are in a file of their own."""
PAUSE: Final = 2.0
"""Seconds without a change after which a snapshot is written."""
LATEST: Final = 30
"""The number of such pauses in a row after which it is written in any case."""
SHARE: Final = 20
"""The part of the time, as 1/SHARE, that moto may be kept from working by snapshots."""
LONGEST: Final = 600.0
"""Seconds between two snapshots at most, whatever the clock says: it is set, and machines sleep."""

_UNITS: Final = {part: parts[0] for parts in TOGETHER for part in parts}
_OWN: Final = frozenset({"backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"})
"""The attributes of a dictionary of moto's that it is made with."""

_log: Final = logging.getLogger("locum.backends")

Held = dict[str, tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]]
Bare = dict[tuple[str, str, str], Any]


class Written(NamedTuple):
    """What is to be written of a unit: its pickle, and the octets that are not in it and were not written before."""

    pickled: Pickled
    pieces: Mapping[str, Callable[[], Iterator[bytes]]]


def unit_of(part: str) -> str:
    """The unit that a part of moto is in."""
    return _UNITS.get(part, part)


def parts_of(unit: str) -> tuple[str, ...]:
    """The parts of moto in a unit."""
    return next((parts for parts in TOGETHER if parts[0] == unit), (unit,))


def changes(service: str, operation: str) -> bool:
    """Whether a call may change what moto has. A position in a stream is there for whoever has asked for it."""
    return service == "dynamodbstreams" or not reads_only(operation)


class Keeper:
    """Keeps the data of moto in `files`. The dictionaries of moto are empty when it begins, and are so afterwards."""

    def __init__(self, files: KeptFiles, clock: Clock, entropy: Entropy) -> None:
        self._files = files
        self._clock = clock
        self._entropy = entropy
        self._here: set[str] = set()
        self._waiting: list[str] = []
        self._is_reading = False
        self._reading = RLock()
        self._writing = RLock()
        self._awake = Condition()
        self._changes: dict[str, int] = {}
        self._dirty: dict[str, int] = {}
        self._services: dict[str, set[str]] = {}
        self._told: set[str] = set()
        self._proven: dict[str, set[type]] = {}
        self._bare: dict[str, Bare] = {}
        self._closed = False
        forget_everything()
        recall.watch(self)
        self._thread = Thread(target=self._run, name="moto-keeper", daemon=True)
        self._thread.start()

    def used(self, service: str, part: str) -> None:
        """Note that a call has gone to a service, which a part of moto has."""
        self._services.setdefault(unit_of(part), set()).add(service)

    def close(self) -> None:
        """Keep everything that has changed, and no more after that. Blocks."""
        with self._awake:
            self._closed = True
            self._awake.notify_all()
        self._thread.join()
        self.save()
        recall.unwatch(self)

    def forget(self, services: Collection[str], account: str | None) -> None:
        """Have nothing of some services be there (of all where none are named), in one account or in all. Blocks."""
        for unit in list(self._files.headers):
            self.recall(unit)
        parts = {handlers.module_of(service) or "" for service in services}
        for unit in list(self._files.headers):
            for part in parts_of(unit):
                if part in parts or not parts:
                    in_turn(self._forget, part, account)

    def forget_account(self, account: str) -> None:
        """Have nothing of an account be there that has ended, nor be kept, in the turn of moto."""
        for unit in self._files.units_of(account):
            self.recall(unit)
        for part in loaded_parts():
            self._forget(part, account)

    def _forget(self, part: str, account: str | None) -> None:
        self.changing(part)
        forget(part, account)

    # -- changes -----------------------------------------------------------------------------------------

    def changing(self, part: str) -> None:
        unit = _UNITS.get(part, part)
        if not part or part in NOT_KEPT:  # of a service that moto has not
            return
        with self._awake:
            self._changes[unit] = self._changes.get(unit, 0) + 1
            if unit not in self._dirty:
                self._dirty[unit] = self._changes[unit]
                self._files.mark(unit, "")
                self._awake.notify_all()

    def save(self) -> float:
        """Write snapshots of the units that have changed; the seconds for which moto was kept from working. Blocks."""
        spent = 0.0
        with self._writing:
            for unit in list(self._dirty):
                spent += self._save(unit)
        return spent

    def copied(self, work: Callable[[], None]) -> None:
        """Write what has changed, and do `work` while no snapshot is written. Blocks."""
        with self._writing:
            self.save()
            work()

    def _save(self, unit: str) -> float:
        """Write a snapshot of a unit, and say so where that cannot be done."""
        at, number = self._clock(), self._changes[unit]
        try:
            number, written, header = in_turn(self._pickled, unit, at)
        except CannotBeKept as error:
            self._give_up(unit, number, error)
            return max(0.0, self._clock() - at)
        spent = max(0.0, self._clock() - at)
        try:
            self._prove(unit, written.pickled)
            self._write(header, written)
        except CannotBeKept as error:
            self._give_up(unit, number, error)
            return spent
        except OSError as error:
            self._tell(unit, f"{unit} cannot be kept: {error.strerror}")
            return spent
        self._told.discard(unit)
        with self._awake:
            if self._changes[unit] == number:
                self._dirty.pop(unit, None)
                self._files.unmark(unit)
        self._files.sweep()
        return spent

    def _write(self, header: Header, written: Written) -> None:
        """Write a snapshot, and what it has in files of their own; remove one of nothing. Raises OSError."""
        for name, pieces in written.pieces.items():
            self._files.write_object(name, pieces())
        if header.parts:
            self._files.write(header, written.pickled.content)
        else:
            self._files.remove(header.unit)

    def _give_up(self, unit: str, number: int, error: CannotBeKept) -> None:
        """Leave a unit that cannot be kept as it was after a change, until it is changed again."""
        with self._awake:
            if self._changes[unit] == number:
                self._dirty.pop(unit, None)
        self._tell(unit, f"{unit} cannot be kept: {error}")

    def _prove(self, unit: str, pickled: Pickled) -> None:
        """Try whether a snapshot can be read, where it has something that none before it had. Raises CannotBeKept."""
        known = self._proven.setdefault(unit, set())
        if not pickled.kinds <= known:
            proven(pickled)
            known.update(pickled.kinds)

    def _tell(self, unit: str, text: str) -> None:
        """Say why a unit is not kept: once, and to the next start."""
        self._files.mark(unit, text)
        if unit not in self._told:
            self._told.add(unit)
            _log.warning("%s", text)

    def _pickled(self, unit: str, at: float) -> tuple[int, Written, Header]:
        """A unit as it is now. In moto's turn. Raises CannotBeKept."""
        with self._awake:
            number = self._changes[unit]
        self.recall(unit)
        parts = parts_of(unit)
        content: Held = {}
        for part in parts:
            content |= _held_by(part)
        pickled = Pickled(content, frozenset(parts), LARGE, lambda: self._entropy(16).hex())
        pieces = {name: body.pieces(PIECE) for name, body in pickled.bodies.items() if not self._is_written(unit, name)}
        if pickled.copied:
            _log.debug("%s has objects of %s, which are copies after a restart", unit, sorted(pickled.copied))
        resumes, names = aftercare.account_of(parts)
        header = Header(
            unit=unit,
            software=self._files.software,
            protocol=PROTOCOL,
            at=at,
            services=tuple(sorted(self._services_of(unit))),
            parts=_places(content),
            resumes=resumes,
            names=names,
            objects=tuple(pickled.bodies),
        )
        return number, Written(pickled, pieces), header

    def _services_of(self, unit: str) -> set[str]:
        kept = self._files.headers.get(unit)
        return self._services.get(unit, set()) | set(kept.services if kept is not None else ())

    def _is_written(self, unit: str, name: str) -> bool:
        kept = self._files.headers.get(unit)
        return kept is not None and name in kept.objects

    def _run(self) -> None:
        """Write snapshots in pauses, until there are to be no more."""
        while self._waited():
            try:
                spent = contained(self.save)
            except MotoFailed:
                _log.exception("the embedded backend's data is not kept")
                spent = 60.0 / SHARE
            with self._awake:
                self._awake.wait_for(lambda: self._closed, pause_after(spent))

    def _waited(self) -> bool:
        """Wait until there is something to write, and for a pause; False where nothing is to be written any more."""
        with self._awake:
            self._awake.wait_for(lambda: self._closed or self._dirty)
            for _ in range(LATEST):
                before = sum(self._changes.values())
                if self._awake.wait_for(lambda: self._closed, PAUSE) or sum(self._changes.values()) == before:
                    break
            return not self._closed

    # -- reading -----------------------------------------------------------------------------------------

    def recall(self, part: str) -> None:
        if part in self._here:
            return
        with self._reading:
            self._waiting.append(unit_of(part))
            if self._is_reading:  # a look-up on the way: it is read next
                return
            self._is_reading = True
            try:
                while self._waiting:
                    self._read(self._waiting.pop())
            finally:
                self._is_reading = False

    def _read(self, unit: str) -> None:
        """Read a unit, whose models are there without content before, and note the units that it refers to."""
        if unit in self._here:
            return
        self._here.update(parts_of(unit))
        header = self._files.headers.get(unit)
        if header is None or unit in NOT_KEPT:
            return
        bare = self._bare_models(unit, header)
        try:
            source = Source(self._models, self._body)
            contained(_fill, contained(unpickled, self._files.read(unit), source), bare)
        except (Refused, MotoFailed) as error:
            for (name, account, region), models in bare.items():
                models.__dict__.clear()
                with Within(name.partition(".")[0], account):
                    models.__init__(region, account)
            cause = error.__cause__ if isinstance(error, MotoFailed) else error
            broken = Refused(f"what was kept of {unit} cannot be read: {cause!r}")
            self._files.put_aside(unit, cause if isinstance(cause, Refused) else broken)
        for part in parts_of(unit):
            aftercare.after_reading(part)

    def _bare_models(self, unit: str, header: Header) -> Bare:
        """The models of a unit, without content: so others can refer to them before it is read."""
        if unit not in self._bare:
            self._bare[unit] = dict(_made_bare(header.parts))
        return self._bare[unit]

    def _models(self, part: str, variable: str, account: str, region: str) -> Any:
        """The models that a unit refers to: those that are there, or ones that will be filled."""
        unit = unit_of(part)
        header = self._files.headers.get(unit)
        if part not in self._here and header is not None:
            self._waiting.append(unit)
            bare = self._bare_models(unit, header).get((f"{part}.{variable}", account, region))
            if bare is not None:
                return bare
        handlers.load_part(part)
        return dict(dictionaries(part))[variable][account][region]

    def _body(self, name: str) -> Body:
        return Body.of_pieces(self._files.read_object(name), name)


def pause_after(spent: float) -> float:
    """Seconds in which no snapshot is written after moto was kept from working for `spent` seconds."""
    return min(spent * SHARE, LONGEST)


def _held_by(part: str) -> Held:
    """What a part of moto holds, by its dictionaries: further attributes, and models by account and region."""
    found: Held = {}
    for variable, backends in dictionaries(part):
        models = {
            (account, region): vars(one)
            for account, regions in dict.items(backends)
            for region, one in dict.items(regions)
        }
        if models:
            further = {name: value for name, value in vars(backends).items() if name not in _OWN}
            found[f"{part}.{variable}"] = (further, models)
    return found


def _places(held: Held) -> dict[str, dict[str, list[str]]]:
    """The regions by account and dictionary."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, (_, models) in held.items():
        for account, region in models:
            found.setdefault(name, {}).setdefault(account, []).append(region)
    return found


def _made_bare(parts: Mapping[str, Mapping[str, Iterable[str]]]) -> Iterator[tuple[tuple[str, str, str], Any]]:
    """Make models without content, and put them into moto's dictionaries."""
    for name, accounts in parts.items():
        part, _, variable = name.partition(".")
        handlers.load_part(part)
        backends = dict(dictionaries(part))[variable]
        for account, regions in accounts.items():
            for region in regions:
                models = backends.backend.__new__(backends.backend)
                dict.__setitem__(backends[account], region, models)
                yield (name, account, region), models


def _fill(held: Held, bare: Bare) -> None:
    """Give models their content."""
    for name, (further, models) in held.items():
        part, _, variable = name.partition(".")
        dict(dictionaries(part))[variable].__dict__.update(further)
        for (account, region), content in models.items():
            bare[name, account, region].__dict__.update(content)


def forget_everything(account: str | None = None) -> None:
    """Have moto hold nothing of an account, or of any."""
    for part in loaded_parts():
        forget(part, account)


def loaded_parts() -> list[str]:
    """The parts of moto whose models are loaded."""
    paths = [name.split(".") for name in list(sys.modules)]
    return [path[1] for path in paths if path[0] == "moto" and path[2:] == ["models"]]


def forget(part: str, account: str | None) -> None:
    """Have a part of moto hold nothing of an account, or of any."""
    for _, backends in dictionaries(part):
        for attribute in vars(backends).keys() - _OWN:  # of S3: the regions and accounts of buckets
            held = getattr(backends, attribute)
            for name in [name for name, place in held.items() if account is None or account in place]:
                del held[name]
        if account is None:
            dict.clear(backends)
        else:
            dict.pop(backends, account, None)
