"""Identity entities, the events that change them, and the reducer: `apply(state, events) -> state`.

Pure. All identity state is the result of applying the journal's events in order.
"""

from locum.state.certificates import ServerCertificate, ServiceSpecificCredential, SigningCertificate, SshPublicKey
from locum.state.entities import (
    MANAGED,
    AccessKey,
    Account,
    Entity,
    Group,
    Instance,
    InstanceProfile,
    MetadataOptions,
    Named,
    Policy,
    PolicyVersion,
    ProfileAssociation,
    Role,
    User,
)
from locum.state.events import FORMAT, AnyEntity, Event, Put, Removed, decode, encode, kind_of, put, remove
from locum.state.organization import AccountCreation, Handshake, Member, Organization, OrganizationPolicy, Unit
from locum.state.providers import OidcProvider, SamlProvider
from locum.state.signin import LoginProfile, MfaDevice, PasswordPolicy
from locum.state.state import State, apply, change

__all__ = [
    "FORMAT",
    "MANAGED",
    "AccessKey",
    "Account",
    "AccountCreation",
    "AnyEntity",
    "Entity",
    "Event",
    "Group",
    "Handshake",
    "Instance",
    "InstanceProfile",
    "LoginProfile",
    "Member",
    "MetadataOptions",
    "MfaDevice",
    "Named",
    "OidcProvider",
    "Organization",
    "OrganizationPolicy",
    "PasswordPolicy",
    "Policy",
    "PolicyVersion",
    "ProfileAssociation",
    "Put",
    "Removed",
    "Role",
    "SamlProvider",
    "ServerCertificate",
    "ServiceSpecificCredential",
    "SigningCertificate",
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
