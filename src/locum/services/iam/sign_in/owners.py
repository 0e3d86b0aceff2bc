"""The owners of credentials, and look-ups of their keys and certificates."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

from locum.core.principal import PrincipalKind
from locum.services.iam.faults import invalid_input, no_such_entity
from locum.services.iam.kinds import user_or_caller
from locum.services.verbs import Context, Params
from locum.state import ServiceSpecificCredential, SigningCertificate, SshPublicKey
from locum.state.indexes import CREDENTIALS_OF_USER, scoped

C = TypeVar("C", SshPublicKey, SigningCertificate, ServiceSpecificCredential)

_SETTABLE: Final = ("Active", "Inactive")


class Owner(NamedTuple):
    """The owner of credentials: a user's key and name, both empty for the root user."""

    key: str
    name: str


ROOT: Final = Owner("", "")


def user(context: Context, params: Params) -> Owner:
    """The user in `params`, or else the caller. Raises NoSuchEntity, ValidationError."""
    found = user_or_caller(context, params)
    return Owner(found.key, found.name)


def user_or_root(context: Context, params: Params) -> Owner:
    """Like `user`, or the root user where it calls without a UserName."""
    if "UserName" not in params and context.caller.principal.kind is PrincipalKind.ROOT:
        return ROOT
    return user(context, params)


def all_of(context: Context, kind: type[C], owner: Owner) -> list[C]:
    """The credentials of one kind that `owner` has, unordered."""
    found = context.state.find(CREDENTIALS_OF_USER, scoped(context.account, owner.key))
    return [entity for entity in found if isinstance(entity, kind)]


def one_of(context: Context, kind: type[C], owner: Owner, key: str, missing: str) -> C:
    """The credential of `owner` with the id `key`. Raises NoSuchEntity with the text `missing`."""
    entity = context.state.get(kind, context.account, key)
    if entity is None or entity.user != owner.key:
        raise no_such_entity(missing.format(key))
    return entity


def status(active: bool) -> str:
    """The status in answers: Active or Inactive."""
    return _SETTABLE[0] if active else _SETTABLE[1]


def is_active(params: Params) -> bool:
    """Whether the requested Status is Active. Raises InvalidInput for the third status, which only AWS sets."""
    if params["Status"] not in _SETTABLE:
        raise invalid_input(f"The status cannot be set to {params['Status']}.")
    return bool(params["Status"] == _SETTABLE[0])
