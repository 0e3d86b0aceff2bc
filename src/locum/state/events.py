"""The events that make the state: an entity takes a value, or is gone.

An event carries the whole new value. So the reducer has no case for each verb, an event needs nothing but
itself to be applied, and the format of the journal is the schema of the entities. FORMAT is raised when
an older Locum could no longer read what this one writes.
"""

from __future__ import annotations

from typing import Final

import msgspec

from locum.state.analyzers import (
    AccessFinding,
    AccessPreview,
    AnalyzedResource,
    Analyzer,
    FindingRecommendation,
    PolicyGeneration,
)
from locum.state.anywhere import AnywhereProfile, CertificateSubject, RevocationList, TrustAnchor
from locum.state.autoscaling import (
    AutoScalingGroup,
    InstanceRefresh,
    LaunchConfiguration,
    LifecycleHook,
    ScalingActivity,
    ScalingPolicy,
    ScheduledAction,
)
from locum.state.certificates import ServerCertificate, ServiceSpecificCredential, SigningCertificate, SshPublicKey
from locum.state.channels import Channel
from locum.state.cloudcontrol import ResourceRequest
from locum.state.cloudformation import (
    ChangeSet,
    ResourceDrift,
    Stack,
    StackDrift,
    StackEvent,
    StackResource,
    StackTemplate,
)
from locum.state.commands import Command, CommandInvocation, ManagedInstance
from locum.state.delegation import DelegationRequest
from locum.state.effects import PendingEffect
from locum.state.entities import (
    AccessKey,
    Account,
    Entity,
    Fleet,
    Group,
    Instance,
    InstanceProfile,
    MetadataDefaults,
    Policy,
    ProfileAssociation,
    Role,
    User,
)
from locum.state.event_data_stores import EventDataStore, EventDataStoreQuery
from locum.state.organization import AccountCreation, Handshake, Member, Organization, OrganizationPolicy, Unit
from locum.state.providers import OidcProvider, OutboundFederation, SamlProvider
from locum.state.reports import AccessReport, OrganizationAccessReport
from locum.state.service_linked_roles import RoleDeletion
from locum.state.signin import CredentialReport, LoginProfile, MfaDevice, PasswordPolicy
from locum.state.stack_sets import StackInstance, StackSet, StackSetOperation, StackSetResult, StackSetTemplate
from locum.state.trail_imports import TrailImport, TrailImportFailure
from locum.state.trails import DigestChain, DigestKey, LogFile, Trail, TrailProgress

FORMAT: Final = 2

AnyEntity = (
    Account
    | User
    | Group
    | Role
    | Policy
    | InstanceProfile
    | AccessKey
    | LoginProfile
    | PasswordPolicy
    | CredentialReport
    | MfaDevice
    | SshPublicKey
    | SigningCertificate
    | ServerCertificate
    | ServiceSpecificCredential
    | OidcProvider
    | SamlProvider
    | OutboundFederation
    | Organization
    | Unit
    | Member
    | OrganizationPolicy
    | Handshake
    | AccountCreation
    | AccessReport
    | OrganizationAccessReport
    | RoleDeletion
    | DelegationRequest
    | Fleet
    | Instance
    | MetadataDefaults
    | ProfileAssociation
    | AutoScalingGroup
    | LaunchConfiguration
    | ScalingActivity
    | ScalingPolicy
    | ScheduledAction
    | LifecycleHook
    | InstanceRefresh
    | ManagedInstance
    | Command
    | CommandInvocation
    | PendingEffect
    | TrustAnchor
    | AnywhereProfile
    | RevocationList
    | CertificateSubject
    | Stack
    | StackDrift
    | ResourceDrift
    | StackTemplate
    | StackResource
    | StackEvent
    | ChangeSet
    | ResourceRequest
    | StackSet
    | StackSetTemplate
    | StackInstance
    | StackSetOperation
    | StackSetResult
    | Trail
    | TrailProgress
    | LogFile
    | DigestChain
    | DigestKey
    | EventDataStore
    | EventDataStoreQuery
    | Channel
    | TrailImport
    | TrailImportFailure
    | Analyzer
    | AnalyzedResource
    | AccessFinding
    | PolicyGeneration
    | AccessPreview
    | FindingRecommendation
)
"""Every kind of entity. A new kind is added here and, where something looks it up, in `state.indexes`."""


class Put(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="put", tag_field="event"):
    """`entity` is there from now on, in place of what had its (kind, account, key)."""

    entity: AnyEntity


class Removed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="removed", tag_field="event"):
    """The entity (kind, account, key) is gone."""

    kind: str
    account: str
    key: str


Event = Put | Removed


def put(entity: AnyEntity) -> Put:
    """The event after which `entity` stands as given."""
    return Put(entity)


def remove(entity: Entity) -> Removed:
    """The event after which `entity` is gone."""
    return Removed(kind_of(type(entity)), entity.account, entity.key)


def about(event: Event) -> tuple[str, str, str]:
    """The table, the account and the key of what an event is about."""
    if isinstance(event, Put):
        return kind_of(type(event.entity)), event.entity.account, event.entity.key
    return event.kind, event.account, event.key


_KINDS: Final[dict[type[Entity], str]] = {}


def kind_of(entity_type: type[Entity]) -> str:
    """The table of an entity type: its tag."""
    try:
        return _KINDS[entity_type]
    except KeyError:
        return _KINDS.setdefault(entity_type, str(entity_type.__struct_config__.tag))


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[list[Event]] = msgspec.json.Decoder(list[Event])


def encode(events: list[Event]) -> bytes:
    """`events` as a JSON array."""
    return _encoder.encode(events)


def decode(data: bytes) -> list[Event]:
    """The events of a JSON array. Raises msgspec.ValidationError where one is not of the schema."""
    return _decoder.decode(data)
