"""Service-managed stack sets follow the organization: accounts that join or leave their units.

CloudFormation User Guide, "Enable or disable automatic deployments for StackSets in AWS Organizations": they are
"triggered when accounts are added to a target organization or OU, removed from a target organization or OU, or moved
between target OUs." What was deployed to by hand, or left out by a filter, stays as it is: only what has changed since
the units were looked at last counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.services.cloudformation.stack_sets.access import is_enabled
from locum.services.cloudformation.stack_sets.instances import instance_at
from locum.services.cloudformation.stack_sets.lookup import instances_of
from locum.services.cloudformation.stack_sets.operations import AUTOMATIC, begun
from locum.services.cloudformation.stack_sets.targets import deployed_to, pairs_of, units_of_accounts
from locum.services.verbs import Context
from locum.state import Event, StackInstance, StackSet, put
from locum.state.organizations import organization_of

_PREFERENCES: Final[Mapping[str, Any]] = {
    "MaxConcurrentPercentage": 100,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}
"""[U] AWS does not publish in which order it deploys by itself. The failure of one account holds no other one up."""


def followed(ctx: Context, of: StackSet) -> tuple[Event, ...]:
    """The events with which a set follows the accounts of its units, if it does and any have moved."""
    if of.deleted or not of.automatic.enabled:
        return ()
    organization = organization_of(ctx.state, of.account)
    if organization is None or not is_enabled(ctx.state, organization):
        return ()
    now = deployed_to(ctx.state, of)
    if now == of.seen:
        return ()
    before, of = of.seen, replace(of, seen=now)
    gone = pairs_of(before) - pairs_of(now)
    left = [it for it in instances_of(ctx.state, of) if it.unit and (it.target, it.place) in gone]
    events: tuple[Event, ...] = (put(of),)
    if left:
        params = {"RetainStacks": of.automatic.retain, "OperationPreferences": _PREFERENCES}
        events += begun(ctx, of, "DELETE", AUTOMATIC, params, left).events
        of = replace(of, operations=of.operations + 1)
    come = _new_instances(ctx, of, pairs_of(now) - pairs_of(before))
    if come:
        events += begun(ctx, of, "CREATE", AUTOMATIC, {"OperationPreferences": _PREFERENCES}, come).events
    return events


def _new_instances(ctx: Context, of: StackSet, pairs: set[tuple[str, str]]) -> list[StackInstance]:
    """The instances of accounts that joined, by which they have the parameters of the set."""
    units = units_of_accounts(ctx.state, of.account, sorted(of.targets))
    return [instance_at(ctx, of, account, units[account], region) for account, region in sorted(pairs)]
