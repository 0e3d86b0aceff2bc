"""The role of an instance (association -> instance profile -> role), and its session, created by ec2.amazonaws.com.

Amazon EC2 User Guide, "Retrieve security credentials from instance metadata": the session is named after the
instance; "we make new credentials available at least five minutes before the expiration of the old credentials".
"""

from __future__ import annotations

from typing import Final, NamedTuple

from locum.core.actors import ServiceRole
from locum.core.principal import ContextValue, PrincipalKind, Source
from locum.services.verbs import Context, Settings
from locum.state import Instance, InstanceProfile, ProfileAssociation, Role, State
from locum.state.arns import entity_by_arn
from locum.state.associations import association_of

LIFETIME: Final = 6 * 3600
"""The default lifetime of an instance's credentials in seconds."""

MOVED_BACK: Final = 60
"""Seconds: what was issued so long after the present moment is of a clock that was moved back since."""

EC2: Final = "ec2.amazonaws.com"

_TO_CONTAINERS: Final = frozenset({"ecs-tasks.amazonaws.com", "pods.eks.amazonaws.com"})
"""The services that deliver credentials to tasks and pods."""


class AttachedProfile(NamedTuple):
    """The instance profile of an instance. `profile` is None where it was deleted, `role` where it has none."""

    association: ProfileAssociation
    profile: InstanceProfile | None
    role: Role | None


def attached_profile(state: State, instance: Instance) -> AttachedProfile | None:
    """The profile of `instance`; None where no profile is associated, or the instance is not running.

    A profile that was created again with the same name has another id and is not the associated one.
    """
    if instance.state not in ("running", "pending"):
        return None
    association = association_of(state, instance)
    if association is None:
        return None
    profile = state.get(InstanceProfile, instance.account, association.profile)
    if profile is None or profile.id != association.profile_id:
        return AttachedProfile(association, None, None)
    role = state.get(Role, instance.account, profile.roles[0]) if profile.roles else None
    return AttachedProfile(association, profile, role)


def instance_role(instance: Instance, role: Role, version: str = "2.0") -> ServiceRole:
    """`role` as EC2 assumes it for `instance`. `version` of IMDS is the one that the credentials are delivered by.

    IAM User Guide, "AWS global condition context keys": aws:Ec2InstanceSourceVpc and aws:Ec2InstanceSourcePrivateIPv4
    are the VPC to which the credentials "were delivered", and the "primary private IPv4 address" of the instance.
    """
    context: dict[str, ContextValue] = {
        "ec2:roledelivery": version,
        "aws:ec2instancesourceprivateipv4": instance.private_ip,
    }
    if vpc := instance.attributes.get("VpcId"):
        context["aws:ec2instancesourcevpc"] = str(vpc)
    return ServiceRole(EC2, role.arn, instance.id, Source(instance.account, instance.arn, context))


def calling_instance(context: Context) -> Instance | None:
    """The instance on whose behalf EC2 makes the call; None for other calls."""
    principal, source = context.caller.principal, context.caller.source
    if principal.kind is not PrincipalKind.SERVICE or principal.arn != EC2 or source is None:
        return None
    return entity_by_arn(context.state, Instance, source.arn, source.account)


def is_delivered(context: Context) -> bool:
    """Whether the credentials are for an instance, a task or a pod, to which their service delivers them."""
    principal = context.caller.principal
    to_container = principal.kind is PrincipalKind.SERVICE and principal.arn in _TO_CONTAINERS
    return to_container or calling_instance(context) is not None


def lifetime(settings: Settings) -> int:
    """The lifetime of delivered credentials in seconds, regardless of the role's maximum session duration."""
    return LIFETIME if settings.credential_seconds is None else settings.credential_seconds


def renew_at(issued: float, expires: float) -> float:
    """The time (epoch seconds) from which the next set of credentials is delivered: half of the lifetime.

    For lifetimes of ten minutes or more, that is at least five minutes before the expiry.
    """
    return issued + (expires - issued) / 2


def is_fresh(issued: float, expires: float, now: float) -> bool:
    """Whether credentials of that lifetime are still delivered at `now`: no others are due, or were issued later."""
    return issued - MOVED_BACK < now < renew_at(issued, expires)
