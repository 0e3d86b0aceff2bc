from __future__ import annotations

from locum.state import Account, Event, Role, State, User, change, decode, encode, put
from locum.state.sharing import Sharing


def _roles(account: str) -> list[Event]:
    return [
        put(Role(account=account, name=f"r{n}", id=f"AROA{n}", created=n, trust='{"a":1}', tags={"team": "x"}))
        for n in range(3)
    ]


def test_entities_that_share_their_values_are_equal_to_those_that_do_not() -> None:
    events = [
        *_roles("000000000000"),
        *_roles("111111111111"),
        put(User(account="000000000000", name="anna", id="AIDA", created=1, inline={}, tags={}, attached=())),
        put(Account(account="000000000000", created=1)),
    ]
    shared = decode(encode(events))
    Sharing().share(shared)
    assert shared == events
    assert encode(shared) == encode(events)
    assert change(State(), shared) == change(State(), events)


def test_what_is_equal_is_kept_once() -> None:
    read = decode(encode([*_roles("000000000000"), *_roles("111111111111")]))
    Sharing().share(read)
    roles = list(change(State(), read).every(Role))
    assert len({id(role.trust) for role in roles}) == 1
    assert len({id(role.tags) for role in roles}) == 1
    assert len({id(role.account) for role in roles}) == 2


def test_an_empty_mapping_and_an_empty_list_stay_what_they_are() -> None:
    (event,) = decode(encode([put(User(account="0", name="a", id="A", created=1))]))
    Sharing().share([event])
    (user,) = change(State(), [event]).every(User)
    assert (user.groups, user.attached, user.tags, user.inline) == ((), (), {}, {})
