"""Exchange tokens, which a product provider redeems for the credentials of a delegation request.

IAM User Guide, "Exchange Tokens": "The exchange token can only be redeemed by the product provider account that created
the delegation request. The requesting account is embedded in the token". The token is the sealed id of the request;
its permissions and expiry are looked up when it is redeemed.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from locum.core.clock import Entropy
from locum.core.errors import LocumError
from locum.credentials.keyring import BrokenSeal, KeyRing

LONGEST: Final = 2048
"""The longest accepted token, in characters."""

_SEALED_AS: Final = "delegation-token"


class InvalidExchangeToken(LocumError):
    """The token was not issued here, was altered, or belongs to another account."""


def seal_exchange_token(keyring: KeyRing, requestor: str, request_id: str, entropy: Entropy) -> str:
    """Seal a token for the delegation request `request_id` of the account `requestor`."""
    sealed = keyring.seal(_SEALED_AS, request_id.encode(), entropy, requestor.encode())
    return base64.urlsafe_b64encode(sealed).decode()


def open_exchange_token(keyring: KeyRing, requestor: str, token: str) -> str:
    """Open a token: the id of its request. Raises InvalidExchangeToken unless it was sealed for `requestor`."""
    try:
        if len(token) > LONGEST:
            raise InvalidExchangeToken("the exchange token is too long")
        sealed = base64.b64decode(token, altchars=b"-_", validate=True)
        return keyring.open(_SEALED_AS, sealed, requestor.encode()).decode()
    except (binascii.Error, ValueError, BrokenSeal):
        raise InvalidExchangeToken("the exchange token is not valid for this account") from None
