"""The rows of the policy engine: one decision, compared with other evaluators and with larger policies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.report import Row
from bench.servers import PEERS, ROOT
from locum import policy
from locum.core.principal import Caller, Principal
from locum.credentials import KeyRing
from locum.policy import CompiledPolicy, Policies, PolicyKind, Request, Source
from locum.services.iam import OPERATIONS
from locum.services.verbs import Context
from locum.state import State, User, change, put

DECISION = Path(__file__).parent / "decision.json"
MODULES = ROOT / ".bench" / "js"
_ROUNDS = 7
_LOOPS = 2000


def rows() -> list[Row]:
    """The rows, in microseconds for one decision: the best of several rounds, for all evaluators."""
    case = json.loads(DECISION.read_text())
    ten = _compiled(case["policies"])
    request = _request(case)
    one = ten[:1]
    sets = {
        "ten policies": ten,
        "one policy": one,
        "10 others": one + _of_other_services(10),
        "1,000 others": one + _of_other_services(1000),
        "100 same": _of_the_same_service(100),
        "10,000 same": _of_the_same_service(10_000),
    }
    ours = {name: _ours(request, identity) for name, identity in sets.items()}

    def grown(work: str, big: str, small: str, least: float) -> Row:
        return Row(work, f"{small} of them", "us", ours[big], ours[small], least, cost=True)

    return [
        Row("decision, 10 policies", "iam-simulate", "us", ours["ten policies"], _iam_simulate(), 15, cost=True),
        Row("decision, 1 policy", "cedarpy", "us", ours["one policy"], _cedarpy(), 5, cost=True),
        grown("1,000 of other services", "1,000 others", "10 others", 1 / 1.5),
        grown("10,000 of the service", "10,000 same", "100 same", 1 / 3),
        _simulation(case, request, ten),
    ]


def _simulation(case: dict[str, Any], request: Request, ten: tuple[CompiledPolicy, ...]) -> Row:
    """The row of one page of SimulatePrincipalPolicy, compared with the bare decisions, in milliseconds."""
    inline = {found.source.name: json.dumps(document) for found, document in zip(ten, case["policies"], strict=True)}
    user = User(account=case["account"], name="alice", id=request.principal.unique_id, created=1, inline=inline)
    context = Context(
        change(State(), [put(user)]),
        1.0,
        os.urandom,
        KeyRing.generate(os.urandom),
        Caller(Principal.root(user.account)),
        "us-east-1",
    )
    actions = [f"s3:{verb}Object" for verb in ("Get", "Put", "Delete", "Restore", "Abort")] * 10
    resources = [f"arn:aws:s3:::team-data/home/alice/{number}" for number in range(40)]
    params = {
        "PolicySourceArn": user.arn,
        "ActionNames": actions,
        "ResourceArns": resources,
        "ContextEntries": [
            {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
            for key, value in request.context.items()
        ],
    }
    requests = [request._replace(action=action, resource=resource) for action in actions for resource in resources]
    policies = Policies(identity=ten)
    bare = _best(lambda: [policy.evaluate(each, policies) for each in requests], loops=1)
    page = _best(lambda: OPERATIONS["SimulatePrincipalPolicy"].verb(context, params), loops=1)
    return Row("SimulatePrincipalPolicy", "2,000 decisions", "ms", page / 1e3, bare / 1e3, 0.3, cost=True)


def _compiled(documents: list[Any]) -> tuple[CompiledPolicy, ...]:
    return tuple(
        policy.compile(policy.parse(json.dumps(d), PolicyKind.IDENTITY), Source(PolicyKind.IDENTITY, f"policy-{i}"))
        for i, d in enumerate(documents)
    )


def _request(case: dict[str, Any]) -> Request:
    context = {key.lower(): value for key, value in case["context"].items()}
    principal = Principal.user(case["account"], case["principal"], "AIDAAAAAAAAAAAAAAAAAA", "alice")
    return Request(principal, case["action"], case["resource"], case["account"], context)


def _statements(count: int, action: Callable[[int], str], resource: Callable[[int], str]) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Action": action(i), "Resource": resource(i)} for i in range(count)]
    return {"Version": "2012-10-17", "Statement": statements}


def _of_other_services(count: int) -> tuple[CompiledPolicy, ...]:
    """A policy with `count` statements for DynamoDB and SQS only."""
    services = ("dynamodb", "sqs")
    document = _statements(
        count, lambda i: f"{services[i % 2]}:Get{i}", lambda i: f"arn:aws:{services[i % 2]}:us-east-1:111111111111:x{i}"
    )
    return _compiled([document])


def _of_the_same_service(count: int) -> tuple[CompiledPolicy, ...]:
    """A policy with `count` statements for S3, of which only the last allows reading the object."""
    document = _statements(count, lambda i: f"s3:Put{i}", lambda i: f"arn:aws:s3:::bucket-{i}/*")
    document["Statement"].append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::team-data/*"})
    return _compiled([document])


def _best(decide: Callable[[], object], loops: int = _LOOPS) -> float:
    """The microseconds for one run, the best of several rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        for _ in range(loops):
            decide()
        best = min(best, (time.perf_counter() - start) / loops * 1e6)
    return best


def _ours(request: Request, identity: tuple[CompiledPolicy, ...]) -> float:
    policies = Policies(identity=identity)
    if not policy.evaluate(request, policies).allowed:
        raise RuntimeError("the measured decision is to allow")
    return _best(lambda: policy.evaluate(request, policies))


def _iam_simulate() -> float:
    """The microseconds of @cloud-copilot/iam-simulate in Node.js, which is installed separately from Locum."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise RuntimeError("the measurements need node and npm (Debian: apt-get install nodejs npm)")
    if not (MODULES / "node_modules").exists():
        MODULES.mkdir(parents=True, exist_ok=True)
        package = "@cloud-copilot/iam-simulate@0.1.173"
        subprocess.run([npm, "install", "--silent", "--prefix", str(MODULES), package], check=True)
    script = Path(__file__).parent / "js" / "iam_simulate.mjs"
    command = [node, str(script), str(MODULES / "node_modules"), str(DECISION)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _cedarpy() -> float:
    """The microseconds of cedarpy, with policy set and entities parsed before."""
    script = Path(__file__).parent / "cedar_decision.py"
    return float(
        subprocess.run([str(PEERS / "python"), str(script)], check=True, capture_output=True, text=True).stdout
    )
