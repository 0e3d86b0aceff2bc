"""The identity state: entities, the events that change them, and the reducer `apply(state, events) -> state`.

Pure. All identity state is the result of applying the journal's events in order.
"""

from locum.state.certificates import ServerCertificate, ServiceSpecificCredential, SigningCertificate, SshPublicKey
from locum.state.delegation import DelegationRequest, DelegationState, PolicyParameter
from locum.state.effects import PendingEffect
from locum.state.entities import (
    AWS_MANAGED_ACCOUNT,
    AccessKey,
    Account,
    Entity,
    Fleet,
    Group,
    Instance,
    InstanceProfile,
    MaintenanceEvent,
    MetadataDefaults,
    MetadataOptions,
    Named,
    Notices,
    Policy,
    PolicyVersion,
    ProfileAssociation,
    Role,
    User,
)
from locum.state.events import FORMAT, AnyEntity, Event, Put, Removed, decode, encode, kind_of, put, remove
from locum.state.organization import AccountCreation, Handshake, Member, Organization, OrganizationPolicy, Unit
from locum.state.providers import OidcProvider, OutboundFederation, SamlProvider, SigningKey
from locum.state.reports import AccessReport, OrganizationAccessReport
from locum.state.service_linked_roles import RoleDeletion
from locum.state.signin import CredentialReport, LoginProfile, MfaDevice, PasswordPolicy
from locum.state.state import State, apply, change

__all__ = [
    "AWS_MANAGED_ACCOUNT",
    "FORMAT",
    "AccessKey",
    "AccessReport",
    "Account",
    "AccountCreation",
    "AnyEntity",
    "CredentialReport",
    "DelegationRequest",
    "DelegationState",
    "Entity",
    "Event",
    "Fleet",
    "Group",
    "Handshake",
    "Instance",
    "InstanceProfile",
    "LoginProfile",
    "MaintenanceEvent",
    "Member",
    "MetadataDefaults",
    "MetadataOptions",
    "MfaDevice",
    "Named",
    "Notices",
    "OidcProvider",
    "Organization",
    "OrganizationAccessReport",
    "OrganizationPolicy",
    "OutboundFederation",
    "PasswordPolicy",
    "PendingEffect",
    "Policy",
    "PolicyParameter",
    "PolicyVersion",
    "ProfileAssociation",
    "Put",
    "Removed",
    "Role",
    "RoleDeletion",
    "SamlProvider",
    "ServerCertificate",
    "ServiceSpecificCredential",
    "SigningCertificate",
    "SigningKey",
    "SshPublicKey",
    "State",
    "Unit",
    "User",
    "apply",
    "change",
    "decode",
    "encode",
    "kind_of",
    "put",
    "remove",
]
