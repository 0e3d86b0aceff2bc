"""The entities of the state: every kind, as an immutable value.

An entity is identified by (kind, account, key). Names of IAM resources are unique without regard to case,
so their key is the lower-cased name; the name keeps its spelling. Times are whole epoch seconds.
Documents are kept as they were sent. Mappings inside an entity are never changed in place.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from locum.core.arn import PARTITION, iam_arn, root_arn
from locum.core.identifiers import AGENT_LAUNCH

Tags = dict[str, str]
AWS_MANAGED_ACCOUNT = "aws"
"""The account of AWS's own managed policies: arn:aws:iam::aws:policy/..."""


class Entity(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="kind",
    gc=False,
):
    """Base of all entities; `kind` names the table in events and checkpoints.

    Entities are values and hold no cycles, so that the garbage collector need not look at a million of them.
    """

    key_field: ClassVar[str] = "id"

    account: str

    @property
    def key(self) -> str:
        """The key of the entity among those of its kind in its account: the field `key_field`, in most."""
        return str(getattr(self, self.key_field))


class Named(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """An IAM resource with a path and a name. `id` is its unique id; `arn` follows from path and name."""

    arn_kind: ClassVar[str]

    name: str
    path: str = "/"
    id: str
    created: int

    @property
    def key(self) -> str:
        key = self.name.lower()
        return self.name if key == self.name else key  # one text less in memory for most

    @property
    def arn(self) -> str:
        """The ARN, with the path."""
        return iam_arn(self.account, self.arn_kind, self.path, self.name)


class Account(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="account"):
    """An AWS account. The root user is part of it and has no entity of its own; `email` is its address.

    `token_version` is that of SetSecurityTokenServicePreferences, `role_manager` the account property. `founding`: it
    is the one that the installation began with.
    """

    key_field: ClassVar[str] = "account"

    created: int
    name: str = ""
    alias: str = ""
    email: str = ""
    token_version: int = 1
    role_manager: bool = False
    founding: bool = False

    @property
    def arn(self) -> str:
        """The ARN of the root user."""
        return root_arn(self.account)


class User(Named, frozen=True, kw_only=True, omit_defaults=True, tag="user"):
    """An IAM user. `attached` are policy ARNs, `groups` group keys, `boundary` a policy ARN or empty."""

    arn_kind: ClassVar[str] = "user"

    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    boundary: str = ""
    tags: Tags = {}


class Group(Named, frozen=True, kw_only=True, omit_defaults=True, tag="group"):
    """An IAM group."""

    arn_kind: ClassVar[str] = "group"

    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()


class Role(Named, frozen=True, kw_only=True, omit_defaults=True, tag="role"):
    """A role. `trust` is the trust policy as sent, save that ARNs of users and roles became unique ids.

    `max_session` is MaxSessionDuration in seconds. `description` may have been given, and be empty.
    """

    arn_kind: ClassVar[str] = "role"

    trust: str
    description: str | None = None
    max_session: int = 3600
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()
    boundary: str = ""
    tags: Tags = {}


class PolicyVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One version of a managed policy: `v` and `number`."""

    number: int
    document: str
    created: int


class Policy(Named, frozen=True, kw_only=True, omit_defaults=True, tag="policy"):
    """A managed policy. `next_number` never goes back, so that a version id is not given out twice."""

    arn_kind: ClassVar[str] = "policy"

    versions: tuple[PolicyVersion, ...]
    default: int = 1
    next_number: int = 2
    updated: int
    description: str = ""
    tags: Tags = {}

    @property
    def document(self) -> str:
        """The document of the default version."""
        return next(v.document for v in self.versions if v.number == self.default)


class InstanceProfile(Named, frozen=True, kw_only=True, omit_defaults=True, tag="instance-profile"):
    """An instance profile. `roles` are role keys; there is at most one."""

    arn_kind: ClassVar[str] = "instance-profile"

    roles: tuple[str, ...] = ()
    tags: Tags = {}


class AccessKey(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="access-key"):
    """A long-term access key of `user` (a user key), or of the root user where that is empty.

    `secret` is sealed under the key ring. `millisecond` is that of its creation, for the order of keys.
    """

    id: str
    user: str = ""
    secret: bytes
    active: bool = True
    created: int
    millisecond: int = 0


class MetadataOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """EC2's InstanceMetadataOptions. Defaults are those of a new instance in the EC2 API."""

    tokens: Literal["optional", "required"] = "required"
    hop_limit: int = 2
    endpoint: Literal["enabled", "disabled"] = "enabled"
    protocol_ipv6: Literal["enabled", "disabled"] = "disabled"
    instance_tags: Literal["enabled", "disabled"] = "disabled"


class MetadataDefaults(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="metadata-defaults"):
    """The metadata options of new instances of an account in a region (EC2's InstanceMetadataDefaultsResponse).

    What is empty or 0 is not set.
    """

    key_field: ClassVar[str] = "region"

    region: str
    tokens: Literal["", "optional", "required"] = ""
    hop_limit: int = 0
    endpoint: Literal["", "enabled", "disabled"] = ""
    instance_tags: Literal["", "enabled", "disabled"] = ""
    enforced: bool = False


class MaintenanceEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A scheduled event of an instance (EC2's InstanceStatusEvent). Times are epoch seconds; 0: no end is known."""

    id: str
    code: Literal["instance-reboot", "system-reboot", "system-maintenance", "instance-retirement", "instance-stop"]
    description: str
    not_before: int
    not_after: int = 0
    state: Literal["active", "completed", "canceled"] = "active"


class Notices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Announcements of EC2 to an instance in its metadata. Times: epoch seconds. What is empty or 0 is not announced.

    `lifecycle_state` is the target state in its Auto Scaling group (`InService`, `Terminated`), `interruption` what is
    about to be done to a Spot Instance at `interruption_at`, `rebalance_at` when its risk of that was found to be high.
    """

    lifecycle_state: str = ""
    interruption: Literal["", "terminate", "stop", "hibernate"] = ""
    interruption_at: int = 0
    rebalance_at: int = 0
    maintenance: tuple[MaintenanceEvent, ...] = ()


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The agent by which another machine is an instance (`locum agent`). `agents.instances.activations` has the rules.

    `code` is the digest of an activation code that nobody has used yet, valid until `code_expires` (epoch seconds),
    `spent` that of the last one that was used. `certificate` is the serial number of the certificate that the agent
    uses, `renewal` that of one that was issued to it later and was not used yet.
    """

    code: bytes = b""
    code_expires: int = 0
    spent: bytes = b""
    certificate: str = ""
    renewal: str = ""


class Instance(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="instance"):
    """An EC2 instance. `state` is the EC2 state name; `state_changed` when it was entered.

    `attributes` holds what RunInstances accepted and Describe gives back, but which nothing here acts on,
    by the member name of the EC2 API (`ImageId`, `SubnetId`, `KeyName` ...). `request_digest` tells whether
    another RunInstances with the same client token asks for the same. `ephemeral`: it lives only as long as the
    launcher that is attached to it (`locum run`); EC2's API does not show that. `lost_subnet` is the subnet that it was
    in and that its backend has forgotten. `at_backend`: a backend that keeps what it has runs it, under the same id.
    `boots` counts its starts and reboots after the launch: what runs in it belongs to one of them. `agent` is that of
    another machine which is this instance. `node` is the node on whose host it runs, where there are several.
    """

    id: str
    region: str
    reservation: str
    launch_index: int = 0
    client_token: str = ""
    request_digest: str = ""
    instance_type: str = "m1.small"
    state: Literal["pending", "running", "stopping", "stopped", "shutting-down", "terminated"] = "running"
    state_reason: str = ""
    state_changed: int
    launched: int
    zone: str
    private_ip: str
    mac: str = ""
    user_data: bytes = b""
    metadata: MetadataOptions = MetadataOptions()
    notices: Notices = Notices()
    protected: bool = False
    ephemeral: bool = False
    lost_subnet: str = ""
    at_backend: bool = False
    boots: int = 0
    agent: Agent = Agent()
    node: str = ""
    tags: Tags = {}
    attributes: dict[str, Any] = {}

    def is_on(self, node: str) -> bool:
        """Whether it runs on the host of `node`; an empty one is the only node that there is."""
        return self.node == node or not node

    @property
    def elsewhere(self) -> bool:
        """Whether the instance is another machine, by its agent, which may be still to come."""
        return bool(self.agent.certificate) or self.client_token.startswith(AGENT_LAUNCH)

    @property
    def arn(self) -> str:
        """The instance's ARN."""
        return f"arn:{PARTITION}:ec2:{self.region}:{self.account}:instance/{self.id}"


class ProfileAssociation(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="profile-association"):
    """The association of an instance with its instance profile (EC2's IamInstanceProfileAssociation).

    `profile` is the key of the instance profile, `profile_id` its unique id at the time: a profile that
    was deleted and made again under the same name is another one.
    """

    id: str
    region: str
    instance: str
    profile: str
    profile_id: str
    profile_arn: str
    state: Literal["associating", "associated", "disassociating", "disassociated"] = "associated"
    since: int


class Fleet(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="fleet"):
    """An EC2 Fleet of type `instant`. `state` is the EC2 state name, `ended` when it was deleted.

    `given` are the parameters that DescribeFleets gives back, `launches` and `errors` the `Instances` and `Errors` of
    CreateFleet's answer. `request_digest` tells whether another call with the same client token asks for the same.
    """

    id: str
    region: str
    created: int
    state: Literal["active", "deleted"] = "active"
    ended: int = 0
    client_token: str = ""
    request_digest: str = ""
    given: dict[str, Any] = {}
    launches: tuple[dict[str, Any], ...] = ()
    errors: tuple[dict[str, Any], ...] = ()
    tags: Tags = {}

    @property
    def instances(self) -> tuple[str, ...]:
        """The ids of the instances that were launched."""
        return tuple(name for launch in self.launches for name in launch["InstanceIds"])
