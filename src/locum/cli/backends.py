"""The backends that a plane may have, imported when they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from locum.backends import Backend, BackendCall, Carried
from locum.core.clock import Clock
from locum.core.errors import ConfigurationError
from locum.core.resources import ResourceFacts
from locum.state import InstanceProfile, Role, State


def http_backend(url: str, keys: tuple[str, str], clock: Clock) -> Backend:
    """An AWS-compatible endpoint at `url`, which gets requests signed with `keys` (access key id, secret).

    Raises ConfigurationError on an address or keys that cannot be used.
    """
    from locum.backends.http import HttpBackend

    if not all(keys):
        raise ConfigurationError(
            f"the backend at {url} is given signed requests: set LOCUM_BACKEND_ACCESS_KEY_ID and "
            "LOCUM_BACKEND_SECRET_ACCESS_KEY"
        )
    return HttpBackend(url, *keys, clock)


class LazyMoto:
    """moto, imported with the first call that needs it: half of start-up, and most of the memory, otherwise."""

    def __init__(self, view: Callable[[], State]) -> None:
        self._view = view
        self._moto: Backend | None = None
        self._loading: asyncio.Lock | None = None

    async def call(self, call: BackendCall) -> Carried:
        moto = self._moto or await self._load()
        return await moto.call(call)

    async def facts(self, service: str, arn: str, account: str, region: str) -> ResourceFacts:
        moto = self._moto or await self._load()
        return await moto.facts(service, arn, account, region)

    async def close(self) -> None:
        if self._moto is not None:
            await self._moto.close()

    async def _load(self) -> Backend:
        self._loading = self._loading or asyncio.Lock()
        async with self._loading:
            if self._moto is None:
                self._moto = await asyncio.get_running_loop().run_in_executor(None, self._import)
        return self._moto

    def _import(self) -> Backend:
        from locum.backends.moto.embedded import EmbeddedMoto
        from locum.backends.moto.identity import Directory, ProfileView, RoleView

        def role_view(role: Role) -> RoleView:
            return RoleView(role.arn, role.id, role.name)

        def find_role(arn: str) -> RoleView | None:
            state: State = self._view()
            account = arn.split(":")[4] if arn.count(":") >= 5 else ""
            role = state.get(Role, account, arn.rsplit("/", 1)[-1].lower())
            return role_view(role) if role is not None and role.arn == arn else None

        def profiles(account: str) -> list[ProfileView]:
            state: State = self._view()
            return [
                ProfileView(p.arn, p.id, p.name, [role_view(state.table(Role, account)[r]) for r in p.roles])
                for p in state.table(InstanceProfile, account).values()
            ]

        return EmbeddedMoto(Directory(find_role, profiles))
