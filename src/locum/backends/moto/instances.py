"""Locum's instances in moto's EC2: lent to it, as its IAM is, under the same ids.

Locum's instances are the only ones that there are. Before a call that may look at them is carried out, moto is given
those that it does not have, in the network and with the volumes of their launch, and is told what became of the
others: they were stopped, started, terminated, tagged. What moto knows besides (addresses, further volumes and
interfaces) stays as it is.

The ids of network interfaces and volumes, and public addresses, are derived from the instance's id. So an instance that
outlives a restart has the same ones again, also where moto's data went with the process. What moto has kept of
instances is brought up to date as well.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address, ip_network
from itertools import count
from typing import Any, Final

from locum.backends.directory import Directory, InstanceView
from locum.backends.moto.handlers import has_region
from locum.backends.moto.instance_shapes import described_instance
from locum.backends.moto.internals import is_taken, replaced_for_a_while, shadowed
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import backends_of, models_of
from locum.backends.moto.workers import MotoFailed, contained
from locum.core.instances import ROOT_DEVICE

USERS: Final = frozenset({"ec2", "elb", "elbv2", "autoscaling", "ssm", "cloudwatch"})
"""The services of which moto looks at instances."""

_ROOT_SIZE: Final = 8  # GiB
_ENDED: Final = ("shutting-down", "terminated")

_log: Final = logging.getLogger(__name__)


class LentInstances:
    """The instances of `directory` in moto's models. To be used in moto's turn."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._versions: dict[tuple[str, str], object] = {}
        self._lent: dict[tuple[str, str], dict[str, InstanceView]] = {}

    def lend(self, account: str, region: str) -> None:
        """Bring moto's instances of an account and region up to date; at no cost where none has changed."""
        place = account, region
        found = self._directory.instances(account)
        if self._versions.get(place) is found.version:
            return
        kept = () if place in self._lent else _kept(account, region)
        lent = self._lent.setdefault(place, {})
        views = {view.id: view for view in found.views() if view.region == region}
        if (views or lent or kept) and has_region("ec2", account, region):
            with Within("ec2", account, "ec2:RunInstances"):
                models = backends_of("ec2")[account][region]
                for name in [name for name in (*lent, *kept) if name not in views]:
                    lent.pop(name, None)
                    _forget(models, name)
                for name, view in views.items():
                    if lent.get(name) != view:
                        _bring_up_to_date(models, lent.get(name), view)
                        lent[name] = view
        self._versions[place] = found.version

    def described(self, account: str, region: str) -> dict[str, Any]:
        """The answer to DescribeInstances, with what moto knows of the instances: what is attached to them.

        moto's own takes some milliseconds for each.
        """
        self.lend(account, region)
        models, lent = models_of("ec2", account, region), self._lent[account, region]
        found = () if models is None else (each for one in models.reservations.values() for each in one.instances)
        return {
            "Reservations": [{"Instances": [described_instance(models, each) for each in found if each.id in lent]}]
        }


def _kept(account: str, region: str) -> list[str]:
    """The ids of the instances that moto has from before."""
    models = models_of("ec2", account, region)
    return [] if models is None else [it.id for one in models.reservations.values() for it in one.instances]


def in_default_subnet(account: str, region: str, zone: str) -> str:
    """The id of the default subnet of a zone; empty where there is none."""
    models = models_of("ec2", account, region)
    found = None if models is None else models.get_default_subnets().get(zone)
    return "" if found is None else str(found.id)


def _bring_up_to_date(models: Any, before: InstanceView | None, view: InstanceView) -> None:
    found = _find(models, view.id)
    kept = found is not None and before is None and view.state not in _ENDED
    if found is None and before is None and view.state not in _ENDED:
        _make(models, view)
        found = _find(models, view.id)
    if found is None:
        return
    found.instance_type = view.type
    _set_state(models, found, view)
    if before is None or before.tags != view.tags:
        models.tags[view.id] = dict(view.tags)
    if kept or (before is not None and _groups(before) != _groups(view)):
        models.modify_network_interface_attribute(found.network_interfaces[0].id, group_ids=_groups(view))


def _find(models: Any, instance: str) -> Any:
    """moto's instance: of those that were made last first, as what is new is asked for."""
    for reservation in reversed(models.reservations.values()):
        for found in reservation.instances:
            if found.id == instance:
                return found
    return None


def _make(models: Any, view: InstanceView) -> None:
    """Have moto run the instance. What moto refuses (a subnet that is not there any more) it does not have.

    moto looks its image and itself up among all others, which takes longer than all the rest.
    """

    def find(instance: str) -> Any:
        return _find(models, instance)

    try:
        image = models.amis.get(view.given.get("ImageId"))
        with _ids_of(view), shadowed(models, describe_images=lambda **_: [image] if image else [], get_instance=find):
            made = contained(
                models.run_instances,
                view.given.get("ImageId", ""),
                1,
                None,
                [],
                region_name=view.region,
                instance_type=view.type,
                is_instance_type_default=True,
                placement=view.zone,
                subnet_id=None,
                associate_public_ip=None,
                key_name=view.given.get("KeyName"),
                security_group_ids=[],
                nics=_interfaces(models, view),
                block_device_mappings=list(_devices(models, view)),
                ebs_optimized=bool(view.given.get("EbsOptimized")),
                monitoring_state="enabled" if (view.given.get("Monitoring") or {}).get("Enabled") else "disabled",
                client_token=view.client_token,
                tags={"volume": view.given.get("VolumeTags") or {}},
            ).instances[0]
    except MotoFailed as error:
        _log.warning("the embedded backend cannot have %s: %s", view.id, error.__cause__)
        return
    made.launch_time = datetime.fromtimestamp(view.launched, UTC).replace(tzinfo=None)
    made.ami_launch_index = view.launch_index
    for position, interface in enumerate(made.network_interfaces):
        _dress(interface, view, position)


