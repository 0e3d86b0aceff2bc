"""Checks of the block devices of a launch (EC2 API, BlockDeviceMapping and EbsBlockDevice)."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.core.instances import ROOT_DEVICE
from locum.services.ec2.faults import invalid_combination, missing_parameter
from locum.services.ec2.held import Answer, held
from locum.services.verbs import Context

_DEFAULT_TYPE: Final = "gp2"
_WITH_IOPS: Final = ("gp3", "io1", "io2")
_IOPS_REQUIRED: Final = ("io1", "io2")

Mappings = Sequence[Mapping[str, Any]]


def check_devices(ctx: Context, mappings: Mappings, image: Mapping[str, Any]) -> Generator[Ask, Answer, None]:
    """Raise Fault where a launch of `image` (an `Image`, empty where it is not known) cannot have `mappings`.

    Asks for the snapshots that they name.
    """
    of_image = {image.get("RootDeviceName") or ROOT_DEVICE}
    of_image |= {each.get("DeviceName") for each in image.get("BlockDeviceMappings") or ()}
    seen: set[str] = set()
    for mapping in mappings:
        name = str(mapping.get("DeviceName") or "")
        if name in seen:
            short = name.removeprefix("/dev/")
            raise _bad_mapping(f"The device '{short}' is used in more than one block-device mapping")
        seen.add(name)
        _check_kind(mapping)
        if "Ebs" in mapping:
            _check_volume(mapping["Ebs"], name in of_image)
    yield from _check_snapshots(ctx, [mapping.get("Ebs") or {} for mapping in mappings])


def _check_kind(mapping: Mapping[str, Any]) -> None:
    if mapping.get("NoDevice"):
        raise Fault("InvalidRequest", "The request received was invalid")
    if not any(name in mapping for name in ("Ebs", "VirtualName", "NoDevice")):
        raise missing_parameter("ebs")


def _check_volume(volume: Mapping[str, Any], of_image: bool) -> None:
    """`of_image`: the image has the device, and thus the size of its volume."""
    if not of_image and not volume.get("VolumeSize") and not volume.get("SnapshotId"):
        raise missing_parameter("size or snapshotId")
    kind, iops = volume.get("VolumeType") or _DEFAULT_TYPE, volume.get("Iops")
    if iops and kind not in _WITH_IOPS:
        raise invalid_combination(f"The parameter iops is not supported for {kind} volumes.")
    if not iops and kind in _IOPS_REQUIRED:
        raise missing_parameter("iops")


def _check_snapshots(ctx: Context, volumes: Mappings) -> Generator[Ask, Answer, None]:
    named = {volume["SnapshotId"] for volume in volumes if volume.get("SnapshotId")}
    if not named:
        return
    answer = yield held(ctx, "DescribeSnapshots", {"SnapshotIds": sorted(named)})
    sizes = {each["SnapshotId"]: int(each.get("VolumeSize") or 0) for each in answer.get("Snapshots") or ()}
    for volume in volumes:
        snapshot, size = volume.get("SnapshotId"), volume.get("VolumeSize")
        least = sizes.get(snapshot, 0)
        if size and int(size) < least:
            smaller = f"Volume of size {size}GB is smaller than  snapshot '{snapshot}'"  # with both spaces
            raise _bad_mapping(f"{smaller}, expect size >= {least}GB")


def _bad_mapping(message: str) -> Fault:
    return Fault("InvalidBlockDeviceMapping", message)
