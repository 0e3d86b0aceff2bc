"""The metadata service of an instance, and what clients get of it that are one router and two routers away.

To be run as root of a network namespace of its own, which becomes the instance: instance - router - container - inner,
where the container routes as well. With a directory as its argument, the instance is one by `locum agent`, of a plane
there. Prints a JSON object: by hop limit, the statuses that the container and the inner one got, or that it was none.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from locum.http.listener import Listeners
from support.agents import activated, machine
from support.metadata import INSTANCE, Metadata
from support.one_account import ACCOUNT
from support.plane import up

ADDRESS = ("169.254.169.254", 80)
PATIENCE = "5"
"""Seconds after which the container gives up a token that never comes."""
LONG = "100"

NETWORK = """
ip link set lo up; ip addr add 169.254.169.254/32 dev lo
ip link add ve0 type veth peer name ve1 netns {router}
ip addr add 10.0.0.1/24 dev ve0; ip link set ve0 up
ip route add 10.0.1.0/24 via 10.0.0.2
in_router() {{ nsenter -t {router} -n "$@"; }}
in_router ip addr add 10.0.0.2/24 dev ve1; in_router ip link set ve1 up
in_router ip link add ve2 type veth peer name ve3 netns {container}
in_router ip addr add 10.0.1.1/24 dev ve2; in_router ip link set ve2 up
in_router ip route add 169.254.169.254/32 via 10.0.0.1
in_router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
in_container() {{ nsenter -t {container} -n "$@"; }}
in_container ip addr add 10.0.1.2/24 dev ve3; in_container ip link set ve3 up
in_container ip route add default via 10.0.1.1
in_container ip link add ve4 type veth peer name ve5 netns {inner}
in_container ip addr add 10.0.2.1/24 dev ve4; in_container ip link set ve4 up
in_container sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
in_router ip route add 10.0.2.0/24 via 10.0.1.2
ip route add 10.0.2.0/24 via 10.0.0.2
in_inner() {{ nsenter -t {inner} -n "$@"; }}
in_inner ip addr add 10.0.2.2/24 dev ve5; in_inner ip link set ve5 up
in_inner ip route add default via 10.0.2.1
"""

CLIENT = """
import http.client, sys
connection = http.client.HTTPConnection("169.254.169.254", 80, timeout=float(sys.argv[1]))
connection.request("PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
try:
    print(connection.getresponse().status)
except TimeoutError:
    print("nothing")
"""


def namespace(stack: ExitStack) -> int:
    """A process in a network namespace of its own."""
    command = ["unshare", "-n", "sh", "-c", "echo there; exec cat"]
    process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    stack.callback(process.terminate)
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    return process.pid


async def told(client: int, patience: str) -> str:
    """What a client in the namespace of process `client` is answered to its PUT."""
    line = ["nsenter", "-t", str(client), "-n", sys.executable, "-c", CLIENT, patience]
    process = await asyncio.create_subprocess_exec(*line, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    return said.decode().strip()


async def both(clients: list[int], arrives: tuple[bool, ...]) -> list[str]:
    """What all of them are answered, the nearest first. For an answer that is to arrive, one waits longer."""
    waits = [LONG if it else PATIENCE for it in arrives]
    return list(await asyncio.gather(*(told(client, wait) for client, wait in zip(clients, waits, strict=True))))


LIMITS = {2: (True, False), 1: (False, False), 3: (True, True)}
"""Hop limits in the order that they are set, with whose packets they are enough for."""


def story(metadata: Metadata, clients: list[int]) -> dict[int, list[str]]:
    """The answers by hop limit."""
    listeners, found = Listeners(), {}
    app = metadata.service.app(ACCOUNT, INSTANCE)
    metadata.run(listeners.open(socket.create_server(ADDRESS), app))
    for hops, arrives in LIMITS.items():
        metadata.options(hop_limit=hops)
        found[hops] = metadata.run(both(clients, arrives))
    metadata.run(listeners.close_all())
    return found


def story_of_an_agent(home: Path, clients: list[int]) -> dict[int, list[str]]:
    """The answers by hop limit, through an agent in this namespace and its plane."""
    found = {}
    with up(home, "--agents", "--agents-port", "0") as plane:
        code = activated(plane, "--hop-limit", "2")
        with machine(plane, home / "machine", code, "--metadata", ":".join(map(str, ADDRESS))) as running:
            for hops, arrives in LIMITS.items():
                ec2 = plane.client("ec2")
                ec2.modify_instance_metadata_options(InstanceId=running.instance, HttpPutResponseHopLimit=hops)
                found[hops] = asyncio.run(both(clients, arrives))
    return found


def main() -> None:
    """Build the network, ask, print the answers."""
    with ExitStack() as stack:
        router, container, inner = (namespace(stack) for _ in range(3))
        script = NETWORK.format(router=router, container=container, inner=inner)
        subprocess.run(["sh", "-ec", script], check=True)
        if sys.argv[1:]:
            found = story_of_an_agent(Path(sys.argv[1]), [container, inner])
        else:
            metadata = Metadata()
            found = story(metadata, [container, inner])
            metadata.close()
        sys.stdout.write(json.dumps(found))


main()
