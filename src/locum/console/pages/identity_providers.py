"""Identity providers: OpenID Connect and SAML."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import CallFailed, attempt
from locum.console.pages.forms import change
from locum.console.person import Person, View, url

_FOLDER: Final = "identity-providers"


async def listing(person: Person) -> Response:
    """The providers of the account."""
    oidc, saml = await asyncio.gather(attempt(_oidc(person)), attempt(person.aws.call("iam", "list_saml_providers")))
    return person.page("identity_providers.html", oidc=oidc, saml=saml)


async def _oidc(person: Person) -> list[dict[str, Any]]:
    """The OpenID Connect providers with what each is. Raises CallFailed."""
    listed = (await person.aws.call("iam", "list_open_id_connect_providers"))["OpenIDConnectProviderList"]
    found = await asyncio.gather(
        *(person.aws.call("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=it["Arn"]) for it in listed)
    )
    return [{**answer, **it} for it, answer in zip(listed, found, strict=True)]


async def create_oidc(person: Person) -> Response:
    """Make an OpenID Connect provider."""
    asked = {"Url": person.field("url"), "ClientIDList": person.field("audiences").split()}
    asked |= {"ThumbprintList": prints} if (prints := person.field("thumbprints").split()) else {}
    try:
        await person.aws.change("iam", "create_open_id_connect_provider", **asked)
    except CallFailed as failed:
        return person.failed(failed, url(_FOLDER))
    return person.done("The provider is made.", url(_FOLDER))


def _page(_person: Person) -> str:
    return url(_FOLDER)


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url(_FOLDER), listing),
    ("POST", url(_FOLDER, "oidc"), create_oidc),
    ("POST", url(_FOLDER, "oidc", "delete"),
     change("iam", "delete_open_id_connect_provider", "The provider is deleted.", _page,
            OpenIDConnectProviderArn="arn")),
    ("POST", url(_FOLDER, "saml"),
     change("iam", "create_saml_provider", "The provider is made.", _page,
            Name="name", SAMLMetadataDocument="metadata")),
    ("POST", url(_FOLDER, "saml", "delete"),
     change("iam", "delete_saml_provider", "The provider is deleted.", _page, SAMLProviderArn="arn")),
)  # fmt: skip
