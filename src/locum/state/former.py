"""The events that take a change back, of what decisions depend on.

Kept beside the journal, they answer what the state was at an earlier time (`store.past`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from locum.state.anywhere import AnywhereProfile, CertificateSubject, RevocationList, TrustAnchor
from locum.state.autoscaling import AutoScalingGroup, LaunchConfiguration
from locum.state.certificates import ServerCertificate, ServiceSpecificCredential
from locum.state.channels import Channel
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
from locum.state.event_data_stores import EventDataStore, EventDataStoreQuery
from locum.state.events import AnyEntity, Event, Removed, about, kind_of, put
from locum.state.organization import Handshake, Member, Organization, OrganizationPolicy, Unit
from locum.state.providers import OidcProvider, SamlProvider
from locum.state.signin import LoginProfile, MfaDevice, PasswordPolicy
from locum.state.stack_sets import StackSet
from locum.state.state import State
from locum.state.trails import Trail

KEPT: Final[tuple[type[Entity], ...]] = (
    AccessKey,
    Account,
    AnywhereProfile,
    AutoScalingGroup,
    CertificateSubject,
    Channel,
    EventDataStore,
    EventDataStoreQuery,
    Group,
    Handshake,
    Instance,
    InstanceProfile,
    LaunchConfiguration,
    LoginProfile,
    Member,
    MfaDevice,
    OidcProvider,
    Organization,
    OrganizationPolicy,
    PasswordPolicy,
    Policy,
    ProfileAssociation,
    RevocationList,
    Role,
    SamlProvider,
    ServerCertificate,
    ServiceSpecificCredential,
    Stack,
    StackSet,
    Trail,
    TrustAnchor,
    Unit,
    User,
)
"""The entities whose former values are kept: identities, their policies and organizations, who carries roles, and the
resources that conditions may ask about."""

_KINDS: Final[dict[str, type[Any]]] = {kind_of(kind): kind for kind in KEPT}


def former(state: State, events: Iterable[Event]) -> list[Event]:
    """The events after which `state`, changed by `events`, is as it was before, as far as `KEPT` goes."""
    found: dict[tuple[str, str, str], Event] = {}
    for event in events:
        kind, account, key = about(event)
        if kind not in _KINDS or (kind, account, key) in found:
            continue
        old = state.get(_KINDS[kind], account, key)
        found[kind, account, key] = Removed(kind, account, key) if old is None else put(cast("AnyEntity", old))
    return list(found.values())
