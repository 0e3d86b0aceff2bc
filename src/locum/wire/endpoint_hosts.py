"""Host names of VPC endpoints, by which a call says that it comes through one.

AWS PrivateLink Guide, "DNS hostnames": `vpce-ID-SUFFIX.SERVICE.REGION.vpce.amazonaws.com`, with a zone behind the
suffix for one of its subnets; for Amazon S3 with `bucket.` in front (path style), or the bucket's name and
`bucket.`, or `NAME-ACCOUNT.accesspoint.`.
Below `vpce.localhost` the same names resolve to this machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from locum.wire.access_point_hosts import access_point_of_label

_HOST: Final = re.compile(
    r"(?:(?P<bucket>[a-z0-9._-]+)\.)?(?P<id>vpce-[0-9a-f]{8,17})(?:-[a-z0-9-]+)?\.(?P<service>[a-z0-9.-]+)"
    r"\.(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9])\.vpce\.(?:amazonaws\.com|localhost)"
)
_BUCKET: Final = "bucket"
_ACCESS_POINT: Final = "accesspoint"
_CACHED_HOSTS: Final = 1024
_LONGEST_HOST: Final = 255  # characters: the limit of DNS names


class EndpointHost(NamedTuple):
    """The endpoint in a host name.

    `service` is as in its service name; `bucket` is empty in path style, and may be the ARN of an access point.
    """

    id: str
    service: str
    region: str
    bucket: str = ""


@lru_cache(maxsize=_CACHED_HOSTS)
def endpoint_of_host(host: str) -> EndpointHost | None:
    """The VPC endpoint that the host name (with or without a port) is of; None for any other name."""
    name = host.rsplit(":", 1)[0].lower()
    if ".vpce." not in name or len(name) > _LONGEST_HOST:
        return None
    found = _HOST.fullmatch(name)
    if found is None:
        return None
    label, dot, kind = (found["bucket"] or "").rpartition(".")
    bucket = label if dot and kind == _BUCKET else ""
    if kind == _ACCESS_POINT:
        bucket = access_point_of_label(label, found["region"])
    return EndpointHost(found["id"], found["service"], found["region"], bucket)
