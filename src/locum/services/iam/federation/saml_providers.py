"""SAML providers, whose assertions AssumeRoleWithSAML accepts.

The metadata document is parsed when it is uploaded, so that parsing it later cannot fail. The texts of the errors are
from the IAM User Guide, "Troubleshoot SAML federation with IAM".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from locum.core.arn import Arn
from locum.core.identifiers import unique_id
from locum.credentials import saml
from locum.services.iam import shapes, tags
from locum.services.iam.faults import invalid_input, limit_exceeded, no_such_entity
from locum.services.iam.kinds import Kind, by_name
from locum.services.iam.limits import SAML_PRIVATE_KEYS, SAML_PROVIDERS
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import SamlProvider, put, remove
from locum.state.arns import entity_by_arn
from locum.state.providers import SamlPrivateKey

_REQUIRED: Final = "Required"
_PROVIDER_ID: Final = "SAMLSP"
_KEY_ID: Final = "SAMLPK"
_CENTURY: Final = 100
"""The validity of a provider in years, where its metadata has no expiry."""

KIND: Final = Kind(
    SamlProvider,
    "SAMLProvider",
    _PROVIDER_ID,
    "Manifest not found for arn {}",
    "Provider with name {} already exists.",
    "SAMLProvidersPerAccount",
    SAML_PROVIDERS,
)


def create_saml_provider(context: Context, params: Params) -> Outcome:
    """CreateSAMLProvider."""
    metadata = params["SAMLMetadataDocument"]
    new_tags = tags.given(params, SamlProvider)
    provider = SamlProvider(
        account=context.account,
        name=KIND.new_name(context, params["Name"]),
        id=KIND.new_id(context),
        created=int(context.now),
        metadata=metadata,
        expires=_expires(context, metadata),
        encryption_mode=params.get("AssertionEncryptionMode", "Allowed"),
        private_keys=_with_added_key(context, (), params),
        tags=new_tags,
    )
    _check_mode(provider)
    return Outcome({"SAMLProviderArn": provider.arn, **shapes.given_tags(new_tags)}, (put(provider),))


def get_saml_provider(context: Context, params: Params) -> Outcome:
    """GetSAMLProvider: the private keys are listed by id, and never returned."""
    provider = _named(context, params)
    return Outcome(
        {
            "SAMLProviderUUID": provider.id,
            "SAMLMetadataDocument": provider.metadata,
            "CreateDate": provider.created,
            "ValidUntil": provider.expires,
            "Tags": shapes.short_tags_first(provider.tags),
            "AssertionEncryptionMode": provider.encryption_mode,
            "PrivateKeyList": [{"KeyId": key.id, "Timestamp": key.added} for key in provider.private_keys],
        }
    )


def list_saml_providers(context: Context, params: Params) -> Outcome:
    """ListSAMLProviders: all providers, without pagination."""
    providers = sorted(KIND.all(context), key=by_name)
    return Outcome({"SAMLProviderList": [_listed(provider) for provider in providers]})


def update_saml_provider(context: Context, params: Params) -> Outcome:
    """UpdateSAMLProvider: metadata, mode, and one private key, which is either added or removed."""
    provider = _named(context, params)
    if not params.keys() & {"SAMLMetadataDocument", "AssertionEncryptionMode", "AddPrivateKey", "RemovePrivateKey"}:
        raise invalid_input(
            "Unable to update identity provider. No updates are defined for metadata or encryption assertion."
        )
    if params.keys() >= {"AddPrivateKey", "RemovePrivateKey"}:
        raise invalid_input(
            "Unable to add and remove private keys in the same request. Set a value for only one of the two parameters."
        )
    updated = replace(
        provider,
        encryption_mode=params.get("AssertionEncryptionMode", provider.encryption_mode),
        private_keys=_with_added_key(context, _without_removed_key(provider, params), params),
    )
    if "SAMLMetadataDocument" in params:
        metadata = params["SAMLMetadataDocument"]
        updated = replace(updated, metadata=metadata, expires=_expires(context, metadata))
    if "RemovePrivateKey" in params and not updated.private_keys and updated.encryption_mode == _REQUIRED:
        raise invalid_input("Failed to remove private key.")
    _check_mode(updated)
    return Outcome({"SAMLProviderArn": provider.arn}, (put(updated),))


def delete_saml_provider(context: Context, params: Params) -> Outcome:
    """DeleteSAMLProvider: "does not update any roles that reference the SAML provider"."""
    return Outcome({}, (remove(_named(context, params)),))


def _named(context: Context, params: Params) -> SamlProvider:
    """The provider with the ARN in `params`. Raises NoSuchEntity, InvalidInput."""
    text = params["SAMLProviderArn"]
    arn = Arn.find(text)
    if arn is None or arn.service != "iam" or not arn.resource.startswith("saml-provider/"):
        raise invalid_input(f"ARN {text} is not valid.")
    found = entity_by_arn(context.state, SamlProvider, text, context.account)
    if found is None:
        raise no_such_entity(KIND.missing.format(text))
    return found


def _expires(context: Context, document: str) -> int:
    try:
        until = saml.read_metadata(document).valid_until
    except saml.BadMetadata:
        raise invalid_input("Could not parse metadata") from None
    return _default_expiry(context.now) if until is None else int(until)


def _default_expiry(now: float) -> int:
    """The same day and time in a hundred years; for the 29th of February, the 28th."""
    today = datetime.fromtimestamp(int(now), UTC)
    day = 28 if (today.month, today.day) == (2, 29) else today.day
    return int(today.replace(year=today.year + _CENTURY, day=day).timestamp())


def _without_removed_key(provider: SamlProvider, params: Params) -> tuple[SamlPrivateKey, ...]:
    """The provider's private keys, without the one to remove."""
    if "RemovePrivateKey" not in params:
        return provider.private_keys
    kept = tuple(key for key in provider.private_keys if key.id != params["RemovePrivateKey"])
    if len(kept) == len(provider.private_keys):
        raise invalid_input("Failed to remove private key because the Key ID does not match a private key.")
    return kept


def _with_added_key(context: Context, keys: tuple[SamlPrivateKey, ...], params: Params) -> tuple[SamlPrivateKey, ...]:
    """`keys`, with the one to add."""
    if "AddPrivateKey" not in params:
        return keys
    if len(keys) >= SAML_PRIVATE_KEYS:
        raise limit_exceeded(f"Private key limit of {SAML_PRIVATE_KEYS} is reached.")
    key_id = unique_id(_KEY_ID, context.entropy)
    try:
        sealed = saml.seal_private_key(context.keyring, key_id, params["AddPrivateKey"], context.entropy)
    except saml.BadKey:
        raise invalid_input("Invalid private key.") from None
    return (*keys, SamlPrivateKey(id=key_id, added=int(context.now), key=sealed))


def _check_mode(provider: SamlProvider) -> None:
    if provider.encryption_mode == _REQUIRED and not provider.private_keys:
        raise invalid_input("Unable to set assertion encryption mode to Required because no private key is provided.")


def _listed(provider: SamlProvider) -> dict[str, Any]:
    return {"Arn": provider.arn, "ValidUntil": provider.expires, "CreateDate": provider.created}


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateSAMLProvider": writes(create_saml_provider),
    "GetSAMLProvider": reads(get_saml_provider),
    "ListSAMLProviders": reads(list_saml_providers),
    "UpdateSAMLProvider": writes(update_saml_provider),
    "DeleteSAMLProvider": writes(delete_saml_provider),
    **tags.operations("SAMLProvider", SamlProvider, _named),
}
