"""The versions of the metadata, and which categories each of them has.

EC2 User Guide, "Instance metadata categories": the column "Version when category was released". A dated version has
the categories that were released with it or before it; `latest` has all of them.
"""

from __future__ import annotations

from typing import Final

from locum.imds.tree import Tree

LATEST: Final = "latest"
VERSIONS: Final = (
    "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
    "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20",
    "2016-04-19", "2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01",
    "2020-10-27", "2021-01-03", "2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11", LATEST,
)  # fmt: skip
"""The versions that EC2 lists at /, in its order, which is that of their texts too."""

IAM_SINCE: Final = "2012-01-12"
"""The first version with iam/."""

_FIRST: Final = VERSIONS[0]

_RELEASED: Final = {
    "autoscaling": "2021-07-15",
    "block-device-mapping": "2007-12-15",
    "events/maintenance": "2018-08-17",
    "events/recommendations": "2020-10-27",
    "iam": IAM_SINCE,
    "identity-credentials": "2018-05-23",
    "instance-action": "2008-09-01",
    "instance-life-cycle": "2019-10-01",
    "instance-type": "2007-08-29",
    "kernel-id": "2008-02-01",
    "local-hostname": "2007-01-19",
    "mac": "2011-01-01",
    "network": "2011-01-01",
    "placement": "2020-08-24",
    "placement/availability-zone": "2008-02-01",
    "profile": "2011-01-01",
    "public-hostname": "2007-01-19",
    "public-ipv4": "2007-01-19",
    "ramdisk-id": "2007-10-10",
    "services": "2014-02-25",
    "services/partition": "2015-10-20",
    "spot/instance-action": "2016-11-15",
    "spot/termination-time": "2014-11-05",
    "system": "2022-09-24",
    "tags": "2021-03-23",
}
"""The version in which a category was released, where that is not the first. The longest path that fits counts."""

_RELEASED_OF_INTERFACES: Final = {
    "network-card": "2020-11-01",
    "vpc-ipv4-cidr-blocks": "2016-06-30",
}
"""The same of the leaves of a network interface."""


def categories_of(version: str, tree: Tree) -> Tree:
    """`tree` as a version of the metadata has it."""
    if version == LATEST:
        return tree
    return {path: text for path, text in tree.items() if _released(path) <= version}


def _released(path: str) -> str:
    parts = path.strip("/").split("/")
    if parts[:3] == ["network", "interfaces", "macs"] and parts[-1] in _RELEASED_OF_INTERFACES:
        return _RELEASED_OF_INTERFACES[parts[-1]]
    above = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((_RELEASED[name] for name in above if name in _RELEASED), _FIRST)
