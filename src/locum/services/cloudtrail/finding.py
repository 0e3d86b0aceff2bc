"""Trails by the name or the ARN that a call gives.

CloudTrail User Guide, "Naming requirements for CloudTrail resources, S3 buckets, and KMS keys".
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.services.cloudtrail.faults import invalid_name, unknown_trail
from locum.services.cloudtrail.organization import acts_for
from locum.services.verbs import Context
from locum.state.autoscaling import regional
from locum.state.seen_trails import named, seen
from locum.state.trails import Trail

_SHORTEST: Final = 3
_LONGEST: Final = 128
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._-]+")
_ENDS: Final = re.compile(r"[A-Za-z0-9](.*[A-Za-z0-9])?", re.DOTALL)
_ADJACENT: Final = re.compile(r"[._-]{2}")


def check_name(name: str) -> None:
    """Check the name of a new trail. Raises Fault InvalidTrailNameException."""
    if not name:
        raise invalid_name("Trail name cannot be blank!")
    if len(name) < _SHORTEST:
        raise invalid_name(
            f"Trail name too short. Minimum allowed length: {_SHORTEST} characters. "
            f"Specified name length: {len(name)} characters."
        )
    if len(name) > _LONGEST:
        raise invalid_name(
            f"Trail name too long. Maximum allowed length: {_LONGEST} characters. "
            f"Specified name length: {len(name)} characters."
        )
    if not _CHARACTERS.fullmatch(name):
        raise invalid_name(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens "
            "(-), and underscores (_)."
        )
    if not _ENDS.fullmatch(name):
        end = "start" if not name[0].isalnum() else "end"
        raise invalid_name(f"Trail name must {end} with a letter or number.")
    if _ADJACENT.search(name):
        raise invalid_name("Trail name cannot have adjacent periods, hyphens or underscores.")
    if _is_address(name):
        raise invalid_name("Trail name must not be formatted as an IP address.")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def trail_of(ctx: Context, given: str) -> Trail:
    """The trail with this name in the region, or with exactly this ARN, which is what policies are asked about.

    Raises Fault where there is none.
    """
    if not given:
        raise invalid_name("Trail name cannot be blank!")
    found: Trail | None
    if given.startswith("arn:"):
        arn = _arn(given)
        found = ctx.state.get(Trail, arn.account, regional(arn.region, arn.resource.removeprefix("trail/")))
        if found is not None and (found.arn != given or found not in seen(ctx.state, ctx.account)):
            found = None
    else:
        check_name(given)
        found = named(ctx.state, ctx.account, ctx.region, given)
    if found is None:
        raise unknown_trail(given, ctx.account)
    return found


def _arn(given: str) -> Arn:
    arn = Arn.find(given)
    if arn is None or arn.service != "cloudtrail" or not arn.resource.startswith("trail/"):
        raise Fault("CloudTrailARNInvalidException", f"Trail ARN is not valid: {given}", 400)
    return arn


def changeable(ctx: Context, given: str) -> Trail:
    """The trail of `trail_of`, to be changed. Raises Fault unless the call is in its home region and account.

    The delegated administrators of an organization change its trails as well.
    """
    found = trail_of(ctx, given)
    if not acts_for(ctx, found.account):
        raise Fault(
            "NotOrganizationMasterAccountException",
            "This operation can be performed only by the management account of the organization.",
            400,
        )
    if found.region != ctx.region:
        raise Fault(
            "InvalidHomeRegionException",
            f"The {found.name} trail was created in {found.region}: it can be changed only in its home Region.",
            400,
        )
    return found
