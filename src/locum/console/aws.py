"""Calls of the plane's API, in the name of somebody who is signed in.

Each is a request over HTTP, signed with the person's temporary credentials, as by any client. botocore makes it, in a
thread; its models are loaded with the first call of a service.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.model import OperationModel

from locum.console.command_line import as_command
from locum.core.errors import LocumError
from locum.core.sign_in import Keys

T = TypeVar("T")

MOST_ITEMS: Final = 1_000
"""Items that a page lists at most; it says so where there are more."""

_CLIENTS: Final = 32
"""Clients that are kept, of all persons."""

_AT_ONCE: Final = 64
"""Calls that are under way at once. Their threads are the console's own: the gateway needs those of the event loop."""
_ENCODED: Final = " Encoded authorization failure message"
"""What EC2 adds to a denial, for sts:DecodeAuthorizationMessage: the console has the explanation."""
_CONFIG: Final = Config(
    retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={}, parameter_validation=True,
    user_agent_extra="locum-console",
)  # fmt: skip


class CallFailed(LocumError):
    """A call that was answered with an error of AWS, or not at all. `request_id` leads to its explanation."""

    def __init__(self, code: str, message: str, operation: str, request_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.operation = operation
        self.request_id = request_id

    @property
    def denied(self) -> bool:
        """Whether the person may not make the call."""
        return self.code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}

    @property
    def status(self) -> int:
        """The HTTP status of a page that can show nothing else."""
        if self.denied:
            return 403
        if self.missing:
            return 404
        return 502 if self.code == "NoAnswer" else 400

    @property
    def missing(self) -> bool:
        """Whether what it was about is not there."""
        named = "NotFound" in self.code or "NoSuch" in self.code
        return named or self.message.endswith("does not exist")  # CloudFormation's ValidationError


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The value of what a part of a page is about, or the error in its place."""

    value: T | None = None
    error: CallFailed | None = None


async def attempt(making: Awaitable[T]) -> Answer[T]:
    """What `making` results in, where one part of a page may fail without the others."""
    try:
        return Answer(await making)
    except CallFailed as failed:
        return Answer(None, failed)


class Listed(list[Any]):
    """The items of a list. `more`: there are others that it has not."""

    more = False


class Clients:
    """The botocore clients, by person, service and region. `endpoint` is the URL of the plane's gateway.

    `models` are folders of service models beside botocore's.
    """

    def __init__(self, endpoint: Callable[[], str], models: Sequence[str] = ()) -> None:
        self._endpoint = endpoint
        self._session = botocore.session.Session({"profile": (None, None, None, None)})
        self._session.set_config_variable("config_file", "/dev/null")
        self._session.set_config_variable("credentials_file", "/dev/null")
        self._session.get_component("data_loader").search_paths.extend(models)
        self._kept: OrderedDict[tuple[str, str, str], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "console")
        self._waiting = ThreadPoolExecutor(_AT_ONCE, "console-waiting")

    async def run(self, work: Callable[..., T], *arguments: Any, waits: bool = False) -> T:
        """The result of `work`, which makes calls, in a thread; where it `waits` for long, in one of those for that."""
        threads = self._waiting if waits else self._threads
        return await asyncio.get_running_loop().run_in_executor(threads, partial(work, *arguments))

    def of(self, keys: Keys, service: str, region: str) -> Any:
        """The client of `service` that signs with `keys`."""
        name = keys.access_key_id, service, region
        with self._lock:
            client = self._kept.pop(name, None) or self._made(keys, service, region)
            self._kept[name] = client
            if len(self._kept) > _CLIENTS:
                self._kept.popitem(last=False)
            return client

    def operation(self, keys: Keys, service: str, region: str, name: str) -> OperationModel:
        """The model of an operation, by its boto3 name."""
        meta = self.of(keys, service, region).meta
        model: OperationModel = meta.service_model.operation_model(meta.method_to_api_mapping[name])
        return model

    def forget(self, keys: Keys) -> None:
        """Keep nothing that signs with `keys`."""
        with self._lock:
            for name in [name for name in self._kept if name[0] == keys.access_key_id]:
                del self._kept[name]

    def _made(self, keys: Keys, service: str, region: str) -> Any:
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint(),
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token or None,
            config=_CONFIG,
        )


@dataclass(slots=True)
class Aws:
    """The calls of one person while one page is made. `commands` are those that changed something, for the AWS CLI."""

    clients: Clients
    keys: Keys
    region: str
    commands: list[str] = field(default_factory=list)

    async def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Make a call by its boto3 name; the answer. Raises CallFailed."""
        return await self.clients.run(self._call, service, operation, parameters)

    async def wait(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Make a call that is answered once there is something, seconds later perhaps. Raises CallFailed."""
        return await self.clients.run(self._call, service, operation, parameters, waits=True)

    async def change(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Make a call that changes something: the next page tells the command for it. Raises CallFailed."""
        answer = await self.clients.run(self._call, service, operation, parameters)
        self.tell(service, operation, parameters)
        return answer

    def tell(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """Have the next page tell the command for a call that was made: without its secrets."""
        model = self.clients.operation(self.keys, service, self.region, operation)
        self.commands.append(as_command(model, parameters))

    async def listed(
        self, service: str, operation: str, member: str, /, most: int = MOST_ITEMS, **parameters: Any
    ) -> Listed:
        """The items in `member` of all pages of a list, up to `most`. Raises CallFailed."""
        return await self.clients.run(self._listed, service, operation, member, most, parameters)

    def _call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        with told(service, operation):
            answer: dict[str, Any] = getattr(self.clients.of(self.keys, service, self.region), operation)(**parameters)
            return answer

    def _listed(self, service: str, operation: str, member: str, most: int, parameters: Mapping[str, Any]) -> Listed:
        found = Listed()
        with told(service, operation):
            client = self.clients.of(self.keys, service, self.region)
            pages = (
                client.get_paginator(operation).paginate(**parameters)
                if client.can_paginate(operation)
                else (getattr(client, operation)(**parameters),)
            )
            for page in pages:
                found.extend(page.get(member, ()))
                if len(found) > most:
                    found.more = True
                    del found[most:]
                    break
        return found


@contextmanager
def told(service: str, operation: str) -> Iterator[None]:
    """Raises CallFailed for what botocore raises."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        name = "".join(word.capitalize() for word in operation.split("_"))
        raise _failure(error, f"{service}:{name}") from error


def _failure(error: BotoCoreError | ClientError, operation: str) -> CallFailed:
    if isinstance(error, ClientError):
        told, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        message = told.get("Message", str(error)).partition(_ENCODED)[0]
        return CallFailed(told.get("Code", ""), message, operation, meta.get("RequestId", ""))
    if not isinstance(error, HTTPClientError):
        return CallFailed("ParamValidation", str(error), operation)
    return CallFailed("NoAnswer", "The plane did not answer. It may be stopping, or very busy.", operation)
