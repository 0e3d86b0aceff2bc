"""Service principals: the names under which AWS services are callers.

IAM User Guide, "AWS JSON policy elements: Principal": "A service principal is an identifier for a service [...] defined
by the service". "AWS services that work with IAM": "The service principal is case sensitive". There is no published
list of all of them; `data/service_principals.txt` is collected from AWS's documentation and data.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).parent / "data" / "service_principals.txt"
_DOMAIN: Final = ".amazonaws.com"
_DOMAINS: Final = (_DOMAIN, ".amazonaws.com.cn", ".aws.internal")
_REGION: Final = re.compile(r"\.[a-z]{2,4}(-[a-z]+)+-[0-9]")


def is_service_principal(name: str) -> bool:
    """Whether `name` is that of an AWS service: `ec2.amazonaws.com`, or with a region, `logs.eu-west-1.amazonaws.com`.

    China's domain and AWS's internal one count as well.
    """
    if name in _names():
        return True
    domain = next((domain for domain in _DOMAINS if name.endswith(domain)), None)
    if domain is None:
        return False
    return _REGION.sub("", name.removesuffix(domain), count=1) + _DOMAIN in _names()


@cache
def _names() -> frozenset[str]:
    names = (line for line in _DATA.read_text("utf-8").splitlines() if not line.startswith("#"))
    return frozenset(name if name.endswith((".amazon.com", ".aws.internal")) else name + _DOMAIN for name in names)
