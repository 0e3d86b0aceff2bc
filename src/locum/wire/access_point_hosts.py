"""Host names of S3 access points.

Amazon S3 User Guide, "Referencing access points": `NAME-ACCOUNT.s3-accesspoint.REGION.amazonaws.com`, also with
`-fips` and `.dualstack`; at an interface endpoint `NAME-ACCOUNT.accesspoint.vpce-ID-x.s3.REGION.vpce.amazonaws.com`.
SDKs put `NAME-ACCOUNT.` before the host of a custom endpoint: of an IP address, which no bucket's name is put before,
that is an access point as well. Below `localhost` it may be a bucket of that name, too.
"""

from __future__ import annotations

import re
from typing import Final

from locum.core.arn import PARTITION

_LABEL: Final = r"(?P<name>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)-(?P<account>[0-9]{12})"
_LABELLED: Final = re.compile(_LABEL)
_HOST: Final = re.compile(
    rf"{_LABEL}\.(?:s3-accesspoint(?:-fips)?(?:\.dualstack)?\.(?P<region>[a-z]{{2}}(?:-[a-z]+)+-[0-9])"
    r"\.(?:amazonaws\.com|localhost|localhost\.localstack\.cloud)|[0-9]{1,3}(?:\.[0-9]{1,3}){3})"
)


def access_point_of_host(name: str) -> str:
    """The ARN of the access point that a lower-case host name without port is of; empty for any other name.

    Its region is empty where the name does not have it.
    """
    found = _HOST.fullmatch(name)
    return "" if found is None else _arn(found["name"], found["account"], found["region"] or "")


def access_point_of_label(label: str, region: str = "") -> str:
    """The ARN of the access point that `NAME-ACCOUNT` may be of; empty for any other text."""
    found = _LABELLED.fullmatch(label)
    return "" if found is None else _arn(found["name"], found["account"], region)


def _arn(name: str, account: str, region: str) -> str:
    return f"arn:{PARTITION}:s3:{region}:{account}:accesspoint/{name}"
