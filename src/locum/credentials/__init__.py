"""Credentials: generating secrets, encrypting ("sealing") them for storage, and decrypting ("opening") them.

The key ring is the one root secret of an installation. Temporary credentials are sealed into their session token, so
that any node that holds the ring verifies them without storage; the secrets of long-term access keys are stored
sealed.
"""

from locum.credentials.accesskeys import new_access_key, open_secret
from locum.credentials.files import ENVIRONMENT_VARIABLE, create_keyring, read_keyring, write_keyring
from locum.credentials.keyring import BrokenSeal, KeyRing
from locum.credentials.sessions import InvalidToken, TemporaryCredentials, issue, open_session, sealed_size

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "BrokenSeal",
    "InvalidToken",
    "KeyRing",
    "TemporaryCredentials",
    "create_keyring",
    "issue",
    "new_access_key",
    "open_secret",
    "open_session",
    "read_keyring",
    "sealed_size",
    "write_keyring",
]
