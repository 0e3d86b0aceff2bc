"""Look-ups of entities by ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from locum.state.certificates import ServerCertificate
from locum.state.devices import device_of
from locum.state.entities import Group, Instance, InstanceProfile, Policy, Role, User
from locum.state.providers import OidcProvider, SamlProvider
from locum.state.signin import MfaDevice
from locum.state.state import State

_Named = User | Group | Role | InstanceProfile | Policy | SamlProvider | ServerCertificate
Addressed = _Named | OidcProvider | MfaDevice | Instance

A = TypeVar("A", bound=Addressed)

_KINDS: Final[Mapping[str, type[_Named]]] = {
    kind.arn_kind: kind for kind in (User, Group, Role, InstanceProfile, Policy, SamlProvider, ServerCertificate)
}


def entity_of(state: State, arn: str) -> Addressed | None:
    """The entity with exactly this ARN, including path, case and region; None where there is none.

    AWS managed policies are not entities of a state: see `locum.state.managed`.
    """
    fields = arn.split(":", 5)
    if len(fields) != 6:
        return None
    _, _, service, _, account, resource = fields
    kind, _, name = resource.partition("/")
    found = _of_kind(state, service, account, kind, name, arn)
    return found if found is not None and found.arn == arn else None


def entity_by_arn(state: State, kind: type[A], arn: str, account: str | None = None) -> A | None:
    """The entity of this kind with exactly this ARN, or None; with `account`, only where it is of that account."""
    found = entity_of(state, arn)
    return found if isinstance(found, kind) and account in (None, found.account) else None


def _of_kind(state: State, service: str, account: str, kind: str, name: str, arn: str) -> Addressed | None:
    if service == "ec2":
        return state.get(Instance, account, name) if kind == "instance" else None
    if service != "iam":
        return None
    if kind == "oidc-provider":
        return state.get(OidcProvider, account, name)
    if kind == "mfa":
        return device_of(state, account, arn)
    named = _KINDS.get(kind)
    return None if named is None else state.get(named, account, name.rsplit("/", 1)[-1].lower())
