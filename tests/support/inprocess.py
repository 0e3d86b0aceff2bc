"""A whole plane in this process, without sockets: boto3 clients whose requests go straight to the gateway.

Everything is what `locum up` runs: SQLite, the pipeline, moto. Only the HTTP server is left out.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Coroutine, MutableMapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from locum.audit import Record
from locum.cli.compose import Node
from locum.cli.home import read_root_key
from locum.cli.options import Options
from locum.core.clock import Clock, system_clock
from locum.core.http import HttpRequest
from locum.credentials import new_access_key
from locum.http import asgi
from locum.services.verbs import Outcome
from locum.state import AccessKey, Account, put
from locum.wire.models import add_own_models
from support.plane import TRUSTS_EC2

T = TypeVar("T")
REGION = "us-east-1"
ENDPOINT = "http://127.0.0.1:4566"


class Answer(NamedTuple):
    """What came back: header names in lower case, the last of each."""

    status: int
    headers: dict[str, str]
    body: bytes


class Key(NamedTuple):
    """Credentials."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


class InProcess:
    """The plane on the data directory `data`. `close` it."""

    def __init__(self, data: Path, clock: Clock = system_clock, **options: Any) -> None:
        self._options = Options(data=data, port=0, **{"ephemeral": True, **options})
        self._clock = clock
        self.start()

    def start(self) -> None:
        """Start it, or start it again after `close`."""
        self._runner = asyncio.Runner()
        self.node = self.made()
        self.run(self.node.open())
        root = read_root_key(self._options.data)
        self.root = Key(root.access_key_id, root.secret_access_key)

    def made(self) -> Node:
        """A node, to be opened."""
        return Node(self._options, self._clock)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the plane's event loop."""
        return self._runner.run(work)

    def carry_out(self) -> float | None:
        """Carry out all effects that are due, and return when the next one is."""
        return self.run(self.node.calls.outbox.step())

    def settle_stacks(self) -> None:
        """Do all that is under way for stacks."""
        self.run(self.node.duties.stacks.settled())

    def settle_resource_requests(self) -> None:
        """Do all that requests of Cloud Control ask for."""
        self.run(self.node.duties.resource_requests.settled())

    def settle_stack_sets(self) -> None:
        """Do all that is under way for stack sets, and their stacks."""
        self.run(self.node.duties.stack_sets.settled())

    def settle_drifts(self) -> None:
        """Do all that is under way to detect drift of stacks."""
        self.run(self.node.duties.drifts.settled())

    def deliver_trails(self) -> None:
        """Make the deliveries of trails that are due."""
        self.run(self.node.duties.trails.reconcile())

    def analyze(self) -> None:
        """Have the analyzers of Access Analyzer look at what is due."""
        self.run(self.node.duties.analyzers.settled())

    def preview_access(self) -> None:
        """Have all access previews made that are asked for, and old ones deleted."""
        self.run(self.node.duties.previews.settled())

    def generate_policies(self) -> None:
        """Have all policies generated and all recommendations worked out that are asked for."""
        self.run(self.node.duties.analyzer_jobs.settled())

    def import_files(self) -> None:
        """Carry out all imports of log files into event data stores."""
        self.run(self.node.duties.imports.settled())

    def write_logs(self) -> None:
        """Have the logs of functions written."""
        self.run(self.node.function_logs.settled())

    def let_functions_reach(self, port: int) -> None:
        """Have functions reach a port of this machine, also after another start."""
        self._options = self.node.options = replace(self.node.options, function_ports=(port,))

    def close(self) -> None:
        """End it all."""
        self.run(self.node.close())
        self._runner.close()

    # -- calls -------------------------------------------------------------------------------------------

    def send(self, request: HttpRequest) -> Answer:
        """`request` through the ASGI application."""
        return self.run(exchange(self.node.gateway, request))

    def client(self, service: str, key: Key | None = None, region: str = REGION, **config: Any) -> Any:
        """A boto3 client that signs with `key` (root's where None) and needs no network."""
        client = self._client(service, key, region, config)
        client.meta.events.register("before-send", self._carry)
        return client

    def request(self, service: str, operation: str, key: Key | None = None, **parameters: Any) -> HttpRequest:
        """The request that boto3 would send, not sent. `operation` is boto3's name."""
        return self._unsent(self._client(service, key, REGION, {}), operation, parameters)

    def request_of(self, service: str, operation: str, params: dict[str, Any], key: Key | None = None) -> HttpRequest:
        """The request with parameters that boto3 does not check, not sent. `operation` is the service model's name."""
        client = self._client(service, key, REGION, {"parameter_validation": False, "inject_host_prefix": False})
        names = {model: boto for boto, model in client.meta.method_to_api_mapping.items()}
        return self._unsent(client, names[operation], params)

    def _unsent(self, client: Any, operation: str, parameters: dict[str, Any]) -> HttpRequest:
        client.meta.events.register("before-send", _keep)
        try:
            getattr(client, operation)(**parameters)
        except _Kept as kept:
            return kept.request
        raise AssertionError("boto3 sent nothing")

    def _client(self, service: str, key: Key | None, region: str, config: dict[str, Any]) -> Any:
        signing = key or self.root
        return _session().client(
            service,
            region_name=region,
            endpoint_url=config.pop("endpoint_url", ENDPOINT),
            aws_access_key_id=signing.access_key_id,
            aws_secret_access_key=signing.secret_access_key,
            aws_session_token=signing.session_token,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def _carry(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        answer = self.send(arrived(request))
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))

    # -- what tests need to be there ---------------------------------------------------------------------

    def user(self, name: str, *statements: dict[str, Any], of: Key | None = None) -> Key:
        """A key of the new user `name`, who may do what `statements` say, in the account of `of` or of the root key."""
        iam = self.client("iam", of)
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Key(key["AccessKeyId"], key["SecretAccessKey"])

    def profile(self, name: str, trust: str = TRUSTS_EC2) -> str:
        """The name of a new instance profile, and of the role that it holds."""
        iam = self.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return name

    def account(self, account: str) -> Key:
        """A key of the root user of another account."""
        plane = self.node.runtime
        key_id, secret, sealed = new_access_key(plane.keyring, account, plane.entropy)
        events = (
            put(Account(account=account, created=1)),
            put(AccessKey(account=account, id=key_id, secret=sealed, created=1)),
        )
        self.run(plane.ledger.transact(lambda _state: Outcome({}, events), lambda _outcome: ()))
        return Key(key_id, secret)

    def records(self, count: int = 50) -> list[Record]:
        """The latest records, newest first."""
        plane = self.node.runtime
        return self.run(plane.ledger.read(lambda: plane.history.latest(count)))

    def record(self, request_id: str) -> Record:
        """The one record of a request."""
        plane = self.node.runtime
        (found,) = self.run(plane.ledger.read(lambda: plane.history.by_request(request_id)))
        return found


