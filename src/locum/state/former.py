"""The events that take a change back, of what decisions depend on.

Kept beside the journal, they answer what the state was at an earlier time (`store.past`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from locum.state.anywhere import AnywhereProfile, CertificateSubject, RevocationList, TrustAnchor
from locum.state.cloudformation import Stack
from locum.state.entities import (
    AccessKey,
    Account,
    Entity,
    Group,
    Instance,
    InstanceProfile,
    Policy,
    ProfileAssociation,
    Role,
    User,
)
from locum.state.events import AnyEntity, Event, Put, Removed, kind_of, put
from locum.state.organization import Member, Organization, OrganizationPolicy, Unit
from locum.state.providers import OidcProvider, SamlProvider
from locum.state.signin import LoginProfile, MfaDevice
from locum.state.state import State

KEPT: Final[tuple[type[Entity], ...]] = (
    AccessKey,
    Account,
    AnywhereProfile,
    CertificateSubject,
    Group,
    Instance,
    InstanceProfile,
    LoginProfile,
    Member,
    MfaDevice,
    OidcProvider,
    Organization,
    OrganizationPolicy,
    Policy,
    ProfileAssociation,
    RevocationList,
    Role,
    SamlProvider,
    Stack,
    TrustAnchor,
    Unit,
    User,
)
"""The entities whose former values are kept: identities, their policies and organizations, and who carries roles."""

_KINDS: Final[dict[str, type[Any]]] = {kind_of(kind): kind for kind in KEPT}


def former(state: State, events: Iterable[Event]) -> list[Event]:
    """The events after which `state`, changed by `events`, is as it was before, as far as `KEPT` goes."""
    found: dict[tuple[str, str, str], Event] = {}
    for event in events:
        if isinstance(event, Put):
            kind, account, key = kind_of(type(event.entity)), event.entity.account, event.entity.key
        else:
            kind, account, key = event.kind, event.account, event.key
        if kind not in _KINDS or (kind, account, key) in found:
            continue
        old = state.get(_KINDS[kind], account, key)
        found[kind, account, key] = Removed(kind, account, key) if old is None else put(cast("AnyEntity", old))
    return list(found.values())
