"""Errors of SAML documents. Their texts are for administrators of identity providers, and contain no secrets."""

from __future__ import annotations

from locum.core.errors import LocumError


class SamlError(LocumError):
    """A SAML document is not valid."""


class BadXml(SamlError):
    """The document is not XML, or uses XML features that are refused (document types, processing instructions ...)."""


class BadMetadata(SamlError):
    """The document is not valid metadata of an identity provider."""


class BadSignature(SamlError):
    """The signature is missing, invalid, by another key, or does not cover the expected element."""


class BadResponse(SamlError):
    """The signed response is malformed."""


class BadEncryption(SamlError):
    """The assertion is not encrypted to any of the keys, or with an algorithm that is refused."""


class BadKey(SamlError):
    """The text is not an acceptable private key."""
