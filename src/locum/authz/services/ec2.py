"""Amazon EC2: resource types from ids, instances and their instance profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from locum.authz.call import Call, Check, Value
from locum.authz.functions import Circumstances, Functions, KeyReader, Reader, Values, account_of, as_values
from locum.authz.paths import scalar
from locum.authz.services.iam import profile_of
from locum.core.arn import PARTITION, iam_arn
from locum.core.partial_arn import NEW, UNKNOWN, PartialArn, arn_of
from locum.core.resources import ResourceFacts
from locum.state import Instance, ProfileAssociation, State
from locum.state.arns import entity_by_arn
from locum.state.associations import association_of
from locum.state.indexes import INSTANCE_ID


def _instance_of_association(state: State, call: Call, values: Values) -> Iterable[str]:
    account = call.caller.account
    association = state.get(ProfileAssociation, account, values[0] or "")
    instance = UNKNOWN if association is None else association.instance
    return (arn_of(f"arn:{PARTITION}:ec2:{call.region}:{account}:instance/", instance),)


TYPE_OF_ID: Final[Mapping[str, str]] = {
    "acl": "network-acl",
    "ami": "image",
    "cagw": "carrier-gateway",
    "cgw": "customer-gateway",
    "cr": "capacity-reservation",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "export-ami": "export-image-task",
    "export-i": "export-instance-task",
    "fl": "vpc-flow-log",
    "fleet": "fleet",
    "h": "dedicated-host",
    "i": "instance",
    "igw": "internet-gateway",
    "import-ami": "import-image-task",
    "import-snap": "import-snapshot-task",
    "key": "key-pair",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pg": "placement-group",
    "pl": "prefix-list",
    "rtb": "route-table",
    "scr": "subnet-cidr-reservation",
    "sfr": "spot-fleet-request",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "sir": "spot-instances-request",
    "snap": "snapshot",
    "subnet": "subnet",
    "tgw": "transit-gateway",
    "tgw-attach": "transit-gateway-attachment",
    "tgw-rtb": "transit-gateway-route-table",
    "vgw": "vpn-gateway",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
    "vpce-svc": "vpc-endpoint-service",
    "vpn": "vpn-connection",
}
"""The resource type by the prefix of an id. Amazon EC2 User Guide, "Resource IDs"."""

_WITHOUT_ACCOUNT: Final = frozenset({"image", "snapshot"})


def _resource(state: State, call: Call, values: Values) -> Iterable[str]:
    """A resource of any type by its id or ARN. The type follows from the form of the id."""
    given = values[0] or ""
    identifier = given.rpartition("/")[2]
    kind = TYPE_OF_ID.get(identifier.rpartition("-")[0])
    account = "" if kind in _WITHOUT_ACCOUNT else account_of(given, call.caller.account)
    return (arn_of(f"arn:{PARTITION}:ec2:{call.region}:{account}:", kind or UNKNOWN, "/", identifier or UNKNOWN),)


def _created(state: State, call: Call, values: Values) -> Iterable[str]:
    """The resource that a call makes and tags, as AWS names it without an id: `arn:aws:ec2:eu-west-1::snapshot/*`."""
    kind = values[0]
    account = "" if kind in _WITHOUT_ACCOUNT else call.caller.account
    return (arn_of(f"arn:{PARTITION}:ec2:{call.region}:{account}:", kind or UNKNOWN, "/*"),)


# --- condition keys ----------------------------------------------------------------------------------------------


def _instance_type(state: State, call: Call, check: Check) -> list[str]:
    instance = entity_by_arn(state, Instance, check.resource)
    return as_values(instance.instance_type if instance else call.params.get("InstanceType", "m1.small"))


def _instance_profile(state: State, call: Call, check: Check) -> list[str]:
    """ec2:InstanceProfile: the profile of the instance, or the one to launch it with."""
    instance = entity_by_arn(state, Instance, check.resource)
    if instance is None:
        return _new_instance_profile(state, call, check)
    association = association_of(state, instance)
    return [] if association is None else [association.profile_arn]


def _new_instance_profile(state: State, call: Call, check: Check) -> list[str]:
    given = call.params.get("IamInstanceProfile") or {}
    arn, name = given.get("Arn"), given.get("Name")
    profile = profile_of(state, call, arn, name)
    if profile is not None:
        return [profile.arn]
    return as_values(arn or (iam_arn(call.caller.account, "instance-profile", "/", name) if name else None))


def _metadata(member: str, field: str) -> KeyReader:
    """The reader of an instance metadata option: that of the instance, or the one requested at launch."""

    def read(state: State, call: Call, check: Check) -> list[str]:
        instance = entity_by_arn(state, Instance, check.resource)
        if instance is not None:
            return as_values(getattr(instance.metadata, field))
        return as_values((call.params.get("MetadataOptions") or {}).get(member))

    return read


def _availability_zone(state: State, call: Call, check: Check) -> list[str]:
    instance = entity_by_arn(state, Instance, check.resource)
    if instance is not None:
        return [instance.zone]
    placement = call.params.get("Placement") or {}
    return as_values(placement.get("AvailabilityZone") or call.params.get("AvailabilityZone"))


def _tenancy(state: State, call: Call, check: Check) -> list[str]:
    """ec2:Tenancy of what is launched or created; "default" where the request does not tell."""
    if check.kind == "vpc":
        return as_values(call.params.get("InstanceTenancy", "default") if _is_new(check) else None)
    return as_values((call.params.get("Placement") or {}).get("Tenancy", "default"))


def _is_new(check: Check) -> bool:
    return isinstance(check.resource, PartialArn) and NEW in check.resource.parts


def _arn(call: Call, kind: str, identifier: Any, owner: str = "", region: str = "") -> list[str]:
    """The ARN of the resource that a request names by its id; none where it names none."""
    account, region = owner or call.caller.account, region or call.region
    return [f"arn:{PARTITION}:ec2:{region}:{account}:{kind}/{identifier}"] if identifier else []


def _vpc(state: State, call: Call, check: Check) -> list[str]:
    """ec2:Vpc, ec2:RequesterVpc: the VPC in which the request creates the resource."""
    return _arn(call, "vpc", call.params.get("VpcId")) if _is_new(check) else []


def _accepter_vpc(state: State, call: Call, check: Check) -> list[str]:
    params = call.params
    return _arn(call, "vpc", params.get("PeerVpcId"), params.get("PeerOwnerId", ""), params.get("PeerRegion", ""))


def _subnet(state: State, call: Call, check: Check) -> list[str]:
    """ec2:Subnet: the subnet in which the request creates network interfaces, where that is one."""
    subnets = {call.params.get("SubnetId")}
    subnets |= {interface.get("SubnetId") for interface in call.params.get("NetworkInterfaces") or ()}
    subnets.discard(None)
    return _arn(call, "subnet", subnets.pop()) if len(subnets) == 1 and _is_new(check) else []


def _snapshot_permission(change: str, member: str, plain: str) -> KeyReader:
    """The reader of the groups or accounts with which ModifySnapshotAttribute shares a snapshot, or no longer does."""

    def read(state: State, call: Call, check: Check) -> list[str]:
        params = call.params
        changes = (params.get("CreateVolumePermission") or {}).get(change) or ()
        values = [permission[member] for permission in changes if member in permission]
        return values + list(params.get(plain) or () if params.get("OperationType") == change.lower() else ())

    return read


def _attributes(subject: Circumstances) -> Mapping[str, str]:
    """ec2:Attribute/NAME: the attributes that a request to modify a resource sets, with their values."""
    call = subject.call
    if call.service != "ec2" or not call.operation.startswith("Modify"):
        return {}
    values = {name: value.get("Value") if isinstance(value, Mapping) else value for name, value in call.params.items()}
    return {name: scalar(value) for name, value in values.items() if isinstance(value, str | bool | int)}


def _launch_template(state: State, call: Call, check: Check) -> list[str]:
    """ec2:LaunchTemplate: the template of RunInstances, where the request has its id."""
    template = call.params.get("LaunchTemplate") or {}
    return _arn(call, "launch-template", template.get("LaunchTemplateId")) if call.operation == "RunInstances" else []


_NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "capacity-reservation": ("CapacityReservationSpecification",),
    "image": ("ImageId",),
    "key-pair": ("KeyName",),
    "launch-template": (),
    "network-interface": ("NetworkInterfaces",),
    "placement-group": ("Placement",),
    "security-group": ("SecurityGroupIds", "SecurityGroups", "NetworkInterfaces"),
    "snapshot": ("BlockDeviceMappings",),
    "subnet": ("SubnetId", "NetworkInterfaces"),
    "volume": ("BlockDeviceMappings",),
}
_BESIDE_TEMPLATE: Final = frozenset({"ClientToken", "DryRun", "LaunchTemplate", "MaxCount", "MinCount"})
"""The parameters of RunInstances that do not override a launch template."""


def _of_launch_template(state: State, call: Call, check: Check) -> list[str]:
    """ec2:IsLaunchTemplateResource: whether the template alone tells of the resource.

    Amazon EC2 User Guide, "Control access to launching instances with IAM permissions": with it, "users can't override
    any resources".
    """
    if call.operation != "RunInstances":
        return []
    given = call.params.keys()
    template = call.params.get("LaunchTemplate") or {}
    overriding = given - _BESIDE_TEMPLATE - set(template.get("FromTemplate", ()))
    named = _NAMED_BY.get(check.kind, overriding)
    return [scalar("LaunchTemplate" in given and not any(name in overriding for name in named))]


def _region(state: State, call: Call, check: Check) -> list[str]:
    return [call.region]


def _passed_for(state: State, call: Call, check: Check) -> list[str]:
    """iam:AssociatedResourceArn: the instance to which the role is passed; `instance/*` where it is not known."""
    if check.action != "iam:PassRole":
        return []
    account, instance = call.caller.account, call.params.get("InstanceId", "*")
    return [f"arn:{PARTITION}:ec2:{call.region}:{account}:instance/{instance}"]


# --- condition keys of calls from inside an instance -------------------------------------------------------------


def _source_instance(subject: Circumstances) -> Value | None:
    """ec2:SourceInstanceARN: the instance whose credentials the call was signed with."""
    session = subject.call.caller.session
    if session is None or not session.instance_id:
        return None
    instance = subject.state.first(Instance, INSTANCE_ID, session.instance_id)
    return None if instance is None else instance.arn


def _role_delivery(subject: Circumstances) -> Value | None:
    """ec2:RoleDelivery: the version of IMDS that delivered the credentials; 1.0 where it is not recorded."""
    session = subject.call.caller.session
    if session is None or not session.instance_id:
        return None
    return next((value for key, value in session.context.items() if key.lower() == "ec2:roledelivery"), "1.0")


def _delivered(key: str) -> Reader:
    """The reader of a condition key that IMDS put into the session: what was true as the credentials were issued."""

    def read(subject: Circumstances) -> Value | None:
        session = subject.call.caller.session
        return session.context.get(key) if session is not None and session.instance_id else None

    return read


def _facts(state: State, arn: str) -> ResourceFacts | None:
    instance = entity_by_arn(state, Instance, arn)
    return None if instance is None else ResourceFacts(instance.account, None, instance.tags)


FUNCTIONS: Final = Functions(
    resolvers={
        "ec2_created": _created,
        "ec2_instance_of_association": _instance_of_association,
        "ec2_resource": _resource,
    },
    keys={
        "accepter_vpc": _accepter_vpc,
        "availability_zone": _availability_zone,
        "ec2_region": _region,
        "ec2_subnet": _subnet,
        "ec2_vpc": _vpc,
        "instance_profile": _instance_profile,
        "instance_type": _instance_type,
        "launch_template": _launch_template,
        "metadata_hop_limit": _metadata("HttpPutResponseHopLimit", "hop_limit"),
        "metadata_http_endpoint": _metadata("HttpEndpoint", "endpoint"),
        "metadata_http_tokens": _metadata("HttpTokens", "tokens"),
        "metadata_tags": _metadata("InstanceMetadataTags", "instance_tags"),
        "new_instance_profile": _new_instance_profile,
        "of_launch_template": _of_launch_template,
        "passed_for": _passed_for,
        "snapshot_added_groups": _snapshot_permission("Add", "Group", "GroupNames"),
        "snapshot_added_users": _snapshot_permission("Add", "UserId", "UserIds"),
        "snapshot_removed_groups": _snapshot_permission("Remove", "Group", "GroupNames"),
        "snapshot_removed_users": _snapshot_permission("Remove", "UserId", "UserIds"),
        "tenancy": _tenancy,
    },
    tags={"ec2:attribute": _attributes},
    readers={
        "aws:ec2instancesourceprivateipv4": _delivered("aws:ec2instancesourceprivateipv4"),
        "aws:ec2instancesourcevpc": _delivered("aws:ec2instancesourcevpc"),
        "ec2:roledelivery": _role_delivery,
        "ec2:sourceinstancearn": _source_instance,
    },
    facts=_facts,
)
