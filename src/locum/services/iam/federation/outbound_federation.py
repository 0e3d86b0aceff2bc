"""Outbound web identity federation: the account as an issuer of web identity tokens.

IAM User Guide, "Federating AWS identities to external services": once it is enabled, GetWebIdentityToken returns
tokens signed with the account's keys, which verifiers find under the account's issuer URL.

AWS's issuer URLs are of the form https://ID.tokens.sts.global.api.aws; here they point to Locum.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.credentials import webtokens
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import OutboundFederation, SigningKey, put

ALGORITHMS: Final = ("RS256", "ES384")
"""The algorithms, with one key for each: STS API Reference, GetWebIdentityToken, SigningAlgorithm."""


def enable(context: Context, _params: Params) -> Outcome:
    """EnableOutboundWebIdentityFederation. If it was enabled before, the issuer and the keys are the same again."""
    known = _federation(context)
    if known is not None and known.enabled:
        raise Fault("FeatureEnabled", "Outbound web identity federation is already enabled for your account.", 409)
    federation = _new(context) if known is None else replace(known, enabled=True)
    return Outcome({"IssuerIdentifier": context.settings.issuer(federation.id)}, (put(federation),))


def disable(context: Context, _params: Params) -> Outcome:
    """DisableOutboundWebIdentityFederation: "does not affect tokens that were issued before"."""
    return Outcome({}, (put(replace(_enabled(context), enabled=False)),))


def info(context: Context, _params: Params) -> Outcome:
    """GetOutboundWebIdentityFederationInfo."""
    federation = _enabled(context)
    return Outcome({"IssuerIdentifier": context.settings.issuer(federation.id), "JwtVendingEnabled": True})


def _federation(context: Context) -> OutboundFederation | None:
    return context.state.get(OutboundFederation, context.account, context.account)


def _enabled(context: Context) -> OutboundFederation:
    """The account's federation, enabled. Raises FeatureDisabled."""
    federation = _federation(context)
    if federation is None or not federation.enabled:
        raise Fault("FeatureDisabled", "Outbound web identity federation is not enabled for your account.", 404)
    return federation


def _new(context: Context) -> OutboundFederation:
    return OutboundFederation(
        account=context.account,
        id=request_id(context.entropy),
        keys=tuple(_new_key(context, algorithm) for algorithm in ALGORITHMS),
        created=int(context.now),
    )


def _new_key(context: Context, algorithm: str) -> SigningKey:
    key_id = request_id(context.entropy)
    public, private = webtokens.new_key(context.keyring, algorithm, key_id, context.entropy)
    return SigningKey(algorithm=algorithm, id=key_id, public=public, private=private)


OPERATIONS: Final[dict[str, Operation]] = {
    "EnableOutboundWebIdentityFederation": writes(enable),
    "DisableOutboundWebIdentityFederation": writes(disable),
    "GetOutboundWebIdentityFederationInfo": reads(info),
}
