"""Commits of a stack's progress: what is told at the same time is one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from locum.agents.stacks.commits import Commits
from locum.core.errors import Fault
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.templates import invalid
from locum.state import Stack, State
from support.inprocess import InProcess
from support.stacks import Stacks, template


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    made = InProcess(Path(tmp_path_factory.mktemp("commits")) / "data")
    Stacks(made).create("queue", template({"Queue": {"Type": "AWS::SQS::Queue"}}))
    yield made
    made.close()


def stack(plane: InProcess) -> Stack:
    (found,) = plane.node.runtime.ledger.state.every(Stack)
    return found


def commits(plane: InProcess) -> Commits:
    it = stack(plane)
    return Commits(plane.node.runtime, it.account, it.key)


def test_changes_of_one_turn_are_one_entry_of_the_journal(plane: InProcess) -> None:
    async def work() -> None:
        made = commits(plane)
        await asyncio.gather(*(made.commit(telling(f"STATUS_{number}")) for number in range(5)))

    before, events = plane.node.runtime.ledger.state.sequence, stack(plane).events
    plane.run(work())
    assert plane.node.runtime.ledger.state.sequence == before + 1
    assert (stack(plane).events, stack(plane).status) == (events + 5, "STATUS_4")


def test_a_change_that_is_refused_leaves_the_others(plane: InProcess) -> None:
    def refused(_state: State, draft: Draft) -> None:
        draft.status("HALF_DONE")
        raise invalid("No export named nothing found.")

    async def work() -> list[BaseException | None]:
        made = commits(plane)
        told = (made.commit(change) for change in (telling("BEFORE"), refused, telling("AFTER")))
        return await asyncio.gather(*told, return_exceptions=True)

    events = stack(plane).events
    first, second, third = plane.run(work())
    assert (first, third) == (None, None)
    assert isinstance(second, Fault)
    assert (stack(plane).events, stack(plane).status) == (events + 2, "AFTER")


def test_a_change_of_another_operation_changes_nothing(plane: InProcess) -> None:
    before = plane.node.runtime.ledger.state
    plane.run(commits(plane).commit(telling("STALE"), "another-operation"))
    assert plane.node.runtime.ledger.state is before


def telling(status: str) -> Callable[[State, Draft], None]:
    def change(_state: State, draft: Draft) -> None:
        draft.status(status)

    return change
