"""A small identity provider: keys, certificates, metadata, and responses signed with signxml."""

from __future__ import annotations

import base64
import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree
from signxml import CanonicalizationMethod, SignatureMethod, XMLSigner

NS: Final = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
}
ISSUER: Final = "https://idp.example.com/saml"
ATTRIBUTES: Final = "https://aws.amazon.com/SAML/Attributes/"
AUDIENCE: Final = "urn:amazon:webservices"
RECIPIENT: Final = "https://signin.aws.amazon.com/saml"
PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
OAEP: Final = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"


class Signer:
    """A key and its certificate, which expired long ago: that is nobody's business."""

    def __init__(self, name: str, bits: int = 2048) -> None:
        self.key = rsa.generate_private_key(65537, bits)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(self.key.public_key())
        begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(begin + dt.timedelta(days=2))
        self.certificate = builder.sign(self.key, hashes.SHA256())

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        """The private key."""
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    def sign(self, element: Any, method: SignatureMethod = SignatureMethod.RSA_SHA256) -> Any:
        """`element`, signed as a whole, with the signature behind the issuer, and the certificate in it."""
        place = etree.Element(f"{{{NS['ds']}}}Signature", {"Id": "placeholder"}, nsmap={"ds": NS["ds"]})
        element.insert(1, place)
        canonical = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
        signer = XMLSigner(signature_algorithm=method, c14n_algorithm=canonical)
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return signer.sign(element, key=self.key, cert=pem, reference_uri="#" + element.get("ID"))


@cache
def signer(name: str = "idp", bits: int = 2048) -> Signer:
    """The signer of that name: making keys takes long."""
    return Signer(name, bits)


def metadata(*signers: Signer, issuer: str = ISSUER, valid_until: str = "", use: str = 'use="signing"') -> str:
    """The metadata document of an identity provider that signs with those keys."""
    until = f' validUntil="{valid_until}"' if valid_until else ""
    keys = "".join(
        f'<md:KeyDescriptor {use}><ds:KeyInfo xmlns:ds="{NS["ds"]}"><ds:X509Data><ds:X509Certificate>'
        f"{base64.b64encode(one.der).decode()}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for one in signers or (signer(),)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
        f' entityID="{issuer}"{until}><md:IDPSSODescriptor protocolSupportEnumeration="{NS["samlp"]}">{keys}'
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"'
        ' Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
    )


def instant(seconds: float) -> str:
    """As xs:dateTime."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, kw_only=True)
class Login:
    """A response in the making. Times are epoch seconds."""

    now: float
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    issuer: str = ISSUER
    response_issuer: str = ISSUER
    name_id: str = "ann@example.com"
    name_format: str = PERSISTENT
    recipient: str = RECIPIENT
    audience: str = AUDIENCE
    not_before: float = -5
    not_on_or_after: float = 60
    confirmed_until: float = 300
    issued: float = 0
    session_ends: float | None = None
    status: str = SUCCESS
    confirmations: int = 1

    def with_(self, **changes: Any) -> Login:
        """The same with changes."""
        return replace(self, **changes)

    def assertion(self) -> Any:
        """The assertion, unsigned."""
        return etree.fromstring(self._assertion())

    def response(self, assertion: Any = None) -> Any:
        """The response, unsigned, around `assertion`."""
        root = etree.fromstring(
            f'<samlp:Response xmlns:samlp="{NS["samlp"]}" xmlns:saml="{NS["saml"]}" ID="_response" Version="2.0"'
            f' IssueInstant="{instant(self.now)}" Destination="{self.recipient}" InResponseTo="_request">'
            f"<saml:Issuer>{self.response_issuer}</saml:Issuer>"
            f'<samlp:Status><samlp:StatusCode Value="{self.status}"/></samlp:Status></samlp:Response>'
        )
        root.append(self.assertion() if assertion is None else assertion)
        return root

    def _assertion(self) -> str:
        values = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in found)
            + "</saml:Attribute>"
            for name, found in self.attributes.items()
        )
        ends = "" if self.session_ends is None else f' SessionNotOnOrAfter="{instant(self.now + self.session_ends)}"'
        confirmation = (
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData'
            f' NotOnOrAfter="{instant(self.now + self.confirmed_until)}" Recipient="{self.recipient}"'
            ' InResponseTo="_request"/></saml:SubjectConfirmation>'
        )
        return (
            f'<saml:Assertion xmlns:saml="{NS["saml"]}" ID="_assertion" Version="2.0"'
            f' IssueInstant="{instant(self.now + self.issued)}"><saml:Issuer>{self.issuer}</saml:Issuer><saml:Subject>'
            f'<saml:NameID Format="{self.name_format}">{self.name_id}</saml:NameID>{confirmation * self.confirmations}'
            f'</saml:Subject><saml:Conditions NotBefore="{instant(self.now + self.not_before)}"'
            f' NotOnOrAfter="{instant(self.now + self.not_on_or_after)}"><saml:AudienceRestriction><saml:Audience>'
            f"{self.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
            f'<saml:AuthnStatement AuthnInstant="{instant(self.now)}"{ends}/>'
            f"<saml:AttributeStatement>{values}</saml:AttributeStatement></saml:Assertion>"
        )


def signed_assertion(login: Login, by: Signer | None = None) -> Any:
    """The response, with its assertion signed."""
    return login.response((by or signer()).sign(login.assertion()))


def signed_response(login: Login, by: Signer | None = None) -> Any:
    """The response, signed as a whole."""
    return (by or signer()).sign(login.response())


def octets(element: Any) -> bytes:
    """The document."""
    found: bytes = etree.tostring(element)
    return found


def sent(element: Any) -> str:
    """The document as SAMLAssertion takes it."""
    return base64.b64encode(element if isinstance(element, bytes) else octets(element)).decode()


def encrypted(assertion: Any, to: Signer, algorithm: str = "gcm") -> Any:
    """The assertion, encrypted to a key: AES-128-GCM, or `cbc`."""
    key, plain = os.urandom(16), octets(assertion)
    if algorithm == "gcm":
        nonce = os.urandom(12)
        content, uri = nonce + AESGCM(key).encrypt(nonce, plain, None), "http://www.w3.org/2009/xmlenc11#aes128-gcm"
    else:
        iv, missing = os.urandom(16), 16 - len(plain) % 16
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        padded = plain + os.urandom(missing - 1) + bytes([missing])
        content, uri = iv + encryptor.update(padded) + encryptor.finalize(), f"{NS['xenc']}aes128-cbc"
    scheme = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    wrapped = to.key.public_key().encrypt(key, scheme)
    return etree.fromstring(
        f'<saml:EncryptedAssertion xmlns:saml="{NS["saml"]}"><xenc:EncryptedData xmlns:xenc="{NS["xenc"]}">'
        f'<xenc:EncryptionMethod Algorithm="{uri}"/><ds:KeyInfo xmlns:ds="{NS["ds"]}"><xenc:EncryptedKey>'
        f'<xenc:EncryptionMethod Algorithm="{OAEP}"/><xenc:CipherData><xenc:CipherValue>'
        f"{base64.b64encode(wrapped).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
        f"<xenc:CipherData><xenc:CipherValue>{base64.b64encode(content).decode()}</xenc:CipherValue></xenc:CipherData>"
        "</xenc:EncryptedData></saml:EncryptedAssertion>"
    )
