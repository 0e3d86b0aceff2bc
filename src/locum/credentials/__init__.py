"""Secrets: mint them, seal them, open them again.

A key ring is the one secret of an installation; everything else follows from it. Temporary credentials are
sealed into their session token, so that any node which holds the ring verifies them without storage;
the secrets of long-term access keys are stored sealed.
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
