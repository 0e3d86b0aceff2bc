"""Validation of a SAML Response, which an untrusted browser relays.

First the structure: exactly one assertion in the whole document, as a child of the Response. Then all signatures, of
which at least one must cover the assertion. Only signed elements are then read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from locum.credentials.saml.assertions import Assertion, read_assertion
from locum.credentials.saml.encryption import UNREADABLE, decrypted, is_malleable
from locum.credentials.saml.errors import BadEncryption, BadResponse, BadSignature, BadXml
from locum.credentials.saml.signatures import check_places, is_signed, signed
from locum.credentials.saml.xml import SAML, SAMLP, Element, parse, text_of

_RESPONSE: Final = f"{SAMLP}Response"
_ASSERTION: Final = f"{SAML}Assertion"
_ENCRYPTED: Final = f"{SAML}EncryptedAssertion"
SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"


class ValidatedResponse(NamedTuple):
    """A validated Response. `status` and `response_issuer` are signed only where `response_signed`.

    `assertion` is None where the sign-in failed (`status` is not `SUCCESS`).
    """

    status: str
    response_issuer: str
    response_signed: bool
    encrypted: bool
    assertion: Assertion | None


def validate_response(
    data: bytes, certificates: Sequence[bytes], private_keys: Sequence[bytes] = ()
) -> ValidatedResponse:
    """Validate the Response `data` with the provider's certificates (DER) and the decryption keys (PEM).

    Raises SamlError.
    """
    root = parse(data)
    if root.tag != _RESPONSE or root.get("Version") != "2.0":
        raise BadResponse("the document is not a Response of SAML 2.0")
    check_places(root)
    issuer = root.find(f"{SAML}Issuer")
    name = "" if issuer is None else text_of(issuer)
    status = _status(root)
    whole = signed(root, root, certificates) if is_signed(root) else None
    if status != SUCCESS:
        return ValidatedResponse(status, name, whole is not None, encrypted=False, assertion=None)
    held = _only_assertion(root)
    if held.tag == _ENCRYPTED:
        covered = _decrypted_assertion(
            held if whole is None else _only_assertion(whole), whole, certificates, private_keys
        )
    elif is_signed(held):
        covered = signed(root, held, certificates)
    elif whole is not None:
        covered = _only_assertion(whole)
    else:
        raise BadSignature("neither the response nor the assertion is signed")
    return ValidatedResponse(status, name, whole is not None, held.tag == _ENCRYPTED, read_assertion(covered))


def _status(root: Element) -> str:
    code = root.find(f"{SAMLP}Status/{SAMLP}StatusCode")
    return "" if code is None else code.get("Value") or ""


def _only_assertion(root: Element) -> Element:
    """The one assertion of the document, encrypted or not, which must be a child of the Response."""
    found = [element for element in root.iter() if _is_assertion(element)]
    if len(found) != 1 or found[0].getparent() is not root or found[0].tag not in (_ASSERTION, _ENCRYPTED):
        raise BadResponse("there is not exactly one assertion")
    return found[0]


def _is_assertion(element: Element) -> bool:
    """Whether `element` is an assertion by its local name, whatever its namespace."""
    return isinstance(element.tag, str) and element.tag.rpartition("}")[2] in ("Assertion", "EncryptedAssertion")


def _decrypted_assertion(
    element: Element, whole: Element | None, certificates: Sequence[bytes], private_keys: Sequence[bytes]
) -> Element:
    """The decrypted assertion of an EncryptedAssertion. Either it or the Response around it must be signed."""
    plain = decrypted(element, private_keys)
    try:
        return _verified_assertion(parse(plain), whole, certificates)
    except BadXml:
        raise BadEncryption(UNREADABLE) from None
    except (BadResponse, BadSignature):
        # A malleable ciphertext that is not signed would be a decryption oracle: Jager and Somorovsky, see
        # `encryption`.
        if whole is None and is_malleable(element):
            raise BadEncryption(UNREADABLE) from None
        raise


def _verified_assertion(inner: Element, whole: Element | None, certificates: Sequence[bytes]) -> Element:
    """The decrypted element, verified to be one assertion and to be signed."""
    check_places(inner)
    if inner.tag != _ASSERTION or sum(map(_is_assertion, inner.iter())) != 1:
        raise BadResponse("there is not exactly one assertion in what was encrypted")
    if is_signed(inner):
        return signed(inner, inner, certificates)
    if whole is None:
        raise BadSignature("neither the response nor the assertion is signed")
    return inner
