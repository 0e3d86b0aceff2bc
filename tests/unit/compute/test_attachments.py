"""Launchers on the control socket: what they attach, what they are told, and what ends with them."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from locum.compute.handover import InstanceEnded, ask, connect
from support.control_house import INSTANCE, House, attaching, descriptors, gone, house, lifeline, listening

__all__ = ["house", "lifeline"]


async def reviewed(house: House, instance: str | None) -> None:
    house.attachments.review(instance)


def test_an_attachment_brings_its_sockets(house: House, lifeline: socket.socket) -> None:
    with listening() as metadata, listening() as gateway:
        names = metadata.getsockname(), gateway.getsockname()
        house.ask(lifeline, attaching(pid=4711), [metadata.fileno(), gateway.fileno()])
    ((served, whose),) = house.host.metadata.items()
    assert (served.getsockname(), house.host.gateways[0].getsockname()) == names
    assert whose == ("111122223333", INSTANCE)
    with connect(house.data) as other:
        assert house.ask(other, {"where": INSTANCE})["pid"] == 4711
        assert house.ask(other, {"where": "i-2"})["pid"] == 0


def test_the_third_socket_is_the_metadata_service_s_too(house: House, lifeline: socket.socket) -> None:
    with listening() as metadata, listening() as gateway, listening() as other:
        names = [metadata.getsockname(), other.getsockname()]
        house.ask(lifeline, attaching(), [metadata.fileno(), gateway.fileno(), other.fileno()])
        gateways = [gateway.getsockname()]
    assert [sock.getsockname() for sock in house.host.metadata] == names
    assert [sock.getsockname() for sock in house.host.gateways] == gateways


def test_one_socket_is_the_metadata_service_s_beside_the_plane_s_own_gateway(
    house: House, lifeline: socket.socket
) -> None:
    with listening() as metadata:
        house.ask(lifeline, attaching(), [metadata.fileno()])
        ((served, whose),) = house.host.metadata.items()
        assert (served.getsockname(), whose) == (metadata.getsockname(), ("111122223333", INSTANCE))
    assert house.host.gateways == []
    assert house.ask(lifeline, {"where": INSTANCE})["pid"] == 0


def test_descriptors_that_are_handed_over_are_inherited_by_nothing_that_is_executed(
    house: House, lifeline: socket.socket
) -> None:
    house.attach(lifeline)
    assert not any(sock.get_inheritable() for sock in [*house.host.metadata, *house.host.gateways])


def test_a_closed_lifeline_ends_the_sockets(house: House) -> None:
    lifeline = connect(house.data)
    house.attach(lifeline, pid=4711)
    served = [*house.host.metadata, *house.host.gateways]
    lifeline.close()
    house.run(house.host.until(lambda: not house.host.metadata and not house.host.gateways))
    assert [sock.fileno() for sock in served] == [-1, -1]
    assert house.host.terminated == []
    with connect(house.data) as other:
        assert house.ask(other, {"where": INSTANCE})["pid"] == 0


def test_a_closed_lifeline_ends_an_ephemeral_instance(house: House) -> None:
    lifeline = connect(house.data)
    house.attach(lifeline, ephemeral=True)
    lifeline.close()
    house.run(house.host.until(lambda: bool(house.host.terminated)))
    assert house.host.terminated == [("111122223333", INSTANCE)]
    assert not house.host.metadata


def test_the_end_of_the_plane_stops_the_service_and_ends_no_instance(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        house = House(tmp_path, runner)
        with connect(house.data) as lifeline:
            house.attach(lifeline, ephemeral=True)
            served = [*house.host.metadata, *house.host.gateways]
            house.run(house.control.close())
            assert gone(lifeline)
        assert [sock.fileno() for sock in served] == [-1, -1]
        assert house.host.terminated == []


def test_an_ephemeral_instance_is_known_as_one_before_its_launcher_is_answered(
    house: House, lifeline: socket.socket
) -> None:
    house.attach(lifeline)
    assert house.host.held == []
    house.attach(lifeline, ephemeral=True)
    assert house.host.held == [("111122223333", INSTANCE)]


def test_a_launcher_whose_instance_cannot_be_held_is_refused_and_served_on_nothing(
    house: House, lifeline: socket.socket
) -> None:
    house.host.failing = "storage has failed"
    before = descriptors()
    with listening() as one, listening() as other:
        told = house.refused(lifeline, attaching(ephemeral=True), [one.fileno(), other.fileno()])
    assert "storage has failed" in told
    assert house.host.metadata == {}
    lifeline.close()
    house.run(house.host.until(lambda: bool(house.host.terminated)))
    assert descriptors() == before - 2  # neither end of the lifeline, nor the sockets


def test_the_end_of_what_ran_is_told_and_answered(house: House, lifeline: socket.socket) -> None:
    assert house.ask(lifeline, {"end": INSTANCE, "account": "111122223333"}) == {"ok": True}
    assert house.host.terminated == [("111122223333", INSTANCE)]
    house.host.failing = "it is protected"
    assert "it is protected" in house.refused(lifeline, {"end": INSTANCE, "account": "111122223333"})


def test_who_asks_where_an_instance_runs_waits_for_a_launcher_that_is_expected_back(house: House) -> None:
    house.host.expected.add(INSTANCE)

    async def asked_before_it_is_back() -> dict[str, Any]:
        with connect(house.data) as visitor, connect(house.data) as launcher, listening() as one, listening() as other:
            where = asyncio.create_task(asyncio.to_thread(ask, visitor, {"where": INSTANCE}))
            await asyncio.to_thread(ask, launcher, {"where": "i-2"})  # which is answered at once
            back = attaching(ephemeral=True, pid=4711)
            await asyncio.to_thread(ask, launcher, back, [one.fileno(), other.fileno()])
            return await where

    assert house.run(asked_before_it_is_back())["pid"] == 4711


def test_the_latest_attachment_of_an_instance_is_the_one_that_others_join(house: House) -> None:
    with connect(house.data) as first:
        house.attach(first, pid=1)
        with connect(house.data) as second:
            house.attach(second, pid=2)
            assert house.ask(first, {"where": INSTANCE})["pid"] == 2
        house.run(house.host.until(lambda: len(house.host.metadata) == 1))
        assert house.ask(first, {"where": INSTANCE})["pid"] == 1


def test_an_attachment_is_told_which_start_of_the_instance_it_is_of(house: House, lifeline: socket.socket) -> None:
    assert house.attach(lifeline)["boot"] == 3
    with listening() as one, pytest.raises(InstanceEnded, match="started again"):
        house.ask(lifeline, attaching(boot=2), [one.fileno()])
    with listening() as one:
        assert house.ask(lifeline, attaching(boot=3), [one.fileno()])["boot"] == 3


def test_every_launcher_of_an_instance_that_has_ended_is_told_once(house: House, lifeline: socket.socket) -> None:
    with connect(house.data) as other:
        house.attach(lifeline, pid=1)
        house.attach(other, pid=2)
        house.host.boot += 1
        house.run(reviewed(house, "i-2"))
        for _ in range(2):
            house.run(reviewed(house, INSTANCE))
        for connection in (lifeline, other):
            assert json.loads(connection.recv(4096)) == {"error": "it was started again", "ended": True}
        assert house.ask(lifeline, {"where": INSTANCE})["pid"] == 0  # nobody goes in any more
        house.run(reviewed(house, None))
        house.attach(other, pid=4)  # of the next start
        assert house.ask(lifeline, {"where": INSTANCE})["pid"] == 4


def test_a_launcher_that_reads_nothing_keeps_nobody_waiting(house: House, lifeline: socket.socket) -> None:
    house.attach(lifeline)
    house.host.boot += 1
    lifeline.close()
    house.run(reviewed(house, None))


def test_a_shutdown_from_inside_is_told_and_answered(house: House, lifeline: socket.socket) -> None:
    assert house.ask(lifeline, {"shutdown": INSTANCE, "account": "111122223333"}) == {"ok": True}
    assert house.host.shut == [("111122223333", INSTANCE)]
    house.host.failing = "it is protected"
    assert "it is protected" in house.refused(lifeline, {"shutdown": INSTANCE, "account": "111122223333"})


def test_a_launcher_of_another_driver_is_to_end(house: House, lifeline: socket.socket) -> None:
    with listening() as one, pytest.raises(InstanceEnded, match="another driver"):
        house.ask(lifeline, attaching(driver="else"), [one.fileno()])
    with listening() as one:
        assert house.ask(lifeline, attaching(driver="process"), [one.fileno()])["ok"]


def test_what_the_host_refuses_gets_the_reason_and_its_sockets_are_closed(
    house: House, lifeline: socket.socket
) -> None:
    before = descriptors()
    with listening() as one, listening() as other:
        message = {"attach": "i-2", "account": "111122223333"}
        assert house.refused(lifeline, message, [one.fileno(), other.fileno()]) == "there is no instance i-2"
    assert descriptors() == before


def test_an_attachment_without_sockets_is_refused(house: House, lifeline: socket.socket) -> None:
    told = "an attachment brings 1 to 8 listening sockets, and what each is for"
    assert house.refused(lifeline, attaching()) == told


@pytest.mark.parametrize("kinds", [["metadata"], ["metadata", "gateway", "gateway-tls"]])
def test_sockets_and_what_they_are_for_are_as_many(house: House, lifeline: socket.socket, kinds: list[str]) -> None:
    with listening() as one, listening() as other:
        told = house.refused(lifeline, attaching(serving=kinds), [one.fileno(), other.fileno()])
    assert told.startswith("an attachment brings")


def test_each_socket_serves_what_it_is_said_to_be_for(house: House, lifeline: socket.socket) -> None:
    with listening() as one, listening() as other:
        ports = one.getsockname(), other.getsockname()
        house.ask(lifeline, attaching(serving=["gateway-tls", "metadata"]), [one.fileno(), other.fileno()])
    assert [sock.getsockname() for sock in (*house.host.hosts, *house.host.metadata)] == list(ports)
    assert house.host.gateways == []


def test_a_launcher_is_told_what_is_served_in_an_instance(house: House, lifeline: socket.socket) -> None:
    house.attach(lifeline, pid=4711)
    assert house.ask(lifeline, {"where": INSTANCE})["serving"] == ["metadata", "gateway"]


def test_descriptors_that_are_no_listening_sockets_are_refused_and_closed(
    house: House, lifeline: socket.socket
) -> None:
    before = descriptors()
    with listening() as one, Path("/dev/null").open() as other, socket.socket() as idle:
        good, file, deaf = one.fileno(), other.fileno(), idle.fileno()
        for pair in ([good, file], [file, good], [good, deaf]):
            told = house.refused(lifeline, attaching(), pair)
            assert told == "the descriptors are to be those of listening sockets"
    assert descriptors() == before
