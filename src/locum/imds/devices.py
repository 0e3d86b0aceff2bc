"""The block devices of an instance: block-device-mapping/.

EC2 User Guide, "Instance metadata categories": the volumes that "were present at launch time". The root device has its
whole name, the others have theirs without `/dev/`, as on EC2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from locum.core.instances import ROOT_DEVICE
from locum.imds.held import Held
from locum.state import Instance


def block_devices(instance: Instance, held: Held) -> dict[str, str]:
    """The leaves block-device-mapping/: ami, root, ebsN from 1, ephemeralN, swap."""
    root = str(held.instance.get("RootDeviceName") or ROOT_DEVICE)
    tree = {"ami": root, "root": root}
    volumes = 0
    for name, device in _mapped(instance):
        if name == root:
            continue
        if virtual := device.get("VirtualName"):
            tree[virtual] = name.removeprefix("/dev/")
        elif "Ebs" in device:
            volumes += 1
            tree[f"ebs{volumes}"] = name.removeprefix("/dev/")
    return {f"block-device-mapping/{name}": text for name, text in tree.items()}


def _mapped(instance: Instance) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The devices of the launch by name. A name that comes twice is the later one; NoDevice leaves one out."""
    given = {each.get("DeviceName"): each for each in instance.attributes.get("BlockDeviceMappings") or ()}
    return ((str(name), each) for name, each in given.items() if name and "NoDevice" not in each)
