"""Host names of VPC endpoints, by which a call says that it comes through one.

AWS PrivateLink Guide, "DNS hostnames": `vpce-ID-SUFFIX.SERVICE.REGION.vpce.amazonaws.com`, with a zone behind the
suffix for one of its subnets; for Amazon S3 with `bucket.` in front (path style), or the bucket's name and `bucket.`.
Below `vpce.localhost` the same names resolve to this machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

_HOST: Final = re.compile(
    r"(?:(?P<bucket>[a-z0-9._-]+)\.)?(?P<id>vpce-[0-9a-f]{8,17})(?:-[a-z0-9-]+)?\.(?P<service>[a-z0-9.-]+)"
    r"\.(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9])\.vpce\.(?:amazonaws\.com|localhost)"
)
_BUCKET: Final = "bucket"
_CACHED_HOSTS: Final = 1024
_LONGEST_HOST: Final = 255  # characters: the limit of DNS names


class EndpointHost(NamedTuple):
    """The endpoint in a host name. `service` is as in its service name; `bucket` is empty in path style."""

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
    bucket, dot, kind = (found["bucket"] or "").rpartition(".")
    return EndpointHost(found["id"], found["service"], found["region"], bucket if dot and kind == _BUCKET else "")
