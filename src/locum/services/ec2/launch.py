"""RunInstances.

Idempotency (EC2 Developer Guide, "Ensuring idempotency in Amazon EC2 API requests"): a second call with the same client
token and parameters returns the instances of the first; with other parameters it is an IdempotentParameterMismatch.
The token is stored as long as an instance of the launch is.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.core.identifiers import EPHEMERAL_LAUNCH, OWN_IMAGE, hex_id
from locum.services.asking import Asking
from locum.services.ec2.addresses import mac_of
from locum.services.ec2.block_devices import check_devices
from locum.services.ec2.elsewhere import is_run_elsewhere, run_elsewhere
from locum.services.ec2.faults import idempotency_mismatch
from locum.services.ec2.held import filters, held
from locum.services.ec2.idempotency import check_token, digest_of
from locum.services.ec2.launch_checks import Launch, checked, tags_of
from locum.services.ec2.lookup import removals_of_expired, visible
from locum.services.ec2.network import Network, network_of
from locum.services.ec2.profiles import named_profile, new_association
from locum.services.ec2.shapes import InstanceRow, reservation, with_association
from locum.services.ec2.spot_options import checked_options, is_spot, with_request
from locum.services.ec2.templates import FROM_TEMPLATE, template_tags, with_template
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, Put, put
from locum.state.indexes import CLIENT_TOKEN, scoped

DEFAULT_TYPE: Final = "m1.small"

# Parameters that are stored as given, for DescribeInstances.
_STORED_PARAMETERS: Final = (
    "ImageId",
    "KeyName",
    "NetworkInterfaces",
    "BlockDeviceMappings",
    "Placement",
    "Monitoring",
    "EbsOptimized",
    "KernelId",
    "RamdiskId",
    "InstanceInitiatedShutdownBehavior",
    "CapacityReservationSpecification",
    "CpuOptions",
    "CreditSpecification",
    "DisableApiStop",
    "EnclaveOptions",
    "HibernationOptions",
    "InstanceMarketOptions",
    "MaintenanceOptions",
    "PrivateDnsNameOptions",
)
_IMAGE_ID: Final = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")


def run_instances(ctx: Context, params: Params) -> Asking:
    """ec2:RunInstances. The permission to pass the profile's role was checked before.

    Asks for the image, the key pair and the network of the launch.
    """
    params = yield from with_template(ctx, params)  # which was read before; where it is not there, this says so
    token = params.get("ClientToken", "")
    digest = _digest(params)
    earlier = _launched_with(ctx, token)
    if earlier:
        return _repeated(ctx, earlier, digest)
    rows = yield from launched(ctx, params, digest)
    return Outcome(reservation(rows, "pending"), (*removals_of_expired(ctx), *events_of(rows)))


def launched(ctx: Context, params: Params, digest: str = "") -> Generator[Ask, Mapping[str, Any], list[InstanceRow]]:
    """Check a launch with `params`, those of RunInstances and of its template (`with_template`); its instances.

    `digest` tells launches with the same client token apart. Raises Fault with RunInstances's codes.
    """
    launch = checked(ctx, params)
    profile = named_profile(ctx, params["IamInstanceProfile"]) if params.get("IamInstanceProfile") else None
    spot = checked_options(ctx, params["InstanceMarketOptions"].get("SpotOptions") or {}) if is_spot(params) else None
    template = _template(ctx, params, digest, launch)
    if is_run_elsewhere(ctx, params):
        made = yield from run_elsewhere(ctx, params, template)
    else:
        image = yield from _named_image(ctx, params["ImageId"])
        yield from check_devices(ctx, params.get("BlockDeviceMappings") or (), image)
        yield from _require_key(ctx, params.get("KeyName"))
        made = _placed(ctx, template, (yield from network_of(ctx, params, launch.interface, launch.number)))
    if spot is not None:
        made = [with_request(ctx, it, spot) for it in made]
    return [InstanceRow(it, new_association(ctx, it, profile) if profile else None) for it in made]


def events_of(rows: Iterable[InstanceRow]) -> list[Put]:
    """The events of new instances and their profile associations."""
    events: list[Put] = []
    for it, association in rows:
        events.append(put(it))
        if association is not None:
            events.append(put(association))
    return events


def _launched_with(ctx: Context, token: str) -> list[Instance]:
    """The instances of the earlier launch with this client token, in launch order."""
    if not token:
        return []
    check_token(token)
    found = [it for it in ctx.state.find(CLIENT_TOKEN, scoped(ctx.account, token)) if isinstance(it, Instance)]
    return sorted((it for it in found if visible(ctx, it)), key=lambda it: it.launch_index)


def _repeated(ctx: Context, earlier: list[Instance], digest: str) -> Outcome:
    if earlier[0].request_digest != digest:
        raise idempotency_mismatch()
    return Outcome(reservation([with_association(ctx, it) for it in earlier]))


def _named_image(ctx: Context, image: str) -> Generator[Ask, Mapping[str, Any], Mapping[str, Any]]:
    """The `Image` of a launch, empty for this machine's. Raises Fault, as the backend does, where there is none."""
    if image == OWN_IMAGE:
        return {}
    if not _IMAGE_ID.fullmatch(image):
        raise Fault("InvalidAMIID.Malformed", f'Invalid id: "{image}" (expecting "ami-...")')
    answer = yield held(ctx, "DescribeImages", {"ImageIds": [image]})
    return next(iter(answer["Images"]), {})


