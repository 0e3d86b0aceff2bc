"""Look-up of the instance profile of an instance."""

from __future__ import annotations

from locum.state.entities import Instance, ProfileAssociation
from locum.state.indexes import ASSOCIATIONS_OF_INSTANCE, scoped
from locum.state.state import State


def association_of(state: State, instance: Instance) -> ProfileAssociation | None:
    """The active profile association of `instance`, or None."""
    found = state.find(ASSOCIATIONS_OF_INSTANCE, scoped(instance.account, instance.id))
    return next((one for one in found if isinstance(one, ProfileAssociation) and one.state == "associated"), None)
