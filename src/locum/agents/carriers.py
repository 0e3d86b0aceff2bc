"""Tasks, pods and functions of `locum run --as`: their endpoints are served, their tokens are written and renewed.

1. A carrier is what its launcher says: whoever can connect to the control socket owns the installation, and may pass
   any role. The role's trust policy decides as for everybody, when the service assumes it.
2. It is served for as long as its launcher is connected. After a start of the plane the launcher comes again, with the
   same carrier: what it names its credentials by stays as it was.
3. A pod's tokens are files in DATA/carriers/ID/secrets, of mode 0600 in directories of mode 0700, which the launcher
   lays over /run/secrets inside; no other carrier and no instance sees the data directory. They are renewed when
   half of their time is over, by replacement: nobody reads half of a token. They go with the launcher; those of one
   that ended while no plane ran go once launchers have had the time to come back.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from locum.agents.waiting import cancelled
from locum.calls import Calls, Runtime
from locum.core.carriers import FOLDER, TOKENS, Carrier, Kind
from locum.core.errors import ConfigurationError, Fault
from locum.core.identifiers import request_id
from locum.credentials.clusterkeys import ClusterKey, cluster_id
from locum.credentials.files import write_private
from locum.http.listener import Listeners
from locum.services.sts import renew_at
from locum.state import OidcProvider, Role
from locum.state.arns import entity_by_arn

TOKEN_SECONDS: Final = 86_400
"""The lifetime of a token. EKS User Guide, eks.amazonaws.com/token-expiration: "Defaults to 86400"."""

_LOOK: Final = 5.0
"""Seconds between two looks at what is due: a machine may have slept in between."""


class CarrierHost:
    """`compute.carrier_attachments.CarrierHost` over a plane.

    `endpoint` makes the application of a carrier's endpoint; `key` opens the key of the cluster.
    """

    def __init__(
        self,
        runtime: Runtime,
        calls: Calls,
        listeners: Listeners,
        apps: tuple[Callable[[Carrier], Any], Any],
        key: Callable[[], ClusterKey],
        folders: tuple[Path, Path],
    ) -> None:
        """`apps` are `endpoint` and the gateway, `folders` the data directory and that of the issuers' keys."""
        self._runtime = runtime
        self._calls = calls
        self._listeners = listeners
        self.endpoint, self._gateway = apps
        self._key = key
        self._data, self._issuers = folders
        self._served: dict[str, Carrier] = {}
        self._due: dict[str, tuple[Carrier, float]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, grace: float) -> None:
        """Renew tokens from now on, and in `grace` seconds take away those that nobody came back for."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._renew_when_due()), loop.create_task(self._sweep_after(grace))]

    @property
    def served(self) -> list[Carrier]:
        """The carriers whose launchers are connected."""
        return list(self._served.values())

    async def admit(self, carrier: Carrier) -> dict[str, Any]:
        """Return what a new carrier needs to start: `credentials` for a Lambda function, a `notice` for its user.

        Raises Fault where its service would not start it: ECS and Lambda look at the trust policy first.
        """
        if entity_by_arn(await self._runtime.ledger.current(), Role, carrier.role) is None:
            raise Fault("NoSuchEntity", f"there is no role {carrier.role}")
        if carrier.kind is Kind.IRSA:
            return {"notice": self._missing_provider(self._in_cluster(carrier))}
        if carrier.kind in (Kind.POD, Kind.ANYWHERE):
            return {}
        try:
            credentials = dict((await self._calls.assume(carrier.actor)).credentials)
        except Fault as fault:
            if fault.status >= 500:
                raise
            raise Fault("InvalidParameterValue", carrier.unassumable) from fault
        return {"credentials": credentials} if carrier.kind is Kind.LAMBDA else {}

    async def begin(self, carrier: Carrier, gateway: list[socket.socket], endpoint: list[socket.socket]) -> None:
        """Serve the gateway and the carrier's endpoint on these sockets, and write its tokens.

        Raises ConfigurationError where a token cannot be written.
        """
        carrier = self._in_cluster(carrier)
        self._served[carrier.id] = carrier
        if carrier.kind in TOKENS:
            self._due[carrier.id] = carrier, await asyncio.to_thread(self._write_token, carrier)
        for sock in gateway:
            await self._listeners.open(sock, self._gateway)
        for sock in endpoint:
            await self._listeners.open(sock, self.endpoint(carrier))

    async def end(self, carrier: Carrier, sockets: list[socket.socket], *, gone: bool) -> None:
        """Serve on `sockets` no more. `gone`: the launcher has ended, not the plane, and its tokens with it."""
        for sock in sockets:
            await self._listeners.close(sock)
        self._due.pop(carrier.id, None)
        self._served.pop(carrier.id, None)
        if gone:
            shutil.rmtree(self._data / FOLDER / carrier.id, ignore_errors=True)

    async def close(self) -> None:
        """Renew nothing any more."""
        await cancelled(*self._tasks)

    # -- tokens ------------------------------------------------------------------------------------------

    async def renew(self) -> None:
        """Write the tokens that are due, by the wall clock: whoever verifies web identity tokens has that."""
        now = self._runtime.clock.wall()
        for carrier in [carrier for carrier, due in self._due.values() if due <= now]:
            try:
                due = await asyncio.to_thread(self._write_token, carrier)
            except (ConfigurationError, OSError):  # its directory has gone, or is full: it is tried again
                continue
            if carrier.id in self._due:  # it may have ended meanwhile
                self._due[carrier.id] = carrier, due

    async def sweep(self, until: float) -> None:
        """Remove the directories of carriers that nobody serves, and that were there before `until` (epoch seconds)."""
        folder = self._data / FOLDER
        for left in list(folder.iterdir()) if folder.is_dir() else ():
            with suppress(FileNotFoundError):  # its launcher takes it away itself
                if left.name not in self._served and left.stat().st_mtime < until:
                    await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)

    async def _sweep_after(self, grace: float) -> None:
        until = self._runtime.clock.wall()
        await asyncio.sleep(grace)
        await self.sweep(until)

    async def _renew_when_due(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            await self.renew()

    def _write_token(self, carrier: Carrier) -> float:
        """Write the token of `carrier`; when it is to be renewed, by the wall clock. Raises ConfigurationError."""
        token = TOKENS[carrier.kind]
        key, now = self._key(), int(self._runtime.clock.wall())
        self._publish(carrier.issuer, key.keys)
        path = self._data / FOLDER / carrier.id / "secrets" / token.file
        write_private(path, key.sign(self._claims(carrier, token.audience, now)).encode())
        return renew_at(now, now + TOKEN_SECONDS)

    def _claims(self, carrier: Carrier, audience: str, now: int) -> dict[str, Any]:
        """The claims of a bound service account token, as a cluster's API server gives them."""
        return {
            "aud": [audience],
            "exp": now + TOKEN_SECONDS,
            "iat": now,
            "iss": carrier.issuer,
            "jti": request_id(self._runtime.entropy),
            "kubernetes.io": {
                "namespace": carrier.namespace,
                "pod": {"name": carrier.name, "uid": carrier.id},
                "serviceaccount": {"name": carrier.service_account},
            },
            "nbf": now,
            "sub": carrier.subject,
        }

    def _in_cluster(self, carrier: Carrier) -> Carrier:
        """`carrier` with the issuer of its cluster, which is this installation's where its launcher names none."""
        if carrier.issuer or carrier.kind not in TOKENS:
            return carrier
        installation = self._runtime.keyring.installation
        number = cluster_id(installation, carrier.account, carrier.region, carrier.cluster)
        return replace(carrier, issuer=f"https://oidc.eks.{carrier.region}.amazonaws.com/id/{number}")

    def _publish(self, issuer: str, keys: str) -> None:
        """Have the plane verify the tokens of `issuer` with `keys`. Raises ConfigurationError: it has others."""
        path = self._issuers / f"{issuer.removeprefix('https://')}.json"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, keys.encode())
        elif path.read_text() != keys:
            raise ConfigurationError(f"{path} has keys of somebody else: name another --cluster, or remove it")

    def _missing_provider(self, carrier: Carrier) -> str:
        """Instructions to create the OIDC provider that the role's trust policy is to name; empty where it exists."""
        url = carrier.issuer.removeprefix("https://")
        if self._runtime.ledger.state.get(OidcProvider, carrier.account, url) is not None:
            return ""
        return (
            f"account {carrier.account} has no OIDC provider for the cluster {carrier.cluster}: create it with\n"
            f"  aws iam create-open-id-connect-provider --url {carrier.issuer} --client-id-list sts.amazonaws.com\n"
            f"and let the role trust arn:aws:iam::{carrier.account}:oidc-provider/{url} with "
            "sts:AssumeRoleWithWebIdentity"
        )