def _require_key(ctx: Context, name: str | None) -> Generator[Ask, Mapping[str, Any], None]:
    """Raise Fault InvalidKeyPair.NotFound where a launch names a key pair that is not there."""
    if not name:
        return
    answer = yield held(ctx, "DescribeKeyPairs", {"Filters": filters(key_name=[name])})
    if not any(pair["KeyName"] == name for pair in answer["KeyPairs"]):
        raise Fault("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def _template(ctx: Context, params: Params, digest: str, launch: Launch) -> Instance:
    """The new instances in all that they have in common but their place."""
    token = params.get("ClientToken", "")
    return Instance(
        account=ctx.account,
        id="",
        region=ctx.region,
        reservation=hex_id("r", ctx.entropy),
        client_token=token,
        request_digest=digest,
        instance_type=params.get("InstanceType", DEFAULT_TYPE),
        state_changed=int(ctx.now),
        launched=int(ctx.now),
        zone="",
        private_ip="",
        user_data=launch.user_data,
        metadata=launch.options,
        protected=bool(params.get("DisableApiTermination", False)),
        ephemeral=token.startswith(EPHEMERAL_LAUNCH),
        node=ctx.settings.node,
        tags={**tags_of(ctx, params, "instance"), **template_tags(params)},
        attributes=_attributes(ctx, params),
    )


def _placed(ctx: Context, template: Instance, network: Network) -> list[Instance]:
    """The new instances, one at each address of their network."""
    attributes = dict(template.attributes)
    if network.subnet:
        attributes |= {"SubnetId": network.subnet["SubnetId"], "VpcId": network.subnet["VpcId"]}
        attributes["DefaultSubnet"] = bool(network.subnet.get("DefaultForAz"))
        attributes["Groups"] = [dict(group) for group in network.groups]
    template = replace(template, zone=network.zone, attributes=attributes)
    return [_new_instance(ctx, template, index, ip) for index, ip in enumerate(network.addresses)]


def _new_instance(ctx: Context, template: Instance, index: int, private_ip: str) -> Instance:
    own_id, mac = hex_id("i", ctx.entropy), mac_of(private_ip)
    return replace(template, id=own_id, launch_index=index, private_ip=private_ip, mac=mac)


def _attributes(ctx: Context, params: Params) -> dict[str, Any]:
    """The attributes stored for Describe operations and the backend, by names of RunInstances and of `Instance`."""
    attributes = {name: params[name] for name in _STORED_PARAMETERS if params.get(name) is not None}
    for name, kind in (("VolumeTags", "volume"), ("InterfaceTags", "network-interface")):
        if tags := tags_of(ctx, params, kind):
            attributes[name] = tags
    attributes["Placement"] = {"GroupName": "", "Tenancy": "default", **(params.get("Placement") or {})}
    return attributes


def _digest(params: Params) -> str:
    template = params.get("LaunchTemplate") or {}
    left_out = {"LaunchTemplate", *template.get(FROM_TEMPLATE, ())}  # versions may come and go
    compared = {name: value for name, value in params.items() if name not in left_out}
    compared["LaunchTemplateId"] = template.get("LaunchTemplateId")
    return digest_of(compared)
