"""The state as one account may see it."""

from __future__ import annotations

from msgspec.structs import replace

from locum.state import Role, State, User, change, put
from locum.state.arns import entity_of
from locum.state.indexes import UNIQUE_ID
from locum.state.of_account import of_account
from locum.state.organization import Organization
from support.one_account import ACCOUNT, OTHER, role, user

MINE, THEIRS = user("ann"), replace(user("bob"), account=OTHER)
BOTH = change(State(), [put(MINE), put(THEIRS), put(replace(role(), account=OTHER))])


def test_an_account_sees_its_own_by_every_way_to_look() -> None:
    seen = of_account(BOTH, ACCOUNT)
    assert list(seen.every(User)) == [MINE]
    assert list(seen.every(Role)) == []
    assert seen.get(User, OTHER, "bob") is None
    assert entity_of(seen, THEIRS.arn) is None
    assert seen.find(UNIQUE_ID, THEIRS.id) == []
    assert (seen.count(UNIQUE_ID, THEIRS.id), seen.count(UNIQUE_ID, MINE.id)) == (0, 1)
    assert seen.first(User, UNIQUE_ID, MINE.id) is MINE


def test_what_is_supposed_for_another_account_is_seen() -> None:
    stranger = replace(THEIRS, name="supposed", id="AIDASUPPOSED")
    supposed = change(of_account(BOTH, ACCOUNT), [put(stranger)])
    assert list(supposed.every(User)) in ([MINE, stranger], [stranger, MINE])
    assert supposed.find(UNIQUE_ID, stranger.id) == [stranger]
    assert supposed.find(UNIQUE_ID, THEIRS.id) == []


def test_organizations_are_seen_as_calls_are_decided_by_their_policies() -> None:
    organization = Organization(account=OTHER, id="o-1", root="r-1", created=1)
    seen = of_account(change(BOTH, [put(organization)]), ACCOUNT)
    assert list(seen.every(Organization)) == [organization]