def _dress(interface: Any, view: InstanceView, position: int) -> None:
    """Give a network interface what moto has no parameters for."""
    given = _given_interface(view, position)
    if not given.get("NetworkInterfaceId"):
        interface.description = given.get("Description", "")
        interface.add_tags(view.given.get("InterfaceTags") or {})
    if position == 0 and view.mac:
        interface.mac_address = view.mac


def _groups(view: InstanceView) -> list[str]:
    return [group["GroupId"] for group in view.given.get("Groups") or ()]


def _given_interface(view: InstanceView, position: int) -> Mapping[str, Any]:
    given: Sequence[Mapping[str, Any]] = view.given.get("NetworkInterfaces") or ()
    return given[position] if position < len(given) else {}


def _interfaces(models: Any, view: InstanceView) -> list[dict[str, Any]]:
    """The specifications of the network interfaces, of which the first has the instance's subnet and address."""
    given: Sequence[Mapping[str, Any]] = view.given.get("NetworkInterfaces") or ({},)
    subnet = view.subnet or in_default_subnet(models.account_id, models.region_name, view.zone)
    found = []
    for position, each in enumerate(given):
        interface = {"SubnetId": subnet, "DeleteOnTermination": True, "DeviceIndex": position, **each}
        interface["DeviceIndex"] = int(interface["DeviceIndex"])
        if interface["DeviceIndex"] == 0 and not interface.get("NetworkInterfaceId"):
            interface |= {"PrivateIpAddress": _address_in(models, subnet, view), "Groups": _groups(view)}
        found.append(interface)
    return found


def _address_in(models: Any, subnet: str, view: InstanceView) -> str | None:
    """The instance's private address, if it is a free one of its subnet: that of a lost subnet is in no other."""
    found = next((inner[subnet] for inner in models.subnets.values() if subnet in inner), None)
    inside = found is not None and ip_address(view.private_ip) in ip_network(found.cidr_block)
    return view.private_ip if inside and not is_taken(found, view.private_ip) else None


def _devices(models: Any, view: InstanceView) -> Iterator[dict[str, Any]]:
    """The block devices: that of the root, and those of the launch."""
    image = models.amis.get(view.given.get("ImageId"))
    root = (image.root_device_name if image is not None else "") or ROOT_DEVICE
    given = {each["DeviceName"]: each for each in view.given.get("BlockDeviceMappings") or () if each.get("DeviceName")}
    for name in dict.fromkeys((root, *given)):
        device = given.get(name, {})
        if "NoDevice" in device or (name != root and "Ebs" not in device):
            continue
        ebs = {"VolumeSize": _ROOT_SIZE, "DeleteOnTermination": name == root, **(device.get("Ebs") or {})}
        yield {"DeviceName": name, "Ebs": ebs}


def _set_state(models: Any, found: Any, view: InstanceView) -> None:
    if view.state in _ENDED:
        if found.state not in _ENDED:
            _terminate(models, found)
    elif view.state in ("stopping", "stopped"):
        if found.state == "running":
            found.stop()
    elif found.state != "running":
        found.start()


def _terminate(models: Any, found: Any) -> None:
    """End an instance. EC2 User Guide, "Elastic IP addresses": an address is disassociated with its instance's end."""
    for address in models.addresses:
        if address.association_id and (address.instance is found or address.eni in found.network_interfaces):
            models.disassociate_address(association_id=address.association_id)
    found.terminate()


def _forget(models: Any, instance: str) -> None:
    """Take an instance out that was terminated an hour ago."""
    for name, reservation in list(models.reservations.items()):
        reservation.instances = [each for each in reservation.instances if each.id != instance]
        if not reservation.instances:
            del models.reservations[name]
    models.tags.pop(instance, None)


@contextmanager
def _ids_of(view: InstanceView) -> Iterator[None]:
    """Have moto give the instance that it makes, and all that belongs to it, the ids that are derived from its own."""
    own = view.id.removeprefix("i-")
    octets = sha256(view.id.encode()).digest()
    numbers = {kind: count() for kind in ("vol", "eni", "eni-attach")}

    def derived(kind: str) -> str:
        number = next(numbers[kind])
        return f"{kind}-{own if number == 0 else sha256(f'{view.id} {kind} {number}'.encode()).hexdigest()[:17]}"

    replacements = {
        "moto.ec2.models.instances.random_instance_id": lambda: view.id,
        "moto.ec2.models.instances.random_reservation_id": lambda: f"{view.reservation}/{view.launch_index}",
        "moto.ec2.models.instances.random_eni_attach_id": lambda: derived("eni-attach"),
        "moto.ec2.models.elastic_network_interfaces.random_eni_id": lambda: derived("eni"),
        "moto.ec2.models.elastic_network_interfaces.random_public_ip": lambda: f"54.214.{octets[0]}.{octets[1]}",
        "moto.ec2.models.elastic_block_store.random_volume_id": lambda: derived("vol"),
    }
    with replaced_for_a_while(replacements):
        yield
