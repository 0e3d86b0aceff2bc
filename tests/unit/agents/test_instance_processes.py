"""The reconciler of the driver `process`: what is started, what is waited for, what is forgotten."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from locum.agents.instances.processes import InstanceProcesses, to_forget, to_start
from locum.agents.reconciling import RETRY
from locum.compute.instance_files import InstanceFiles, known
from locum.compute.launcher import Launch
from locum.core.clock import system_clock
from locum.core.identifiers import AGENT_LAUNCH, OWN_IMAGE
from locum.services.verbs import Outcome
from locum.state import Agent, Instance, State, put
from support.inprocess import InProcess


def launched(plane: InProcess, count: int = 1) -> list[Instance]:
    answer = plane.client("ec2").run_instances(ImageId=OWN_IMAGE, MinCount=count, MaxCount=count)
    ids = [it["InstanceId"] for it in answer["Instances"]]
    return [it for it in plane.node.ledger.state.every(Instance) if it.id in ids]


def changed(plane: InProcess, it: Instance) -> None:
    plane.run(plane.node.ledger.transact(lambda _state: Outcome({}, (put(it),)), lambda _outcome: ()))


class Driver:
    """Starts nothing, and remembers what it was to start. Where it `attaches`, that is attached at once."""

    def __init__(self) -> None:
        self.started: list[Launch] = []
        self.attached: set[str] = set()
        self.attaches = True
        self.closed = False

    async def start(self, launch: Launch) -> None:
        self.started.append(launch)
        if self.attaches:
            self.attached.add(launch.instance)

    async def close(self) -> None:
        self.closed = True


class House:
    """A plane, and the reconciler over it, by a clock that the test turns."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))
        self.plane = InProcess(data, lambda: self.now)
        self.data = data
        self.driver = Driver()

    async def reconciled(self, rounds: int = 3) -> InstanceProcesses:
        """A reconciler that has seen all that there is to see."""
        processes = InstanceProcesses(
            *(self.plane.node.ledger, lambda: self.now, self.data, self.driver),
            launch_of=lambda it: Launch(str(self.data), it.id, it.account, it.boots, 1, (), {}, it.user_data),
            is_attached=lambda instance: instance in self.driver.attached,
        )
        processes.start()
        for _ in range(rounds):
            processes.wake()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return processes

    def started(self) -> list[str]:
        async def once() -> None:
            await (await self.reconciled()).close()

        self.plane.run(once())
        return [launch.instance for launch in self.driver.started]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data")
    yield house
    house.plane.close()


def test_what_runs_is_started_and_nothing_else(house: House) -> None:
    running, stopped, ended, ephemeral, elsewhere, by_agent, to_come = launched(house.plane, 7)
    for it in (
        replace(stopped, state="stopped"),
        replace(ended, state="terminated"),
        replace(ephemeral, ephemeral=True),
        replace(elsewhere, at_backend=True),
        replace(by_agent, agent=Agent(certificate="1")),
        replace(to_come, client_token=f"{AGENT_LAUNCH}1"),
    ):
        changed(house.plane, it)
    state = house.plane.node.ledger.state
    assert [it.id for it in to_start(state, lambda _instance: False)] == [running.id]
    assert list(to_start(state, lambda instance: instance == running.id)) == []


def test_files_go_with_the_instance_once_its_launcher_is_gone() -> None:
    assert to_forget(State(), {"i-1", "i-2"}, lambda instance: instance == "i-2") == ["i-1"]


def test_files_of_an_instance_that_is_stopped_stay(house: House) -> None:
    (it,) = launched(house.plane)
    changed(house.plane, replace(it, state="stopped"))
    assert to_forget(house.plane.node.ledger.state, {it.id}, lambda _instance: False) == []
    changed(house.plane, replace(it, state="terminated"))
    assert to_forget(house.plane.node.ledger.state, {it.id}, lambda _instance: False) == [it.id]


def test_each_is_started_once_with_what_is_inside(house: House) -> None:
    (it,) = launched(house.plane)
    changed(house.plane, replace(it, boots=3, user_data=b"#!/bin/sh\n"))
    assert house.started() == [it.id]
    (launch,) = house.driver.started
    assert (launch.boot, launch.user_data, house.driver.closed) == (3, b"#!/bin/sh\n", True)
    assert house.started() == [it.id]  # it is attached


def test_a_launcher_that_lives_is_waited_for(house: House) -> None:
    (it,) = launched(house.plane)
    lock = InstanceFiles(house.data, it.id).lock()
    assert lock is not None
    assert house.started() == []
    os.close(lock)
    assert house.started() == [it.id]


def test_what_could_not_be_started_is_tried_again_later(house: House) -> None:
    (it,) = launched(house.plane)
    house.driver.attaches = False

    async def later() -> None:
        processes = await house.reconciled(6)
        assert len(house.driver.started) == 1
        await processes.ready(it.id)  # nobody waits for it
        house.now += RETRY
        house.driver.attaches = True
        for _ in range(3):
            processes.wake()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await processes.ready(it.id)
        assert len(house.driver.started) == 2
        await processes.close()

    house.plane.run(later())


def test_who_asks_for_an_instance_waits_until_it_is_attached(house: House) -> None:
    (it,) = launched(house.plane)

    async def asked() -> None:
        processes = await house.reconciled(0)
        await processes.ready("i-none")
        await processes.ready(it.id)
        assert house.driver.attached == {it.id}
        await processes.close()

    house.plane.run(asked())


def test_what_a_former_plane_left_of_an_instance_that_has_ended_is_removed(house: House) -> None:
    lock = InstanceFiles(house.data, "i-gone").lock()
    assert lock is not None
    os.close(lock)

    async def removed() -> None:
        processes = await house.reconciled()
        while known(house.data):  # noqa: ASYNC110 - a thread removes it
            await asyncio.sleep(0)
        await processes.close()

    house.plane.run(removed())


def test_a_file_that_cannot_be_opened_stops_the_driver_for_a_while_only(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (it,) = launched(house.plane)
    failed: list[InstanceFiles] = []
    usual = InstanceFiles.is_locked

    def is_locked(files: InstanceFiles) -> bool:
        if not failed:
            failed.append(files)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return usual(files)

    monkeypatch.setattr(InstanceFiles, "is_locked", is_locked)
    assert house.started() == [it.id]
    assert failed
