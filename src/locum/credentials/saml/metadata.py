"""The metadata of an identity provider: its entity id and its signing certificates.

Metadata for SAML 2.0 (saml-metadata-2.0-os), 2.3.2 EntityDescriptor and 2.4.3 IDPSSODescriptor. IAM User Guide, "Create
a SAML identity provider in IAM": "The metadata file must be encoded in UTF-8 format without a byte order mark"; "the
x.509 certificate that is included as part of the SAML metadata document must use a key size of at least 1024 bits."
"""

from __future__ import annotations

import base64
from typing import Final, NamedTuple

from locum.credentials.saml.errors import BadMetadata, BadXml
from locum.credentials.saml.keys import check_certificate
from locum.credentials.saml.xml import DS, METADATA, Element, instant, parse

SAML_2: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
LONGEST_ENTITY_ID: Final = 1024
"""The limit in characters. saml-metadata-2.0-os, 2.2.1: "a URI of not more than 1024 characters in length"."""


class Metadata(NamedTuple):
    """Parsed metadata. `certificates` are the signing certificates in DER; `valid_until` is epoch seconds or None."""

    entity_id: str
    certificates: tuple[bytes, ...]
    valid_until: float | None


def read_metadata(document: str) -> Metadata:
    """Parse a metadata document. Raises BadMetadata."""
    try:
        return _read(parse(document.encode()))
    except BadXml as bad:
        raise BadMetadata(str(bad)) from None
    except UnicodeEncodeError:
        raise BadMetadata("the document is not text") from None


def _read(root: Element) -> Metadata:
    if root.tag != f"{METADATA}EntityDescriptor":
        raise BadMetadata("the root element is not EntityDescriptor")
    entity_id = root.get("entityID") or ""
    if not 0 < len(entity_id) <= LONGEST_ENTITY_ID:
        raise BadMetadata("the entityID is missing or too long")
    roles = [role for role in root.findall(f"{METADATA}IDPSSODescriptor") if _supports_saml_2(role)]
    if not roles:
        raise BadMetadata("there is no IDPSSODescriptor for SAML 2.0")
    certificates = tuple(dict.fromkeys(certificate for role in roles for certificate in _certificates(role)))
    if not certificates:
        raise BadMetadata("there is no certificate to verify signatures with")
    times = [time for time in (instant(part.get("validUntil")) for part in (root, *roles)) if time is not None]
    return Metadata(entity_id, certificates, min(times, default=None))


def _supports_saml_2(role: Element) -> bool:
    return SAML_2 in (role.get("protocolSupportEnumeration") or "").split()


def _certificates(role: Element) -> list[bytes]:
    """The signing certificates. saml-metadata-2.0-os, 2.4.1.1: a key without `use` is for signing and encryption."""
    keys = [key for key in role.findall(f"{METADATA}KeyDescriptor") if key.get("use") in (None, "signing")]
    path = f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate"
    return [_certificate(element.text or "") for key in keys for element in key.findall(path)]


def _certificate(text: str) -> bytes:
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:  # binascii.Error is one, so are characters beyond ASCII
        raise BadMetadata("a certificate is not base64") from None
    check_certificate(der)
    return der
