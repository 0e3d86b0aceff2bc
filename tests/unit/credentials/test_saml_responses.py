"""What of a Response is believed, and the ways to have something else believed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from lxml import etree
from signxml import SignatureMethod

from locum.credentials import saml
from support.saml_idp import (
    ISSUER,
    NS,
    PERSISTENT,
    Login,
    encrypted,
    octets,
    signed_assertion,
    signed_response,
    signer,
)

NOW = 1_790_000_000.0
LOGIN = Login(now=NOW, attributes={"color": ["red", "green"], "empty": []}, session_ends=3600)
EVIL = "root@example.com"
TRUSTED = (signer("other").der, signer().der)
DS = f"{{{NS['ds']}}}"
SAML = f"{{{NS['saml']}}}"


def validated(element: Any, *keys: str) -> saml.ValidatedResponse:
    data = element if isinstance(element, bytes) else octets(element)
    return saml.validate_response(data, TRUSTED, [key.encode() for key in keys])


def subject(response: saml.ValidatedResponse) -> str:
    assert response.assertion is not None
    return response.assertion.name_id


def signed_both(login: Login) -> Any:
    return signer().sign(login.response(signer().sign(login.assertion())))


@pytest.mark.parametrize("made", [signed_assertion, signed_response, signed_both])
def test_an_assertion_says_what_was_signed(made: Callable[[Login], Any]) -> None:
    response = validated(made(LOGIN))
    assert response == saml.ValidatedResponse(
        status=saml.SUCCESS,
        response_issuer=ISSUER,
        response_signed=made is not signed_assertion,
        encrypted=False,
        assertion=saml.Assertion(
            issuer=ISSUER,
            issued_at=NOW,
            name_id="ann@example.com",
            name_format=PERSISTENT,
            confirmations=(
                saml.Confirmation(
                    "urn:oasis:names:tc:SAML:2.0:cm:bearer", "https://signin.aws.amazon.com/saml", None, NOW + 300
                ),
            ),
            not_before=NOW - 5,
            not_on_or_after=NOW + 60,
            audiences=(frozenset({"urn:amazon:webservices"}),),
            attributes={"color": ("red", "green"), "empty": ()},
            session_ends=NOW + 3600,
        ),
    )


@pytest.mark.parametrize("method", [SignatureMethod.RSA_SHA512, SignatureMethod.SHA256_RSA_MGF1])
def test_other_algorithms_of_today_are_taken(method: SignatureMethod) -> None:
    assert subject(validated(LOGIN.response(signer().sign(LOGIN.assertion(), method)))) == "ann@example.com"


def test_a_refusal_of_the_provider_proves_nobody() -> None:
    denied = LOGIN.with_(status="urn:oasis:names:tc:SAML:2.0:status:Responder")
    assert validated(signed_response(denied)).assertion is None


# -- signature wrapping: Somorovsky et al., "On Breaking SAML", as XSW 1 to 8 of the tools --------------------


def evil(element: Any) -> Any:
    """A copy without a signature, about somebody else, under another ID."""
    copy = deepcopy(element)
    for signature in copy.findall(f"{DS}Signature"):
        copy.remove(signature)
    copy.set("ID", "_evil")
    for name in copy.iter(f"{SAML}NameID"):
        name.text = EVIL
    return copy


def signature_of(element: Any) -> Any:
    return element.find(f"{DS}Signature")


def assertion_of(element: Any) -> Any:
    return element.find(f"{SAML}Assertion")


def unsigned(element: Any) -> Any:
    copy = deepcopy(element)
    copy.remove(signature_of(copy))
    return copy


def xsw1() -> Any:
    """The signed response, inside the signature of a forged one."""
    original = signed_response(LOGIN)
    forged = evil(original)
    signature = deepcopy(signature_of(original))
    signature.append(unsigned(original))
    forged.insert(1, signature)
    return forged


def xsw2() -> Any:
    """The signed response, beside the signature, in a forged one."""
    original = signed_response(LOGIN)
    forged = evil(original)
    forged.insert(1, unsigned(original))
    forged.insert(2, deepcopy(signature_of(original)))
    return forged


def xsw3() -> Any:
    """A forged assertion before the signed one."""
    response = signed_assertion(LOGIN)
    response.insert(2, evil(assertion_of(response)))
    return response


def xsw4() -> Any:
    """The signed assertion inside a forged one."""
    response = signed_assertion(LOGIN)
    original = assertion_of(response)
    forged = evil(original)
    response.replace(original, forged)
    forged.append(original)
    return response


def xsw5() -> Any:
    """A forged assertion with the signature of the original, which follows without one."""
    response = signed_assertion(LOGIN)
    original = assertion_of(response)
    forged = evil(original)
    forged.insert(1, deepcopy(signature_of(original)))
    response.replace(original, forged)
    response.append(unsigned(original))
    return response


def xsw6() -> Any:
    """A forged assertion with the signature of the original, and the original in that signature."""
    response = signed_assertion(LOGIN)
    original = assertion_of(response)
    forged = evil(original)
    signature = deepcopy(signature_of(original))
    signature.append(unsigned(original))
    forged.insert(1, signature)
    response.replace(original, forged)
    return response


def xsw7() -> Any:
    """A forged assertion in Extensions, where a schema lets anything be."""
    response = signed_assertion(LOGIN)
    extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
    extensions.append(evil(assertion_of(response)))
    response.insert(1, extensions)
    return response


def xsw8() -> Any:
    """The original in an Object of the signature in a forged assertion."""
    response = signed_assertion(LOGIN)
    original = assertion_of(response)
    forged = evil(original)
    signature = deepcopy(signature_of(original))
    holder = etree.SubElement(signature, f"{DS}Object")
    holder.append(unsigned(original))
    forged.insert(1, signature)
    response.replace(original, forged)
    return response


def moved_signature() -> Any:
    """The assertion's signature, put where the response's would be."""
    response = signed_assertion(LOGIN)
    signature = signature_of(assertion_of(response))
    response.insert(1, signature)
    return response


def same_id_twice() -> Any:
    """Something else that goes by the ID that was signed."""
    response = signed_assertion(LOGIN)
    response.find(f"{{{NS['samlp']}}}Status").set("ID", "_assertion")
    return response


def other_namespace() -> Any:
    """A forged assertion under a name that only sloppy readers take for one."""
    response = signed_assertion(LOGIN)
    forged = evil(assertion_of(response))
    forged.tag = "Assertion"
    response.insert(2, forged)
    return response


@pytest.mark.parametrize(
    "attack",
    [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, moved_signature, same_id_twice, other_namespace],
)
def test_signature_wrapping_is_refused(attack: Callable[[], Any]) -> None:
    with pytest.raises((saml.BadSignature, saml.BadResponse)):
        validated(attack())


# -- the signature itself -------------------------------------------------------------------------------------


def stripped() -> Any:
    return LOGIN.response()


def stripped_of_value() -> Any:
    response = signed_assertion(LOGIN)
    response.find(f".//{DS}SignatureValue").text = ""
    return response


def by_a_stranger() -> Any:
    """Signed well, by a key whose certificate is in the document: the provider does not have it."""
    return signed_assertion(LOGIN, signer("stranger"))


def by_a_stranger_around_a_friend() -> Any:
    """The assertion is the provider's, the response another's: no signature may be bad."""
    return signer("stranger").sign(signed_assertion(LOGIN))


def changed_after_signing() -> Any:
    response = signed_assertion(LOGIN)
    response.find(f".//{SAML}NameID").text = EVIL
    return response


def with_a_second_reference() -> Any:
    response = signed_assertion(LOGIN)
    info = response.find(f".//{DS}SignedInfo")
    info.append(deepcopy(info.find(f"{DS}Reference")))
    return response


def of_the_whole_document() -> Any:
    response = signed_assertion(LOGIN)
    response.find(f".//{DS}Reference").set("URI", "")
    return response


def with_a_stylesheet() -> Any:
    response = signed_assertion(LOGIN)
    transforms = response.find(f".//{DS}Transforms")
    etree.SubElement(transforms, f"{DS}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116")
    return response


def with_comments_kept() -> Any:
    response = signed_assertion(LOGIN)
    response.findall(f".//{DS}Transform")[1].set("Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")
    return response


def with_a_shared_secret() -> Any:
    """The certificate as the key of an HMAC."""
    response = signed_assertion(LOGIN)
    response.find(f".//{DS}SignatureMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha256")
    return response


def with_sha1() -> Any:
    response = signed_assertion(LOGIN)
    response.find(f".//{DS}SignatureMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    return response


@pytest.mark.parametrize(
    "attack",
    [
        stripped,
        stripped_of_value,
        by_a_stranger,
        by_a_stranger_around_a_friend,
        changed_after_signing,
        with_a_second_reference,
        of_the_whole_document,
        with_a_stylesheet,
        with_comments_kept,
        with_a_shared_secret,
        with_sha1,
    ],
)
def test_what_the_provider_did_not_sign_is_refused(attack: Callable[[], Any]) -> None:
    with pytest.raises(saml.BadSignature):
        validated(attack())


# -- text that is one thing to one reader and another to the next ---------------------------------------------


def test_a_comment_in_a_name_does_not_cut_it_short() -> None:
    """The canonical form has no comments, so the signature holds; what is read is the text as it was signed."""
    login = LOGIN.with_(name_id="root@example.com.attacker.example", attributes={"who": ["root.attacker"]})
    data = octets(signed_assertion(login))
    data = data.replace(b"root@example.com.attacker", b"root@example.com<!-- -->.attacker")
    response = validated(data.replace(b">root.attacker<", b">root<!-- x -->.attacker<"))
    assert subject(response) == "root@example.com.attacker.example"
    assert response.assertion is not None
    assert response.assertion.attributes["who"] == ("root.attacker",)


def test_a_processing_instruction_in_a_name_is_refused() -> None:
    with pytest.raises(saml.BadXml, match="more than text"):
        validated(signed_assertion(LOGIN.with_(name_id="root<?x?>.attacker")))


def test_an_attribute_with_a_name_identifier_in_it_is_read() -> None:
    value = '<saml:NameID Format="urn:x">opaque</saml:NameID>'
    response = validated(signed_assertion(LOGIN.with_(attributes={"edu": [value]})))
    assert response.assertion is not None
    assert response.assertion.attributes == {"edu": ("opaque",)}


# -- XML that does more than be a tree ------------------------------------------------------------------------

BOMB = b'<!DOCTYPE r [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(BOMB + b"]>", id="billion laughs"),
        pytest.param(b'<!DOCTYPE r [<!ENTITY j SYSTEM "file:///etc/passwd">]>', id="external entity"),
        pytest.param(b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">', id="external subset"),
        pytest.param(b'<!DOCTYPE r [<!ATTLIST Assertion ID CDATA "_evil">]>', id="default attribute"),
    ],
)
def test_a_document_type_declaration_is_refused(head: bytes) -> None:
    data = head + octets(signed_assertion(LOGIN.with_(name_id="NAME"))).replace(b"NAME", b"&j;")
    with pytest.raises(saml.BadXml, match="document type"):
        validated(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not XML", id="no XML"),
        pytest.param(b"<a>" * 100_000, id="deep"),
        pytest.param("<a/>".encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"<a>&unknown;</a>", id="unknown entity"),
        pytest.param(b"<a>\x00</a>", id="NUL"),
    ],
)
def test_what_is_not_xml_is_refused(data: bytes) -> None:
    with pytest.raises(saml.BadXml):
        validated(data)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: r.set("Version", "1.1"), "not a Response"),
        (lambda r: r.remove(assertion_of(r)), "not exactly one assertion"),
        (lambda r: assertion_of(r).set("Version", "1.1"), "no assertion of SAML 2.0"),
        (lambda r: assertion_of(r).remove(assertion_of(r).find(f"{SAML}Issuer")), "no issuer"),
        (lambda r: assertion_of(r).append(deepcopy(assertion_of(r).find(f"{SAML}Subject"))), "more than one Subject"),
        (lambda r: assertion_of(r).append(deepcopy(assertion_of(r).find(f"{SAML}Conditions"))), "more than one Cond"),
    ],
)
def test_what_is_signed_and_cannot_be_read_is_refused(change: Callable[[Any], None], reason: str) -> None:
    response = LOGIN.response()
    change(response)
    with pytest.raises(saml.BadResponse, match=reason):
        validated(signer().sign(response))


def test_an_assertion_alone_is_no_response() -> None:
    with pytest.raises(saml.BadResponse, match="not a Response"):
        validated(signer().sign(LOGIN.assertion()))


# -- encryption -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["gcm", "cbc"])
def test_an_encrypted_assertion_is_opened_with_the_providers_key(algorithm: str) -> None:
    inner = encrypted(signer().sign(LOGIN.assertion()), signer("reader"), algorithm)
    response = validated(LOGIN.response(inner), signer("old reader").pem, signer("reader").pem)
    assert response.encrypted
    assert subject(response) == "ann@example.com"


def test_an_encrypted_assertion_in_a_signed_response_needs_no_signature_of_its_own() -> None:
    inner = encrypted(LOGIN.assertion(), signer("reader"))
    assert subject(validated(signer().sign(LOGIN.response(inner)), signer("reader").pem)) == "ann@example.com"


def test_encryption_proves_nothing_without_a_signature() -> None:
    """Anybody can encrypt to a public key."""
    with pytest.raises(saml.BadSignature):
        validated(LOGIN.response(encrypted(LOGIN.assertion(), signer("reader"))), signer("reader").pem)


def by_nobody(_assertion: Any) -> Any:
    return LOGIN.assertion()


def by_somebody(assertion: Any) -> Any:
    return signer("stranger").sign(assertion)


def no_assertion(_assertion: Any) -> Any:
    return etree.fromstring("<hello/>")


@pytest.mark.parametrize("inside", [by_nobody, by_somebody, no_assertion])
def test_nobody_learns_whether_what_he_changed_in_a_ciphertext_is_xml(inside: Callable[[Any], Any]) -> None:
    """With CBC, whoever is told so reads the assertion, octet by octet."""
    response = LOGIN.response(encrypted(inside(LOGIN.assertion()), signer("reader"), "cbc"))
    with pytest.raises(saml.BadEncryption, match="cannot be decrypted with the provider's private keys"):
        validated(response, signer("reader").pem)


def test_a_forged_assertion_beside_the_encrypted_one_is_refused() -> None:
    response = LOGIN.response(encrypted(signer().sign(LOGIN.assertion()), signer("reader")))
    response.append(evil(LOGIN.assertion()))
    with pytest.raises(saml.BadResponse):
        validated(response, signer("reader").pem)


def garbled(response: Any) -> None:
    for value in response.iter(f"{{{NS['xenc']}}}CipherValue"):
        value.text = "AAAA" + (value.text or "")[4:]


def pkcs1(response: Any) -> None:
    method = response.find(f".//{{{NS['xenc']}}}EncryptedKey/{{{NS['xenc']}}}EncryptionMethod")
    method.set("Algorithm", f"{NS['xenc']}rsa-1_5")


def triple_des(response: Any) -> None:
    method = response.find(f".//{{{NS['xenc']}}}EncryptedData/{{{NS['xenc']}}}EncryptionMethod")
    method.set("Algorithm", f"{NS['xenc']}tripledes-cbc")


def nothing(response: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "key"),
    [(garbled, "reader"), (pkcs1, "reader"), (triple_des, "reader"), (nothing, "old reader"), (nothing, "")],
)
@pytest.mark.parametrize("algorithm", ["gcm", "cbc"])
def test_what_cannot_be_decrypted_reads_the_same(change: Callable[[Any], None], key: str, algorithm: str) -> None:
    response = LOGIN.response(encrypted(signer().sign(LOGIN.assertion()), signer("reader"), algorithm))
    change(response)
    with pytest.raises(saml.BadEncryption, match="cannot be decrypted with the provider's private keys"):
        validated(response, *([signer(key).pem] if key else []))


def test_an_encrypted_assertion_beyond_ascii_is_refused() -> None:
    document = octets(Login(now=NOW).response(encrypted(signer().sign(Login(now=NOW).assertion()), signer("reader"))))
    strange = document.replace(b"<xenc:CipherValue>", "<xenc:CipherValue>\u0080".encode())
    with pytest.raises(saml.SamlError):
        saml.validate_response(strange, [signer().der], [signer("reader").pem.encode()])
