"""What the journal says after a load, held against what clients were told: nothing lost, half done, or done twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from cluster.calls import Answer
from cluster.load import POLICY
from locum.audit.record import Record, decode
from locum.state import Role, State
from locum.state import decode as decode_events
from locum.state.events import about, kind_of
from locum.store.checkpoint import load
from locum.store.journal import Found, Journal
from support.plane import ACCOUNT

CHANGES = {"CreateRole", "DeleteRole", "PutRolePolicy", "DeleteRolePolicy"}
_PAGE = 1_000


class Evidence:
    """What a journal has: its state, its records, and how often each role was changed."""

    def __init__(self, journal: Journal) -> None:
        self.state: State = load(journal)
        self.last = journal.last()
        self.positions: list[int] = []
        self.records: list[Record] = []
        for found in _rows(journal):
            self.positions.append(found.position)
            self.records.append(decode(found.data))
        self.kept = [entry.sequence for entry in journal.read(journal.checkpointed())]
        self.checkpointed = journal.checkpointed()
        self.changed = Counter[str]()
        """By role: the entries that changed it."""
        for former in journal.former(0.0):
            kinds = {about(event) for event in decode_events(former.events)}
            self.changed.update(key for kind, account, key in kinds if (kind, account) == (kind_of(Role), ACCOUNT))

    def faults(self, answers: Sequence[Answer]) -> Iterator[str]:
        """Whatever does not fit what clients were told."""
        yield from self._gaps()
        yield from self._of_records(answers)
        by_role: dict[str, list[Answer]] = defaultdict(list)
        for answer in answers:
            if answer.action in CHANGES:
                by_role[answer.subject].append(answer)
        for name, told in by_role.items():
            yield from self._of_role(name, told)

    def _gaps(self) -> Iterator[str]:
        if self.state.sequence != self.last:
            yield f"the state is at {self.state.sequence}, the journal at {self.last}"
        if self.kept != list(range(self.checkpointed + 1, self.last + 1)):
            yield f"entries are not dense: {self.kept}"
        if self.positions != list(range(1, len(self.positions) + 1)):
            yield f"audit positions are not dense: {self.positions}"

    def _of_records(self, answers: Iterable[Answer]) -> Iterator[str]:
        """Each change that was answered has one record, with what was answered. No call has two records.

        The records of what changed nothing are not synchronous (`Journal.record`): the last may be lost with the
        primary, and one may be stored twice, with one event id.
        """
        rows = Counter(record.request_id for record in self.records if record.operation in CHANGES)
        events = Counter(request for request, _ in {(record.request_id, record.event_id) for record in self.records})
        yield from (f"{number} records of the call {found}" for found, number in (rows | events).items() if number > 1)
        recorded = {record.request_id: record for record in self.records}
        for answer in answers:
            record = recorded.get(answer.request_id)
            if record is not None and (record.operation, bool(record.error_code)) not in _recorded(answer):
                yield f"another record of {_told(answer)}: {record.operation} {record.error_code}"
            elif record is None and answer.good and answer.action in CHANGES:
                yield f"no record of {_told(answer)}"

    def unrecorded(self, answers: Iterable[Answer]) -> int:
        """How many calls were answered that have no record: none of them changed anything."""
        recorded = {record.request_id for record in self.records}
        return sum(not answer.lost and answer.request_id not in recorded for answer in answers)

    def _of_role(self, name: str, told: Sequence[Answer]) -> Iterator[str]:
        done = [record for record in self.records if _changes(record, name)]
        if self.changed[name] != len(done):
            yield f"{name} was changed by {self.changed[name]} entries, and {len(done)} records say so"
        creations = sum(record.operation == "CreateRole" for record in done)
        role = self.state.get(Role, ACCOUNT, name)
        if creations > 1 or (role is not None and creations == 0):
            yield f"{name} was created {creations} times"
        if any(answer.lost for answer in told):
            return  # the last change may have happened or not: its record and entry agree all the same
        if (role is None) != (told[-1].good and told[-1].action == "DeleteRole"):
            yield f"{name} is {'lost' if role is None else 'back'} after {_told(told[-1])}"
        elif role is not None and (wrong := _policy(role, done)):
            yield wrong


def _recorded(answer: Answer) -> set[tuple[str, bool]]:
    """What a record may say of a call, and whether it failed: of one with an unknown outcome, either."""
    return {(answer.action, failed) for failed in ((False, True) if answer.lost else (not answer.good,))}


def _policy(role: Role, done: Sequence[Record]) -> str:
    """What is wrong with the policy that a role has: it is that of the last change of it."""
    documents = [record.parameters["policyDocument"] for record in done if record.operation == "PutRolePolicy"]
    puts = done[-1].operation == "PutRolePolicy"
    expected = documents[-1] if puts else None
    return "" if role.inline.get(POLICY) == expected else f"{role.name} has {role.inline.get(POLICY)}, not {expected}"


def _changes(record: Record, role: str) -> bool:
    parameters = record.parameters if isinstance(record.parameters, dict) else {}
    return record.operation in CHANGES and not record.error_code and parameters.get("roleName") == role


def _told(answer: Answer) -> str:
    return f"{answer.action} {answer.subject} at {answer.endpoint}: {answer.status} {answer.code} {answer.request_id}"


def _rows(journal: Journal) -> Iterator[Found]:
    after = 0
    while page := journal.scan(after, _PAGE):
        yield from page
        after = page[-1].position
