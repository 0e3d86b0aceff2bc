"""Service-specific credentials: a user name and a password, or an API key, for a single service.

IAM User Guide, "Service-specific credentials for IAM users": "You can have a maximum of two sets of service-specific
credentials for each supported service per IAM user." The error for an unsupported service is NoSuchEntity, although
the model says NotSupportedService.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

from msgspec.structs import replace

from locum.core.clock import DAY
from locum.core.identifiers import unique_id
from locum.credentials.servicekeys import new_api_key, new_password, seal_service_secret
from locum.services.iam.faults import invalid_input, no_such_entity, quota_exceeded, validation_error
from locum.services.iam.limits import CREDENTIALS_PER_SERVICE_AND_USER
from locum.services.iam.pagination import page
from locum.services.iam.sign_in import owners
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import ServiceSpecificCredential, User, put, remove

_CREDENTIAL_ID: Final = "ACCA"
_MISSING: Final = "No such credential {} exists"

_PASSWORD: Final = ""
_SERVICES: Final = {
    "codecommit.amazonaws.com": _PASSWORD,
    "cassandra.amazonaws.com": _PASSWORD,
    "bedrock.amazonaws.com": "ABSK",
    "logs.amazonaws.com": "ACWL",
}
"""The services, and the prefixes of their API keys. IAM User Guide, "API keys for AWS services"; CloudWatch Logs User
Guide, "Log ingestion through HTTP endpoints": "Token must be a valid ACWL bearer token"."""


def create_service_specific_credential(context: Context, params: Params) -> Outcome:
    """CreateServiceSpecificCredential. Only this answer contains the secret."""
    owner, service = owners.user(context, params), _service(params["ServiceName"])
    days = params.get("CredentialAgeDays", 0)
    if days and _SERVICES[service] == _PASSWORD:
        raise validation_error("CredentialAgeDays is only valid for services that support long-term API keys.")
    there = [one for one in owners.all_of(context, ServiceSpecificCredential, owner) if one.service == service]
    if len(there) >= CREDENTIALS_PER_SERVICE_AND_USER:
        raise quota_exceeded("ServiceSpecificCredentialsPerUser", CREDENTIALS_PER_SERVICE_AND_USER)
    credential = ServiceSpecificCredential(
        account=context.account,
        id=unique_id(_CREDENTIAL_ID, context.entropy),
        user=owner.key,
        service=service,
        alias=_free_alias(context, owner, service),
        secret=b"",
        created=int(context.now),
        expires=int(context.now) + days * DAY if days else 0,
    )
    return _with_secret(context, credential)


def list_service_specific_credentials(context: Context, params: Params) -> Outcome:
    """ListServiceSpecificCredentials, of one or all users, ordered by user, then the oldest first."""
    found = page(params, _selected(context, params), lambda one: f"{one.user}/{one.created:012}/{one.id}")
    return found.outcome("ServiceSpecificCredentials", lambda one: _listed(context, one))


def update_service_specific_credential(context: Context, params: Params) -> Outcome:
    """UpdateServiceSpecificCredential: Active or Inactive. Expired credentials stay expired."""
    credential = _found(context, params)
    return Outcome({}, (put(replace(credential, active=owners.is_active(params))),))


def reset_service_specific_credential(context: Context, params: Params) -> Outcome:
    """ResetServiceSpecificCredential: replaces the secret. Only this answer contains the new one."""
    return _with_secret(context, _found(context, params))


def delete_service_specific_credential(context: Context, params: Params) -> Outcome:
    """DeleteServiceSpecificCredential."""
    return Outcome({}, (remove(_found(context, params)),))


def _service(name: str) -> str:
    """Check the name of a service. Raises NoSuchEntity where it has no such credentials."""
    if name not in _SERVICES:
        raise no_such_entity(f"No such service {name} is supported for Service Specific Credentials")
    return name


def _free_alias(context: Context, owner: owners.Owner, service: str) -> str:
    """An unused alias: `ann-at-111122223333`, then `ann+1-at-...`. The service identifies a credential by it.

    A credential keeps its alias when its user is renamed, and another user may then get the name.
    """
    everybody = context.state.table(ServiceSpecificCredential, context.account).values()
    taken = {one.alias for one in everybody if one.service == service}
    names = itertools.chain((owner.name,), (f"{owner.name}+{number}" for number in itertools.count(1)))
    return next(alias for name in names if (alias := f"{name}-at-{context.account}") not in taken)


def _with_secret(context: Context, credential: ServiceSpecificCredential) -> Outcome:
    """The outcome of storing `credential` with a new secret, which the answer contains."""
    prefix = _SERVICES[credential.service]
    if prefix == _PASSWORD:
        member, secret = "ServicePassword", new_password(context.entropy)
    else:
        member, secret = "ServiceCredentialSecret", new_api_key(prefix, credential.alias, context.entropy)
    sealed = seal_service_secret(context.keyring, credential.id, secret, context.entropy)
    shown = {**_listed(context, credential), member: secret}
    return Outcome({"ServiceSpecificCredential": shown}, (put(replace(credential, secret=sealed)),))


def _selected(context: Context, params: Params) -> list[ServiceSpecificCredential]:
    """The credentials to list. Raises NoSuchEntity, ValidationError; InvalidInput for UserName with AllUsers."""
    if not params.get("AllUsers"):
        found = owners.all_of(context, ServiceSpecificCredential, owners.user(context, params))
    elif "UserName" in params:
        raise invalid_input("AllUsers cannot be specified together with UserName.")
    else:
        found = list(context.state.table(ServiceSpecificCredential, context.account).values())
    if "ServiceName" not in params:
        return found
    service = _service(params["ServiceName"])
    return [one for one in found if one.service == service]


def _found(context: Context, params: Params) -> ServiceSpecificCredential:
    owner, key = owners.user(context, params), params["ServiceSpecificCredentialId"]
    return owners.one_of(context, ServiceSpecificCredential, owner, key, _MISSING)


def _listed(context: Context, credential: ServiceSpecificCredential) -> dict[str, Any]:
    """A ServiceSpecificCredentialMetadata structure, which has no secret."""
    user = context.state.get(User, credential.account, credential.user)
    is_password = _SERVICES[credential.service] == _PASSWORD
    return {
        "UserName": "" if user is None else user.name,
        "Status": _status(context, credential),
        "ServiceUserName" if is_password else "ServiceCredentialAlias": credential.alias,
        "CreateDate": credential.created,
        **({"ExpirationDate": credential.expires} if credential.expires else {}),
        "ServiceSpecificCredentialId": credential.id,
        "ServiceName": credential.service,
    }


def _status(context: Context, credential: ServiceSpecificCredential) -> str:
    if 0 < credential.expires <= context.now:
        return "Expired"
    return owners.status(credential.active)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateServiceSpecificCredential": writes(create_service_specific_credential),
    "ListServiceSpecificCredentials": reads(list_service_specific_credentials),
    "UpdateServiceSpecificCredential": writes(update_service_specific_credential),
    "ResetServiceSpecificCredential": writes(reset_service_specific_credential),
    "DeleteServiceSpecificCredential": writes(delete_service_specific_credential),
}
