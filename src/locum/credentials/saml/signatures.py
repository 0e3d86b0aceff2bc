"""Verification of XML signatures in SAML documents.

saml-core-2.0-os, 5.4, with rules against signature wrapping (Somorovsky et al., "On Breaking SAML: Be Whoever You Want
to Be", 2012):

1. A Signature is a child of the element that it signs, at most one each; anywhere else it is refused.
2. 5.4.2 "SAML assertions and protocol messages MUST supply a value for the ID attribute on the root element [...]
   The signature MUST contain a single <ds:Reference> containing a same-document reference" to that ID.
3. 5.4.4 no transforms but the enveloped signature and exclusive canonicalization, here without comments.
4. No ds:Object, in which content could be hidden.
5. The key is one of the provider's metadata; the Signature's own KeyInfo is ignored.
6. The result is the signed element, parsed from the bytes that were digested; nothing else of the document is read.

SHA-1 is refused. The validity period of a certificate is ignored. IAM User Guide: "IAM does not evaluate or take action
on the expiration of X.509 certificates in SAML metadata documents."
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Final

from locum.credentials.saml.errors import BadSignature
from locum.credentials.saml.xml import DS, SAML, SAMLP, Element, parser

_SIGNATURE: Final = f"{DS}Signature"
_SIGNED: Final = (f"{SAMLP}Response", f"{SAML}Assertion")
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_METHODS: Final = (
    "RSA_SHA256",
    "RSA_SHA384",
    "RSA_SHA512",
    "ECDSA_SHA256",
    "ECDSA_SHA384",
    "ECDSA_SHA512",
    "SHA256_RSA_MGF1",
    "SHA384_RSA_MGF1",
    "SHA512_RSA_MGF1",
)
_DIGESTS: Final = ("SHA256", "SHA384", "SHA512")


def check_places(root: Element) -> None:
    """Raise BadSignature where a Signature is not a child of a Response or an Assertion, or is one of several."""
    holders = [signature.getparent() for signature in root.iter(_SIGNATURE)]
    for holder in holders:
        if holder is None or holder.tag not in _SIGNED or len(holder.findall(_SIGNATURE)) != 1:
            raise BadSignature("a signature is not where it belongs")


def is_signed(element: Element) -> bool:
    """Whether the element has a signature of its own, valid or not."""
    return element.find(_SIGNATURE) is not None


def signed(root: Element, holder: Element, certificates: Sequence[bytes]) -> Element:
    """Verify `holder` (the root of the document, or a child of it) with the certificates (DER): the signed element.

    Raises BadSignature.
    """
    identifier = holder.get("ID") or ""
    _check_form(holder, identifier)
    location = "./" if holder is root else f"./{holder.tag}/"
    for der in certificates:
        found = _verified(root, location, der)
        if found is not None:
            break
    else:
        raise BadSignature("the signature is not by a certificate of the provider, or what it signs was changed")
    if found.tag != holder.tag or found.get("ID") != identifier:
        raise BadSignature("the signature covers another element")
    return found


def _check_form(holder: Element, identifier: str) -> None:
    signature = holder.find(_SIGNATURE)
    references = [] if signature is None else signature.findall(f"{DS}SignedInfo/{DS}Reference")
    if signature is None or len(references) != 1:
        raise BadSignature("there is not one signature with one reference")
    if not identifier or references[0].get("URI") != f"#{identifier}":
        raise BadSignature("the signature does not refer to the element that it is in")
    transforms = references[0].findall(f"{DS}Transforms/{DS}Transform")
    algorithms = [transform.get("Algorithm") for transform in transforms]
    if sorted(map(str, algorithms)) != sorted((_ENVELOPED, _EXCLUSIVE)):
        raise BadSignature("the transforms are not those of an enveloped signature")
    if signature.find(f"{DS}Object") is not None:
        raise BadSignature("the signature holds an object")


def _verified(root: Element, location: str, der: bytes) -> Element | None:
    """The element that the signature at `location` covers; None where it is not valid for this certificate."""
    signxml, errors, etree = map(importlib.import_module, ("signxml", "signxml.exceptions", "lxml.etree"))
    from cryptography import x509  # noqa: PLC0415 - as in `keys`
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

    certificate = x509.load_der_x509_certificate(der)
    try:
        result = signxml.XMLVerifier().verify(
            root,
            x509_cert=certificate,
            parser=parser(),
            id_attribute="ID",
            expect_config=_configuration(signxml, location, certificate),
        )
    except (errors.SignXMLException, etree.LxmlError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None  # signxml passes on the exceptions of its libraries for unknown algorithms and values
    covered: Element | None = result.signed_xml
    return covered


def _configuration(signxml: Any, location: str, certificate: Any) -> Any:
    return signxml.SignatureConfiguration(
        location=location,
        expect_references=1,
        signature_methods=frozenset(signxml.SignatureMethod[name] for name in _METHODS),
        digest_algorithms=frozenset(signxml.DigestAlgorithm[name] for name in _DIGESTS),
        ignore_ambiguous_key_info=True,
        verification_time=certificate.not_valid_before_utc,
    )
