"""Identity entities, the events that change them, and the reducer: `apply(state, events) -> state`.

Pure. All identity state is the result of applying the journal's events in order.
"""

from locum.state.entities import (
    MANAGED,
    AccessKey,
    Account,
    AnyEntity,
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
from locum.state.events import FORMAT, Event, Put, Removed, decode, encode, kind_of, put, remove
from locum.state.state import State, apply, change

__all__ = [
    "FORMAT",
    "MANAGED",
    "AccessKey",
    "Account",
    "AnyEntity",
    "Entity",
    "Event",
    "Group",
    "Instance",
    "InstanceProfile",
    "MetadataOptions",
    "Named",
    "Policy",
    "PolicyVersion",
    "ProfileAssociation",
    "Put",
    "Removed",
    "Role",
    "State",
    "User",
    "apply",
    "change",
    "decode",
    "encode",
    "kind_of",
    "put",
    "remove",
]
