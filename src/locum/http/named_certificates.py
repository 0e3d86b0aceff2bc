"""The certificates of a TLS listener that is many hosts: each is issued when a client first names it.

RFC 6066, section 3: Server Name Indication.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from locum.http.authority import Issued, context_of, server_certificate

KEPT: Final = 128
"""The certificates that are kept: the least recently used goes. A wildcard would not do, as it is for one label."""
_RENEWED: Final = 30 * 86_400
"""Seconds after which one is issued anew, by far before its end."""
_WITHOUT_NAME: Final = ("localhost", "127.0.0.1")


class _Kept(NamedTuple):
    context: ssl.SSLContext
    since: float


class NamedCertificates:
    """Issues certificates of `authority` for the host names that `serves` is true of. It is given lower-case ones."""

    def __init__(self, authority: Issued, serves: Callable[[str], bool], clock: Callable[[], float]) -> None:
        self._authority = authority
        self._serves = serves
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def context(self) -> ssl.SSLContext:
        """The context of the listener. A client that names no host, or this one's, is shown a certificate of it."""
        context = self._issued(*_WITHOUT_NAME)
        context.sni_callback = self._choose
        return context

    def _choose(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        """Have `connection` be that of the host `name`; an alert where there is no such host."""
        if name is None or name.lower() in _WITHOUT_NAME:
            return None
        name = name.lower()
        if not self._serves(name):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = self._of(name)
        return None

    def _of(self, name: str) -> ssl.SSLContext:
        now = self._clock()
        kept = self._kept.get(name)
        if kept is None or now - kept.since > _RENEWED:
            kept = self._kept[name] = _Kept(self._issued(name), now)
        self._kept.move_to_end(name)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept.context

    def _issued(self, *names: str) -> ssl.SSLContext:
        return context_of(server_certificate(self._authority, names, self._clock()))
