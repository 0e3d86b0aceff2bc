"""The reducer: one state from the same events, however they come, and a view that nobody can change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.errors import StorageError
from locum.state import (
    AccessKey,
    Account,
    AnyEntity,
    Event,
    Role,
    State,
    User,
    apply,
    change,
    decode,
    encode,
    put,
    remove,
)
from locum.state import indexes as ix

ACCOUNTS = ("000000000000", "111111111111")
NAMES = st.sampled_from(["Anna", "bert", "Cleo"])
ARNS = st.lists(st.sampled_from(["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"]), unique=True, max_size=2)


def user(account: str, name: str, groups: tuple[str, ...] = (), attached: tuple[str, ...] = ()) -> User:
    return User(account=account, name=name, id=f"AIDA{account}{name}", created=1, groups=groups, attached=attached)


users = st.builds(
    user,
    st.sampled_from(ACCOUNTS),
    NAMES,
    st.lists(st.sampled_from(["dev", "ops"]), unique=True, max_size=2).map(tuple),
    ARNS.map(tuple),
)
keys = st.builds(
    lambda account, number, owner: AccessKey(
        account=account, id=f"AKIA{account}{number}", user=owner, secret=b"sealed", created=1
    ),
    st.sampled_from(ACCOUNTS),
    st.integers(0, 3),
    NAMES.map(str.lower),
)
entities: st.SearchStrategy[AnyEntity] = st.one_of(users, keys)
events: st.SearchStrategy[Event] = st.one_of(entities.map(put), entities.map(remove))
journals = st.lists(st.lists(events, min_size=1, max_size=4), max_size=12)


def replay(journal: list[list[Event]]) -> State:
    state = State()
    for number, batch in enumerate(journal, 1):
        state = apply(state, batch, number)
    return state


@given(journals)
def test_a_replay_of_what_was_encoded_equals_the_live_state(journal: list[list[Event]]) -> None:
    assert replay([decode(encode(batch)) for batch in journal]) == replay(journal)


@given(journals)
def test_events_in_one_go_make_the_state_that_they_make_one_by_one(journal: list[list[Event]]) -> None:
    at_once = change(State(sequence=len(journal)), [event for batch in journal for event in batch])
    assert at_once == replay(journal)


@given(journals)
def test_the_entities_alone_make_the_same_state_with_its_indexes(journal: list[list[Event]]) -> None:
    state = replay(journal)
    contents: list[Event] = [*map(put, state.every(User)), *map(put, state.every(AccessKey))]
    assert change(State(sequence=len(journal)), contents) == state


@given(journals)
def test_every_index_finds_exactly_the_entities_that_have_the_value(journal: list[list[Event]]) -> None:
    state = replay(journal)
    there: list[AnyEntity] = [*state.every(User), *state.every(AccessKey)]
    for index in ix.INDEXES:
        values = {value for e in there if isinstance(e, index.kinds) for value in index.values(e)}
        for value in values:
            expected = [e for e in there if isinstance(e, index.kinds) and value in index.values(e)]
            found = state.find(index, value)
            assert sorted(map(repr, found)) == sorted(map(repr, expected))
            assert state.count(index, value) == len(expected)
        assert set(state.indexes.get(index.name, {})) == values


@given(journals, st.lists(events, min_size=1, max_size=4))
def test_who_holds_a_state_keeps_the_view_it_took(journal: list[list[Event]], later: list[Event]) -> None:
    held = replay(journal)
    before = encode([put(e) for e in held.every(User)])
    apply(held, later, held.sequence + 1)
    assert encode([put(e) for e in held.every(User)]) == before
    assert held == replay(journal)


def test_a_table_that_nothing_touched_is_the_very_same_map() -> None:
    state = change(State(), [put(user(ACCOUNTS[0], "anna")), put(user(ACCOUNTS[1], "bert"))])
    later = change(state, [put(user(ACCOUNTS[1], "cleo"))])
    assert later.table(User, ACCOUNTS[0]) is state.table(User, ACCOUNTS[0])
    assert later.table(User, ACCOUNTS[1]) is not state.table(User, ACCOUNTS[1])


def test_a_gap_in_the_journal_is_never_applied_over() -> None:
    with pytest.raises(StorageError, match="entry 2 does not follow 0"):
        apply(State(), [], 2)


def test_an_empty_state_and_an_emptied_one_are_equal() -> None:
    anna = user(ACCOUNTS[0], "anna", ("dev",))
    assert change(State(), [put(anna), remove(anna)]) == State()
    assert change(change(State(), [put(anna)]), [remove(anna)]) == State()


def test_a_name_is_found_whatever_its_case_and_keeps_its_spelling() -> None:
    state = change(State(), [put(user(ACCOUNTS[0], "Anna"))])
    found = state.get(User, ACCOUNTS[0], "anna")
    assert found is not None
    assert found.name == "Anna"


def test_removing_what_is_not_there_changes_nothing() -> None:
    state = change(State(), [put(user(ACCOUNTS[0], "anna"))])
    assert change(state, [remove(user(ACCOUNTS[0], "bert")), remove(Account(account=ACCOUNTS[1], created=1))]) == state


def test_an_entity_of_another_kind_under_an_index_value_is_passed_over() -> None:
    role = Role(account=ACCOUNTS[0], name="r", id="SAME", created=1, trust="{}")
    state = change(State(), [put(role)])
    assert state.first(User, ix.UNIQUE_ID, "SAME") is None
    assert state.first(Role, ix.UNIQUE_ID, "SAME") is role
