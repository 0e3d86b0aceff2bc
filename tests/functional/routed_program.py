"""The metadata service of an instance, and what a client gets of it that is one router further away.

To be run as root of a network namespace of its own, which becomes the instance: instance - router - container. Prints a
JSON object: by hop limit, the status that the container got, or that it got nothing.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import ExitStack

from locum.http.listener import Listeners
from support.metadata import INSTANCE, Metadata
from support.one_account import ACCOUNT

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


async def told(container: int, patience: str) -> str:
    """What the container is answered to its PUT."""
    line = ["nsenter", "-t", str(container), "-n", sys.executable, "-c", CLIENT, patience]
    process = await asyncio.create_subprocess_exec(*line, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    return said.decode().strip()


def story(metadata: Metadata, container: int) -> dict[int, str]:
    """The answers by hop limit."""
    listeners, found = Listeners(), {}
    app = metadata.service.app(ACCOUNT, INSTANCE)
    metadata.run(listeners.open(socket.create_server(ADDRESS), app))
    for hops, patience in ((2, LONG), (1, PATIENCE), (3, LONG)):
        metadata.options(hop_limit=hops)
        found[hops] = metadata.run(told(container, patience))
    metadata.run(listeners.close_all())
    return found


def main() -> None:
    """Build the network, ask, print the answers."""
    with ExitStack() as stack:
        router, container = namespace(stack), namespace(stack)
        script = NETWORK.format(router=router, container=container)
        subprocess.run(["sh", "-ec", script], check=True)
        metadata = Metadata()
        found = story(metadata, container)
        metadata.close()
        sys.stdout.write(json.dumps(found))


main()
