"""A Response, as it comes through the browser: what of it can be believed.

The order is that of trust. Structure first: one assertion, there where it belongs, whatever else an attacker put into
the document. Then the signatures, all that there are; at least one must cover the assertion. Only what a signature
covered is read.
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


class Proof(NamedTuple):
    """What a Response proves. `status` and `response_issuer` are covered where `response_signed` only.

    `assertion` is None where the provider says that nobody was signed in (`status` is not `SUCCESS`).
    """

    status: str
    response_issuer: str
    response_signed: bool
    encrypted: bool
    assertion: Assertion | None


def prove(data: bytes, certificates: Sequence[bytes], private_keys: Sequence[bytes] = ()) -> Proof:
    """What the Response `data` proves, given the provider's certificates (DER) and the keys to decrypt with (PEM).

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
        return Proof(status, name, whole is not None, encrypted=False, assertion=None)
    held = _only_assertion(root)
    if held.tag == _ENCRYPTED:
        covered = _opened(held if whole is None else _only_assertion(whole), whole, certificates, private_keys)
    elif is_signed(held):
        covered = signed(root, held, certificates)
    elif whole is not None:
        covered = _only_assertion(whole)
    else:
        raise BadSignature("neither the response nor the assertion is signed")
    return Proof(status, name, whole is not None, held.tag == _ENCRYPTED, read_assertion(covered))


def _status(root: Element) -> str:
    code = root.find(f"{SAMLP}Status/{SAMLP}StatusCode")
    return "" if code is None else code.get("Value") or ""


def _only_assertion(root: Element) -> Element:
    """The one assertion, encrypted or not, that there is in the whole document: a child of the Response."""
    found = [element for element in root.iter() if _is_assertion(element)]
    if len(found) != 1 or found[0].getparent() is not root or found[0].tag not in (_ASSERTION, _ENCRYPTED):
        raise BadResponse("there is not exactly one assertion")
    return found[0]


def _is_assertion(element: Element) -> bool:
    """By the local name, so that none passes under another namespace."""
    return isinstance(element.tag, str) and element.tag.rpartition("}")[2] in ("Assertion", "EncryptedAssertion")


def _opened(
    element: Element, whole: Element | None, certificates: Sequence[bytes], private_keys: Sequence[bytes]
) -> Element:
    """The assertion in an EncryptedAssertion. It is signed itself, or the Response around it is."""
    plain = decrypted(element, private_keys)
    try:
        return _believed(parse(plain), whole, certificates)
    except BadXml:
        raise BadEncryption(UNREADABLE) from None
    except (BadResponse, BadSignature):
        # Who changes what was encrypted, until it is XML, would read it so: Jager and Somorovsky, as in `encryption`.
        if whole is None and is_malleable(element):
            raise BadEncryption(UNREADABLE) from None
        raise


def _believed(inner: Element, whole: Element | None, certificates: Sequence[bytes]) -> Element:
    """What was encrypted, if it is one assertion, and signed."""
    check_places(inner)
    if inner.tag != _ASSERTION or sum(map(_is_assertion, inner.iter())) != 1:
        raise BadResponse("there is not exactly one assertion in what was encrypted")
    if is_signed(inner):
        return signed(inner, inner, certificates)
    if whole is None:
        raise BadSignature("neither the response nor the assertion is signed")
    return inner
