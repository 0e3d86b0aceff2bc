"""Loading of backends and large libraries (moto, httpx, botocore's serializers), here alone and at first use."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from locum.backends.directory import Directory
from locum.backends.kept_files import Keeping, KeptFiles
from locum.backends.port import Backend, BackendCall, Carried
from locum.core.clock import Clock
from locum.core.deployments import Deployments
from locum.core.errors import ConfigurationError, Fault
from locum.core.event_rules import EventRule
from locum.core.event_sources import Mappings
from locum.core.extras import adding
from locum.core.functions import Find
from locum.core.reliance import installed
from locum.core.resources import ResourceFacts
from locum.core.rotations import Secrets


def embedded_moto(directory: Directory, kept: Keeping | None = None) -> Backend:
    """Make the moto backend, which looks up identities in `directory`, and keeps its data where it is `kept`.

    Takes a second. Raises Fault NotImplemented where the moto that is installed cannot be used.
    """
    try:
        module = importlib.import_module("locum.backends.moto.embedded")
        return cast("Backend", module.EmbeddedMoto(directory, kept))
    except (ConfigurationError, ImportError) as error:
        raise Fault("NotImplemented", f"{error}. {adding('moto')}", 501) from error


def forget_kept(kept: Keeping, services: Collection[str], account: str | None) -> None:
    """Take some services (all where none are named) out of what is kept, of one account or of all. Takes seconds."""
    keeper = importlib.import_module("locum.backends.moto.keeping").Keeper(*kept)
    keeper.forget(services, account)
    keeper.close()


def moto_version() -> str:
    """moto with its version."""
    return f"moto {installed('moto')}"


def http_endpoint(url: str, access_key_id: str, secret_access_key: str, clock: Clock) -> Backend:
    """Make the backend for the endpoint at `url`, which signs with these keys. Raises ConfigurationError."""
    module = importlib.import_module("locum.backends.http")
    return cast("Backend", module.HttpBackend(url, access_key_id, secret_access_key, clock))


class Translation(NamedTuple):
    """The functions `restated` and `read_answer` of `backends.translate`."""

    restated: Callable[[Any, str, Mapping[str, Any]], Any]
    read_answer: Callable[[Any, str, int, Iterable[tuple[str, str]], bytes], dict[str, Any]]


@cache
def translation() -> Translation:
    """Load botocore's serializers and parsers, for calls that are not from clients."""
    module = importlib.import_module("locum.backends.translate")
    return Translation(module.restated, module.read_answer)


def embedded_functions() -> Find:
    """The look-up of functions that moto keeps."""
    return cast("Find", importlib.import_module("locum.backends.moto.functions").find)


def embedded_mappings() -> Mappings:
    """The event source mappings that moto keeps."""
    return cast("Mappings", importlib.import_module("locum.backends.moto.mappings").MotoMappings())


def embedded_deployments() -> Deployments:
    """The deployments of CodeDeploy that moto keeps."""
    return cast("Deployments", importlib.import_module("locum.backends.moto.code_deployments").MotoDeployments())


def embedded_rules() -> Callable[[], list[EventRule]]:
    """The look-up of the rules of default event buses that moto keeps."""
    return cast("Callable[[], list[EventRule]]", importlib.import_module("locum.backends.moto.default_rules").find)


def embedded_secrets() -> Secrets:
    """The secrets that moto keeps, for their rotations."""
    return cast("Secrets", importlib.import_module("locum.backends.moto.rotations").MotoSecrets())


class LazyBackend:
    """An embedded backend that the first call makes with `load`, in a thread.

    Where `load` raises, the call does, and the next call tries again. `files` have what is kept of it. It is made once
    `ready` is done: what it needs of another backend is there then. `using` is told the service before each call of it.
    """

    forgets = True

    def __init__(
        self,
        load: Callable[[], Backend],
        files: KeptFiles | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
        using: Callable[[str], None] | None = None,
    ) -> None:
        self._load = load
        self._files = files
        self._ready = ready
        self._using = using
        self._backend: Backend | None = None
        self._loading = asyncio.Lock()

    async def call(self, call: BackendCall) -> Carried:
        if self._using is not None:
            self._using(call.service)
        backend = self._backend or await self._loaded()
        return await backend.call(call)

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        if self._using is not None:
            self._using(service)
        backend = self._backend or await self._loaded()
        return await backend.facts(service, arn, account, region, parts)

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        if self._using is not None:
            self._using(service)
        backend = self._backend or await self._loaded()
        return await backend.told(service, operation, params, account, region)

    def in_use(self, service: str) -> bool:
        if self._files is not None and self._files.has(service):
            return True
        return self._backend is not None and self._backend.in_use(service)

    async def resume(self) -> None:
        await (self._backend or await self._loaded()).resume()

    async def prepare(self, service: str) -> None:
        """Have what is kept of a service be there."""
        if self.in_use(service):
            backend: Any = self._backend or await self._loaded()
            await backend.prepare(service)

    async def save(self, work: Callable[[], None]) -> None:
        """Keep everything as it is now, and do `work`, in a thread, while nothing is written."""
        async with self._loading:
            save = getattr(self._backend, "save", None)
            await (asyncio.to_thread(work) if save is None else save(work))

    async def forget(self, account: str) -> None:
        if self._backend is not None or (self._files is not None and self._files.units_of(account)):
            await (self._backend or await self._loaded()).forget(account)

    async def close(self) -> None:
        if self._backend is not None:
            await self._backend.close()

    async def _loaded(self) -> Backend:
        async with self._loading:
            if self._backend is None:
                if self._ready is not None:
                    await self._ready()
                self._backend = await asyncio.to_thread(self._load)
        return self._backend