@cache
def _session() -> Any:
    """One of all clients: it keeps the service models that it read."""
    session = botocore.session.Session()
    add_own_models(session)
    return boto3.session.Session(botocore_session=session)


class _Kept(Exception):
    """A request that is kept, and not sent."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self.request = request


def _keep(request: AWSPreparedRequest, **_: Any) -> None:
    raise _Kept(arrived(request))


class _Raw(io.BytesIO):
    """What botocore reads an answer's body from."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


def arrived(request: AWSPreparedRequest) -> HttpRequest:
    """A prepared request of botocore's as a server sees it."""
    parts = urlsplit(request.url)
    headers = {"host": parts.netloc}
    for name, value in request.headers.items():
        headers[name.lower()] = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    return HttpRequest(
        request.method, parts.path, parts.query, headers, body.encode() if isinstance(body, str) else body
    )


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """Code, status and message with which a boto3 call is refused."""
    try:
        call(**parameters)
    except ClientError as error:
        told = error.response["Error"]
        return told["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"], told["Message"]
    raise AssertionError("the call was not refused")


async def exchange(app: Any, request: HttpRequest, gone: asyncio.Event | None = None) -> Answer:
    """One request to an ASGI application, and its answer. The client stays until `gone`, where that is given."""
    messages: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": request.body, "more_body": False}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if not messages and gone is not None:
            await gone.wait()
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope_of(request), receive, send)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def scope_of(request: HttpRequest) -> asgi.Scope:
    """The ASGI scope that a server would make of `request`."""
    return {
        "type": "http",
        "method": request.method,
        "path": request.raw_path,
        "raw_path": request.raw_path.encode("latin-1"),
        "query_string": request.query_string.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
        "client": (request.source_ip, 40000),
        "scheme": "https" if request.secure else "http",
    }
