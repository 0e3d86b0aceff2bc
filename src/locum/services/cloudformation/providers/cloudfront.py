"""Distributions of CloudFront, whose configuration is read, changed and deleted with its ETag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
    or_undone,
)
from locum.services.cloudformation.providers.steps import Steps, listed, until

_SERVICE: Final = "cloudfront"
_DEPLOYED: Final = "Deployed"
_SIGNERS: Final = ("TrustedKeyGroups", "TrustedSigners")


def _counted(items: Any) -> dict[str, Any]:
    found = listed(items)
    return {"Quantity": len(found), "Items": found}


def _behavior(given: Mapping[str, Any]) -> dict[str, Any]:
    """A cache behavior as the API has it: methods that are cached are of those that are allowed."""
    found = dict(given)
    cached = found.pop("CachedMethods", None)
    if cached is not None or "AllowedMethods" in found:
        allowed = found.get("AllowedMethods") or ["GET", "HEAD"]
        found["AllowedMethods"] = {**_counted(allowed), "CachedMethods": _counted(cached or ["GET", "HEAD"])}
    for name in _SIGNERS:
        if name in found:
            found[name] = {"Enabled": bool(found[name]), **_counted(found[name])}
    return found


def _origin(given: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(given)
    if "OriginCustomHeaders" in found:
        found["CustomHeaders"] = _counted(found.pop("OriginCustomHeaders"))
    return found


def _configuration(given: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """The configuration as the API has it. `reference` is that by which a creation is known."""
    found = {"Comment": "", **given, "CallerReference": reference}
    if "IPV6Enabled" in found:
        found["IsIPV6Enabled"] = found.pop("IPV6Enabled")
    found["Origins"] = _counted([_origin(origin) for origin in listed(given.get("Origins"))])
    if "DefaultCacheBehavior" in found:
        found["DefaultCacheBehavior"] = _behavior(found["DefaultCacheBehavior"])
    if "CacheBehaviors" in found:
        found["CacheBehaviors"] = _counted([_behavior(each) for each in listed(found["CacheBehaviors"])])
    if "Logging" in found:
        found["Logging"] = {"Enabled": True, "IncludeCookies": False, "Prefix": "", **found["Logging"]}
    restriction = (found.get("Restrictions") or {}).get("GeoRestriction")
    if restriction is not None:
        places = _counted(restriction.get("Locations"))
        found["Restrictions"] = {"GeoRestriction": {"RestrictionType": restriction["RestrictionType"], **places}}
    return found


def _deployed(identifier: str) -> Work:
    """The distribution, once it is deployed."""
    read = Request(_SERVICE, "GetDistribution", {"Id": identifier})
    found = (yield from until(read, lambda told: told["Distribution"]["Status"] == _DEPLOYED))["Distribution"]
    return Made(identifier, {"Id": identifier, "DomainName": found["DomainName"]})


def _create(resource: Resource) -> Work:
    wanted = {"DistributionConfig": _configuration(resource.properties["DistributionConfig"], resource.client_token)}
    tags = resource.tag_list(resource.properties.get("Tags"))
    if tags:
        wanted = {"DistributionConfigWithTags": {**wanted, "Tags": {"Items": tags}}}
    made = yield Request(_SERVICE, f"CreateDistribution{'WithTags' if tags else ''}", wanted)
    identifier = str(made["Distribution"]["Id"])
    return (yield from or_undone(_deployed(identifier), _deleted(identifier)))


def _read(identifier: str) -> Steps[Mapping[str, Any]]:
    return (yield Request(_SERVICE, "GetDistributionConfig", {"Id": identifier}))


def _update(resource: Resource, before: Properties) -> Work:
    identifier, given = resource.physical, resource.properties["DistributionConfig"]
    if given != before.get("DistributionConfig"):
        found = yield from _read(identifier)
        wanted = _configuration(given, found["DistributionConfig"]["CallerReference"])
        params = {"Id": identifier, "IfMatch": found["ETag"], "DistributionConfig": wanted}
        yield Request(_SERVICE, "UpdateDistribution", params)
    arn = {"Resource": f"arn:aws:cloudfront::{resource.account}:distribution/{identifier}"}
    added, removed = resource.tag_changes(resource.properties.get("Tags"), before.get("Tags"))
    if removed:
        yield Request(_SERVICE, "UntagResource", {**arn, "TagKeys": {"Items": removed}})
    if added:
        tags = [{"Key": key, "Value": value} for key, value in added.items()]
        yield Request(_SERVICE, "TagResource", {**arn, "Tags": {"Items": tags}})
    return (yield from _deployed(identifier))


def _delete(resource: Resource) -> Ending:
    yield from _deleted(resource.physical)


def _deleted(identifier: str) -> Ending:
    """Disable a distribution, and delete it. API Reference, DeleteDistribution: it must be disabled, and deployed."""
    try:
        found = yield from _read(identifier)
    except Fault as fault:
        if fault.code != "NoSuchDistribution" and not is_gone(fault):
            raise
        return
    if found["DistributionConfig"].get("Enabled"):
        disabled = {**found["DistributionConfig"], "Enabled": False}
        params = {"Id": identifier, "IfMatch": found["ETag"], "DistributionConfig": disabled}
        yield Request(_SERVICE, "UpdateDistribution", params)
        yield from _deployed(identifier)
        found = yield from _read(identifier)
    yield from ended(Request(_SERVICE, "DeleteDistribution", {"Id": identifier, "IfMatch": found["ETag"]}))


PROVIDERS: Final[dict[str, Provider]] = {"AWS::CloudFront::Distribution": Provider(_create, _delete, _update)}
