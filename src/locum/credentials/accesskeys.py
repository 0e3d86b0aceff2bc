"""Long-term access keys: an id that encodes the account, a random secret, and the secret sealed for storage."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Final

from locum.core.clock import Entropy
from locum.core.identifiers import LONG_TERM_KEY, access_key_id
from locum.credentials.keyring import KeyRing

_SEALED_AS: Final = "access-key"
CACHED_SECRETS: Final = 4096
"""The number of opened secrets in the cache: those of the keys in use, at about 400 bytes each."""

_SECRET_BYTES: Final = 30  # 40 characters of base64, AWS's alphabet for a secret access key


def secret_text(random: bytes) -> str:
    """Encode the first 30 bytes of `random` as a secret access key: 40 characters of A-Z a-z 0-9 + /."""
    return base64.b64encode(random[:_SECRET_BYTES]).decode()


def new_access_key(keyring: KeyRing, account: str, entropy: Entropy) -> tuple[str, str, bytes]:
    """Create a long-term key of `account` (12 digits): its id, its secret, and the secret sealed for that id."""
    key_id = access_key_id(LONG_TERM_KEY, account, entropy)
    secret = secret_text(entropy(_SECRET_BYTES))
    return key_id, secret, keyring.seal(_SEALED_AS, secret.encode(), entropy, key_id.encode())


def open_secret(keyring: KeyRing, key_id: str, sealed: bytes) -> str:
    """Open the secret of the access key `key_id`. Raises BrokenSeal where `sealed` is not that key's."""
    return _open(keyring, key_id, sealed)


@lru_cache(CACHED_SECRETS)
def _open(keyring: KeyRing, key_id: str, sealed: bytes) -> str:
    # The cache keeps only successes (an exception is not cached), keyed by all of the arguments.
    return keyring.open(_SEALED_AS, sealed, key_id.encode()).decode()
