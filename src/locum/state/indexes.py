"""The indexes of the state. An index maps a value to the entities that have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from locum.state.autoscaling import (
    AutoScalingGroup,
    InstanceRefresh,
    LifecycleHook,
    ScalingActivity,
    ScalingPolicy,
    ScheduledAction,
    regional,
)
from locum.state.certificates import ServerCertificate, ServiceSpecificCredential, SigningCertificate, SshPublicKey
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
from locum.state.commands import CommandInvocation
from locum.state.delegation import DelegationRequest
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
from locum.state.organization import SUSPENDED, Handshake, Member, Organization, Unit
from locum.state.providers import OutboundFederation
from locum.state.signin import MfaDevice
from locum.state.stack_sets import StackInstance, StackSet, StackSetOperation, StackSetResult, StackSetTemplate


class Index(NamedTuple):
    """An index. `values(entity)` are the values under which an entity of `kinds` is found."""

    name: str
    kinds: tuple[type[Entity], ...]
    values: Callable[[Any], Iterable[str]]


def scoped(account: str, key: str) -> str:
    """The index value of a key that is unique only within its account."""
    return f"{account}/{key}"


UNIQUE_ID: Final = Index(
    "unique-id", (User, Group, Role, Policy, InstanceProfile, ServerCertificate), lambda e: (e.id,)
)
ACCESS_KEY_ID: Final = Index("access-key-id", (AccessKey,), lambda k: (k.id,))
KEYS_OF_USER: Final = Index("keys-of-user", (AccessKey,), lambda k: (scoped(k.account, k.user),))
CREDENTIALS_OF_USER: Final = Index(
    "credentials-of-user",
    (SshPublicKey, SigningCertificate, ServiceSpecificCredential),
    lambda c: (scoped(c.account, c.user),),
)
MFA_OF_USER: Final = Index("mfa-of-user", (MfaDevice,), lambda d: (scoped(d.account, d.user),) if d.enabled else ())
MEMBERS_OF_GROUP: Final = Index("members-of-group", (User,), lambda u: (scoped(u.account, g) for g in u.groups))
ATTACHED_POLICY: Final = Index(
    "attached-policy", (User, Group, Role), lambda e: (scoped(e.account, arn) for arn in e.attached)
)
BOUNDARY_POLICY: Final = Index(
    "boundary-policy", (User, Role), lambda e: (scoped(e.account, e.boundary),) if e.boundary else ()
)
PROFILES_OF_ROLE: Final = Index(
    "profiles-of-role", (InstanceProfile,), lambda p: (scoped(p.account, r) for r in p.roles)
)
MEMBERSHIP: Final = Index("membership", (Member,), lambda m: (m.id,))
"""By the member account, which is in one organization at most."""

CHILD_UNITS: Final = Index("child-units", (Unit,), lambda u: (scoped(u.account, u.parent),))
CHILD_MEMBERS: Final = Index("child-members", (Member,), lambda m: (scoped(m.account, m.parent),))
TARGETS_OF_POLICY: Final = Index(
    "targets-of-policy",
    (Organization, Unit, Member),
    lambda t: (scoped(t.account, p) for p in (t.root_policies if isinstance(t, Organization) else t.policies)),
)
DELEGATED_MEMBERS: Final = Index("delegated-members", (Member,), lambda m: (m.account,) if m.delegations else ())
"""By the management account of their organization, like CLOSED_MEMBERS."""

CLOSED_MEMBERS: Final = Index("closed-members", (Member,), lambda m: (m.account,) if m.closed else ())
SUSPENDED_MEMBERS: Final = Index(
    "suspended-members", (Member,), lambda m: (SUSPENDED,) if m.status == SUSPENDED else ()
)
"""All of them, under their status: the few accounts whose calls are refused."""

HANDSHAKE_ID: Final = Index("handshake-id", (Handshake,), lambda h: (h.id,))
HANDSHAKES_OF: Final = Index("handshakes-of", (Handshake,), lambda h: (h.target,))
ROOT_EMAIL: Final = Index("root-email", (Account,), lambda a: (a.email.lower(),) if a.email else ())
"""Unique: no two accounts have the same address."""

ACCOUNT_ALIAS: Final = Index("account-alias", (Account,), lambda a: (a.alias,) if a.alias else ())
"""Unique, as addresses are."""

OUTBOUND_ISSUER: Final = Index("outbound-issuer", (OutboundFederation,), lambda o: (o.id,))
DELEGATION_ID: Final = Index("delegation-id", (DelegationRequest,), lambda d: (d.id,))
DELEGATIONS_OF: Final = Index("delegations-of", (DelegationRequest,), lambda d: (d.owner_account,) if d.owner else ())
"""By the account of their owner. Requests without an owner are not in it."""

DELEGATION_WORKFLOW: Final = Index(
    "delegation-workflow", (DelegationRequest,), lambda d: (scoped(d.account, d.workflow),)
)
INSTANCE_ID: Final = Index("instance-id", (Instance,), lambda i: (i.id,))
RESERVATION: Final = Index("reservation", (Instance,), lambda i: (scoped(i.account, i.reservation),))
CLIENT_TOKEN: Final = Index(
    "client-token", (Instance,), lambda i: (scoped(i.account, i.client_token),) if i.client_token else ()
)
ASSOCIATIONS_OF_INSTANCE: Final = Index(
    "associations-of-instance", (ProfileAssociation,), lambda a: (scoped(a.account, a.instance),)
)
ASSOCIATIONS_OF_PROFILE: Final = Index(
    "associations-of-profile", (ProfileAssociation,), lambda a: (scoped(a.account, a.profile),)
)

GROUP_OF_INSTANCE: Final = Index(
    "group-of-instance", (AutoScalingGroup,), lambda g: (scoped(g.account, it.id) for it in g.members)
)
OF_COMMAND: Final = Index("of-command", (CommandInvocation,), lambda i: (scoped(i.account, i.command),))
OF_GROUP: Final = Index(
    "of-group",
    (ScalingActivity, ScalingPolicy, ScheduledAction, LifecycleHook, InstanceRefresh),
    lambda e: (scoped(e.account, regional(e.region, e.group)),),
)
"""By the key of the Auto Scaling group."""

STACK_NAME: Final = Index(
    "stack-name", (Stack,), lambda s: () if s.deleted else (scoped(s.account, regional(s.region, s.name)),)
)
"""Stacks that are there: a deleted one is found by its ARN alone."""

EXPORT: Final = Index("export", (Stack,), lambda s: (scoped(s.account, regional(s.region, name)) for name in s.exports))
IMPORT: Final = Index("import", (Stack,), lambda s: (scoped(s.account, regional(s.region, name)) for name in s.imports))
NESTED: Final = Index("nested", (Stack,), lambda s: (s.parent,) if s.parent else ())
"""By the ARN of the stack that they are a resource of."""

NESTED_CHANGE_SETS: Final = Index("nested-change-sets", (ChangeSet,), lambda c: (c.parent,) if c.parent else ())
"""By the ARN of the change set that they belong to."""

PHYSICAL: Final = Index(
    "physical-id",
    (StackResource,),
    lambda r: (scoped(r.account, r.physical),) if r.physical and r.status != "DELETE_COMPLETE" else (),
)
"""Resources of stacks that are there, by their physical ids."""

OF_STACK: Final = Index(
    "of-stack",
    (StackTemplate, StackResource, StackEvent, ChangeSet, StackDrift, ResourceDrift),
    lambda e: (scoped(e.account, regional(e.region, e.stack)),),
)
"""By the key of the stack."""

REQUEST_OF_RESOURCE: Final = Index(
    "request-of-resource",
    (ResourceRequest,),
    lambda r: (scoped(r.account, r.resource),) if r.under_way and r.identifier else (),
)
"""Requests that are under way, by what they are about."""

REQUESTS_UNDER_WAY: Final = Index(
    "requests-under-way", (ResourceRequest,), lambda r: (scoped(r.account, r.region),) if r.under_way else ()
)
"""By their region."""

REQUEST_OF_CLIENT: Final = Index(
    "request-of-client",
    (ResourceRequest,),
    lambda r: (scoped(r.account, regional(r.region, r.client_token)),) if r.client_token else (),
)
"""By their client tokens."""

STACK_SET_NAME: Final = Index(
    "stack-set-name", (StackSet,), lambda s: () if s.deleted else (scoped(s.account, regional(s.region, s.name)),)
)
OF_STACK_SET: Final = Index(
    "of-stack-set",
    (StackSetTemplate, StackInstance, StackSetOperation),
    lambda e: (scoped(e.account, regional(e.region, e.stack_set)),),
)
"""By the key of the stack set."""

OF_INSTANCE_STACK: Final = Index("of-instance-stack", (StackInstance,), lambda i: (i.stack,) if i.stack else ())
"""By the ARN of the stack, which belongs to one stack set at most."""

RESULTS_OF: Final = Index(
    "results-of", (StackSetResult,), lambda r: (scoped(r.account, regional(r.region, r.stack_set, r.operation)),)
)
"""By the key of the operation."""

INDEXES: Final = (
    UNIQUE_ID,
    ACCESS_KEY_ID,
    KEYS_OF_USER,
    CREDENTIALS_OF_USER,
    MFA_OF_USER,
    MEMBERS_OF_GROUP,
    ATTACHED_POLICY,
    BOUNDARY_POLICY,
    PROFILES_OF_ROLE,
    MEMBERSHIP,
    CHILD_UNITS,
    CHILD_MEMBERS,
    TARGETS_OF_POLICY,
    DELEGATED_MEMBERS,
    CLOSED_MEMBERS,
    SUSPENDED_MEMBERS,
    HANDSHAKE_ID,
    HANDSHAKES_OF,
    ROOT_EMAIL,
    ACCOUNT_ALIAS,
    OUTBOUND_ISSUER,
    DELEGATION_ID,
    DELEGATIONS_OF,
    DELEGATION_WORKFLOW,
    INSTANCE_ID,
    RESERVATION,
    CLIENT_TOKEN,
    ASSOCIATIONS_OF_INSTANCE,
    ASSOCIATIONS_OF_PROFILE,
    GROUP_OF_INSTANCE,
    OF_GROUP,
    OF_COMMAND,
    STACK_NAME,
    EXPORT,
    IMPORT,
    NESTED,
    NESTED_CHANGE_SETS,
    PHYSICAL,
    OF_STACK,
    REQUEST_OF_RESOURCE,
    REQUESTS_UNDER_WAY,
    REQUEST_OF_CLIENT,
    STACK_SET_NAME,
    OF_STACK_SET,
    OF_INSTANCE_STACK,
    RESULTS_OF,
)
