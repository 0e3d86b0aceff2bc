"""OpenID Connect providers, whose tokens AssumeRoleWithWebIdentity accepts.

IAM API Reference, CreateOpenIDConnectProvider: "The URL must begin with https:// and should correspond to the iss claim
in the provider's OpenID Connect ID tokens. Per the OIDC standard, path components are allowed but query parameters
are not." IAM also accepts http://, and drops queries; it stores the URL without its scheme. The issuer is https://
nevertheless, except on this machine (docs/differences.md).
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from locum.services.iam import limits, shapes, tags
from locum.services.iam.faults import already_exists, invalid_input, no_such_entity, quota_exceeded, validation_error
from locum.services.iam.federation import context_providers
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import OidcProvider, put, remove
from locum.state.arns import entity_by_arn

_ARN: Final = "OpenIDConnectProviderArn"
_HOST: Final = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?", re.IGNORECASE)
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")


def create_open_id_connect_provider(context: Context, params: Params) -> Outcome:
    """CreateOpenIDConnectProvider. Without a thumbprint, none is retrieved from the provider."""
    url = _url(params["Url"])
    client_ids = _client_ids(params.get("ClientIDList", ()))
    thumbprints = _thumbprints(params.get("ThumbprintList", ()))
    new_tags = tags.given(params, OidcProvider)
    providers = context.state.table(OidcProvider, context.account)
    if url in providers:
        raise already_exists(f"Provider with url {params['Url']} already exists.")
    if len(providers) >= limits.OIDC_PROVIDERS:
        raise quota_exceeded("OpenIdConnectProvidersPerAccount", limits.OIDC_PROVIDERS)
    provider = OidcProvider(
        account=context.account,
        url=url,
        client_ids=client_ids,
        thumbprints=thumbprints,
        created=int(context.now),
        tags=new_tags,
        context=context_providers.given(params),
        identity_center=context_providers.new_association(params),
    )
    return Outcome({_ARN: provider.arn, **shapes.given_tags(new_tags)}, (put(provider),))


def get_open_id_connect_provider(context: Context, params: Params) -> Outcome:
    """GetOpenIDConnectProvider."""
    provider = _provider(context, params)
    answer: dict[str, Any] = {
        "Url": provider.url,
        "ClientIDList": list(provider.client_ids),
        "ThumbprintList": list(provider.thumbprints),
        "CreateDate": provider.created,
        "Tags": shapes.short_tags_first(provider.tags),
        **context_providers.shown(provider.context, provider.identity_center),
    }
    return Outcome(answer)


def list_open_id_connect_providers(context: Context, _params: Params) -> Outcome:
    """ListOpenIDConnectProviders: all providers, without pagination."""
    providers = sorted(context.state.table(OidcProvider, context.account).values(), key=lambda p: p.arn)
    listed = [{"Arn": p.arn, "IsTrustedIdentityPropagationEnabled": bool(p.identity_center)} for p in providers]
    return Outcome({"OpenIDConnectProviderList": listed})


def update_open_id_connect_provider(context: Context, params: Params) -> Outcome:
    """UpdateOpenIDConnectProvider: its context provider, or its instance of IAM Identity Center."""
    provider = _provider(context, params)
    changed, association = context_providers.updated(provider.context, provider.identity_center, params)
    return Outcome({}, (put(replace(provider, context=changed, identity_center=association)),))


def delete_open_id_connect_provider(context: Context, params: Params) -> Outcome:
    """DeleteOpenIDConnectProvider. Roles that trust the provider do not change.

    The API Reference says that "it does not fail [...] if you call the operation for a provider that does not exist",
    but it does fail, as recorded in 2026.
    """
    provider = _found(context, params)
    if provider is None:
        raise no_such_entity(f"OpenId connect Provider {params[_ARN]} cannot be found.")
    return Outcome({}, (remove(provider),))


def add_client_id(context: Context, params: Params) -> Outcome:
    """AddClientIDToOpenIDConnectProvider: "it does not fail [...] if you add an existing client ID"."""
    provider, client_id = _provider(context, params), params["ClientID"]
    if client_id in provider.client_ids:
        return Outcome({})
    client_ids = _client_ids((*provider.client_ids, client_id))
    return Outcome({}, (put(replace(provider, client_ids=client_ids)),))


def remove_client_id(context: Context, params: Params) -> Outcome:
    """RemoveClientIDFromOpenIDConnectProvider.

    "It does not fail [...] if you try to remove a client ID that does not exist".
    """
    provider, client_id = _provider(context, params), params["ClientID"]
    if client_id not in provider.client_ids:
        return Outcome({})
    kept = tuple(known for known in provider.client_ids if known != client_id)
    return Outcome({}, (put(replace(provider, client_ids=kept)),))


def update_thumbprint(context: Context, params: Params) -> Outcome:
    """UpdateOpenIDConnectProviderThumbprint: "completely replaces the existing list"."""
    provider = _provider(context, params)
    return Outcome({}, (put(replace(provider, thumbprints=_thumbprints(params["ThumbprintList"]))),))


def _url(text: str) -> str:
    """The URL as IAM stores it: host and path. Raises ValidationError."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    usable = parts.scheme in ("https", "http") and _HOST.fullmatch(parts.netloc) and _PATH.fullmatch(parts.path)
    if not usable or {".", ".."} & set(parts.path.split("/")):
        raise validation_error("Invalid Open ID Connect Provider URL")
    return parts.netloc + parts.path


def _client_ids(given: Any) -> tuple[str, ...]:
    """The client ids without duplicates. Raises LimitExceeded."""
    client_ids = tuple(dict.fromkeys(given))
    if len(client_ids) > limits.CLIENT_IDS_PER_OIDC_PROVIDER:
        raise quota_exceeded("ClientIdsPerOpenIdConnectProvider", limits.CLIENT_IDS_PER_OIDC_PROVIDER)
    return client_ids


def _thumbprints(given: Any) -> tuple[str, ...]:
    """The thumbprints. Raises InvalidInput."""
    if len(given) > limits.THUMBPRINTS_PER_OIDC_PROVIDER:
        most = limits.THUMBPRINTS_PER_OIDC_PROVIDER
        raise invalid_input(f"Thumbprint list must contain fewer than {most} entries.")
    return tuple(given)


def _found(context: Context, params: Params) -> OidcProvider | None:
    """The provider with the ARN in `params`, in the caller's account; or None."""
    return entity_by_arn(context.state, OidcProvider, params[_ARN], context.account)


def _provider(context: Context, params: Params) -> OidcProvider:
    """The provider with the ARN in `params`. Raises NoSuchEntity."""
    provider = _found(context, params)
    if provider is None:
        raise no_such_entity(f"OpenIDConnect Provider not found for arn {params[_ARN]}")
    return provider


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateOpenIDConnectProvider": writes(create_open_id_connect_provider),
    "GetOpenIDConnectProvider": reads(get_open_id_connect_provider),
    "ListOpenIDConnectProviders": reads(list_open_id_connect_providers),
    "UpdateOpenIDConnectProvider": writes(update_open_id_connect_provider),
    "DeleteOpenIDConnectProvider": writes(delete_open_id_connect_provider),
    "AddClientIDToOpenIDConnectProvider": writes(add_client_id),
    "RemoveClientIDFromOpenIDConnectProvider": writes(remove_client_id),
    "UpdateOpenIDConnectProviderThumbprint": writes(update_thumbprint),
    **tags.operations("OpenIDConnectProvider", OidcProvider, _provider),
}
