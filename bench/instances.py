"""The rows of what wears roles: invocations of Lambda functions, warm and cold, and launches of instances."""

from __future__ import annotations

import io
import json
import re
import time
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median
from typing import Any

from bench import servers, stories
from bench.load import CONNECTIONS, Keys, Shot, rate, signed
from bench.report import Row
from bench.servers import Server
from locum.core.identifiers import OWN_IMAGE

COLD = 5
"""The number of functions that are invoked for the first time in a round."""

LAUNCHED = 100
"""The number of instances of one RunInstances."""

_IMAGES = {"locum": OWN_IMAGE, "moto": "ami-12c6146b", "ministack": "ami-12c6146b"}
_MAIN = "def handler(event, context): return event"


def rows(rounds: int, seconds: float) -> list[Row]:
    """The rows: medians of several rounds, in each of which all servers take turns."""
    found: dict[tuple[str, str], list[float]] = {}

    def note(work: str, server: Server, measured: float) -> None:
        found.setdefault((work, server.name), []).append(measured)

    with ExitStack() as stack:
        ours, ministack, moto = (
            stack.enter_context(start()) for start in (servers.locum, servers.ministack, servers.moto)
        )
        keys = {server: stories.root_keys(server) for server in (ours, ministack, moto)}
        warm = {server: _warm(server, keys[server]) for server in (ours, ministack)}
        for server, key in keys.items():
            _launch(server, key)  # which loads what is loaded with the first one
        for number in range(rounds):
            for server in (ours, ministack):
                note("warm", server, rate(warm[server], seconds))
                note("cold", server, _cold(server, keys[server], number))
            for server in (ours, ministack, moto):
                note("launch", server, _launch(server, keys[server]))
    speed = {key: median(values) for key, values in found.items()}
    return [
        Row("warm Lambda invocation", "ministack", "/s", speed["warm", "locum"], speed["warm", "ministack"], 3),
        Row(
            "cold Lambda invocation", "ministack", "s", speed["cold", "locum"], speed["cold", "ministack"], 1, cost=True
        ),
        *(
            Row(
                f"launch of {LAUNCHED} instances",
                it,
                "s",
                speed["launch", "locum"],
                speed["launch", it],
                least,
                cost=True,
            )
            for it, least in (("ministack", 0.3), ("moto", 3))
        ),
    ]


def _warm(server: Server, keys: Keys) -> Shot:
    """The request of an invocation, after as many environments were made as the load needs."""
    functions = stories.client(server, "lambda", keys)
    name = _function(functions, _role(server, keys), "warm")
    with ThreadPoolExecutor(CONNECTIONS) as several:
        list(several.map(lambda _: functions.invoke(FunctionName=name, Payload=b"{}"), range(CONNECTIONS)))
    url = f"{server.url}/2015-03-31/functions/{name}/invocations"
    return signed(Shot(url, "POST", {"Content-Type": "application/json"}, '{"a": 1}'), "lambda", keys)


def _cold(server: Server, keys: Keys, number: int) -> float:
    """The time in seconds of the first invocation of a function, with the credentials of its role."""
    functions, role = stories.client(server, "lambda", keys), _role(server, keys)
    names = [_function(functions, role, f"cold-{number}-{it}") for it in range(COLD)]
    return median(_taken(functions.invoke, FunctionName=name, Payload=b"{}") for name in names)


def _launch(server: Server, keys: Keys) -> float:
    """The time in seconds of one RunInstances, without that of a client to parse the answer.

    The instances are terminated again.
    """
    body = (
        f"Action=RunInstances&Version=2016-11-15&ImageId={_IMAGES[server.name]}&MinCount={LAUNCHED}&MaxCount={LAUNCHED}"
    )
    shot = signed(Shot(f"{server.url}/", "POST", stories.FORM, body), "ec2", keys)
    answers: list[bytes] = []

    def run() -> None:
        request = urllib.request.Request(shot.url, shot.body.encode(), shot.headers, method="POST")
        with urllib.request.urlopen(request) as answer:
            answers.append(answer.read())

    taken = _taken(run)
    ids = re.findall(r"<instanceId>([^<]+)", answers[0].decode())
    assert len(ids) == LAUNCHED
    stories.client(server, "ec2", keys).terminate_instances(InstanceIds=ids)
    return taken


def _taken(work: Callable[..., Any], **parameters: Any) -> float:
    begin = time.perf_counter()
    work(**parameters)
    return time.perf_counter() - begin


def _role(server: Server, keys: Keys) -> str:
    iam = stories.client(server, "iam", keys)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    try:
        arn: str = iam.create_role(RoleName="functions", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName="functions")["Role"]["Arn"]
    return arn


def _function(functions: Any, role: str, name: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", _MAIN)
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="main.handler",
        Timeout=60,
        Code={"ZipFile": packed.getvalue()},
    )
    return name
