"""The replaced part of moto's volumes: what is detached from which instance."""

from __future__ import annotations

import importlib
from typing import Any


def adjust() -> None:
    """Replace what is named here, once moto's EC2 is loaded."""
    _detach(importlib.import_module("moto.ec2.models.elastic_block_store").EBSBackend)


def _detach(backend_class: Any) -> None:
    """Have a volume be detached from its own instance, also where none is named.

    EC2 API, DetachVolume: only "if you are detaching a Multi-Attach enabled volume, you must specify an instance ID".
    moto looks for the device of the volume at any instance that is named. A volume that is attached to none is refused
    with AWS's IncorrectState.
    """
    exceptions = importlib.import_module("moto.ec2.exceptions")
    original = backend_class.detach_volume

    def detach(backend: Any, volume_id: str, instance_id: str | None, device_path: str | None) -> Any:
        attachment = backend.get_volume(volume_id).attachment
        if attachment is None:
            text = f"Volume '{volume_id}' is in the 'available' state."
            raise exceptions.EC2ClientError("IncorrectState", text)
        own = attachment.instance.id
        if instance_id not in (None, own):
            backend.get_instance(instance_id)
            raise exceptions.InvalidVolumeAttachmentError(volume_id, instance_id)
        return original(backend, volume_id, own, device_path)

    backend_class.detach_volume = detach
