"""The root account is settled once, by the first start, for every node and every later start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from locum.cli.compose import Node
from locum.cli.home import CREDENTIALS_FILE, read_root_key
from locum.cli.options import Options
from locum.cli.root_account import DEFAULT_ACCOUNT, RootAccount, ensure_root, root_account
from locum.core.clock import system_clock, system_entropy
from locum.core.errors import ConfigurationError
from locum.credentials import KeyRing
from locum.services.verbs import Outcome
from locum.state import AccessKey, Account, put
from locum.store import Ledger
from locum.store.memory import MemoryJournal
from support.inprocess import InProcess

FIRST, OTHER = "111122223333", "444455556666"
RING = KeyRing.generate(system_entropy)


async def ensured(ledger: Ledger, asked: str | None = None) -> RootAccount:
    return await ensure_root(ledger, RING, system_clock, system_entropy, asked)


def test_nodes_that_start_at_once_on_a_new_journal_make_one_account_and_one_key() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledgers = [Ledger.open(journal) for _ in range(4)]
        roots = await asyncio.gather(*map(ensured, ledgers))
        assert len(set(roots)) == 1
        follower = Ledger.open(journal)
        assert [account.account for account in follower.state.every(Account)] == [DEFAULT_ACCOUNT]
        assert [key.id for key in follower.state.every(AccessKey)] == [roots[0].key.access_key_id]
        for ledger in (*ledgers, follower):
            await ledger.close()

    asyncio.run(story())


def test_nodes_that_start_at_once_with_two_accounts_do_not_both_begin() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledgers = [Ledger.open(journal) for _ in range(2)]
        asked = (ensured(ledger, account) for ledger, account in zip(ledgers, (FIRST, OTHER), strict=True))
        told = await asyncio.gather(*asked, return_exceptions=True)
        (root,) = (one for one in told if isinstance(one, RootAccount))
        assert sum(isinstance(one, ConfigurationError) for one in told) == 1
        follower = Ledger.open(journal)
        assert [account.account for account in follower.state.every(Account)] == [root.account]
        for ledger in (*ledgers, follower):
            await ledger.close()

    asyncio.run(story())


def test_of_accounts_that_an_older_locum_made_the_oldest_is_the_root_account() -> None:
    async def story() -> None:
        ledger = Ledger.open(MemoryJournal())
        made = Outcome({}, (put(Account(account=FIRST, created=5)), put(Account(account=OTHER, created=6, alias="b"))))
        await ledger.transact(lambda _state: made, lambda _outcome: ())
        assert (await ensured(ledger)).account == FIRST
        assert {account.account for account in ledger.state.every(Account) if account.founding} == {FIRST}
        sequence = ledger.state.sequence
        with pytest.raises(ConfigurationError, match=f"began with account {FIRST}, not {OTHER}"):
            await ensured(ledger, OTHER)
        assert await ensured(ledger, FIRST) == await ensured(ledger)
        assert ledger.state.sequence == sequence
        await ledger.close()

    asyncio.run(story())


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    """One that began with FIRST."""
    running = InProcess(tmp_path / "data", account=FIRST)
    yield running
    running.close()


def test_a_restart_that_names_no_account_has_the_one_that_the_first_start_named(plane: InProcess) -> None:
    data, root = plane.node.options.data, plane.root
    plane.close()
    restarted = InProcess(data)
    assert restarted.node.account == root_account(restarted.node.ledger.state) == FIRST
    assert restarted.root == root
    assert restarted.client("sts").get_caller_identity()["Account"] == FIRST
    restarted.close()
    plane.start()


def test_a_restart_with_another_account_is_refused_and_changes_nothing(plane: InProcess) -> None:
    data, sequence = plane.node.options.data, plane.node.ledger.state.sequence
    kept = (data / CREDENTIALS_FILE).read_bytes()
    plane.close()

    async def start() -> None:
        node = Node(Options(data=data, port=0, account=OTHER))
        try:
            with pytest.raises(ConfigurationError, match=r"account 111122223333, not 444455556666: .* with --data"):
                await node.open()
        finally:
            await node.close()

    asyncio.run(start())
    assert (data / CREDENTIALS_FILE).read_bytes() == kept
    plane.start()
    assert plane.node.ledger.state.sequence == sequence
    assert [account.account for account in plane.node.ledger.state.every(Account)] == [FIRST]


def test_of_two_keys_of_the_root_user_every_start_takes_the_same(plane: InProcess) -> None:
    plane.client("iam").create_access_key()
    found = set()
    for _ in range(3):
        plane.close()
        plane.start()
        found.add(read_root_key(plane.node.options.data).access_key_id)
    assert len(found) == 1
