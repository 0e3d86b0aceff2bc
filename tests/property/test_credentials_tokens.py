from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.clock import system_entropy
from locum.core.principal import PrincipalKind, Session
from locum.credentials import InvalidToken, KeyRing, issue, open_session

RING = KeyRing.generate(system_entropy)
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

texts = st.text(max_size=60)
sessions = st.builds(
    Session,
    kind=st.sampled_from(PrincipalKind),
    account=st.from_regex("[0-9]{12}", fullmatch=True),
    name=texts,
    issuer_arn=texts,
    issuer_id=texts,
    issued_at=st.integers(0, 2**40),
    expires_at=st.integers(0, 2**40),
    policy=st.none() | st.text(max_size=3000),
    policy_arns=st.lists(texts, max_size=3).map(tuple),
    tags=st.dictionaries(texts, texts, max_size=4),
    transitive_tag_keys=st.lists(texts, max_size=3).map(tuple),
    source_identity=texts,
    mfa_at=st.none() | st.integers(0, 2**40),
    chained=st.booleans(),
    instance_id=texts,
    context=st.dictionaries(texts, texts, max_size=3),
)


@given(sessions)
def test_any_session_comes_back_from_its_token(session: Session) -> None:
    issued = issue(RING, session, system_entropy)
    assert open_session(RING, *issued[::2]) == (session, issued.secret_access_key)


@given(sessions, st.data())
def test_a_token_with_any_character_changed_is_refused(session: Session, data: st.DataObject) -> None:
    issued = issue(RING, session, system_entropy)
    token = issued.session_token
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from(BASE64).filter(lambda c: c != token[position]))
    with pytest.raises(InvalidToken):
        open_session(RING, issued.access_key_id, token[:position] + character + token[position + 1 :])


@given(sessions, st.data())
def test_a_token_cut_or_lengthened_is_refused(session: Session, data: st.DataObject) -> None:
    issued = issue(RING, session, system_entropy)
    token = issued.session_token
    for altered in (token[: data.draw(st.integers(0, len(token) - 1))], token + data.draw(st.sampled_from(BASE64))):
        with pytest.raises(InvalidToken):
            open_session(RING, issued.access_key_id, altered)


@given(sessions)
def test_a_token_of_another_ring_is_refused(session: Session) -> None:
    issued = issue(KeyRing.generate(system_entropy), session, system_entropy)
    with pytest.raises(InvalidToken):
        open_session(RING, issued.access_key_id, issued.session_token)


@given(sessions)
def test_a_token_outlives_the_rotation_of_its_ring(session: Session) -> None:
    issued = issue(RING, session, system_entropy)
    rotated = RING.rotated(system_entropy)
    assert open_session(rotated, issued.access_key_id, issued.session_token) == (session, issued.secret_access_key)


@given(sessions)
def test_a_refusal_is_not_remembered_for_the_right_token_nor_a_success_for_a_wrong_one(session: Session) -> None:
    issued = issue(RING, session, system_entropy)
    wrong = "ASIAAAAAAAAAAAAAAAAA"
    for _ in range(2):
        with pytest.raises(InvalidToken):
            open_session(RING, wrong, issued.session_token)
        assert open_session(RING, issued.access_key_id, issued.session_token)[0] == session
