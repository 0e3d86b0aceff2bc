"""Fetching an issuer's keys: from real servers on this machine, with and without TLS."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import json
import ssl
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from locum.core.errors import Fault
from locum.gateway.discovery import LARGEST, Unreachable, Untrusted, Unusable, fetch_keys
from locum.gateway.issuerkeys import FAILURE_LIFETIME, KEYS_LIFETIME, REFETCH_AFTER, IssuerKeys
from locum.services.sts.web_identity import UnverifiedToken, unverified_token
from locum.state import OidcProvider, State, change, put
from support.issuer import CONFIGURATION, KEYS, Issuer, key_set, public, signed

ACCOUNT = "111122223333"
NOW = 1_800_000_000.0


def fetch(url: str, thumbprints: Sequence[str] = ()) -> str:
    return asyncio.run(fetch_keys(url, thumbprints))


def test_keys_are_found_by_the_discovery_document() -> None:
    with Issuer().serving() as issuer:
        assert fetch(issuer.url) == key_set(public())
        assert issuer.asked == [CONFIGURATION, KEYS]


def _configured(**members: Any) -> Callable[[Issuer], None]:
    return lambda issuer: issuer.tells(public(), **members)


def _answers(path: str, body: bytes) -> Callable[[Issuer], None]:
    return lambda issuer: issuer.documents.update({path: body})


def _redirects(issuer: Issuer) -> None:
    issuer.status, issuer.headers = 302, {"location": issuer.url + KEYS}


def _compresses(issuer: Issuer) -> None:
    issuer.headers = {"content-encoding": "gzip"}


@pytest.mark.parametrize(
    "spoil",
    [
        _configured(issuer="https://elsewhere.example"),
        _configured(jwks_uri=None),
        _configured(jwks_uri=7),
        _configured(jwks_uri="http://keys.example/keys"),
        _configured(jwks_uri="file:///etc/passwd"),
        _configured(jwks_uri="ftp://127.0.0.1/keys"),
        _configured(jwks_uri="//127.0.0.1/keys"),
        _answers(CONFIGURATION, b"[]"),
        _answers(CONFIGURATION, b"{"),
        _answers(CONFIGURATION, b"[" * 100_000),
        _answers(CONFIGURATION, b"\xff"),
        _answers(KEYS, b" " * (LARGEST + 1)),
        lambda issuer: issuer.documents.pop(KEYS),
        lambda issuer: issuer.documents.pop(CONFIGURATION),
        _redirects,
        _compresses,
    ],
)
def test_an_issuer_that_answers_something_else_has_no_keys(spoil: Callable[[Issuer], Any]) -> None:
    with Issuer().serving() as issuer:
        spoil(issuer)
        with pytest.raises(Unusable):
            fetch(issuer.url)


def test_an_issuer_elsewhere_does_not_send_us_to_this_machine() -> None:
    """Server-side request forgery: a document from afar names an address that only we can reach."""
    authority = certificate()
    with Issuer(authority.server()).serving() as far, Issuer().serving() as near:
        far.tells(public(), jwks_uri=near.url + KEYS)
        with pytest.raises(Unusable):
            fetch(far.url, [authority.thumbprint])
        assert near.asked == []


NOWHERE = ["https://localhost:99999", "http://localhost:99999/x", "http://[::1]:99999", "https://xn--a"]


@pytest.mark.parametrize("url", NOWHERE)
def test_an_issuer_where_no_url_leads_fails_like_any_other(url: str) -> None:
    with pytest.raises(Unusable):
        fetch(url, ("a" * 40,))


@pytest.mark.parametrize("url", NOWHERE)
def test_keys_that_are_said_to_be_where_no_url_leads_fail_like_any_other(url: str) -> None:
    with Issuer().serving() as issuer:
        issuer.tells(public(), jwks_uri=url)
        with pytest.raises(Unusable):
            fetch(issuer.url)


def test_an_issuer_that_is_not_there_is_unreachable() -> None:
    with Issuer().serving() as issuer:
        pass
    with pytest.raises(Unreachable):
        fetch(issuer.url)


# --- certificates --------------------------------------------------------------------------------------------


class Certificate(NamedTuple):
    """A certificate, its key, and those above it (PEM, DER)."""

    chain: bytes
    key: bytes
    top: bytes

    @property
    def thumbprint(self) -> str:
        return hashlib.sha1(self.top).hexdigest()

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.chain + self.key)
            file.flush()
            context.load_cert_chain(file.name)
        return context


@cache
def certificate(host: str = "localhost", *, intermediate: bool = False) -> Certificate:
    """For `host`, of its own or of an authority that nobody knows."""
    key, above = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    if not intermediate:
        leaf = _issue(host, key, host, key)
        return Certificate(leaf.public_bytes(Encoding.PEM), _pem(key), leaf.public_bytes(Encoding.DER))
    top = _issue("authority", above, "authority", above, authority=True)
    leaf = _issue(host, key, "authority", above)
    chain = leaf.public_bytes(Encoding.PEM) + top.public_bytes(Encoding.PEM)
    return Certificate(chain, _pem(key), top.public_bytes(Encoding.DER))


Private = ec.EllipticCurvePrivateKey


def _issue(name: str, key: Private, by: str, signer: Private, *, authority: bool = False) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names if not authority else names[:1]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


def _pem(key: Private) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("intermediate", [False, True])
def test_a_certificate_that_nobody_knows_is_trusted_by_its_thumbprint(intermediate: bool) -> None:
    known = certificate(intermediate=intermediate)
    with Issuer(known.server()).serving() as issuer:
        assert fetch(issuer.url, ["0" * 40, known.thumbprint.upper()]) == key_set(public())


@pytest.mark.parametrize("thumbprints", [(), ("0" * 40,)])
def test_a_certificate_that_nobody_knows_is_not_trusted(thumbprints: tuple[str, ...]) -> None:
    with Issuer(certificate().server()).serving() as issuer:
        with pytest.raises(Untrusted):
            fetch(issuer.url, thumbprints)
        assert issuer.asked == []


def test_a_pinned_certificate_of_another_name_is_not_trusted() -> None:
    other = certificate("elsewhere.example")
    with Issuer(other.server()).serving() as issuer, pytest.raises(Untrusted):
        fetch(issuer.url, [other.thumbprint])


def test_a_pinned_certificate_at_the_end_of_somebody_elses_chain_is_not_trusted() -> None:
    """Whoever stands in between can show the right certificate as well, but not one that it signed."""
    mine, right = certificate("localhost"), certificate("localhost", intermediate=True)
    shown = mine.chain + ssl.DER_cert_to_PEM_cert(right.top).encode()
    with Issuer(Certificate(shown, mine.key, right.top).server()).serving() as issuer:
        with pytest.raises(Untrusted):
            fetch(issuer.url, [right.thumbprint])
        assert issuer.asked == []


# --- what is kept --------------------------------------------------------------------------------------------


class Source:
    """Answers what it is told to, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: str | Exception = key_set(public())

    async def fetch(self, issuer: str, thumbprints: Sequence[str]) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def claim(kid: str = "one", *, url: str = "idp.example", thumbprints: tuple[str, ...] = ()) -> UnverifiedToken:
    provider = OidcProvider(account=ACCOUNT, url=url, thumbprints=thumbprints, created=1)
    token = signed({"iss": f"https://{url}"}, kid=kid)
    state = change(State(), [put(provider)])
    return unverified_token(state, {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/x", "WebIdentityToken": token})


def ask(keys: IssuerKeys, about: UnverifiedToken, now: float) -> str | None:
    """The keys; None where a fault is answered."""
    try:
        return asyncio.run(keys.of(about, now))
    except Fault:
        return None


def test_keys_are_fetched_once_and_again_when_they_are_old() -> None:
    source = Source()
    keys = IssuerKeys(None, source.fetch)
    for now in (NOW, NOW + 1, NOW + KEYS_LIFETIME - 1):
        assert ask(keys, claim(), now) == source.answer
    assert source.asked == 1
    ask(keys, claim(), NOW + KEYS_LIFETIME)
    assert source.asked == 2


def test_a_key_that_is_not_known_yet_has_the_issuer_asked_again_but_not_at_once() -> None:
    source = Source()
    keys = IssuerKeys(None, source.fetch)
    ask(keys, claim(), NOW)
    ask(keys, claim("two"), NOW + REFETCH_AFTER - 1)
    assert source.asked == 1
    source.answer = key_set(public(), public(kid="two"))
    assert ask(keys, claim("two"), NOW + REFETCH_AFTER) == source.answer
    for later in range(20):
        ask(keys, claim("made-up"), NOW + REFETCH_AFTER + later)
    assert source.asked == 2


@pytest.mark.parametrize("failure", [Unreachable("x"), Unusable("x"), Untrusted("x")])
def test_an_issuer_that_failed_is_left_alone_for_a_while(failure: Exception) -> None:
    source = Source()
    source.answer = failure
    keys = IssuerKeys(None, source.fetch)
    for now in (NOW, NOW + FAILURE_LIFETIME - 1):
        assert ask(keys, claim(), now) is None
    assert source.asked == 1
    source.answer = key_set(public())
    assert ask(keys, claim(), NOW + FAILURE_LIFETIME) == source.answer


def test_a_made_up_key_while_the_issuer_is_away_does_not_lock_the_others_out() -> None:
    source = Source()
    keys = IssuerKeys(None, source.fetch)
    good = ask(keys, claim(), NOW)
    source.answer = Unreachable("x")
    ask(keys, claim("made-up"), NOW + REFETCH_AFTER)
    assert source.asked == 2
    assert ask(keys, claim(), NOW + REFETCH_AFTER) == good
    assert ask(keys, claim(), NOW + KEYS_LIFETIME) is None


def test_those_who_ask_at_the_same_time_are_answered_together() -> None:
    source = Source()
    keys = IssuerKeys(None, source.fetch)

    async def together() -> list[str]:
        return await asyncio.gather(*(keys.of(claim(), NOW) for _ in range(10)))

    assert asyncio.run(together()) == [source.answer] * 10
    assert source.asked == 1


def test_who_trusts_another_certificate_asks_for_itself() -> None:
    source = Source()
    keys = IssuerKeys(None, source.fetch)
    ask(keys, claim(), NOW)
    ask(keys, claim(thumbprints=("a" * 40,)), NOW)
    assert source.asked == 2


@pytest.mark.parametrize("url", ["../secret", "a/../../secret", "idp.example/../../secret"])
def test_a_provider_reads_no_file_outside_of_the_folder(tmp_path: Path, url: str) -> None:
    (tmp_path / "oidc").mkdir()
    (tmp_path / "secret.json").write_text(json.dumps({"keys": []}))
    source = Source()
    assert ask(IssuerKeys(tmp_path / "oidc", source.fetch), claim(url=url), NOW) == source.answer
