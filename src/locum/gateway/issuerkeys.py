"""The keys of the issuers whose tokens are taken: given in files here, or fetched and kept for a while.

A file DATA/oidc/HOST/PATH.json (the provider's URL, and `.json`) holds a JSON Web Key Set and goes before what the
issuer itself would answer, so that no network is needed. It is read anew whenever it has changed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from locum.core.errors import Fault
from locum.credentials import webtokens
from locum.gateway.discovery import LARGEST, Unreachable, Untrusted, Unusable, fetch_keys
from locum.services.sts import web_identity
from locum.services.sts.web_identity import Claimed

Fetch = Callable[[str, Sequence[str]], Awaitable[str]]

FOLDER: Final = "oidc"
KEPT: Final = 300.0
"""Seconds that fetched keys are used."""

AGAIN: Final = 30.0
"""Seconds until they are fetched again for a token whose key is not among them: an issuer may have a new one."""

FAILED: Final = 10.0
"""Seconds that an issuer is left alone after it could not be asked."""

_MOST: Final = 1024


class _Known(NamedTuple):
    """What is known of an issuer: its keys as they were at `since`, or the fault that the client is answered.

    `asked` is when it was asked last; both are epoch seconds.
    """

    asked: float
    since: float
    keys: str
    fault: Fault | None = None

    def serves(self, claim: Claimed, now: float) -> bool:
        """Whether the issuer need not be asked for the token. A key that is not among its keys may be a new one."""
        if self.fault is not None:
            return now - self.asked < FAILED
        return now - self.since < KEPT and (now - self.asked < AGAIN or _has_key(self.keys, claim))


_Issuer = tuple[str, tuple[str, ...]]


class IssuerKeys:
    """The keys that prove a token. `folder` is where the files are, if anywhere."""

    def __init__(self, folder: Path | None = None, fetch: Fetch = fetch_keys) -> None:
        self._folder = folder
        self._fetch = fetch
        self._known: OrderedDict[_Issuer, _Known] = OrderedDict()
        self._asking: dict[_Issuer, asyncio.Task[_Known]] = {}

    async def of(self, claim: Claimed, now: float) -> str:
        """The JSON Web Key Set of the issuer that `claim` names, at `now` (epoch seconds).

        Raises Fault: IDPCommunicationError, InvalidIdentityToken.
        """
        local = self._local(claim.provider.url)
        if local is not None:
            return local
        issuer = (claim.issuer, claim.provider.thumbprints)
        known = self._known.get(issuer)
        if known is None or not known.serves(claim, now):
            known = await self._asked(issuer, now)
        if known.fault is not None:
            raise known.fault
        return known.keys

    def _local(self, url: str) -> str | None:
        """The keys in the file of the provider `url`; None where there is none."""
        if self._folder is None:
            return None
        path = self._folder / f"{url.rstrip('/')}.json"
        try:
            if self._folder.resolve() not in path.resolve().parents:
                return None
            with path.open("rb") as file:
                return file.read(LARGEST).decode()
        except (OSError, ValueError):
            return None

    async def _asked(self, issuer: _Issuer, now: float) -> _Known:
        """Ask the issuer, once for all who want to know at the same time, and whoever of them gives up waiting."""
        asking = self._asking.get(issuer)
        if asking is None:
            asking = self._asking[issuer] = asyncio.create_task(self._ask(issuer, now))
            asking.add_done_callback(lambda _: self._asking.pop(issuer, None))
        return await asyncio.shield(asking)

    async def _ask(self, issuer: _Issuer, now: float) -> _Known:
        try:
            found = _Known(now, now, await self._fetch(*issuer))
        except Unreachable:
            found = self._failed(issuer, now, web_identity.unreachable())
        except Unusable:
            found = self._failed(issuer, now, web_identity.no_key())
        except Untrusted:
            found = self._failed(issuer, now, web_identity.wrong_certificate())
        self._known[issuer] = found
        self._known.move_to_end(issuer)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found

    def _failed(self, issuer: _Issuer, now: float, fault: Fault) -> _Known:
        """An issuer that cannot be asked for a new key keeps the ones that it had, for as long as they are good."""
        known = self._known.get(issuer)
        if known is not None and known.fault is None and now - known.since < KEPT:
            return known._replace(asked=now)
        return _Known(now, now, "", fault)


def _has_key(keys: str, claim: Claimed) -> bool:
    try:
        return webtokens.key_set(keys).knows(claim.token)
    except webtokens.BadKeys:
        return False
