"""Identity providers that an account trusts."""

from __future__ import annotations

from locum.core.arn import iam_arn
from locum.state.entities import Entity, Tags


class OidcProvider(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="oidc-provider"):
    """An OpenID Connect provider. `url` has no scheme, as IAM keeps it: the issuer is https:// and `url`.

    `keys` is a JSON Web Key Set given locally, where there is one; else the issuer's own is asked for.
    """

    url: str
    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    created: int
    tags: Tags = {}
    keys: str = ""

    @property
    def key(self) -> str:
        return self.url

    @property
    def arn(self) -> str:
        """The provider's ARN."""
        return iam_arn(self.account, "oidc-provider", "/", self.url)


class SamlProvider(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="saml-provider"):
    """A SAML 2.0 provider; `metadata` is its document as uploaded, `id` its unique id."""

    name: str
    id: str
    metadata: str
    created: int
    expires: int
    encryption_mode: str = ""
    private_keys: tuple[tuple[str, int, bytes], ...] = ()
    """Key id, when it was added, the key sealed under the key ring."""

    tags: Tags = {}

    @property
    def key(self) -> str:
        return self.name.lower()

    @property
    def arn(self) -> str:
        """The provider's ARN."""
        return iam_arn(self.account, "saml-provider", "/", self.name)
