"""Host names of AWS: the suffixes of its partitions, and the service and the region that a name is an endpoint of.

AWS General Reference, "AWS service endpoints", as botocore's rules build them, `dualstack` and FIPS among them:

    PREFIX[-fips].REGION.SUFFIX     most services; PREFIX is the `endpointPrefix` of the service model
    PREFIX.SUFFIX                   global ones (IAM, Route 53), and the global endpoints of STS and S3
    PREFIX.global.SUFFIX            global ones with IPv6
    REGION.PREFIX.SUFFIX            the older ones of SQS (`queue`) and EMR
    s3-REGION.SUFFIX, s3.dualstack.REGION.SUFFIX, s3-accelerate.SUFFIX ...: S3 alone
    LABEL.endpoint                  a bucket, an account, the id of an API or of a function URL
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from locum.wire.models import index

FUNCTION_URLS: Final = "lambda-url"
"""The prefix of the hosts of function URLs, which are below `on.aws`. Lambda Developer Guide, "Function URLs"."""

_FUNCTIONS_SUFFIX: Final = "on.aws"
_ENDPOINTS_OF_VPC: Final = "vpce"  # `endpoint_hosts` has those
_LONGEST_HOST: Final = 255  # characters: the limit of DNS names
_CACHED_HOSTS: Final = 1024
_REGION: Final = r"[a-z]{2,4}(?:-[a-z]+){1,2}-[0-9]{1,2}"
_IS_REGION: Final = re.compile(_REGION)
_S3_OF_REGION: Final = re.compile(rf"(s3|s3-fips|s3-website)-({_REGION})")
_S3_OF_ZONE: Final = re.compile(r"(s3express)-[a-z0-9-]+")
_ANY_REGION: Final = ("s3", "s3-accelerate")
"""Endpoints without a region of which the region is the bucket's."""
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "data.ats.iot": ("iotdata", "iotdevicegateway"),
    "data.iot": ("iotdata", "iotdevicegateway"),
    "ddb": ("dynamodb",),
    "email": ("ses", "email"),
    "importexport": ("importexport", "IngestionService"),
    "maps.geo": ("geo-maps",),
    "places.geo": ("geo-places",),
    "queue": ("sqs",),
    "routes.geo": ("geo-routes",),
    "s3": ("s3", "s3express"),
    "s3-accelerate": ("s3",),
    "s3-accesspoint": ("s3",),
    "s3-external-1": ("s3",),
    "s3-object-lambda": ("s3-object-lambda",),
    "s3-outposts": ("s3-outposts",),
    "s3-website": ("s3",),
    "s3express": ("s3express", "s3"),
    FUNCTION_URLS: ("lambda",),
}
"""The signing names of endpoints that no service model has, or that have several."""


class AwsHost(NamedTuple):
    """An endpoint of AWS.

    `signed_as` are the signing names of its services; none where it is not known. `regions` are those that its requests
    are signed for: one, the global one of each partition, or none, where it may be any. `label` is what stands before
    the endpoint.
    """

    prefix: str
    signed_as: tuple[str, ...]
    regions: tuple[str, ...]
    label: str = ""


def aws_suffixes() -> tuple[str, ...]:
    """The suffixes of AWS's host names, in all partitions, lower case and without a dot in front."""
    return tuple(_global_regions())


def is_aws_host(name: str) -> bool:
    """Whether a lower-case name is below one of the suffixes."""
    return len(name) <= _LONGEST_HOST and any(name.endswith(f".{suffix}") for suffix in _global_regions())


@lru_cache(maxsize=_CACHED_HOSTS)
def aws_host(host: str) -> AwsHost | None:
    """The endpoint that a host name (with or without a port) is; None where it is not AWS's, or that of a VPC."""
    name = host.rsplit(":", 1)[0].lower()
    suffix = next((suffix for suffix in _global_regions() if name.endswith(f".{suffix}")), None)
    if suffix is None or len(name) > _LONGEST_HOST:
        return None
    labels = name.removesuffix(f".{suffix}").split(".")
    if labels[-1] == _ENDPOINTS_OF_VPC:
        return None
    labels, region = _region_of(labels)
    labels = [_S3_OF_ZONE.sub(r"\1", label) for label in labels if label != "dualstack"]
    prefix, signed_as, before = _service_of(labels)
    regions = (region,) if region else () if prefix in _ANY_REGION else _global_regions()[suffix]
    return AwsHost(prefix, signed_as, regions, before)


def _region_of(labels: list[str]) -> tuple[list[str], str]:
    """The labels without the region, and the region; empty where they have none."""
    *before, last = labels
    if last == "global" and before:
        return before, ""
    if _IS_REGION.fullmatch(last) and before:
        return before, last
    if found := _S3_OF_REGION.fullmatch(last):
        return [*before, found[1]], found[2]
    if len(labels) == 2 and _IS_REGION.fullmatch(labels[0]):
        return labels[1:], labels[0]
    return labels, ""


def _service_of(labels: list[str]) -> tuple[str, tuple[str, ...], str]:
    """The prefix of an endpoint, the signing names of its services, and what stands before it.

    The longest prefix that is known is it: `streams.dynamodb` is not DynamoDB with a label.
    """
    known = _signed_as()
    for start in range(len(labels)):
        prefix = ".".join(labels[start:])
        for name in (prefix, prefix.replace("-fips", "", 1), prefix.removeprefix("fips.")):
            if name in known:
                return name, known[name], ".".join(labels[:start])
    return "", (), ".".join(labels)


@cache
def _signed_as() -> Mapping[str, tuple[str, ...]]:
    """The signing names of the services by their endpoints' prefixes, which some newer endpoints have instead."""
    found: dict[str, set[str]] = defaultdict(set)
    for service in index().services.values():
        found[service.endpoint_prefix].add(service.signing_name)
    plain = {service.signing_name: (service.signing_name,) for service in index().services.values()}
    return plain | {prefix: tuple(sorted(names)) for prefix, names in found.items()} | dict(_ALIASES)


@cache
def _global_regions() -> Mapping[str, tuple[str, ...]]:
    """The regions of the global endpoints by their suffixes: the longer of two that a name may have comes first."""
    spec = find_spec("botocore")
    assert spec is not None
    assert spec.origin is not None
    partitions = json.loads((Path(spec.origin).parent / "data" / "partitions.json").read_bytes())["partitions"]
    found: dict[str, tuple[str, ...]] = {_FUNCTIONS_SUFFIX: ()}
    for outputs in (partition["outputs"] for partition in partitions):
        for suffix in (outputs["dnsSuffix"], outputs["dualStackDnsSuffix"]):
            found[suffix] = (*found.get(suffix, ()), outputs["implicitGlobalRegion"])
    return dict(sorted(found.items(), key=lambda one: -len(one[0])))
