from __future__ import annotations

import base64
import json

import pytest

from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.credentials import BrokenSeal, KeyRing
from locum.credentials.keyring import OVERHEAD, Key


def ring() -> KeyRing:
    return KeyRing.generate(system_entropy)


def test_what_is_sealed_opens_again() -> None:
    keyring = ring()
    for plain in (b"", b"x", b"secret" * 1000):
        sealed = keyring.seal("p", plain, system_entropy, b"owner")
        assert len(plain) < 2 or plain not in sealed
        assert len(sealed) == len(plain) + OVERHEAD
        assert keyring.open("p", sealed, b"owner") == plain


def test_the_same_plain_text_is_sealed_differently_each_time() -> None:
    keyring = ring()
    assert keyring.seal("p", b"x", system_entropy) != keyring.seal("p", b"x", system_entropy)


def test_what_was_sealed_for_another_purpose_or_owner_does_not_open() -> None:
    keyring = ring()
    sealed = keyring.seal("p", b"x", system_entropy, b"owner")
    for purpose, aad in (("q", b"owner"), ("p", b"other"), ("p", b""), ("pow", b"ner"), ("p/", b"owner")):
        with pytest.raises(BrokenSeal):
            keyring.open(purpose, sealed, aad)


def test_purpose_and_owner_do_not_run_into_each_other() -> None:
    keyring = ring()
    sealed = keyring.seal("ab", b"x", system_entropy, b"c")
    with pytest.raises(BrokenSeal):
        keyring.open("a", sealed, b"bc")


def test_what_another_installation_sealed_does_not_open_even_under_the_same_key() -> None:
    key = Key(b"1234", bytes(32))
    sealed = KeyRing("one", [key]).seal("p", b"x", system_entropy)
    assert KeyRing("one", [key]).open("p", sealed) == b"x"
    with pytest.raises(BrokenSeal):
        KeyRing("two", [key]).open("p", sealed)


def test_every_byte_is_authenticated() -> None:
    keyring = ring()
    sealed = keyring.seal("p", b"text", system_entropy)
    for position in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[position] ^= 1 << bit
            with pytest.raises(BrokenSeal):
                keyring.open("p", bytes(altered))


def test_cut_or_lengthened_bytes_do_not_open() -> None:
    keyring = ring()
    sealed = keyring.seal("p", b"text", system_entropy)
    for altered in (*(sealed[:n] for n in range(len(sealed))), sealed + b"\0"):
        with pytest.raises(BrokenSeal):
            keyring.open("p", altered)


def test_rotation_seals_with_the_new_key_and_still_opens_the_old() -> None:
    old = ring()
    sealed = old.seal("p", b"x", system_entropy)
    new = old.rotated(system_entropy)
    assert new.open("p", sealed) == b"x"
    assert len(new.keys) == 2
    with pytest.raises(BrokenSeal):
        old.open("p", new.seal("p", b"x", system_entropy))


def test_a_dropped_key_opens_nothing_any_more() -> None:
    old = ring()
    sealed = old.seal("p", b"x", system_entropy)
    twice = old.rotated(system_entropy).rotated(system_entropy, keep=1)
    assert len(twice.keys) == 2
    with pytest.raises(BrokenSeal):
        twice.open("p", sealed)
    assert len(old.rotated(system_entropy, keep=0).keys) == 1
    assert len(old.rotated(system_entropy, keep=9).keys) == 2


def test_derivation_depends_on_ring_purpose_and_data_alone() -> None:
    keyring = ring()
    again = KeyRing.load(keyring.dump())
    value = keyring.derive("p", b"data")
    assert value == again.derive("p", b"data")
    assert len(value) == 32
    assert len({value, keyring.derive("q", b"data"), keyring.derive("p", b"atad"), ring().derive("p", b"data")}) == 4


def test_derivation_can_follow_the_key_that_sealed() -> None:
    old = ring()
    sealed = old.seal("p", b"x", system_entropy)
    new = old.rotated(system_entropy)
    assert new.derive("p", b"d", sealed) == old.derive("p", b"d", sealed) != new.derive("p", b"d")
    with pytest.raises(BrokenSeal):
        ring().derive("p", b"d", sealed)


def test_a_ring_survives_its_text_form() -> None:
    keyring = ring().rotated(system_entropy)
    again = KeyRing.load(keyring.dump())
    assert again.installation == keyring.installation
    assert again.keys == keyring.keys


def test_representations_show_no_secret() -> None:
    keyring = ring()
    shown = f"{keyring!r} {keyring.keys!r}"
    assert repr(keyring.keys[0].secret) not in shown
    assert base64.b64encode(keyring.keys[0].secret).decode() not in shown


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"format": 1, "installation": "i", "keys": []}',
        b'{"format": 1, "installation": "", "keys": [{"id": "00000000", "key": "%s"}]}' % base64.b64encode(bytes(32)),
        b'{"format": 2, "installation": "i", "keys": [{"id": "00000000", "key": "%s"}]}' % base64.b64encode(bytes(32)),
        b'{"format": 1, "installation": "i", "keys": [{"id": "000000", "key": "%s"}]}' % base64.b64encode(bytes(32)),
        b'{"format": 1, "installation": "i", "keys": [{"id": "00000000", "key": "%s"}]}' % base64.b64encode(bytes(31)),
        b'{"format": 1, "installation": "i", "keys": [{"id": "00000000", "key": "SECRET-TEXT"}]}',
    ],
)
def test_a_damaged_ring_is_refused_without_quoting_it(text: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.load(text)
    assert "SECRET" not in str(caught.value)


def test_two_keys_with_one_id_are_refused() -> None:
    key = {"id": "00000000", "key": base64.b64encode(bytes(32)).decode()}
    with pytest.raises(ConfigurationError, match="same id"):
        KeyRing.load(json.dumps({"format": 1, "installation": "i", "keys": [key, key]}).encode())
