"""The host of instances: who is served, what the state says of launchers, and what a start does without them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locum.agents.instances.host import InstanceHost
from locum.agents.instances.lost_nodes import GRACE as GONE
from locum.agents.instances.lost_nodes import LostNodes
from locum.audit import Record
from locum.cli.root_account import DEFAULT_ACCOUNT
from locum.core.clock import system_clock
from locum.core.errors import Fault
from locum.core.identifiers import OWN_IMAGE
from locum.state import Instance
from support.inprocess import InProcess

GRACE = 5.0


class House:
    """A plane and its host of instances, by a clock that stands still until the test turns it."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))  # clients sign by the real one
        self.plane = InProcess(data, lambda: self.now)
        self.host = self._host()

    def _host(self) -> InstanceHost:
        node = self.plane.node
        return InstanceHost(node.runtime, node.calls, node.listeners, node.gateway, node.metadata.app, GRACE)

    def restart(self) -> None:
        """The plane ends and another one begins; whatever was attached is not any more."""
        self.plane.close()
        self.plane.start()
        self.host = self._host()
        self.plane.run(self._open())

    async def _open(self) -> None:
        self.host.open()
        await self.host.close()  # the test itself is the clock

    def launched(self, **parameters: Any) -> str:
        answer = self.plane.client("ec2").run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1, **parameters)
        return str(answer["Instances"][0]["InstanceId"])

    def held(self, **parameters: Any) -> str:
        """An ephemeral instance, whose launcher is attached."""
        instance = self.launched(**parameters)
        self.plane.run(self.host.hold(DEFAULT_ACCOUNT, instance))
        return instance

    def instance(self, instance: str) -> Instance:
        found = self.plane.node.ledger.state.get(Instance, DEFAULT_ACCOUNT, instance)
        assert found is not None
        return found

    def ends(self) -> list[Record]:
        """What is recorded of terminations."""
        return [record for record in self.plane.records() if record.operation == "TerminateInstances"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data")
    yield house
    house.plane.close()


# -- who is served -------------------------------------------------------------------------------------------


def test_nothing_runs_in_an_instance_that_is_not_there_or_does_not_run(house: House) -> None:
    host, instance = house.host, house.launched()
    assert host.refusal(DEFAULT_ACCOUNT, instance) is None
    assert host.refusal("111122223333", instance) == f"there is no instance {instance} in account 111122223333"
    house.plane.client("ec2").stop_instances(InstanceIds=[instance])
    assert "is stopped, not running: start it with `aws ec2 start-instances`" in (
        host.refusal(DEFAULT_ACCOUNT, instance) or ""
    )


def test_an_instance_asks_for_its_own_metadata_on_its_own_socket(house: House) -> None:
    instance = house.launched(MetadataOptions={"HttpTokens": "optional"})

    async def asked() -> bytes:
        served = socket.create_server(("127.0.0.1", 0))
        where = served.getsockname()
        await house.host.serve_metadata(served, DEFAULT_ACCOUNT, instance)
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"GET /latest/meta-data/instance-id HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        await house.host.stop(served)
        return answer

    assert house.plane.run(asked()).endswith(b"\r\n\r\n" + instance.encode())


# -- instances that live as long as a launcher ---------------------------------------------------------------


def test_the_state_says_that_an_instance_is_ephemeral_and_the_api_does_not(house: House) -> None:
    instance = house.launched()
    described = house.plane.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"]
    assert not house.instance(instance).ephemeral
    house.plane.run(house.host.hold(DEFAULT_ACCOUNT, instance))
    assert house.instance(instance).ephemeral
    assert house.plane.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"] == described
    house.restart()
    assert house.instance(instance).ephemeral


def test_a_launcher_that_comes_back_changes_nothing(house: House) -> None:
    instance = house.held()
    before = house.plane.node.ledger.state.sequence
    house.plane.run(house.host.hold(DEFAULT_ACCOUNT, instance))
    assert house.plane.node.ledger.state.sequence == before


def test_an_instance_that_has_ended_is_not_held(house: House) -> None:
    instance = house.launched()
    house.plane.client("ec2").terminate_instances(InstanceIds=[instance])
    with pytest.raises(Fault, match="is terminated, not running"):
        house.plane.run(house.host.hold(DEFAULT_ACCOUNT, instance))


def test_an_instance_that_its_launcher_left_is_terminated_and_the_record_says_by_whom(house: House) -> None:
    instance = house.held()
    house.plane.run(house.host.ended(DEFAULT_ACCOUNT, instance))
    assert house.instance(instance).state == "terminated"
    (record,) = house.ends()
    assert (record.event_type, record.identity.arn) == ("AwsServiceEvent", "ec2.amazonaws.com")
    assert record.resources[0].name == instance


def test_however_often_and_at_once_it_is_told_of_an_end_it_is_one(house: House) -> None:
    instance = house.held()

    async def told() -> None:
        await asyncio.gather(*(house.host.ended(DEFAULT_ACCOUNT, instance) for _ in range(3)))

    house.plane.run(told())
    house.plane.run(house.host.ended(DEFAULT_ACCOUNT, instance))
    house.restart()
    house.now += GRACE
    house.plane.run(house.host.reconcile())
    assert len(house.ends()) == 1


def test_an_instance_that_its_owner_terminated_is_not_terminated_again(house: House) -> None:
    instance = house.held()
    house.plane.client("ec2").terminate_instances(InstanceIds=[instance])
    house.plane.run(house.host.ended(DEFAULT_ACCOUNT, instance))
    (record,) = house.ends()
    assert record.event_type == "AwsApiCall"


def test_an_instance_that_never_was_is_no_trouble(house: House) -> None:
    house.plane.run(house.host.ended(DEFAULT_ACCOUNT, "i-none"))
    assert house.ends() == []


def test_an_instance_that_is_protected_stays_and_whoever_asks_is_told(house: House) -> None:
    instance = house.held(DisableApiTermination=True)
    with pytest.raises(Fault, match="OperationNotPermitted"):
        house.plane.run(house.host.ended(DEFAULT_ACCOUNT, instance))
    assert house.instance(instance).state == "running"
    assert [record.error_code for record in house.ends()] == ["OperationNotPermitted"]
    assert house.host.refusal(DEFAULT_ACCOUNT, instance) is None


# -- after a start -------------------------------------------------------------------------------------------


def test_a_start_waits_for_launchers_until_the_grace_period_is_over_and_no_longer(house: House) -> None:
    kept, instance = house.launched(), house.held()
    house.restart()
    house.now += GRACE - 1
    assert house.plane.run(house.host.reconcile()) == 1
    assert house.instance(instance).state == "running"
    house.now += 1
    assert house.plane.run(house.host.reconcile()) == 0
    assert (house.instance(instance).state, house.instance(kept).state) == ("terminated", "running")
    assert [record.resources[0].name for record in house.ends()] == [instance]


def test_an_instance_whose_launcher_never_attached_is_terminated_at_the_next_start(house: House) -> None:
    instance = house.launched(ClientToken="locum-run/0")
    house.restart()
    house.now += GRACE
    house.plane.run(house.host.reconcile())
    assert house.instance(instance).state == "terminated"


def test_an_instance_whose_launcher_came_back_in_time_goes_on(house: House) -> None:
    back, gone = house.held(), house.held()
    house.restart()
    house.plane.run(house.host.hold(DEFAULT_ACCOUNT, back))
    house.now += GRACE
    house.plane.run(house.host.reconcile())
    assert (house.instance(back).state, house.instance(gone).state) == ("running", "terminated")


def test_a_start_without_anything_to_wait_for_waits_for_nothing(house: House) -> None:
    house.launched()
    house.restart()
    assert house.plane.run(house.host.reconcile()) == 0


def test_one_that_is_protected_keeps_no_other_from_being_terminated(house: House) -> None:
    protected, other = house.held(DisableApiTermination=True), house.held()
    house.restart()
    house.now += GRACE
    assert house.plane.run(house.host.reconcile()) == 0
    assert (house.instance(protected).state, house.instance(other).state) == ("running", "terminated")


def test_a_launcher_that_comes_back_too_late_is_refused(house: House) -> None:
    instance = house.held()
    house.restart()
    house.now += GRACE

    async def both() -> list[Any]:
        late = house.host.hold(DEFAULT_ACCOUNT, instance)  # while the termination is on its way to the disk
        return list(await asyncio.gather(house.host.reconcile(), late, return_exceptions=True))

    _, refused = house.plane.run(both())
    assert isinstance(refused, Fault)
    assert "is shutting-down, not running" in str(refused)
    assert house.instance(instance).state == "terminated"


def test_who_waits_for_a_launcher_waits_until_it_is_back_or_given_up(house: House) -> None:
    back, gone, other = house.held(), house.held(), house.launched()
    house.restart()

    async def waited() -> None:
        await house.host.returned(other)
        waiting = [asyncio.ensure_future(house.host.returned(instance)) for instance in (back, gone)]
        await house.host.hold(DEFAULT_ACCOUNT, back)
        await waiting[0]
        assert not waiting[1].done()
        house.now += GRACE
        await house.host.reconcile()
        await waiting[1]

    house.plane.run(waited())
    assert house.instance(gone).state == "terminated"


def test_an_open_host_reconciles_by_itself(house: House) -> None:
    instance = house.held()
    house.restart()

    async def opened() -> None:
        house.host.open()
        house.now += GRACE
        await house.host.returned(instance)
        await house.host.close()

    house.plane.run(opened())
    assert house.instance(instance).state == "terminated"


# -- several nodes -------------------------------------------------------------------------------------------


def test_an_instance_is_attached_to_on_its_own_node_alone(house: House) -> None:
    instance = house.held()
    house.plane.node.runtime.node = "b"
    refused = house.host.refusal(DEFAULT_ACCOUNT, instance)
    assert refused is not None
    assert "runs on another node" in refused


def test_a_node_that_starts_ends_no_instances_of_other_nodes(house: House) -> None:
    runtime = house.plane.node.runtime
    runtime.settings = replace(runtime.settings, node="a")
    runtime.node = "a"
    instance = house.held()
    house.restart()  # as the only node there is, which all instances belong to
    house.plane.node.runtime.node = "b"
    house.host = house._host()
    house.plane.run(house._open())
    house.now += GRACE
    assert house.plane.run(house.host.reconcile()) == 0.0
    assert house.instance(instance).state == "running"
    assert house.instance(instance).node == "a"
    house.plane.node.runtime.node = "a"
    house.host = house._host()
    house.plane.run(house._open())
    house.now += GRACE
    house.plane.run(house.host.reconcile())
    assert house.instance(instance).state == "terminated"


def test_the_instances_of_a_node_that_does_not_come_back_are_terminated(house: House) -> None:
    runtime, uptime = house.plane.node.runtime, [0.0]
    there = {"a"}

    async def present(nodes: Collection[str]) -> Collection[str]:
        return there & set(nodes)

    runtime.settings = replace(runtime.settings, node="a")
    runtime.node = "a"
    instance = house.held()
    runtime.node = "b"
    lost = LostNodes(runtime, house.plane.node.calls, present, lambda: uptime[0])

    def after(seconds: float) -> str:
        uptime[0] += seconds
        house.plane.run(lost.reconcile())
        return house.instance(instance).state

    assert after(2 * GONE) == "running"
    there.clear()
    assert [after(0.0), after(GONE - 1)] == ["running", "running"]
    there.add("a")  # it came back in time
    assert after(2) == "running"
    there.clear()
    assert [after(0.0), after(GONE - 1), after(1)] == ["running", "running", "terminated"]
    assert len(house.ends()) == 1
