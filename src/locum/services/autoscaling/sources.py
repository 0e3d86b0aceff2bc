"""The source of a group's launches, and their places: launch template or configuration, subnets or zones.

User Guide, "Support for launch templates": who creates or updates a group with a launch template needs the permissions
that its launch takes (ec2:RunInstances, iam:PassRole of the role in its instance profile). They are decided on here,
with the caller's permissions. The launches themselves are the service-linked role's.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from locum.core.actors import on_behalf_of, service_principal
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.autoscaling.faults import not_implemented, validation_error
from locum.services.autoscaling.launch_configurations import configuration_named
from locum.services.verbs import Context, Params

SERVICE: Final = "autoscaling.amazonaws.com"

_SOURCES: Final = ("LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy")
_ONE_SOURCE: Final = (
    "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy "
    "parameter."
)
_NOT_FORMED: Final = "You must use a valid fully-formed launch template."
_DENIALS: Final = frozenset({"AccessDenied", "UnauthorizedOperation"})

Looking = Generator[Ask, Mapping[str, Any], Any]


class LaunchSource(NamedTuple):
    """The source of launches: one of a configuration's name, a template and a mixed instances policy."""

    configuration: str = ""
    template: Mapping[str, str] = MappingProxyType({})
    mixed: Mapping[str, Any] = MappingProxyType({})

    def fields(self) -> dict[str, Any]:
        """The fields of an `AutoScalingGroup` that launches from it."""
        return {"configuration": self.configuration, "template": dict(self.template), "mixed": dict(self.mixed)}


class Places(NamedTuple):
    """The places of launches: the zones of subnets by their ids, or zones alone."""

    zones: tuple[str, ...]
    subnets: dict[str, str]


def source_of(ctx: Context, params: Params, subnets: Sequence[str]) -> Looking:
    """The `LaunchSource` in `params`, which the caller may launch from; None where they have none.

    Raises Fault: ValidationError, AccessDenied.
    """
    if params.get("InstanceId"):
        raise not_implemented("groups from instances (InstanceId)")
    given = [member for member in _SOURCES if params.get(member)]
    if len(given) > 1:
        raise validation_error(_ONE_SOURCE)
    if not given:
        return None
    if name := params.get("LaunchConfigurationName"):
        return LaunchSource(configuration=configuration_named(ctx, name).name)
    if template := params.get("LaunchTemplate"):
        return LaunchSource(template=(yield from permitted_template(ctx, template, subnets)))
    mixed = dict(params["MixedInstancesPolicy"])
    launch = dict(mixed.get("LaunchTemplate") or {})
    specification = launch.get("LaunchTemplateSpecification")
    if not specification:
        raise validation_error("Valid requests must contain a LaunchTemplateSpecification in the MixedInstancesPolicy.")
    launch["LaunchTemplateSpecification"] = yield from permitted_template(ctx, specification, subnets)
    for override in launch.get("Overrides") or ():
        if override.get("InstanceRequirements"):
            raise not_implemented("instance types by requirements (InstanceRequirements)")
        if override.get("LaunchTemplateSpecification"):
            yield from permitted_template(ctx, override["LaunchTemplateSpecification"], subnets)
    return LaunchSource(mixed={**mixed, "LaunchTemplate": launch})


def required(source: LaunchSource | None) -> LaunchSource:
    """`source`. Raises Fault where there is none."""
    if source is None:
        raise validation_error(_ONE_SOURCE)
    return source


def permitted_template(ctx: Context, given: Mapping[str, Any], subnets: Sequence[str]) -> Looking:
    """The `LaunchTemplateSpecification` with id, name and version of a template that the caller may launch from.

    Raises Fault: ValidationError where there is no such template, AccessDenied.
    """
    named = {member: given[member] for member in ("LaunchTemplateId", "LaunchTemplateName") if given.get(member)}
    if len(named) != 1:
        raise validation_error(
            "Valid requests must contain either launchTemplateId or LaunchTemplateName"
            + (", but not both." if named else "")
        )
    version = str(given.get("Version") or "$Default")
    try:
        answer = yield _told(ctx, "DescribeLaunchTemplateVersions", {**named, "Versions": [version]})
        found = answer["LaunchTemplateVersions"][0]
    except Fault as fault:
        raise validation_error(f"{_NOT_FORMED} {fault.message}") from fault
    except LookupError:
        raise validation_error(f"{_NOT_FORMED} Could not find the specified version {version}.") from None
    template = {"LaunchTemplateId": found["LaunchTemplateId"], "LaunchTemplateName": found["LaunchTemplateName"]}
    yield from _permit(ctx, {**named, "Version": version}, next(iter(named.values())), subnets)
    return {**template, "Version": version} if given.get("Version") else template


def places_of(ctx: Context, params: Params) -> Looking:
    """The `Places` in `params`; None where they have none. Raises Fault: ValidationError."""
    zones = tuple(params.get("AvailabilityZones") or ())
    ids = [part.strip() for part in str(params.get("VPCZoneIdentifier") or "").split(",") if part.strip()]
    if params.get("AvailabilityZoneIds") and not zones and not ids:
        raise not_implemented("groups in zones by their ids (AvailabilityZoneIds)")
    for zone in zones:
        letter = zone.removeprefix(ctx.region)
        if letter == zone or len(letter) != 1 or not letter.islower():
            raise validation_error(f"Invalid Availability Zone: {zone}")
    if not ids:
        return Places(zones, {}) if zones else None
    try:
        answer = yield _told(ctx, "DescribeSubnets", {"SubnetIds": ids})
    except Fault as fault:
        raise validation_error(fault.message) from fault
    by_id = {subnet["SubnetId"]: str(subnet["AvailabilityZone"]) for subnet in answer["Subnets"]}
    subnets = {each: by_id[each] for each in ids}
    if zones and set(zones) != set(subnets.values()):
        raise validation_error(
            "The availability zones of the specified subnets and the Auto Scaling group do not match"
        )
    return Places(tuple(dict.fromkeys(subnets.values())), subnets)


def _told(ctx: Context, operation: str, params: Mapping[str, Any]) -> Ask:
    """An ask of what EC2's backend has, which the service looks up for itself."""
    return Ask(
        ServiceCall(service_principal(SERVICE, ctx.account), "ec2", operation, params, ctx.region), of_backend=True
    )


def _permit(ctx: Context, template: Mapping[str, str], name: str, subnets: Sequence[str]) -> Looking:
    """Have a launch from `template` decided on, made by the caller. Raises Fault: AccessDenied, ValidationError."""
    launch: dict[str, Any] = {"LaunchTemplate": dict(template), "MinCount": 1, "MaxCount": 1, "DryRun": True}
    if subnets:
        launch["SubnetId"] = subnets[0]
    actor = on_behalf_of(ctx.caller, SERVICE)
    try:
        yield Ask(ServiceCall(actor, "ec2", "RunInstances", launch, ctx.region), decided_only=True)
    except Fault as fault:
        if fault.code in _DENIALS:
            raise Fault("AccessDenied", f"You are not authorized to use launch template: {name}", 403) from fault
        raise validation_error(f"{_NOT_FORMED} {fault.message}") from fault
