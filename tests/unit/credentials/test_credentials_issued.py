from __future__ import annotations

import base64
import re

import msgspec
import pytest

from locum.core.clock import system_entropy
from locum.core.identifiers import account_of_access_key
from locum.core.principal import PrincipalKind, Session
from locum.credentials import (
    BrokenSeal,
    InvalidToken,
    KeyRing,
    issue,
    new_access_key,
    open_secret,
    open_session,
    sealed_size,
)

ACCOUNT = "123456789012"
SESSION = Session(
    kind=PrincipalKind.ROLE_SESSION,
    account=ACCOUNT,
    name="build",
    issuer_arn="arn:aws:iam::123456789012:role/ci/Deployer",
    issuer_id="AROA12345678901234567",
    issued_at=1_767_225_600,
    expires_at=1_767_229_200,
)
FULL = Session(
    kind=PrincipalKind.FEDERATED_USER,
    account=ACCOUNT,
    name="é",
    issuer_arn="arn:aws:iam::123456789012:user/u",
    issuer_id="AIDA12345678901234567",
    issued_at=1,
    expires_at=2,
    policy='{"Version":"2012-10-17","Statement":[]}' * 40,
    policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    tags={"team": "red", "Project": ""},
    transitive_tag_keys=("team",),
    source_identity="alice",
    mfa_at=0,
    chained=True,
    instance_id="i-0123456789abcdef0",
    context={"saml:aud": "x"},
)


@pytest.mark.parametrize("session", [SESSION, FULL])
def test_a_token_carries_the_whole_session(session: Session) -> None:
    keyring = KeyRing.generate(system_entropy)
    issued = issue(keyring, session, system_entropy)
    again = KeyRing.load(keyring.dump())  # another node
    opened, secret = open_session(again, issued.access_key_id, issued.session_token)
    assert opened == session
    assert secret == issued.secret_access_key
    assert issued.expiration == session.expires_at


def test_issued_credentials_look_like_those_of_aws() -> None:
    issued = issue(KeyRing.generate(system_entropy), SESSION, system_entropy)
    assert issued.access_key_id.startswith("ASIA")
    assert account_of_access_key(issued.access_key_id) == ACCOUNT
    assert re.fullmatch("[A-Za-z0-9+/]{40}", issued.secret_access_key)
    assert re.fullmatch("[A-Za-z0-9+/]+=*", issued.session_token)
    assert issued.secret_access_key not in repr(issued)
    assert issued.session_token not in repr(issued)


def test_no_two_issues_share_a_secret() -> None:
    keyring = KeyRing.generate(system_entropy)
    assert len({issue(keyring, SESSION, system_entropy).secret_access_key for _ in range(20)}) == 20


def test_two_sessions_with_the_same_key_id_have_different_secrets() -> None:
    keyring = KeyRing.generate(system_entropy)
    drawn: list[bytes] = []

    def entropy(count: int) -> bytes:
        # The key id draws five bytes: the same each time, as if by chance.
        drawn.append(bytes(count) if count == 5 else system_entropy(count))
        return drawn[-1]

    one, two = issue(keyring, SESSION, entropy), issue(keyring, SESSION, entropy)
    assert one.access_key_id == two.access_key_id
    assert one.secret_access_key != two.secret_access_key


def test_a_token_is_no_use_under_another_access_key() -> None:
    keyring = KeyRing.generate(system_entropy)
    one, two = issue(keyring, SESSION, system_entropy), issue(keyring, SESSION, system_entropy)
    with pytest.raises(InvalidToken):
        open_session(keyring, one.access_key_id, two.session_token)


@pytest.mark.parametrize("token", ["", "====", "a", "é", "IQoJ", "A" * 100, "A" * 100_000, "\n", "AAAA AAAA"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        open_session(KeyRing.generate(system_entropy), "ASIAAAAAAAAAAAAAAAAA", token)


def test_the_size_of_a_session_grows_with_what_it_carries() -> None:
    keyring = KeyRing.generate(system_entropy)
    token = issue(keyring, FULL, system_entropy).session_token
    assert sealed_size(SESSION) < sealed_size(FULL)
    assert sealed_size(FULL) == len(token) * 3 // 4 - token.count("=")


def test_an_expired_session_still_opens_because_the_caller_must_tell_why_it_is_refused() -> None:
    keyring = KeyRing.generate(system_entropy)
    issued = issue(keyring, FULL, system_entropy)
    assert open_session(keyring, issued.access_key_id, issued.session_token)[0].expires_at == 2


def test_a_long_term_key_opens_with_its_ring_and_under_its_id_only() -> None:
    keyring = KeyRing.generate(system_entropy)
    key_id, secret, sealed = new_access_key(keyring, ACCOUNT, system_entropy)
    assert key_id.startswith("AKIA")
    assert account_of_access_key(key_id) == ACCOUNT
    assert re.fullmatch("[A-Za-z0-9+/]{40}", secret)
    assert secret.encode() not in sealed
    assert open_secret(keyring, key_id, sealed) == secret
    assert open_secret(keyring.rotated(system_entropy), key_id, sealed) == secret
    with pytest.raises(BrokenSeal):
        open_secret(keyring, "AKIAAAAAAAAAAAAAAAAA", sealed)
    with pytest.raises(BrokenSeal):
        open_secret(KeyRing.generate(system_entropy), key_id, sealed)


def newer(keyring: KeyRing, **more: object) -> tuple[str, str]:
    """The id and the token of a session as a newer Locum issues it, with fields that this one lacks."""
    issued = issue(keyring, SESSION, system_entropy)
    sealed = base64.b64decode(issued.session_token)
    fields = msgspec.msgpack.decode(keyring.open("session-token", sealed, issued.access_key_id.encode())[1:])
    plain = b"\x00" + msgspec.msgpack.encode({**fields, **more})
    made = keyring.seal("session-token", plain, system_entropy, issued.access_key_id.encode())
    return issued.access_key_id, base64.b64encode(made).decode()


def test_a_field_of_a_newer_locum_that_restricts_nothing_is_passed_over() -> None:
    keyring = KeyRing.generate(system_entropy)
    assert open_session(keyring, *newer(keyring, shade="blue"))[0] == SESSION


def test_attack_a_restriction_of_a_newer_locum_is_not_lifted_by_an_older_node() -> None:
    keyring = KeyRing.generate(system_entropy)
    with pytest.raises(InvalidToken, match="issued by a newer Locum"):
        open_session(keyring, *newer(keyring, **{"fence": "closed", "!": ["fence"]}))
    assert open_session(keyring, *newer(keyring, **{"!": ["policy"]}))[0] == SESSION
