"""The handshake of a connection: each end shows the other that it has the key of the installation.

The server sends a nonce; the client sends another with its proof of both; the server sends its own proof. A proof is an
HMAC (RFC 2104) of who gives it, of both nonces, and of what the connection is bound to: over TLS the certificate that
the server shows (RFC 5929, section 4: tls-server-end-point), so that nobody can stand between. What was recorded of one
connection is of no use on another, and neither end's proof is one of the other end.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from locum.backends.remote.channel import Channel, ChannelLost
from locum.core.clock import Entropy

NONCE: Final = 32
_PROOF: Final = 32
_LABEL: Final = b"locum backend 1"
"""What is spoken, with its version: other versions have other proofs."""


class NotOfThisInstallation(ChannelLost):
    """The other end does not have the key."""


async def shown_by_client(channel: Channel, key: bytes, entropy: Entropy, binding: bytes) -> None:
    """Let the other end of a new connection show that it is of this installation. Raises ChannelLost."""
    nonce = entropy(NONCE)
    await channel.send(nonce)
    told = await channel.receive(NONCE + _PROOF)
    theirs, proof = told[:NONCE], told[NONCE:]
    if len(told) != NONCE + _PROOF or not hmac.compare_digest(proof, _proof(key, b"client", binding, nonce, theirs)):
        raise NotOfThisInstallation
    await channel.send(_proof(key, b"server", binding, nonce, theirs))


async def shown_by_server(channel: Channel, key: bytes, entropy: Entropy, binding: bytes) -> None:
    """Show the other end of a new connection that this is of its installation, and have it do so, too.

    Raises ChannelLost.
    """
    theirs = await channel.receive(NONCE)
    if len(theirs) != NONCE:
        raise NotOfThisInstallation
    nonce = entropy(NONCE)
    await channel.send(nonce + _proof(key, b"client", binding, theirs, nonce))
    if not hmac.compare_digest(await channel.receive(_PROOF), _proof(key, b"server", binding, theirs, nonce)):
        raise NotOfThisInstallation


def bound_to(certificate: bytes) -> bytes:
    """The binding of a connection to the server's certificate (DER)."""
    return hashlib.sha256(certificate).digest()


def _proof(key: bytes, end: bytes, binding: bytes, of_server: bytes, of_client: bytes) -> bytes:
    told = b"|".join((_LABEL, end, hashlib.sha256(binding).digest(), of_server, of_client))
    return hmac.digest(key, told, "sha256")
