"""Federated callers, who are authenticated by an identity provider.

AssumeRoleWithWebIdentity and AssumeRoleWithSAML are not signed, but have a token or a SAML response. It is verified
here, before the role's trust policy is evaluated; the caller is then a principal that a policy has under Federated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from locum.calls import RequestContext, Runtime
from locum.core.principal import Caller
from locum.gateway.issuerkeys import IssuerKeys
from locum.services import sts
from locum.services.sts import web_identity
from locum.services.sts.federated import untrusted
from locum.state import organizations
from locum.wire import Codec

Verifier = Callable[[RequestContext], Awaitable[Caller]]


class FederatedCallers:
    """Authenticates the caller of a request by the token or SAML response in it."""

    def __init__(self, runtime: Runtime, issuer_keys: IssuerKeys) -> None:
        self._runtime = runtime
        self._issuer_keys = issuer_keys
        self._verifiers: Final[Mapping[str, Verifier]] = {
            "AssumeRoleWithSAML": self._saml,
            "AssumeRoleWithWebIdentity": self._web_identity,
        }

    def handles(self, codec: Codec) -> bool:
        """Whether calls of the operation have a token or a SAML response instead of a signature."""
        return codec.operation in self._verifiers and codec.service == "sts"

    async def caller(self, context: RequestContext, codec: Codec) -> Caller:
        """Verify the token or SAML response in a call and return its subject as the caller. Raises Fault."""
        caller = await self._verifiers[codec.operation](context)
        if caller.principal.account in organizations.suspended(context.state):
            raise untrusted(codec.operation)
        return caller

    async def _web_identity(self, context: RequestContext) -> Caller:
        """The caller of AssumeRoleWithWebIdentity, by the state after the issuer's keys have been retrieved."""
        token = web_identity.unverified_token(context.state, context.params)
        keys = await self._issuer_keys.of(token, context.wall)
        context.state = self._runtime.ledger.state
        token = web_identity.unverified_token(context.state, context.params)
        return web_identity.caller(token, keys, context.params, context.wall)

    async def _saml(self, context: RequestContext) -> Caller:
        """The caller of AssumeRoleWithSAML, in a thread: XML signatures take time, and their libraries load slowly."""
        return await asyncio.to_thread(
            sts.saml_caller, context.state, self._runtime.keyring, context.params, context.wall
        )
