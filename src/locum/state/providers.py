"""Entities of identity providers: those that an account trusts, and the account itself as an issuer."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from locum.core.arn import iam_arn
from locum.state.entities import Entity, Named, Tags


class KeyDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The key of a trusted context (`target`, by default the same) that a claim of the provider is put into."""

    source: str
    target: str = ""


class ContextProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The mapping of a provider's token to trusted context. The subject's type is a value or a claim, or neither."""

    subject_key: str
    subject_type: str = ""
    subject_type_key: str = ""
    keys: tuple[KeyDefinition, ...] = ()


class OidcProvider(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="oidc-provider"):
    """An OpenID Connect provider. `url` has no scheme, as in IAM: the issuer is https:// and `url`.

    `identity_center` is the ARN of an instance of IAM Identity Center.
    """

    url: str
    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    created: int
    tags: Tags = {}
    context: ContextProvider | None = None
    identity_center: str = ""

    @property
    def key(self) -> str:
        return self.url

    @property
    def arn(self) -> str:
        """The provider's ARN."""
        return iam_arn(self.account, "oidc-provider", "/", self.url)


class SamlPrivateKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A private key for decrypting assertions. `key` is sealed under the key ring."""

    id: str
    added: int
    key: bytes


class SamlProvider(Named, frozen=True, kw_only=True, omit_defaults=True, tag="saml-provider"):
    """A SAML 2.0 provider; `metadata` is its document as uploaded, `id` its unique id, `expires` epoch seconds.

    `encryption_mode` is AssertionEncryptionMode: `Required` or `Allowed`.
    """

    arn_kind: ClassVar[str] = "saml-provider"

    metadata: str
    expires: int
    encryption_mode: str = "Allowed"
    private_keys: tuple[SamlPrivateKey, ...] = ()
    tags: Tags = {}


class SigningKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key that signs an account's web identity tokens.

    `algorithm` is a JWS algorithm (RFC 7518); `public` the JSON Web Key without its private members, as JSON;
    `private` the complete key, sealed under the key ring.
    """

    algorithm: str
    id: str
    public: str
    private: bytes


class OutboundFederation(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="outbound-federation"):
    """An account as an issuer of web identity tokens. `id` is part of its issuer URL, and kept while it is disabled."""

    key_field = "account"

    id: str
    enabled: bool = True
    keys: tuple[SigningKey, ...] = ()
    created: int
