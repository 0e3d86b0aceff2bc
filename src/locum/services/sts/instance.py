"""The role of an instance: association -> instance profile -> role, and its session, assumed by ec2.amazonaws.com.

Amazon EC2 User Guide, "Retrieve security credentials from instance metadata": the session is named after the
instance; "we make new credentials available at least five minutes before the expiration of the old credentials".
"""

from __future__ import annotations

from typing import Final, NamedTuple

from locum.core.principal import PrincipalKind
from locum.services.verbs import Context, Settings
from locum.state import Instance, InstanceProfile, ProfileAssociation, Role, State
from locum.state.arns import entity_by_arn
from locum.state.indexes import ASSOCIATIONS_OF_INSTANCE, scoped

LIFETIME: Final = 6 * 3600
"""Seconds that the credentials of an instance last, where the settings say nothing."""

EC2: Final = "ec2.amazonaws.com"


class AttachedProfile(NamedTuple):
    """The profile of an instance. `profile` is None where it was deleted, `role` where it holds none."""

    association: ProfileAssociation
    profile: InstanceProfile | None
    role: Role | None


def attached_profile(state: State, instance: Instance) -> AttachedProfile | None:
    """The profile of `instance`; None where no profile is associated, or the instance is not running.

    A profile that was made again under the same name has another id, and is not the one that was associated.
    """
    if instance.state not in ("running", "pending"):
        return None
    bonds = state.find(ASSOCIATIONS_OF_INSTANCE, scoped(instance.account, instance.id))
    association = next((a for a in bonds if isinstance(a, ProfileAssociation) and a.state == "associated"), None)
    if association is None:
        return None
    profile = state.get(InstanceProfile, instance.account, association.profile)
    if profile is None or profile.id != association.profile_id:
        return AttachedProfile(association, None, None)
    role = state.get(Role, instance.account, profile.roles[0]) if profile.roles else None
    return AttachedProfile(association, profile, role)


def calling_instance(context: Context) -> Instance | None:
    """The instance for which EC2 itself makes the call; None where it is another's call."""
    principal, source = context.caller.principal, context.caller.source
    if principal.kind is not PrincipalKind.SERVICE or principal.arn != EC2 or source is None:
        return None
    return entity_by_arn(context.state, Instance, source.arn, source.account)


def lifetime(settings: Settings) -> int:
    """Seconds that the credentials of an instance last. The maximum session duration of the role does not count."""
    return LIFETIME if settings.credential_seconds is None else settings.credential_seconds


def renew_at(issued: float, expires: float) -> float:
    """The instant (epoch seconds) from which the next set is handed out: half-way.

    So it is there five minutes ahead of the expiry for every lifetime from ten minutes up, and ahead in
    proportion for one of seconds.
    """
    return issued + (expires - issued) / 2
