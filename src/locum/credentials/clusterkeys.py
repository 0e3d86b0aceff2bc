"""The key of the installation that signs the tokens of service accounts, as a Kubernetes cluster's API server does.

Kubernetes, "Managing Service Accounts": a bound token is a JSON Web Token that ends, with an audience, and with the
service account and the pod among its claims. EKS User Guide, "IAM roles for service accounts": "Amazon EKS hosts a
public OIDC discovery endpoint for each cluster that contains the signing keys".

The key is stored sealed under the key ring, in a file that only its owner can read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from locum.core.clock import Entropy
from locum.core.errors import ConfigurationError
from locum.credentials import webtokens
from locum.credentials.files import CreateFile
from locum.credentials.keyring import BrokenSeal, KeyRing

KEY_FILE: Final = "cluster-identity.key"

_ALGORITHM: Final = "RS256"


class ClusterKey:
    """A key that signs tokens. `keys` is its JSON Web Key Set, which verifies them."""

    def __init__(self, keyring: KeyRing, key_id: str, public: str, sealed: bytes) -> None:
        self._keyring = keyring
        self._id = key_id
        self._sealed = sealed
        self.keys: Final = json.dumps({"keys": [json.loads(public)]})

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The token with these `claims`."""
        return webtokens.sign(self._keyring, claims, _ALGORITHM, self._id, self._sealed)

    def claims(self, text: str) -> Mapping[str, Any]:
        """The claims of a token that this key signed, whatever they say. Raises BadToken, BadKeys for any other."""
        token = webtokens.read(text)
        webtokens.key_set(self.keys).verify(token)
        return token.claims


def open_cluster_key(create: CreateFile, keyring: KeyRing, entropy: Entropy) -> ClusterKey:
    """The key of the installation, which is made (in some 0.2 seconds) where there is none: `create` makes files.

    Raises ConfigurationError where it cannot be read or written, or is another installation's.
    """

    def new() -> bytes:
        key_id = entropy(20).hex()
        public, sealed = webtokens.new_key(keyring, _ALGORITHM, key_id, entropy)
        return json.dumps({"id": key_id, "public": public, "sealed": base64.b64encode(sealed).decode()}).encode()

    try:
        stored = json.loads(create(KEY_FILE, new))
        key = ClusterKey(keyring, stored["id"], stored["public"], base64.b64decode(stored["sealed"]))
        key.sign({})
    except (BrokenSeal, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{KEY_FILE} does not open with this key ring: remove it for a new one") from error
    return key


def cluster_id(installation: str, account: str, region: str, cluster: str) -> str:
    """The id of a cluster in the URL of its issuer: 32 hexadecimal digits, the same for as long as the installation."""
    return sha256("\0".join((installation, account, region, cluster)).encode()).hexdigest()[:32].upper()
