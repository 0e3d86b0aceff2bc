"""Labs on a plane in this process: clients that go straight to its gateway, and a way into its instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.credentials import Credentials as SigningCredentials

from locum.labs import Credentials, Runner, World
from support.inprocess import InProcess, Key


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.content = b""

    def get(self) -> bytes:
        return self.content

    def put(self, content: bytes) -> None:
        self.content = content


class _Signing:
    """A client that signs with `key`: to make one for each of hundreds of keys would take a minute."""

    def __init__(self, client: Any, key: Key) -> None:
        self._client = client
        self._key = key

    def __getattr__(self, name: str) -> Any:
        self._client._request_signer._credentials = SigningCredentials(*self._key)
        return getattr(self._client, name)


class Classroom:
    """A plane and a learner, who is its root user or has `key`."""

    def __init__(self, plane: InProcess, key: Key | None = None) -> None:
        self.plane = plane
        self.key = key
        self.store = Memory()
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def runner(self) -> Runner:
        """One of its own each time, as each command has."""
        return Runner(self.client, "us-east-1", self.store, self)

    def client(self, service: str, region: str, credentials: Credentials | None) -> Any:
        key = self.key if credentials is None else Key(*credentials[:2], credentials.session_token or None)
        if (service, region) not in self._clients:
            self._clients[service, region] = self.plane.client(service, None, region)
        return _Signing(self._clients[service, region], key or self.plane.root)

    def ask(self, instance: str, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        named = {name.lower().encode(): value.encode() for name, value in headers.items()}
        node = self.plane.node
        answer = self.plane.run(node.metadata.answer(node.account, instance, method, path, named))
        return answer.status, answer.body.decode()

    def world(self, lab: str) -> World:
        """The world of a lab that is started, as its learner changes it."""
        return World(lab, self.client, "us-east-1", self, dict(self.runner.standing(lab).notes))

    def settle(self) -> None:
        """Have the agents do what is due, and let seconds pass."""
        self.plane.run(self.plane.node.duties.scaling.reconcile())
        self.plane.carry_out()
        self.plane.node.runtime.clock.ahead += 1


LASTING = frozenset({"account", "account-creation", "role-deletion", "scaling-activity"})
"""Kinds of entities that stay for good, or for weeks, on AWS as well."""

LISTED = (
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sqs", "list_queues", "QueueUrls", ""),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
)
"""What the backend has, by the call that lists it."""


def identities(room: Classroom) -> dict[str, dict[str, Any]]:
    """All entities of the learner's account, by kind and key, without what has ended and is still told of."""
    node = room.plane.node
    found: dict[str, dict[str, Any]] = {}
    for kind, table in node.runtime.ledger.state.tables.items():
        kept = {key: each for key, each in table.get(node.account, {}).items() if not _is_over(kind, each)}
        if kept:
            found[kind] = kept
    return found


def _is_over(kind: str, each: Any) -> bool:
    linked = str(getattr(each, "path", "")).startswith("/aws-service-role/autoscaling")
    return linked or kind in LASTING or getattr(each, "state", "") == "terminated"


def resources(room: Classroom) -> dict[str, list[str]]:
    """The names of what the backend has."""
    found = {}
    for service, operation, member, name in LISTED:
        answer = getattr(room.client(service, "us-east-1", None), operation)()
        found[f"{service} {member}"] = sorted(each[name] if name else each for each in answer.get(member, ()))
    return found
