"""Facts of EC2 instances that are the same everywhere: their drivers, and what follows from id, address and region."""

from __future__ import annotations

from typing import Final

ROOT_DEVICE: Final = "/dev/xvda"
"""The name of the root device where no image says it."""

RECORD: Final = "record"
PROCESS: Final = "process"
CONTAINER: Final = "container"
DRIVERS: Final = (RECORD, PROCESS, CONTAINER)
"""The drivers of instances: what `locum up --driver` makes them. The first makes nothing of them."""

ENGINES: Final = ("docker", "podman")
PAUSE: Final = "registry.k8s.io/pause:3.10"
"""The engines of containers, and the image of the container that holds an instance's network: that of Kubernetes."""


def private_name(private_ip: str, region: str) -> str:
    """The private DNS name. EC2 User Guide, "IP-based naming": without the region in us-east-1."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{private_ip.replace('.', '-')}.{domain}"


def interface_id(instance_id: str) -> str:
    """The id of the primary network interface."""
    return "eni-" + instance_id.removeprefix("i-")


def attachment_id(instance_id: str) -> str:
    """The id of the attachment of the primary network interface."""
    return "eni-attach-" + instance_id.removeprefix("i-")
