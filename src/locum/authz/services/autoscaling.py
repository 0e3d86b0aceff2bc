"""Amazon EC2 Auto Scaling: condition keys and facts of groups."""

from __future__ import annotations

from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions
from locum.authz.paths import scalar
from locum.core.arn import Arn
from locum.core.resources import ResourceFacts
from locum.state import AutoScalingGroup, LaunchConfiguration, State
from locum.state.autoscaling import regional

_MOVING: Final = frozenset({"", "$Latest", "$Default"})
"""The versions of a launch template that are not always the same. "The default value is $Default"."""


def _version_specified(state: State, call: Call, check: Check) -> list[str]:
    """autoscaling:LaunchTemplateVersionSpecified: whether the version of each launch template is a certain one."""
    mixed = (call.params.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    overrides = [override.get("LaunchTemplateSpecification") for override in mixed.get("Overrides") or ()]
    given = [call.params.get("LaunchTemplate"), mixed.get("LaunchTemplateSpecification"), *overrides]
    versions = [template.get("Version") or "" for template in given if template is not None]
    return [scalar(not _MOVING.intersection(versions))] if versions else []


def _zones(state: State, call: Call, check: Check) -> list[str]:
    """autoscaling:VPCZoneIdentifiers: the subnets, which a request has in one text, with commas."""
    return [zone.strip() for zone in str(call.params.get("VPCZoneIdentifier") or "").split(",") if zone.strip()]


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The account of a group or launch configuration, and the tags of a group."""
    parsed = Arn.find(arn)
    if parsed is None:
        return None
    kind, _, rest = parsed.resource.partition(":")
    key = regional(parsed.region, rest.rpartition("/")[2])
    found: AutoScalingGroup | LaunchConfiguration | None = None
    if kind == "autoScalingGroup":
        found = state.get(AutoScalingGroup, parsed.account, key)
    elif kind == "launchConfiguration":
        found = state.get(LaunchConfiguration, parsed.account, key)
    if found is None or found.arn != arn:
        return None
    tags = {tag.key: tag.value for tag in found.tags} if isinstance(found, AutoScalingGroup) else {}
    return ResourceFacts(found.account, None, tags)


FUNCTIONS: Final = Functions(
    keys={"launch_template_version_specified": _version_specified, "vpc_zone_identifiers": _zones}, facts=_facts
)
