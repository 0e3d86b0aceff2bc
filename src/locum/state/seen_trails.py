"""Queries on trails: which of them an account sees in a region, and which of those has a name.

CloudTrail User Guide, "Understanding multi-Region trails and opt-in Regions": a multi-Region trail is in every region,
in all but its home region as a shadow trail. "Creating a trail for an organization": the members see the trail of their
organization, and cannot change it.
"""

from __future__ import annotations

from collections.abc import Iterator

from locum.state.organizations import organization_of
from locum.state.state import State
from locum.state.trails import Trail


def seen(state: State, account: str) -> Iterator[Trail]:
    """The trails that an account sees in some region: its own, and those of its organization."""
    yield from state.table(Trail, account).values()
    organization = organization_of(state, account)
    if organization is not None and organization.account != account:
        yield from (trail for trail in state.table(Trail, organization.account).values() if trail.organization)


def seen_in(state: State, account: str, region: str) -> list[Trail]:
    """The trails of `seen` that are in a region themselves, or as a shadow trail."""
    return [trail for trail in seen(state, account) if trail.multi_region or trail.region == region]


def named(state: State, account: str, region: str, name: str) -> Trail | None:
    """The trail that a name is of for an account in a region; one of that region, and of that account, comes first."""
    here = [trail for trail in seen_in(state, account, region) if trail.name == name]
    return min(here, key=lambda it: (it.region != region, it.account != account, it.arn), default=None)
