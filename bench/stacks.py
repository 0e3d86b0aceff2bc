"""The rows of CloudFormation: a stack of a hundred resources, from the call until it is complete."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, suppress
from statistics import median
from typing import Any

from bench import servers, stories
from bench.load import Keys
from bench.report import Row
from bench.servers import Server

RESOURCES = 100


def rows(rounds: int) -> list[Row]:
    """The rows: medians of several rounds, in each of which all servers take turns."""
    found: dict[str, list[float]] = {}
    with ExitStack() as stack:
        running = [stack.enter_context(start()) for start in (servers.locum, servers.ministack, servers.moto)]
        keys = {server.name: stories.root_keys(server) for server in running}
        for server in running:
            _created(server, keys[server.name], "first")  # which loads what is loaded with the first one
        for number in range(rounds):
            for server in running:
                taken = _created(server, keys[server.name], f"stack-{number}")
                found.setdefault(server.name, []).append(taken)
    medians = {name: median(times) for name, times in found.items()}
    work = f"stack of {RESOURCES} resources"
    return [Row(work, peer, "s", medians["locum"], medians[peer], 1, cost=True) for peer in ("ministack", "moto")]


def _created(server: Server, keys: Keys, name: str) -> float:
    """The time in seconds until a stack is complete. It is deleted again."""
    client = stories.client(server, "cloudformation", keys)
    begin = time.perf_counter()
    client.create_stack(StackName=name, TemplateBody=_template(), Capabilities=["CAPABILITY_IAM"])
    _until(client, name, "CREATE_COMPLETE")
    taken = time.perf_counter() - begin
    client.delete_stack(StackName=name)
    _until_gone(client, name)  # the servers share a core
    return taken


def _until(client: Any, name: str, status: str) -> None:
    while (found := client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]) != status:
        if not found.endswith("_IN_PROGRESS"):
            raise RuntimeError(f"{name} is {found}")
        time.sleep(0.02)


def _until_gone(client: Any, name: str) -> None:
    with suppress(client.exceptions.ClientError):
        while client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] != "DELETE_COMPLETE":
            time.sleep(0.02)


def _template() -> str:
    """Queues, topics, roles and policies, of which some refer to others."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    resources: dict[str, Any] = {}
    for number in range(RESOURCES // 4):
        resources[f"Queue{number}"] = {"Type": "AWS::SQS::Queue"}
        resources[f"Topic{number}"] = {"Type": "AWS::SNS::Topic"}
        resources[f"Role{number}"] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}
        allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": [f"Queue{number}", "Arn"]}}
        resources[f"Policy{number}"] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [allow]}},
        }
    return json.dumps({"Resources": resources})
