"""SAML 2.0: parsing of identity provider metadata, and validation of responses and their assertions.

Pure, and without AWS's rules: the caller decides which provider to trust, and for what. lxml, signxml and the
asymmetric part of cryptography are imported when the first document is read, as importing them takes longer than the
rest of a start. `errors` has the exceptions, all of them SamlError.
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
from locum.credentials.saml.responses import SUCCESS, ValidatedResponse, validate_response

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
    "SamlError",
    "ValidatedResponse",
    "open_private_key",
    "read_metadata",
    "seal_private_key",
    "validate_response",
]
