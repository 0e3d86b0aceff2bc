"""JSON Web Tokens: what is read, whose key it takes, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwk

from locum.core.clock import system_entropy
from locum.credentials import BrokenSeal, KeyRing, webtokens
from locum.credentials.webtokens import BadKeys, BadToken
from support.issuer import key_set, public, signed

CLAIMS = {"iss": "https://idp.example"}
RING = KeyRing.generate(system_entropy)


def _part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


NOT_TAKEN: tuple[Any, ...] = (
    "none", "None", "", "HS256", "HS512", "PS256", "EdDSA", "rs256", ["RS256"], {}, None,
)  # fmt: skip
DEEP = '{"a":' * 2000
HEADER = _part({"alg": "RS256", "kid": "one"})


@pytest.mark.parametrize("algorithm", sorted(webtokens.ALGORITHMS))
def test_every_algorithm_that_sts_takes(algorithm: str) -> None:
    token = webtokens.read(signed(CLAIMS, algorithm))
    webtokens.key_set(key_set(public(algorithm))).verify(token)
    assert token.claims == CLAIMS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        f"{HEADER}.{_part([])}.x",
        f"{_part([])}.{_part({})}.x",
        f"{HEADER}.!!!.x",
        f"{HEADER}.{_part('{')}.x",
        f"{HEADER}.{_part('[' * 5000)}.x",
        f"{HEADER}.{_part(DEEP)}.x",
        f"{HEADER}.{_part({'sub': chr(0xD800)})}.x",
        f"{_part({'alg': 'RS256', 'kid': 7})}.{_part({})}.x",
        f"{_part({'kid': 'one'})}.{_part({})}.x",
        *(f"{_part({'alg': alg, 'kid': 'one'})}.{_part({})}.x" for alg in NOT_TAKEN),
        "x" * 20_001,
    ],
)
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(BadToken):
        webtokens.read(text)


@pytest.mark.parametrize(
    "keys",
    [
        key_set(),
        key_set(public(kid="two")),
        key_set(public(use="enc")),
        key_set(public(alg="RS512")),
        key_set(public(), public(number=2)),
        key_set(public("ES256")),
        key_set({"kty": "oct", "k": "c2VjcmV0", "kid": "one"}),
        key_set({"kty": "RSA", "kid": "one"}),
        "",
        "[]",
        '{"keys": 7}',
        '{"keys": [7]}',
        key_set(*(public(kid=str(number)) for number in range(101))),
    ],
)
def test_a_set_without_the_key_proves_nothing(keys: str) -> None:
    token = webtokens.read(signed(CLAIMS))
    with pytest.raises(BadKeys):
        webtokens.key_set(keys).verify(token)


def test_a_token_without_a_key_id_takes_the_only_key() -> None:
    token = webtokens.read(signed(CLAIMS, kid=None))
    webtokens.key_set(key_set(public(), public("ES256", "two"))).verify(token)
    with pytest.raises(BadKeys):
        webtokens.key_set(key_set(public(), public(kid="two", number=2))).verify(token)


def test_a_curve_is_of_its_algorithm() -> None:
    token = webtokens.read(signed(CLAIMS, "ES256"))
    with pytest.raises(BadKeys):
        webtokens.key_set(key_set({**public("ES384"), "alg": "ES256"})).verify(token)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_short_key_proves_nothing() -> None:
    short = jwk.RSAKey.generate_key(1024).as_dict(private=False)
    with pytest.raises(BadKeys):
        webtokens.key_set(key_set({**short, "kid": "one"})).verify(webtokens.read(signed(CLAIMS)))


@pytest.mark.parametrize("member", ["n", "e"])
def test_a_key_that_is_none_proves_nothing(member: str) -> None:
    with pytest.raises(BadToken):
        webtokens.key_set(key_set({**public(), member: "!"})).verify(webtokens.read(signed(CLAIMS)))


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_key_of_ours_signs_what_its_public_half_proves(algorithm: str) -> None:
    shown, sealed = webtokens.new_key(RING, algorithm, "mine", system_entropy)
    token = webtokens.read(webtokens.sign(RING, CLAIMS, algorithm, "mine", sealed))
    assert (token.algorithm, token.key_id, token.claims) == (algorithm, "mine", CLAIMS)
    webtokens.key_set(key_set(json.loads(shown))).verify(token)
    assert "d" not in json.loads(shown)
    with pytest.raises(BrokenSeal):
        webtokens.sign(RING, CLAIMS, algorithm, "another", sealed)
