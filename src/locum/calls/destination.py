"""The destination of an allowed call: the account and the region of the resource that was decided on.

A backend looks a resource up in one account and one region. Were those the caller's, while an ARN in the call
names others, the decision would be on one resource and the call on another of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from locum import authz
from locum.authz.access_points import KIND, OBJECT_KIND
from locum.calls.request_context import RequestContext
from locum.core.arn import Arn
from locum.core.calls import Call
from locum.core.errors import Fault
from locum.core.resources import ResourceFacts

_COPIES_ACROSS_REGIONS: Final = frozenset({"rds", "docdb", "neptune"})
"""Services that take the ARN of something in another region to copy from, and whose backend looks there itself."""

_OF_ANY_REGION: Final = frozenset({"CreateBucket", "GetBucketLocation"})
"""What S3 does not say of a bucket in its own region alone."""


class Destination(NamedTuple):
    """An account (12 digits) and a region."""

    account: str
    region: str


def destination(context: RequestContext, facts: Mapping[str, ResourceFacts]) -> Destination:
    """The destination of a call. Raises Fault NotImplemented for one on resources in several places.

    A bucket is made for whoever calls: that its name belongs to somebody else is for S3 to say. What nobody in
    particular asks for (in the mode `observe`) must at least be about something that is somebody's.
    """
    home = Destination(context.caller.account, context.region)
    checks = context.plan.checks if context.plan is not None else ()
    if context.through is not None:
        checks = _without_points(checks)
    assert context.codec is not None
    if context.codec.operation == "CreateBucket":
        found = home
    else:
        named = _named(checks, home)
        if len(named) > 1 and len({_comparable(place, context.codec.service) for place in named}) > 1:
            raise Fault(
                "NotImplemented", "One call on resources in several accounts or regions is not implemented.", 501
            )
        found = named[0] if named else _owner(checks, facts, home)
    if not found.account:
        raise Fault("AccessDenied", "Access Denied", 403)
    return found


def other_region(call: Call, plan: authz.Plan, facts: Mapping[str, ResourceFacts], region: str) -> str:
    """The region that a call is carried out in where that is not the one that it was signed for; else empty.

    A policy may speak of it (aws:RequestedRegion). `region` is that of its destination (`named_region`). What copies
    from another region is carried out in its own. A bucket answers in all regions, and is in one.
    """
    found = _of_bucket(call, plan, facts) or region
    return "" if found == call.region else found


def named_region(call: Call, plan: authz.Plan, *, through: bool) -> str:
    """The region of the destination of a call. `through`: it comes through an access point of S3."""
    named = _named(_without_points(plan.checks) if through else plan.checks, Destination("", call.region))
    return named[0].region if named else call.region


def _of_bucket(call: Call, plan: authz.Plan, facts: Mapping[str, ResourceFacts]) -> str:
    """The region of the bucket that a call of S3 names; empty where it is not known, or is what is asked for."""
    if call.service not in ("s3", "s3control") or call.operation in _OF_ANY_REGION:
        return ""
    name = call.params.get("Bucket") or str(call.params.get("ResourceArn", "")).rpartition(":")[2]
    for check in plan.checks:
        arn, known = Arn.find(check.resource), facts.get(check.resource)
        if arn is not None and known is not None and arn.resource.partition("/")[0] == name:
            return known.attributes.get("region", "")
    return ""


def _without_points(checks: Sequence[authz.Check]) -> tuple[authz.Check, ...]:
    """Without those on access points: who owns one need not own its bucket."""
    return tuple(check for check in checks if check.kind not in (KIND, OBJECT_KIND))


def _named(checks: Sequence[authz.Check], home: Destination) -> list[Destination]:
    """The places that the ARNs of the called service say. (Its own checks come first: iam:PassRole does not.)"""
    found = []
    for check in checks:
        arn = Arn.find(check.resource)
        if arn is not None and arn.account.isdigit() and _service(check) == _service(checks[0]):
            known = arn.region and "*" not in arn.region
            found.append(Destination(arn.account, arn.region if known else home.region))
    return found


def _service(check: authz.Check) -> str:
    return check.action.partition(":")[0]


def _comparable(place: Destination, service: str) -> Destination:
    return Destination(place.account, "") if service in _COPIES_ACROSS_REGIONS else place


def _owner(checks: Sequence[authz.Check], facts: Mapping[str, ResourceFacts], home: Destination) -> Destination:
    """Of resources whose ARN says nothing: where the backend has them, else the caller's own account."""
    for check in checks:
        known = facts.get(check.resource)
        if known is not None and known.account:
            return Destination(known.account, home.region)
    return home
