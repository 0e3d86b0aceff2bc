"""The account as an issuer of web identity tokens."""

from __future__ import annotations

from locum.state import OutboundFederation
from support.iam_plane import ACCOUNT, OTHER, Plane

ENABLE, DISABLE, INFO = (
    "EnableOutboundWebIdentityFederation",
    "DisableOutboundWebIdentityFederation",
    "GetOutboundWebIdentityFederationInfo",
)


def test_it_is_disabled_until_it_is_enabled(plane: Plane) -> None:
    disabled = ("FeatureDisabled", 404, "Outbound web identity federation is not enabled for your account.")
    assert plane.fault(INFO) == disabled
    assert plane.fault(DISABLE) == disabled
    issuer = plane.call(ENABLE)["IssuerIdentifier"]
    assert plane.call(INFO) == {"IssuerIdentifier": issuer, "JwtVendingEnabled": True}
    assert plane.fault(ENABLE) == (
        "FeatureEnabled",
        409,
        "Outbound web identity federation is already enabled for your account.",
    )
    assert plane.call(DISABLE) == {}
    assert plane.fault(INFO) == disabled


def test_an_account_stays_the_same_issuer_with_the_same_keys(plane: Plane) -> None:
    issuer = plane.call(ENABLE)["IssuerIdentifier"]
    before = plane.state.get(OutboundFederation, ACCOUNT, ACCOUNT)
    plane.call(DISABLE)
    assert plane.call(ENABLE)["IssuerIdentifier"] == issuer
    assert plane.state.get(OutboundFederation, ACCOUNT, ACCOUNT) == before
    assert plane.state.get(OutboundFederation, OTHER, OTHER) is None


def test_private_keys_are_sealed_and_public_ones_are_public(plane: Plane) -> None:
    plane.call(ENABLE)
    federation = plane.state.get(OutboundFederation, ACCOUNT, ACCOUNT)
    assert federation is not None
    assert [key.algorithm for key in federation.keys] == ["RS256", "ES384"]
    for key in federation.keys:
        assert '"d"' not in key.public
        assert b'"d"' not in key.private
        assert key.id in key.public
