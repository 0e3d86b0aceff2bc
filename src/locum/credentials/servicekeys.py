"""Secrets of service-specific credentials: passwords, and API keys that are sent as bearer tokens.

An API key is a prefix for the service, followed by `alias:secret` in base64. IAM User Guide, "API keys for AWS
services"; "ServiceCredentialAlias: the public portion of the credential".
"""

from __future__ import annotations

import base64
from typing import Final

from locum.core.clock import Entropy
from locum.credentials.keyring import KeyRing

_SEALED_AS: Final = "service-credential"
_SECRET_BYTES: Final = 44  # 60 characters of base64, the length of IAM's passwords


def new_password(entropy: Entropy) -> str:
    """Generate a password: 60 characters, of which the last is `=`."""
    return base64.b64encode(entropy(_SECRET_BYTES)).decode()


def new_api_key(prefix: str, alias: str, entropy: Entropy) -> str:
    """Generate an API key of the credential with this alias; `prefix` is that of the service (`ABSK`)."""
    return prefix + base64.b64encode(f"{alias}:{new_password(entropy)}".encode()).decode()


def seal_service_secret(keyring: KeyRing, credential_id: str, secret: str, entropy: Entropy) -> bytes:
    """Seal `secret` for storage under the credential's id."""
    return keyring.seal(_SEALED_AS, secret.encode(), entropy, credential_id.encode())


def open_service_secret(keyring: KeyRing, credential_id: str, sealed: bytes) -> str:
    """Open a secret. Raises BrokenSeal where `sealed` is not that credential's."""
    return keyring.open(_SEALED_AS, sealed, credential_id.encode()).decode()
