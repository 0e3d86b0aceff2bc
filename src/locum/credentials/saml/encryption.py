"""Decryption of assertions by XML Encryption: a content key, which is encrypted to an RSA key.

XML Encryption Syntax and Processing 1.1 (W3C): 5.2 block encryption, 5.5 key transport. IAM's page on AddPrivateKey:
"uses AES-GCM or AES-CBC encryption algorithm to decrypt SAML assertions". RSA with PKCS #1 v1.5 is refused, and all
failures have the same message, against oracle attacks (Bleichenbacher 1998; Jager and Somorovsky 2011).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from locum.credentials.saml.errors import BadEncryption
from locum.credentials.saml.xml import DS, XENC, XENC11, Element

UNREADABLE: Final = "the assertion cannot be decrypted with the provider's private keys"
_CBC: Final = {
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc": 16,
    "http://www.w3.org/2001/04/xmlenc#aes192-cbc": 24,
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc": 32,
}
_GCM: Final = {
    "http://www.w3.org/2009/xmlenc11#aes128-gcm": 16,
    "http://www.w3.org/2009/xmlenc11#aes192-gcm": 24,
    "http://www.w3.org/2009/xmlenc11#aes256-gcm": 32,
}
_KEY_SIZES: Final = {**_CBC, **_GCM}
"""The key sizes in octets, by the URI of the algorithm (5.2.3, 5.2.4)."""

_OAEP_SHA1: Final = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
_OAEP: Final = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
_DIGESTS: Final = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "SHA1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "SHA256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "SHA384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "SHA512",
}
_MASKS: Final = {
    "http://www.w3.org/2009/xmlenc11#mgf1sha1": "SHA1",
    "http://www.w3.org/2009/xmlenc11#mgf1sha256": "SHA256",
    "http://www.w3.org/2009/xmlenc11#mgf1sha384": "SHA384",
    "http://www.w3.org/2009/xmlenc11#mgf1sha512": "SHA512",
}


def decrypted(element: Element, private_keys: Sequence[bytes]) -> bytes:
    """Decrypt an EncryptedAssertion with one of the RSA keys (PEM), to XML text. Raises BadEncryption."""
    data = element.find(f"{XENC}EncryptedData")
    wrapped = None if data is None else _encrypted_key(element, data)
    if data is None or wrapped is None:
        raise BadEncryption(UNREADABLE)
    algorithm, content = _algorithm(data), _octets(data)
    size = _KEY_SIZES.get(algorithm)
    for pem in private_keys:
        key = _unwrapped(wrapped, pem)
        if key is not None and len(key) == size:
            return _plain(algorithm, key, content)
    raise BadEncryption(UNREADABLE)


def is_malleable(element: Element) -> bool:
    """Whether the cipher of an EncryptedAssertion is malleable: its plaintext can be changed without the key."""
    data = element.find(f"{XENC}EncryptedData")
    return data is not None and _algorithm(data) in _CBC


def _encrypted_key(element: Element, data: Element) -> Element | None:
    """The EncryptedKey, in the KeyInfo (5.5) or beside the data (saml-core-2.0-os, 6.2)."""
    inside = data.findall(f"{DS}KeyInfo/{XENC}EncryptedKey")
    beside = element.findall(f"{XENC}EncryptedKey")
    found = inside + beside
    return found[0] if len(found) == 1 else None


def _algorithm(part: Element) -> str:
    method = part.find(f"{XENC}EncryptionMethod")
    return "" if method is None else method.get("Algorithm") or ""


def _octets(part: Element) -> bytes:
    value = part.find(f"{XENC}CipherData/{XENC}CipherValue")
    try:
        return base64.b64decode("".join(((value.text if value is not None else "") or "").split()), validate=True)
    except ValueError:  # binascii.Error is one, so are characters beyond ASCII
        raise BadEncryption(UNREADABLE) from None


def _unwrapped(wrapped: Element, pem: bytes) -> bytes | None:
    """The content key, decrypted with the RSA key `pem`; None where that fails."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - needed where assertions come encrypted
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    digest, mask = _oaep(wrapped)
    scheme = padding.OAEP(padding.MGF1(getattr(hashes, mask)()), getattr(hashes, digest)(), None)
    # The key was checked when it was sealed; checking it again would take longer than all the rest.
    key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        return None
    try:
        return key.decrypt(_octets(wrapped), scheme)
    except ValueError:
        return None


def _oaep(wrapped: Element) -> tuple[str, str]:
    """The names of the digests of OAEP and of its mask function. 5.5.2: SHA-1 by default."""
    algorithm = _algorithm(wrapped)
    digest = wrapped.find(f"{XENC}EncryptionMethod/{DS}DigestMethod")
    mask = wrapped.find(f"{XENC}EncryptionMethod/{XENC11}MGF")
    digest_name = "SHA1" if digest is None else _DIGESTS.get(digest.get("Algorithm") or "")
    mask_name = "SHA1" if mask is None or algorithm == _OAEP_SHA1 else _MASKS.get(mask.get("Algorithm") or "")
    if algorithm not in (_OAEP_SHA1, _OAEP) or digest_name is None or mask_name is None:
        raise BadEncryption(UNREADABLE)
    return digest_name, mask_name


def _plain(algorithm: str, key: bytes, content: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        if algorithm in _GCM:
            return AESGCM(key).decrypt(content[:12], content[12:], None)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(content[:16])).decryptor()
        padded = decryptor.update(content[16:]) + decryptor.finalize()
    except (InvalidTag, ValueError):
        raise BadEncryption(UNREADABLE) from None
    # 5.2.2: the last octet is the length of the padding; the other octets of the padding are arbitrary.
    if not padded or not 1 <= padded[-1] <= 16:
        raise BadEncryption(UNREADABLE)
    return padded[: -padded[-1]]
