"""The state at a time is the state that there was then."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from locum.state import Event, Role, StackEvent, State, User, apply, encode, put, remove
from locum.state.former import former
from locum.store.journal import Entry
from locum.store.memory import MemoryJournal
from locum.store.past import state_at

ACCOUNTS = st.sampled_from(["111111111111", "222222222222"])
NAMES = st.sampled_from(["a", "b", "c"])


def user(account: str, name: str, number: int) -> User:
    return User(account=account, name=name, id=f"AIDA{name}{number}", created=number)


def role(account: str, name: str, number: int) -> Role:
    return Role(account=account, name=name, id=f"AROA{name}", created=1, trust="{}", tags={"n": str(number)})


EVENTS = st.one_of(
    st.builds(lambda *of: put(user(*of)), ACCOUNTS, NAMES, st.integers(0, 9)),
    st.builds(lambda *of: put(role(*of)), ACCOUNTS, NAMES, st.integers(0, 9)),
    st.builds(lambda account, name: remove(user(account, name, 0)), ACCOUNTS, NAMES),
    st.builds(lambda account, name: remove(role(account, name, 0)), ACCOUNTS, NAMES),
)


@given(st.lists(st.lists(EVENTS, min_size=1, max_size=4), max_size=12), st.data())
@settings(max_examples=150, deadline=None)
def test_the_state_at_each_time_is_what_it_was(batches: list[list[Event]], data: st.DataObject) -> None:
    journal, state = MemoryJournal(), State()
    states: list[State] = [state]
    for number, events in enumerate(batches, 1):
        entry = Entry(number, float(number), encode(events), former=encode(former(state, events)))
        journal.append([entry], [], number - 1)
        state = apply(state, events, number)
        states.append(state)
    at = data.draw(st.integers(0, len(batches)))
    found = state_at(journal, state, float(at))
    assert found.tables == states[at].tables
    assert found.indexes == states[at].indexes


def test_of_what_no_decision_depends_on_nothing_is_kept() -> None:
    place: dict[str, Any] = {
        "account": "111111111111",
        "region": "us-east-1",
        "stack": "s",
        "logical": "L",
        "physical": "",
    }
    event = StackEvent(**place, id="e", order=1, at=1.0, type="AWS::SNS::Topic", status="CREATE_COMPLETE")
    assert former(State(), [put(event)]) == []
