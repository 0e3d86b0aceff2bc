"""Forged, stale and misdirected tokens: none gets in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.federation import ACCOUNT, ACTION, AUDIENCE, DENIED, OTHER, World
from support.inprocess import InProcess
from support.issuer import Issuer, key, key_set, public, signed

FORGED = (
    "InvalidIdentityToken",
    400,
    "The web identity token that was passed could not be validated by Amazon Web Services.",
)
NO_JWT = (
    "InvalidIdentityToken",
    400,
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
)
NO_KEY = (
    "InvalidIdentityToken",
    400,
    (
        "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity "
        "documentation for requirements"
    ),
)
WRONG_AUDIENCE = ("InvalidIdentityToken", 400, "Incorrect token audience")


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer().serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def world(plane: InProcess, issuer: Issuer) -> World:
    return World(plane, issuer)


def _unsigned(claims: dict[str, Any], **header: Any) -> str:
    parts = (json.dumps({"typ": "JWT", **header}), json.dumps(claims))
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def alg_none(claims: dict[str, Any]) -> str:
    return _unsigned(claims, alg="none", kid="one") + "."


def hmac_with_the_public_key(claims: dict[str, Any]) -> str:
    pem = key("RS256").public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = _unsigned(claims, alg="HS256", kid="one")
    mac = hmac.digest(pem, head.encode(), hashlib.sha256)
    return f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def changed_after_signing(claims: dict[str, Any]) -> str:
    head, _, signature = signed(claims).split(".")
    payload = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "root"}).encode()).decode().rstrip("=")
    return f"{head}.{payload}.{signature}"


def stripped(claims: dict[str, Any]) -> str:
    return signed(claims).rpartition(".")[0] + "."


def by_another_key(claims: dict[str, Any]) -> str:
    return signed(claims, number=2)


def under_a_kid_of_nobody(claims: dict[str, Any]) -> str:
    return signed(claims, kid="two", number=2)


def with_its_own_key_in_the_header(claims: dict[str, Any]) -> str:
    return signed(claims, number=2, jwk=public(number=2))


def with_an_address_of_keys_in_the_header(claims: dict[str, Any]) -> str:
    return signed(claims, number=2, jku="http://127.0.0.1:1/keys")


def with_a_critical_extension(claims: dict[str, Any]) -> str:
    _, payload, signature = signed(claims).split(".")
    header = {"alg": "RS256", "kid": "one", "crit": ["made-up"], "made-up": True}
    return f"{base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip('=')}.{payload}.{signature}"


@pytest.mark.parametrize(
    ("forge", "refused"),
    [
        (alg_none, NO_JWT),
        (hmac_with_the_public_key, NO_JWT),
        (changed_after_signing, FORGED),
        (stripped, FORGED),
        (by_another_key, FORGED),
        (with_its_own_key_in_the_header, FORGED),
        (with_an_address_of_keys_in_the_header, FORGED),
        (with_a_critical_extension, FORGED),
        (under_a_kid_of_nobody, NO_KEY),
    ],
)
def test_a_forged_token_gets_nothing(
    world: World, forge: Callable[[dict[str, Any]], str], refused: tuple[str, int, str]
) -> None:
    assert world.refused(forge(world.claims())) == refused


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ({"aud": "somebody-else"}, WRONG_AUDIENCE),
        ({"aud": ["somebody-else"]}, WRONG_AUDIENCE),
        ({"aud": [AUDIENCE, "app"]}, WRONG_AUDIENCE),
        ({"aud": AUDIENCE, "azp": "somebody-else"}, WRONG_AUDIENCE),
        ({"aud": AUDIENCE.upper()}, WRONG_AUDIENCE),
        ({"aud": None}, ("InvalidIdentityToken", 400, "Missing a required claim: aud")),
        ({"aud": []}, ("InvalidIdentityToken", 400, "Missing a required claim: aud")),
        ({"sub": None}, ("InvalidIdentityToken", 400, "Missing a required claim: sub")),
        ({"exp": None}, ("InvalidIdentityToken", 400, "Missing a required claim: exp")),
        ({"exp": "tomorrow"}, ("InvalidIdentityToken", 400, "Missing a required claim: exp")),
        ({"exp": True}, ("InvalidIdentityToken", 400, "Missing a required claim: exp")),
        ({"exp": float("inf")}, ("InvalidIdentityToken", 400, "Missing a required claim: exp")),
        ({"iat": None}, ("InvalidIdentityToken", 400, "Missing a required claim: iat")),
        ({"iss": None}, ("InvalidIdentityToken", 400, "Missing a required claim: iss")),
        (
            {"iat": NOW + 3600},
            ("InvalidIdentityToken", 400, "The web identity token that was passed is not valid yet."),
        ),
        (
            {"nbf": NOW + 3600},
            ("InvalidIdentityToken", 400, "The web identity token that was passed is not valid yet."),
        ),
        (
            {"iss": "https://elsewhere.example"},
            (
                "InvalidIdentityToken",
                400,
                "No OpenIDConnect provider found in your account for https://elsewhere.example",
            ),
        ),
    ],
)
def test_a_token_that_does_not_say_what_it_must_gets_nothing(
    world: World, claims: dict[str, Any], refused: tuple[str, int, str]
) -> None:
    assert world.refused(signed(world.claims(**claims))) == refused


def test_an_expired_token_gets_nothing(world: World) -> None:
    code, status, message = world.refused(signed(world.claims(exp=NOW - 1)))
    assert (code, status) == ("ExpiredTokenException", 400)
    assert message.startswith("Token expired: current date/time ")
    assert message.endswith(f" must be before the expiration date/time {NOW - 1}")


def test_an_issuer_is_another_one_by_its_path(world: World) -> None:
    for iss in (f"{world.issuer.url}/", f"{world.issuer.url}/realm", world.issuer.host, f"ftp://{world.issuer.host}"):
        code, _, message = world.refused(signed(world.claims(iss=iss)))
        assert (code, message) == (
            "InvalidIdentityToken",
            f"No OpenIDConnect provider found in your account for {iss}",
        )


def test_a_token_for_a_provider_of_another_account_gets_nothing(world: World) -> None:
    iam = world.plane.client("iam", world.plane.account(OTHER))
    world.role("abroad", world.trust(), iam=iam)
    code, status, message = world.refused(signed(world.claims()), "abroad", account=OTHER)
    assert (code, status) == ("InvalidIdentityToken", 400)
    assert message == f"No OpenIDConnect provider found in your account for {world.issuer.url}"


def test_a_key_of_another_provider_does_not_sign_for_this_one(world: World) -> None:
    """Both issuers call their key `one`: which of them is meant, the issuer says, not the key."""
    with Issuer().serving() as other:
        other.tells(public("RS256", "one", 2))
        world.iam.create_open_id_connect_provider(Url=other.url, ClientIDList=[AUDIENCE])
        assert world.refused(signed(world.claims(), number=2)) == FORGED
        # ... and for its own account of who it is, the role's trust policy does not name it.
        assert world.refused(signed(world.claims(iss=other.url), number=2)) == DENIED


def test_keys_that_cannot_be_fetched_prove_nothing(world: World) -> None:
    with Issuer().serving() as gone:
        world.iam.create_open_id_connect_provider(Url=gone.url, ClientIDList=[AUDIENCE])
    code, status, message = world.refused(signed(world.claims(iss=gone.url)))
    assert (code, status) == ("IDPCommunicationError", 400)
    assert message.startswith("The request could not be fulfilled because the identity provider (IDP)")


def test_keys_of_a_provider_given_in_a_file_need_no_network(world: World) -> None:
    url = "idp.example/realms/one"
    world.iam.create_open_id_connect_provider(Url=f"https://{url}", ClientIDList=[AUDIENCE])
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url}"
    world.role("local", {"Effect": "Allow", "Principal": {"Federated": arn}, "Action": ACTION})
    path = world.plane.node.options.data / "oidc" / "idp.example" / "realms" / "one.json"
    path.parent.mkdir(parents=True)
    path.write_text(key_set(public("ES256", "local")))
    token = signed(world.claims(iss=f"https://{url}"), "ES256", "local")
    assert world.assume(token, "local")["Provider"] == arn
    path.write_text(key_set(public("ES256", "newer", 2)))
    assert world.refused(token, "local") == NO_KEY


def test_in_observe_mode_a_forged_token_is_still_no_one(observing: InProcess, issuer: Issuer) -> None:
    world = World(observing, issuer)
    assert world.refused(by_another_key(world.claims())) == FORGED
    assert world.refused(signed(world.claims()), "nowhere") == DENIED


@pytest.mark.parametrize("instant", [10**400, -(10**400), 1e300, 10**15])
def test_an_expiry_that_no_clock_can_show_is_refused(world: World, instant: float) -> None:
    code, status, message = world.refused(signed(world.claims(exp=instant)))
    assert (code, status, message) == ("InvalidIdentityToken", 400, "Missing a required claim: exp")


def test_a_token_of_nobody_is_not_repeated_at_length(world: World) -> None:
    told = world.refused(signed(world.claims(iss="https://" + "a" * 10_000)))
    assert told[0] == "InvalidIdentityToken"
    assert len(told[2]) < 400
