"""The public OpenID Connect Discovery 1.0 documents and keys of accounts that issue web identity tokens.

    /_locum/oidc/ID/.well-known/openid-configuration
    /_locum/oidc/ID/.well-known/jwks.json

They need no authentication. The keys verify tokens of GetWebIdentityToken.
"""

from __future__ import annotations

import json
from typing import Any

from locum.core.http import HttpResponse
from locum.services.verbs import ISSUERS, Settings
from locum.state import OutboundFederation, State
from locum.state.indexes import OUTBOUND_ISSUER


def published(state: State, settings: Settings, path: str) -> HttpResponse | None:
    """The response with the document at `path`; None where there is none. Disabled issuers keep their documents."""
    identifier, slash, name = path.removeprefix(ISSUERS).partition("/")
    federation = state.first(OutboundFederation, OUTBOUND_ISSUER, identifier) if path.startswith(ISSUERS) else None
    if federation is None or not slash:
        return None
    if name == ".well-known/openid-configuration":
        return _document(_configuration(federation, settings.issuer(federation.id)))
    if name == ".well-known/jwks.json":
        return _document({"keys": [json.loads(key.public) for key in federation.keys]})
    return None


def _configuration(federation: OutboundFederation, issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [key.algorithm for key in federation.keys],
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub"],
    }


def _document(content: dict[str, Any]) -> HttpResponse:
    return HttpResponse(200, [("content-type", "application/json")], json.dumps(content).encode())
