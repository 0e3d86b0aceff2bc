"""What can be wrong with a document. The texts are for whoever debugs an identity provider; none holds a secret."""

from __future__ import annotations

from locum.core.errors import LocumError


class SamlError(LocumError):
    """A document that cannot be believed."""


class BadXml(SamlError):
    """Not XML, or XML that does more than be a tree."""


class BadMetadata(SamlError):
    """Not the metadata of an identity provider."""


class BadSignature(SamlError):
    """Not signed by whom it should be, or the signature covers something else."""


class BadResponse(SamlError):
    """An answer that cannot be read."""


class BadEncryption(SamlError):
    """Not encrypted to any of the keys, or in a way that is not allowed."""


class BadKey(SamlError):
    """Not a private key."""
