"""What would cross installations if the accounts of one were placed on several: `python -m bench.shards [DATA]`.

It is a simulation of the plan in docs/scale.md, on the state of a data directory, or on an organization of 10,000
accounts that is made up: its roles are assumed by services, by their own account, by the few accounts from which others
are administered, by accounts of the same unit, and by any.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from locum.core.principal import Principal
from locum.state import Event, Member, Organization, OrganizationPolicy, Role, State, Unit, change, encode, put
from locum.state.events import AnyEntity
from locum.state.indexes import UNIQUE_ID
from locum.store.checkpoint import load
from locum.store.sqlite import SqliteJournal

ACCOUNTS: Final = 10_000
UNITS: Final = 200
HUBS: Final = 5
"""Accounts from which the others are administered: deployments, audit, logs, network, backup."""
ROLES: Final = 20
SHARES: Final = {"service": 70, "own": 12, "hub": 10, "unit": 6, "any": 2}
"""Of a hundred roles, how many are assumed by whom: an assumption, not a measurement."""

Placement = Callable[[str], int]


class Edge(NamedTuple):
    """A principal in `source` may assume a role in `target`, by that role's trust policy."""

    source: str
    target: str


def invented(seed: int = 1) -> State:
    """An organization, its accounts and their roles."""
    chance = random.Random(seed)
    accounts = [f"{number:012d}" for number in range(1, ACCOUNTS + 1)]
    unit_of = {account: number % UNITS for number, account in enumerate(accounts)}
    management = accounts[0]
    made: list[Event] = [put(Organization(account=management, id="o-a", root="r-a", created=0))]
    made += [put(Unit(account=management, id=f"ou-{n}", name=f"unit-{n}", parent="r-a")) for n in range(UNITS)]
    made += [
        put(Member(account=management, id=it, parent=f"ou-{unit_of[it]}", name=it, email=f"{it}@example.com", joined=0))
        for it in accounts
    ]
    made += [put(_role(account, n, _trusted(account, accounts, chance))) for account in accounts for n in range(ROLES)]
    return change(State(1), made)


def _trusted(account: str, accounts: list[str], chance: random.Random) -> str:
    """The account that may assume a role of `account`; empty where it is a service."""
    number = int(account) - 1
    (who,) = chance.choices(list(SHARES), list(SHARES.values()))
    if who == "unit":
        return accounts[(number % UNITS) + UNITS * chance.randrange(ACCOUNTS // UNITS)]
    return {"service": "", "own": account, "hub": accounts[chance.randrange(HUBS)], "any": chance.choice(accounts)}[who]


def _role(account: str, number: int, trusted: str) -> Role:
    principal = {"AWS": Principal.root(trusted).arn} if trusted else {"Service": "ec2.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return Role(account=account, name=f"role-{number}", id=f"AROA{account}{number}", created=0, trust=trust)


def edges(state: State) -> Iterator[Edge]:
    """Who may assume which roles, account by account; roles of services are assumed where they are."""
    for role in state.every(Role):
        for source in _accounts(state, json.loads(role.trust)):
            yield Edge(source, role.account)


def _accounts(state: State, trust: dict[str, object]) -> Iterator[str]:
    statements = trust.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        named = statement.get("Principal", {}) if isinstance(statement, dict) else {}
        values = named.get("AWS", []) if isinstance(named, dict) else []
        for value in [values] if isinstance(values, str) else values:
            if value.startswith("arn:"):
                yield value.split(":")[4]
            elif value.isdecimal():
                yield value
            else:  # a unique id; `*` is nobody's
                yield from (found.account for found in state.find(UNIQUE_ID, value))


def by_hash(shards: int) -> Placement:
    """Accounts are placed by their number alone."""
    return lambda account: zlib.crc32(account.encode()) % shards


def by_unit(state: State, shards: int) -> Placement:
    """The accounts of a unit are placed together, the largest units first, on the shard that has least."""
    units = Counter(member.parent for member in state.every(Member))
    load_of, shard_of = [0] * shards, {}
    for unit, members in units.most_common():
        shard = shard_of[unit] = min(range(shards), key=load_of.__getitem__)
        load_of[shard] += members
    unit_of = {member.id: member.parent for member in state.every(Member)}
    hashed = by_hash(shards)
    return lambda account: shard_of[unit_of[account]] if account in unit_of else hashed(account)


def hubs(found: list[Edge]) -> frozenset[str]:
    """The accounts of which principals may assume roles in at least a hundredth of all accounts."""
    targets = {edge for edge in found if edge.source != edge.target}
    reach = Counter(edge.source for edge in targets)
    accounts = len({edge.target for edge in found})
    return frozenset(account for account, reached in reach.items() if reached * 100 >= accounts > 100)


def crossing(found: list[Edge], place: Placement, known: frozenset[str] = frozenset()) -> float:
    """Of a hundred trusts, how many lead from one shard to another, where those of the accounts `known` do not."""
    across = (place(edge.source) != place(edge.target) for edge in found if edge.source not in known)
    return 100 * sum(across) / max(len(found), 1)


def shared_octets(state: State) -> int:
    """What each shard would have a copy of, because SCPs and RCPs decide on calls of all accounts: in octets."""
    entities: list[AnyEntity] = [
        *state.every(Organization),
        *state.every(Unit),
        *state.every(Member),
        *state.every(OrganizationPolicy),
    ]
    return len(encode([put(entity) for entity in entities]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.shards", description=__doc__)
    parser.add_argument("data", nargs="?", type=Path)
    options = parser.parse_args()
    state = invented() if options.data is None else _read(options.data)
    found, roles = list(edges(state)), sum(1 for _ in state.every(Role))
    print(f"{roles:,} roles, {len(found):,} trusts in accounts, {shared_octets(state):,} octets on every shard")
    print(f"{'shards':>6} {'placed by':10} {'across':>7} {f'across, {len(hubs(found))} hubs known':>22}")
    for shards in (2, 4, 16):
        for name, place in (("account", by_hash(shards)), ("unit", by_unit(state, shards))):
            print(f"{shards:6} {name:10} {crossing(found, place):6.1f}% {crossing(found, place, hubs(found)):21.1f}%")
    return 0


def _read(data: Path) -> State:
    journal = SqliteJournal.open(data)
    try:
        return load(journal)
    finally:
        journal.close()


if __name__ == "__main__":
    sys.exit(main())
