"""Print the report: Locum's figures, those of the peers, the ratios, and the required ratios."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from statistics import median

from bench import (
    cdk_deploy,
    engine,
    following,
    guarded,
    installing,
    instances,
    nodes,
    questions,
    record,
    scale,
    servers,
    stacks,
    stories,
    suites,
    workers,
)
from bench.load import Keys, Shot, rate
from bench.report import Row, show
from bench.servers import Server
from locum.compute.handover import ask, connect
from locum.core.identifiers import OWN_IMAGE

Story = Callable[[Server, Keys], Shot | list[Shot]]


def throughput(rounds: int, seconds: float) -> list[Row]:
    """The rows of HTTP requests: medians of several rounds, in each of which all servers take turns."""
    work: dict[str, Story] = {
        "GetCallerIdentity": stories.get_caller_identity,
        "AssumeRole": stories.assume_role,
        "S3 GetObject 1 KiB": stories.get_object,
        "S3 PutObject 1 KiB": stories.put_object,
    }
    found: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack:
        running = [stack.enter_context(start()) for start in (servers.locum, servers.ministack, servers.moto)]
        keys = {server.name: stories.prepare(server) for server in running}
        blank = stack.enter_context(servers.empty())
        metadata = stories.instance_credentials(_metadata_endpoint(running[0], stack))
        for _ in range(rounds):
            for name, story in work.items():
                for server in running:
                    shot = story(server, keys[server.name])
                    found.setdefault((name, server.name), []).append(rate(shot, seconds))
            found.setdefault(("IMDS", "locum"), []).append(rate(metadata, seconds))
            found.setdefault(("empty", "uvicorn"), []).append(rate(Shot(f"{blank.url}/"), seconds))
    speed = {key: median(values) for key, values in found.items()}
    blank_speed = speed["empty", "uvicorn"]

    def beside(name: str, peer: str, least: float) -> Row:
        return Row(name, peer, "/s", speed[name, "locum"], speed[name, peer], least)

    return [
        beside("GetCallerIdentity", "ministack", 5),
        beside("GetCallerIdentity", "moto", 25),
        Row("GetCallerIdentity", "empty uvicorn", "/s", speed["GetCallerIdentity", "locum"], blank_speed, 1 / 4),
        beside("AssumeRole", "ministack", 5),
        beside("S3 GetObject 1 KiB", "ministack", 1.4),
        beside("S3 GetObject 1 KiB", "moto", 5),
        beside("S3 PutObject 1 KiB", "ministack", 1),
        beside("S3 PutObject 1 KiB", "moto", 3),
        Row("IMDS credential fetch", "empty uvicorn", "/s", speed["IMDS", "locum"], blank_speed, 1 / 2),
    ]


def _metadata_endpoint(server: Server, stack: ExitStack) -> str:
    """Launch an instance with a profile, and serve its metadata on a loopback port."""
    root = stories.root_keys(server)
    iam = stories.client(server, "iam", root)
    ec2 = stories.client(server, "ec2", root)
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(
        RoleName="bench", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust, _own_trust(iam)]})
    )
    iam.create_instance_profile(InstanceProfileName="bench")
    iam.add_role_to_instance_profile(InstanceProfileName="bench", RoleName="bench")
    started = ec2.run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "bench"})
    lifeline = stack.enter_context(connect(server.data))
    message = {"attach": started["Instances"][0]["InstanceId"], "account": started["OwnerId"], "ephemeral": True}
    with socket.create_server(("127.0.0.1", 0)) as metadata:
        ask(lifeline, message, [metadata.fileno()])
        return f"http://127.0.0.1:{metadata.getsockname()[1]}/"


def _own_trust(iam: object) -> dict[str, object]:
    user = iam.get_user(UserName="bench")["User"]["Arn"]  # type: ignore[attr-defined] # a boto3 client
    return {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}


def starting(rounds: int) -> list[Row]:
    """The rows of the time to the first response after a start, and of idle memory."""

    def sample(start: Callable[[], AbstractContextManager[Server]]) -> tuple[float, float]:
        samples = []
        for _ in range(rounds):
            with start() as server:
                samples.append((server.started, server.resident_mebibytes()))
        return median(s[0] for s in samples), median(s[1] for s in samples)

    ours, theirs = sample(servers.locum), sample(servers.moto)
    return [
        Row("start to first answer", "moto", "s", ours[0], theirs[0], 1, cost=True),
        Row("idle memory", "moto", "MiB", ours[1], theirs[1], 1, cost=True),
    ]


def _parts(options: argparse.Namespace) -> dict[str, Callable[[], list[Row]]]:
    """What is measured, by name."""
    return {
        "engine": lambda: [*engine.rows(), *questions.rows()],
        "plane": lambda: [*starting(options.rounds), *throughput(options.rounds, options.seconds)],
        "guarded": lambda: guarded.rows(options.rounds, options.seconds),
        "install": lambda: installing.rows(options.rounds),
        "instances": lambda: instances.rows(options.rounds, options.seconds),
        "stacks": lambda: [*stacks.rows(options.rounds), *cdk_deploy.rows(options.rounds)],
        "suites": lambda: suites.rows(options.rounds),
        "scale": lambda: scale.rows(options.seconds),
        "million": lambda: scale.rows(options.seconds, scale.VERY_MANY),
        "store": following.rows,
        "nodes": lambda: nodes.rows(options.rounds, options.seconds),
        "workers": lambda: workers.rows(options.rounds, options.seconds),
        "record": lambda: record.rows(options.events),
    }


_ALWAYS = _parts(argparse.Namespace()).keys() - {"million"}
"""What is measured where nothing else is asked for. A million roles take minutes, and 3 GiB of memory."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--events", type=int, default=300_000, help="the events of the record that is measured")
    parser.add_argument("--only", choices=("all", *_parts(argparse.Namespace())), default="all")
    options = parser.parse_args()
    if options.only not in ("install", "million", "nodes", "record", "scale", "store", "suites"):
        servers.install_peers()
    wanted = _ALWAYS if options.only == "all" else {options.only}
    rows = [row for part, measured in _parts(options).items() if part in wanted for row in measured()]
    show(rows)
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
