"""The terms between a plane and `locum agent`: activation codes, the protocols of a connection, and headers.

Every connection is TLS 1.3, and says by ALPN (RFC 7301) what it is for:

    locum-agent/1      the agent's own requests:
                       GET /authority    the certificate of the authority, in PEM, for anybody
                       POST /activation  {"code", "request"} -> {"certificate", "ends", "instance", "region"}, once,
                                         for the key of the certification request
                       POST /renewal     -> the same, for the key of the certificate that the connection is made with
    locum-imds/1       requests to the metadata service of the instance that the client's certificate is of
    locum-imds-ipv6/1  the same, from its IPv6 endpoint
    locum-gateway/1    API calls

A refusal has the header REFUSED and the body {"error": TEXT}. It is `final` where to ask again is in vain.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final, NamedTuple, Self

from locum.core.clock import Entropy
from locum.core.errors import ConfigurationError

AGENT: Final = "locum-agent/1"
METADATA: Final = "locum-imds/1"
METADATA_6: Final = "locum-imds-ipv6/1"
GATEWAY: Final = "locum-gateway/1"
PROTOCOLS: Final = (AGENT, METADATA, METADATA_6, GATEWAY)

SERVER_NAME: Final = "agents.locum.internal"
"""The name in the certificate of a plane's listener for agents, at whatever address it is reached."""

AUTHORITY_PATH: Final = "/authority"
ACTIVATION_PATH: Final = "/activation"
RENEWAL_PATH: Final = "/renewal"

HOP_LIMIT: Final = b"x-locum-hop-limit"
"""The header of a metadata answer with the IP TTL that its packets are to have. It goes no further than the agent."""

REFUSED: Final = b"x-locum-refused"
"""The header of a refusal: `final`, or `now`. What an application answers never has it."""

MAX_BODY: Final = 1 << 14
"""The limit in octets for a body of the agent's own requests and of their answers."""

_FORM: Final = "locum1"
_SECRET: Final = 32


class ActivationCode(NamedTuple):
    """A code with which one agent, once, becomes the instance. `fingerprint` is that of the plane's authority.

    As text: `locum1.ACCOUNT.INSTANCE.SECRET.FINGERPRINT`, the last two in base64url. A public key is of no secrecy:
    who has the fingerprint knows which plane to trust, and only who has the secret is trusted by it.
    """

    account: str
    instance: str
    secret: bytes
    fingerprint: bytes

    @classmethod
    def new(cls, account: str, instance: str, fingerprint: bytes, entropy: Entropy) -> Self:
        """Make a code of 256 random bits."""
        return cls(account, instance, entropy(_SECRET), fingerprint)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a code. Raises ConfigurationError, which does not quote it."""
        form, *fields = text.strip().split(".")
        try:
            account, instance, secret, fingerprint = fields
            found = cls(account, instance, _octets(secret), _octets(fingerprint))
        except (ValueError, binascii.Error):
            found = None
        if found is None or form != _FORM or not len(found.secret) == len(found.fingerprint) == _SECRET:
            raise ConfigurationError("this is no activation code: `locum activate` prints one")
        return found

    def __str__(self) -> str:
        return ".".join((_FORM, self.account, self.instance, _text(self.secret), _text(self.fingerprint)))

    def __repr__(self) -> str:
        return f"ActivationCode({self.instance!r})"

    @property
    def digest(self) -> bytes:
        """The form in which the plane keeps it. SHA-256 is enough for 256 random bits: nobody can try them."""
        return hashlib.sha256(self.secret).digest()

    def is_of(self, authority: bytes) -> bool:
        """Whether `authority`, a certificate in DER, has the fingerprint."""
        return hmac.compare_digest(self.fingerprint, fingerprint_of(authority))


def fingerprint_of(certificate: bytes) -> bytes:
    """The SHA-256 fingerprint of a certificate in DER."""
    return hashlib.sha256(certificate).digest()


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
