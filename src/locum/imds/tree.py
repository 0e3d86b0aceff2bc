"""The metadata tree of an instance: what each path answers, and the listing of each directory.

EC2 User Guide, "Access instance metadata categories". Leaves are text by path below /latest/meta-data/;
directories follow from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from locum.core.clock import iso8601
from locum.state import Instance

VERSIONS: Final = (
    "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
    "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20",
    "2016-04-19", "2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01",
    "2020-10-27", "2021-01-03", "2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11", "latest",
)  # fmt: skip
"""The versions that EC2 lists at /; every one of them answers as `latest` does."""

Tree = Mapping[str, str]


def leaves(instance: Instance) -> dict[str, str]:
    """Everything below meta-data/ that the instance alone decides (all but iam/)."""
    hostname = private_dns(instance)
    tree = {
        "ami-id": str(instance.attributes.get("ImageId", "")),
        "ami-launch-index": str(instance.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping/ami": "xvda",
        "block-device-mapping/root": "/dev/xvda",
        "events/maintenance/history": "[]",
        "events/maintenance/scheduled": "[]",
        "hostname": hostname,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": hostname,
        "local-ipv4": instance.private_ip,
        "placement/availability-zone": instance.zone,
        "placement/region": instance.region,
        "profile": "default-hvm",
        "reservation-id": instance.reservation,
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
        "system": "nitro",
    }
    tree.update(_network(instance))
    if key := instance.attributes.get("KeyName"):
        tree["public-keys/0/openssh-key"] = ""
        tree["public-keys/"] = f"0={key}"
    if instance.metadata.instance_tags == "enabled":
        tree.update({f"tags/instance/{key}": value for key, value in instance.tags.items()})
    return tree


def _network(instance: Instance) -> dict[str, str]:
    if not instance.mac:
        return {}
    base = f"network/interfaces/macs/{instance.mac}"
    return {
        "mac": instance.mac,
        f"{base}/device-number": "0",
        f"{base}/local-hostname": private_dns(instance),
        f"{base}/local-ipv4s": instance.private_ip,
        f"{base}/mac": instance.mac,
        f"{base}/owner-id": instance.account,
    }


def private_dns(instance: Instance) -> str:
    """The instance's private host name: ip-172-31-0-10.ec2.internal, with the region elsewhere than us-east-1."""
    domain = "ec2.internal" if instance.region == "us-east-1" else f"{instance.region}.compute.internal"
    return f"ip-{instance.private_ip.replace('.', '-')}.{domain}"


def identity_document(instance: Instance) -> str:
    """/latest/dynamic/instance-identity/document. EC2 User Guide, "Instance identity documents"."""
    return json.dumps(
        {
            "accountId": instance.account,
            "architecture": "x86_64",
            "availabilityZone": instance.zone,
            "billingProducts": None,
            "devpayProductCodes": None,
            "marketplaceProductCodes": None,
            "imageId": instance.attributes.get("ImageId"),
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "kernelId": None,
            "pendingTime": iso8601(instance.launched),
            "privateIp": instance.private_ip,
            "ramdiskId": None,
            "region": instance.region,
            "version": "2017-09-30",
        },
        indent=2,
    )


def lookup(tree: Tree, path: str) -> str | None:
    """What `path` answers: a leaf, or the listing of a directory; None where there is nothing."""
    if path in tree:
        return tree[path]
    prefix = f"{path.rstrip('/')}/" if path.strip("/") else ""
    if prefix in tree:
        return tree[prefix]
    names = {_entry(leaf[len(prefix) :]) for leaf in tree if leaf.startswith(prefix)} - {""}
    return "\n".join(sorted(names)) if names else None


def _entry(rest: str) -> str:
    head, slash, _ = rest.partition("/")
    return head + slash
