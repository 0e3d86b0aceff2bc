"""Federated callers: those whom an identity provider authenticates.

AssumeRoleWithWebIdentity and AssumeRoleWithSAML come unsigned, and carry a proof of their own. It is verified here,
before the role's trust policy is asked; the caller is then a principal that a policy names under Federated.
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

Prover = Callable[[RequestContext], Awaitable[Caller]]


class FederatedCallers:
    """Finds the federated caller of a request from the token or SAML response in it."""

    def __init__(self, runtime: Runtime, issuer_keys: IssuerKeys) -> None:
        self._runtime = runtime
        self._issuer_keys = issuer_keys
        self._provers: Final[Mapping[str, Prover]] = {
            "AssumeRoleWithSAML": self._saml,
            "AssumeRoleWithWebIdentity": self._web_identity,
        }

    def concerns(self, codec: Codec) -> bool:
        """Whether calls of the operation carry a proof of their own."""
        return codec.operation in self._provers and codec.service == "sts"

    async def caller(self, context: RequestContext, codec: Codec) -> Caller:
        """The caller that the proof in a call speaks of, once it is verified. Raises Fault."""
        caller = await self._provers[codec.operation](context)
        if caller.principal.account in organizations.suspended(context.state):
            raise untrusted(codec.operation)
        return caller

    async def _web_identity(self, context: RequestContext) -> Caller:
        """The issuer may have to be asked for its keys: what happens meanwhile is part of the state that decides."""
        claim = web_identity.claimed(context.state, context.params)
        keys = await self._issuer_keys.of(claim, context.now)
        context.state = self._runtime.ledger.state
        claim = web_identity.claimed(context.state, context.params)
        return web_identity.caller(claim, keys, context.params, context.now)

    async def _saml(self, context: RequestContext) -> Caller:
        """Signatures are a millisecond's work, and the first needs libraries that take longer to import."""
        return await asyncio.to_thread(
            sts.saml_caller, context.state, self._runtime.keyring, context.params, context.now
        )
