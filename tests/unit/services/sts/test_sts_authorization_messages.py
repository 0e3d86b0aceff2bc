"""DecodeAuthorizationMessage: what is sealed for an account is for that account, whole and unaltered."""

from __future__ import annotations

import json

import pytest

from locum.core.errors import Fault
from locum.core.principal import Principal
from locum.credentials import KeyRing
from locum.services.sts import LONGEST_MESSAGE, OPERATIONS, encode_authorization_message
from support.one_account import ACCOUNT, Entropy, Plane

DETAILS = {"allowed": False, "context": {"action": "ec2:RunInstances"}}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def sts() -> Plane:
    return Plane("sts", OPERATIONS)


def encoded(sts: Plane, account: str = ACCOUNT) -> str:
    return encode_authorization_message(sts.keyring, account, DETAILS, sts.entropy)


def refused(sts: Plane, message: str) -> Fault:
    with pytest.raises(Fault) as caught:
        sts.call("DecodeAuthorizationMessage", EncodedMessage=message)
    return caught.value


def test_what_was_encoded_is_decoded(sts: Plane) -> None:
    message = encoded(sts)
    assert set(message) <= set(ALPHABET)
    assert len(message) < LONGEST_MESSAGE
    assert json.loads(sts.call("DecodeAuthorizationMessage", EncodedMessage=message)["DecodedMessage"]) == DETAILS


def test_no_two_messages_are_alike_and_none_tells_what_it_holds(sts: Plane) -> None:
    first, second = encoded(sts), encoded(sts)
    assert first != second
    assert "RunInstances" not in first


def test_a_message_altered_anywhere_is_refused(sts: Plane) -> None:
    message = encoded(sts)
    for at, character in enumerate(message):
        other = ALPHABET[(ALPHABET.index(character) + 1) % len(ALPHABET)]
        fault = refused(sts, message[:at] + other + message[at + 1 :])
        assert (fault.code, fault.status) == ("InvalidAuthorizationMessageException", 400)


@pytest.mark.parametrize("change", ["{}\n", "{}=", " {}", "{}é", "{}A", "x"])
def test_a_message_with_anything_more_is_refused(sts: Plane, change: str) -> None:
    assert refused(sts, change.format(encoded(sts))).code == "InvalidAuthorizationMessageException"


def test_a_message_of_another_account_is_refused(sts: Plane) -> None:
    message = encoded(sts)
    sts.signed_by(Principal.root("999988887777"))
    assert refused(sts, message).code == "InvalidAuthorizationMessageException"


def test_a_message_of_another_installation_is_refused(sts: Plane) -> None:
    message = encoded(sts)
    sts.keyring = KeyRing.generate(Entropy(calls=1000))
    assert refused(sts, message).code == "InvalidAuthorizationMessageException"


def test_what_was_sealed_for_another_purpose_is_refused(sts: Plane) -> None:
    session = sts.call("GetSessionToken")["Credentials"]["SessionToken"]
    assert refused(sts, session).code == "InvalidAuthorizationMessageException"
