"""The keys of the issuers of web identity tokens: from local files, or fetched and cached.

A file DATA/oidc/HOST/PATH.json (the provider's URL, and `.json`) has a JSON Web Key Set, which is used instead of the
issuer's own, so that no network is needed. It is read for each token.
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
from locum.services.sts.web_identity import UnverifiedToken

Fetch = Callable[[str, Sequence[str]], Awaitable[str]]

FOLDER: Final = "oidc"
KEYS_LIFETIME: Final = 300.0
"""The lifetime of cached keys in seconds."""

REFETCH_AFTER: Final = 30.0
"""Seconds until cached keys are fetched again for a token with an unknown key, which may be a new one."""

FAILURE_LIFETIME: Final = 10.0
"""The lifetime of a failure in seconds, in which the keys are not requested again."""

_MAX_ISSUERS: Final = 1024


class _Entry(NamedTuple):
    """A cache entry for one issuer: its keys as of `keys_since`, or the error for the client.

    `fetched_at` is the time of the last request; both are epoch seconds.
    """

    fetched_at: float
    keys_since: float
    keys: str
    fault: Fault | None = None

    def is_fresh_for(self, token: UnverifiedToken, now: float) -> bool:
        """Whether the keys need not be fetched for the token. One with an unknown key may have a new one."""
        if self.fault is not None:
            return now - self.fetched_at < FAILURE_LIFETIME
        return now - self.keys_since < KEYS_LIFETIME and (
            now - self.fetched_at < REFETCH_AFTER or _has_key(self.keys, token)
        )


_Issuer = tuple[str, tuple[str, ...]]


class IssuerKeys:
    """The keys that verify tokens. `folder` has the local files, if there are any."""

    def __init__(self, folder: Path | None = None, fetch: Fetch = fetch_keys) -> None:
        self._folder = folder
        self._fetch = fetch
        self._entries: OrderedDict[_Issuer, _Entry] = OrderedDict()
        self._fetching: dict[_Issuer, asyncio.Task[_Entry]] = {}

    async def of(self, token: UnverifiedToken, now: float) -> str:
        """The JSON Web Key Set of the issuer in `token`, at `now` (epoch seconds).

        Raises Fault: IDPCommunicationError, InvalidIdentityToken.
        """
        local = self._local(token.provider.url)
        if local is not None:
            return local
        issuer = (token.issuer, token.provider.thumbprints)
        entry = self._entries.get(issuer)
        if entry is None or not entry.is_fresh_for(token, now):
            entry = await self._shared_fetch(issuer, now)
        if entry.fault is not None:
            raise entry.fault
        return entry.keys

    def _local(self, url: str) -> str | None:
        """The keys in the local file of the provider `url`; None where there is none."""
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

    async def _shared_fetch(self, issuer: _Issuer, now: float) -> _Entry:
        """Fetch the keys, once for all concurrent calls; the cancellation of one of them does not stop it."""
        fetching = self._fetching.get(issuer)
        if fetching is None:
            fetching = self._fetching[issuer] = asyncio.create_task(self._fetch_keys(issuer, now))
            fetching.add_done_callback(lambda _: self._fetching.pop(issuer, None))
        return await asyncio.shield(fetching)

    async def _fetch_keys(self, issuer: _Issuer, now: float) -> _Entry:
        try:
            found = _Entry(now, now, await self._fetch(*issuer))
        except Unreachable:
            found = self._after_failure(issuer, now, web_identity.unreachable())
        except Unusable:
            found = self._after_failure(issuer, now, web_identity.no_key())
        except Untrusted:
            found = self._after_failure(issuer, now, web_identity.wrong_certificate())
        self._entries[issuer] = found
        self._entries.move_to_end(issuer)
        if len(self._entries) > _MAX_ISSUERS:
            self._entries.popitem(last=False)
        return found

    def _after_failure(self, issuer: _Issuer, now: float, fault: Fault) -> _Entry:
        """The entry after a failed request: the cached keys within their lifetime, else the error."""
        entry = self._entries.get(issuer)
        if entry is not None and entry.fault is None and now - entry.keys_since < KEYS_LIFETIME:
            return entry._replace(fetched_at=now)
        return _Entry(now, now, "", fault)


def _has_key(keys: str, token: UnverifiedToken) -> bool:
    try:
        return webtokens.key_set(keys).knows(token.web_token)
    except webtokens.BadKeys:
        return False
