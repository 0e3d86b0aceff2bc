"""SAML 2.0: what an identity provider says of itself (metadata), and what it says of a user (assertions).

Pure, and without any rule of AWS's: whom to believe, and what for, is the business of who asks. lxml, signxml and
the asymmetric half of cryptography are imported when the first document is read; they take longer than a start-up.

    SamlError       anything that a document of a stranger can be
     +- BadXml          not XML, or XML that does more than be a tree
     +- BadMetadata     no metadata of an identity provider
     +- BadSignature    not signed by whom it should be, or something else is
     +- BadResponse     signed, and yet no answer that can be read
     +- BadEncryption   not encrypted to any of the keys, or not as it should be
     +- BadKey          no private key
"""

from locum.credentials.saml.assertions import Assertion, Confirmation
from locum.credentials.saml.errors import (
    BadEncryption,
    BadKey,
    BadMetadata,
    BadResponse,
    BadSignature,
    BadXml,
    SamlError,
)
from locum.credentials.saml.keys import open_private_key, seal_private_key
from locum.credentials.saml.metadata import Metadata, read_metadata
from locum.credentials.saml.responses import SUCCESS, Proof, prove

__all__ = [
    "SUCCESS",
    "Assertion",
    "BadEncryption",
    "BadKey",
    "BadMetadata",
    "BadResponse",
    "BadSignature",
    "BadXml",
    "Confirmation",
    "Metadata",
    "Proof",
    "SamlError",
    "open_private_key",
    "prove",
    "read_metadata",
    "seal_private_key",
]
