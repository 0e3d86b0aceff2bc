"""The rows of a large plane, with 100,000 roles in 1,000 accounts or ten times that, compared with a small one."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from bench import servers
from bench.load import CONNECTIONS, Shot, rate, signed
from bench.report import Row
from bench.servers import Server
from bench.stories import FORM, root_keys
from locum.cli.compose import Node
from locum.cli.options import Options
from locum.core.clock import system_clock, system_entropy
from locum.core.identifiers import ROLE_ID, unique_id
from locum.services.verbs import Outcome
from locum.state import Account, Event, Role, State, put

ACCOUNTS = 1_000
VERY_MANY = 10_000
"""The number of accounts of a plane of a million roles."""

ROLES = 100
"""The number of roles in each account."""

CREATED = 800
"""The number of roles created over HTTP: with those in the account, less than its quota."""

AT_ONCE = 50
"""The number of accounts that are written together."""

LIMIT = 2048  # octets of memory for an idle role
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
_POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],'
    '"Resource":"arn:aws:s3:::team-bucket/%s/*"}]}'
)


def rows(seconds: float, accounts: int = ACCOUNTS) -> list[Row]:
    """The rows: memory and start-up of the large plane, and its responses compared with a plane of one account."""
    roles = f"{accounts * ROLES:,} roles"
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        asyncio.run(_fill(Path(small), 1))
        asyncio.run(_fill(Path(large), accounts))
        with servers.locum(data=Path(small)) as few, servers.locum(data=Path(large)) as many:
            memory = (many.resident_mebibytes() - few.resident_mebibytes()) * (1 << 20) / (accounts * ROLES)
            both = {server: _rates(server, seconds) for server in (many, few)}
            started = many.started, few.started
    pairs = zip(both[many].items(), both[few].values(), strict=True)
    return [
        Row(f"memory of one of {roles}", "the limit", "B", memory, LIMIT, 1, cost=True),
        Row(f"start, {roles}", "100 roles", "s", *started, 0.1 * ACCOUNTS / accounts, cost=True),
        *(Row(f"{operation}, {roles}", "100 roles", "/s", ours, theirs, 0.67) for (operation, ours), theirs in pairs),
    ]


async def _fill(data: Path, accounts: int) -> None:
    """Write `accounts` accounts with a hundred roles each to a data directory, as calls would."""
    node = Node(Options(data=data, port=0))
    await node.open()
    now = int(system_clock())
    for first in range(0, accounts, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, accounts))
        outcomes = [Outcome({}, tuple(_made(node, number, now))) for number in numbers]
        await asyncio.gather(
            *(node.ledger.transact(partial(_answered, outcome), lambda _outcome: ()) for outcome in outcomes)
        )
    await node.close()


def _made(node: Node, number: int, now: int) -> Iterator[Event]:
    account = node.account if number == 0 else f"{number:012d}"
    if number:
        yield put(Account(account=account, created=now))
    for i in range(ROLES):
        yield put(_role(account, f"role-{i:03d}", now))


def _answered(outcome: Outcome, _state: State) -> Outcome:
    return outcome


def _role(account: str, name: str, now: int) -> Role:
    return Role(
        account=account,
        name=name,
        id=unique_id(ROLE_ID, system_entropy),
        created=now,
        trust=_TRUST,
        inline={"own": _POLICY % f"{account}/{name}"},  # no two roles have the same
    )


def _rates(server: Server, seconds: float) -> dict[str, float]:
    """The calls per second of each operation on roles of the root account."""
    keys = root_keys(server)

    def iam(parameters: str) -> Shot:
        return signed(Shot(f"{server.url}/", "POST", FORM, f"{parameters}&Version=2010-05-08"), "iam", keys)

    return {
        "GetRole": rate(iam("Action=GetRole&RoleName=role-050"), seconds),
        "ListRoles": rate(iam("Action=ListRoles&MaxItems=100"), seconds),
        "CreateRole": creations([iam(_new_role(number)) for number in range(CREATED)]),
    }


def _new_role(number: int) -> str:
    return f"Action=CreateRole&RoleName=new-{number:04d}&AssumeRolePolicyDocument={quote(_TRUST)}"


def creations(shots: list[Shot]) -> float:
    """The responses per second for different `shots` over eight connections."""
    begin = time.perf_counter()
    asyncio.run(_send(shots))
    return len(shots) / (time.perf_counter() - begin)


async def _send(shots: list[Shot]) -> None:
    await asyncio.gather(*(_over_one_connection(shots[at::CONNECTIONS]) for at in range(CONNECTIONS)))


async def _over_one_connection(shots: list[Shot]) -> None:
    where = urlsplit(shots[0].url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    for shot in shots:
        lines = [f"{name}: {value}" for name, value in shot.headers.items()]
        head = [f"{shot.method} / HTTP/1.1", f"Host: {where.netloc}", f"Content-Length: {len(shot.body)}", *lines]
        writer.write(("\r\n".join(head) + "\r\n\r\n" + shot.body).encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 200 " not in answer.split("\r\n", 1)[0]:
            raise RuntimeError(answer)
        await reader.readexactly(int(answer.split("content-length:")[1].split("\r\n")[0]))
    writer.close()
