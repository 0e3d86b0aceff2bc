"""Amazon EC2: resource types from ids, instances and their instance profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from locum.authz.call import Call, Check, Value
from locum.authz.functions import Circumstances, Functions, KeyReader, Values, as_values
from locum.authz.services.iam import profile_of
from locum.core.arn import PARTITION, iam_arn
from locum.core.partial_arn import UNKNOWN, arn_of
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


_TYPE_OF_ID: Final[Mapping[str, str]] = {
    "acl": "network-acl",
    "ami": "image",
    "cagw": "carrier-gateway",
    "cgw": "customer-gateway",
    "cr": "capacity-reservation",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "fleet": "fleet",
    "h": "dedicated-host",
    "i": "instance",
    "igw": "internet-gateway",
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
    identifier = values[0] or ""
    kind = _TYPE_OF_ID.get(identifier.rpartition("-")[0])
    account = "" if kind in _WITHOUT_ACCOUNT else call.caller.account
    return (arn_of(f"arn:{PARTITION}:ec2:{call.region}:{account}:", kind or UNKNOWN, "/", identifier or UNKNOWN),)


def _created(state: State, call: Call, values: Values) -> Iterable[str]:
    """What a call makes and tags, as AWS names it where it has no id yet: `arn:aws:ec2:eu-west-1::snapshot/*`."""
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
    return as_values(instance.zone if instance else (call.params.get("Placement") or {}).get("AvailabilityZone"))


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
        "availability_zone": _availability_zone,
        "ec2_region": _region,
        "instance_profile": _instance_profile,
        "instance_type": _instance_type,
        "metadata_hop_limit": _metadata("HttpPutResponseHopLimit", "hop_limit"),
        "metadata_http_endpoint": _metadata("HttpEndpoint", "endpoint"),
        "metadata_http_tokens": _metadata("HttpTokens", "tokens"),
        "metadata_tags": _metadata("InstanceMetadataTags", "instance_tags"),
        "new_instance_profile": _new_instance_profile,
        "passed_for": _passed_for,
    },
    readers={"ec2:roledelivery": _role_delivery, "ec2:sourceinstancearn": _source_instance},
    facts=_facts,
)
