"""The rows of several nodes over PostgreSQL, beside one plane with SQLite: what a core of a node does.

All nodes share a core, and the database has the others'. What is compared is the calls of a second of processor time
that the nodes have used: what each gets done on a core of its own, as long as the database keeps up. Each node, and the
plane with SQLite, is called at the same moderate rate, so that none waits for the core.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import quote

from bench import servers, stories
from bench.load import Keys, Shot, rate, signed
from bench.report import Row
from bench.scale import creations
from bench.servers import Server
from support.postgresql import server as postgresql

MOST: Final = 3
_CREATED: Final = 100
"""Roles that each node creates in a round: with three nodes less than an account's quota."""

_TRUST: Final = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}]}'
)
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_VISIBLE: Final = 100.0
"""Milliseconds in which a write is to be seen on every node."""

_WRITES: Final = 200
_PAUSE: Final = 8
"""Milliseconds between an answer and the next request: some 900 calls a second of each node."""


def rows(rounds: int, seconds: float) -> list[Row]:
    """The rows: calls for a second of processor time, and how long a write takes to be seen on all nodes.

    Medians of several rounds, in each of which the plane with SQLite and all groups of nodes take turns.
    """
    with tempfile.TemporaryDirectory() as data, ExitStack() as stack:
        groups = {0: [stack.enter_context(servers.locum("--no-console", data=Path(data)))]}
        groups |= {number: stack.enter_context(_nodes(number)) for number in range(1, MOST + 1)}
        keys = {number: _prepared(nodes[0]) for number, nodes in groups.items()}
        found: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
        for turn in range(rounds):
            for number, nodes in groups.items():
                for work, figure in _figures(nodes, keys[number], seconds, turn).items():
                    found[number, work].append(figure)
        seen = _seen(groups[MOST])
    figures = {key: median(values) for key, values in found.items()}
    return [
        *(
            Row(f"{work}, {number} on PostgreSQL", "SQLite", "/s", figures[number, work], figures[0, work], least)
            for number in range(1, MOST + 1)
            for work, least in _least(number).items()
        ),
        Row("seen on all nodes, p99", "the limit", "ms", seen, _VISIBLE, 1, cost=True),
    ]


def _least(number: int) -> dict[str, float]:
    """The ratios to be reached. What nodes write is in one sequence, which each of them applies."""
    return {"GetCallerIdentity": 0.9, "AssumeRole": 0.8, "CreateRole": 0.5 / number}


@contextmanager
def _nodes(number: int) -> Iterator[list[Server]]:
    """So many nodes over a new database."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        database = postgresql()
        database.empty(f"bench_{number}")
        url = f"postgresql://locum@/bench_{number}?host={database.directory}"
        nodes: list[Server] = []
        for name in "abc"[:number]:
            data = Path(folder) / name
            data.mkdir(mode=0o700)
            if nodes:
                wrapping = data / "wrapping-keyring"
                wrapping.write_bytes((nodes[0].data / wrapping.name).read_bytes())
                wrapping.chmod(0o600)
            nodes.append(
                stack.enter_context(servers.locum("--no-console", "--backend", "*=none", "--journal", url, data=data))
            )
        yield nodes


def _figures(nodes: Sequence[Server], keys: Keys, seconds: float, turn: int) -> dict[str, float]:
    """The calls of each kind for a second of processor time of the nodes, all of which are called at once."""
    role = quote(f"arn:aws:iam::{_account(nodes[0], keys)}:role/bench")
    sts = {
        "GetCallerIdentity": "Action=GetCallerIdentity&Version=2011-06-15",
        "AssumeRole": f"Action=AssumeRole&Version=2011-06-15&RoleSessionName=bench&RoleArn={role}",
    }
    figures: dict[str, float] = {}
    for work, body in sts.items():
        shots = [signed(Shot(f"{node.url}/", "POST", stories.FORM, body), "sts", keys) for node in nodes]
        rate(shots[0], 1)
        figures[work] = _per_core(nodes, lambda at, shots=shots: rate(shots[at], seconds, _PAUSE) * seconds)
    root = stories.root_keys(nodes[0])
    figures["CreateRole"] = _per_core(nodes, lambda at: _created(nodes[at], root, f"{turn}-{at}"))
    return figures


def _per_core(nodes: Sequence[Server], work: Any) -> float:
    """The number of calls that `work` makes of each node, by the processor time that the nodes took."""
    before = sum(map(_processor_seconds, nodes))
    with ThreadPoolExecutor(len(nodes)) as threads:
        calls = sum(threads.map(work, range(len(nodes))))
    return float(calls / (sum(map(_processor_seconds, nodes)) - before))


def _processor_seconds(node: Server) -> float:
    fields = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _created(node: Server, keys: Keys, name: str) -> float:
    rest = f"AssumeRolePolicyDocument={quote(_TRUST % '*')}&Version=2010-05-08"
    bodies = [f"Action=CreateRole&RoleName=new-{name}-{number}&{rest}" for number in range(_CREATED)]
    creations([signed(Shot(f"{node.url}/", "POST", stories.FORM, body), "iam", keys) for body in bodies])
    return _CREATED


def _prepared(node: Server) -> Keys:
    """The keys of a user who may assume the role `bench`."""
    iam = stories.client(node, "iam", stories.root_keys(node))
    user = iam.create_user(UserName="bench")["User"]
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=document)
    iam.create_role(RoleName="bench", AssumeRolePolicyDocument=_TRUST % user["Arn"])
    made = iam.create_access_key(UserName="bench")["AccessKey"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"])


def _account(node: Server, keys: Keys) -> str:
    return str(stories.client(node, "sts", keys).get_caller_identity()["Account"])


def _seen(nodes: Sequence[Server]) -> float:
    """The milliseconds until a user that one node made is seen on all others, of 99 of 100 of them."""
    root = stories.root_keys(nodes[0])
    clients = [stories.client(node, "iam", root) for node in nodes]
    times = []
    for number in range(_WRITES):
        clients[number % len(nodes)].create_user(UserName=f"seen-{number}", Path=f"/{number}/")
        begin = time.perf_counter()
        for other in clients:
            while not other.list_users(PathPrefix=f"/{number}/")[
                "Users"
            ]:  # what is found is not checked against the journal
                pass
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) * 99 // 100] * 1_000
