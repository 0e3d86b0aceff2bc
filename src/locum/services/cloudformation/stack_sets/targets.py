"""The accounts and regions that a call about instances of a stack set is about.

API Reference, DeploymentTargets. Of a self-managed set they are accounts; of a service-managed one units of the
organization, whose accounts an AccountFilterType picks out of or adds to: "StackSets doesn't deploy stack instances to
the organization's management account, even if the management account is in your organization or in an OU".
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.core.calls import Ask
from locum.core.identifiers import ACCOUNT_ID
from locum.services.cloudformation.stack_sets.lookup import instances_of
from locum.services.cloudformation.templates import invalid, object_text
from locum.services.verbs import Context, Params
from locum.state import Organization, StackInstance, StackSet, State
from locum.state.organizations import member_of, members_in, node_of, organization_of, units_in
from locum.state.stack_sets import SERVICE_MANAGED

MOST_UNITS: Final = 50
"""Units of one call. API Reference, CreateStackInstances."""

LONGEST_LIST: Final = 10 << 20
"""Octets of the object at an AccountsUrl. API Reference, DeploymentTargets: "a 10MB limit for the data"."""

_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")


class Targeting(NamedTuple):
    """What a call names: regions; accounts, or units with a filter that has `accounts`."""

    regions: tuple[str, ...]
    accounts: frozenset[str]
    units: tuple[str, ...] = ()
    filter: str = "NONE"

    def takes(self, account: str, within: bool) -> bool:
        """Whether `account`, which is `within` one of the units, is meant."""
        if not self.units:
            return account in self.accounts
        named = account in self.accounts
        return {
            "NONE": within,
            "UNION": within or named,
            "INTERSECTION": within and named,
            "DIFFERENCE": within and not named,
        }[self.filter]


def targeting(ctx: Context, of: StackSet, params: Params) -> Generator[Ask, Mapping[str, Any], Targeting]:
    """What a call about instances of a stack set names. Raises Fault. Asks S3 for a list of accounts, as the caller."""
    targets: Mapping[str, Any] = params.get("DeploymentTargets") or {}
    if ("Accounts" in params) == ("DeploymentTargets" in params):
        raise invalid("You must specify either Accounts or DeploymentTargets, but not both")
    regions = tuple(dict.fromkeys(params.get("Regions") or ()))
    if not regions:
        raise invalid("At least one region must be specified")
    if strange := [region for region in regions if not _REGION.fullmatch(region)]:
        raise invalid(f"Invalid regions: [{', '.join(strange)}]")
    accounts = yield from _accounts(ctx, targets)
    accounts = list(params.get("Accounts") or accounts)
    if strange := [account for account in accounts if not ACCOUNT_ID.fullmatch(account)]:
        raise invalid(f"Invalid account ids: [{', '.join(strange[:10])}]")
    units = tuple(dict.fromkeys(targets.get("OrganizationalUnitIds") or ()))
    kept = targets.get("AccountFilterType", "UNION" if accounts else "NONE")
    found = Targeting(regions, frozenset(accounts), units, kept)
    if of.model == SERVICE_MANAGED:
        _check_units(ctx.state, of, found)
    elif units or "AccountFilterType" in targets:
        raise invalid("StackSets with SELF_MANAGED permission model can only have accounts as target")
    elif not accounts:
        raise invalid("At least one account must be specified")
    return found


def _accounts(ctx: Context, targets: Mapping[str, Any]) -> Generator[Ask, Mapping[str, Any], list[str]]:
    """The accounts of DeploymentTargets, or those in the object at its AccountsUrl."""
    if "AccountsUrl" not in targets:
        return list(targets.get("Accounts") or ())
    if "Accounts" in targets:
        raise invalid("You can specify either Accounts or AccountsUrl, but not both")
    too_long = f"The object at AccountsUrl may not exceed {LONGEST_LIST} bytes in size."
    text = yield from object_text(ctx, str(targets["AccountsUrl"]), LONGEST_LIST, too_long)
    return [it for it in re.split(r"[\s,;\"]+", text) if it]


def _check_units(state: State, of: StackSet, found: Targeting) -> None:
    """Check the units that a call for a service-managed set names. Raises Fault ValidationError."""
    if not found.units:
        raise invalid("StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target")
    if len(found.units) > MOST_UNITS:
        raise invalid(f"The maximum number of organizational units is {MOST_UNITS}")
    if found.filter != "NONE" and not found.accounts:
        raise invalid(f"Accounts must be specified with the AccountFilterType {found.filter}")
    if found.filter == "NONE" and found.accounts:
        raise invalid("Accounts cannot be specified with the AccountFilterType NONE")
    organization = organization_of(state, of.account)
    for unit in found.units:
        node = None if organization is None or ACCOUNT_ID.fullmatch(unit) else node_of(state, organization, unit)
        if node is None:
            raise invalid(f"OrganizationalUnitId {unit} does not exist in the organization")


def accounts_under(state: State, organization: Organization, unit: str) -> Iterator[str]:
    """The accounts of a unit or the root and of all units in it, without the management account."""
    for member in members_in(state, organization, unit):
        if member.id != organization.account:
            yield member.id
    for child in units_in(state, organization, unit):
        yield from accounts_under(state, organization, child.id)


def units_of_accounts(state: State, management: str, units: Sequence[str]) -> dict[str, str]:
    """For each account under one of `units`, the first of these that it is under."""
    organization = organization_of(state, management)
    found: dict[str, str] = {}
    for unit in units if organization is not None else ():
        assert organization is not None
        for account in accounts_under(state, organization, unit):
            found.setdefault(account, unit)
    return found


def deployed_to(state: State, of: StackSet) -> dict[str, tuple[str, ...]]:
    """The regions of each account under the units that a set is deployed to."""
    regions: dict[str, set[str]] = {}
    for unit, places in of.targets.items():
        for account in units_of_accounts(state, of.account, (unit,)):
            regions.setdefault(account, set()).update(places)
    return {account: tuple(sorted(found)) for account, found in sorted(regions.items())}


def pairs_of(regions: Mapping[str, tuple[str, ...]]) -> set[tuple[str, str]]:
    """Accounts and regions of `deployed_to`."""
    return {(account, region) for account, found in regions.items() for region in found}


def meant(ctx: Context, of: StackSet, found: Targeting) -> dict[str, str]:
    """The accounts that are to have instances, with the unit that each is under. Raises Fault ValidationError."""
    if not found.units:
        return dict.fromkeys(sorted(found.accounts), "")
    within = units_of_accounts(ctx.state, of.account, found.units)
    for account in found.accounts:
        member = member_of(ctx.state, account)
        if member is None or member.account != of.account or account == of.account:
            raise invalid(f"Account {account} is not a member account of the organization")
    candidates = {**dict.fromkeys(found.accounts, ""), **within}
    return {account: unit for account, unit in sorted(candidates.items()) if found.takes(account, account in within)}


def targeted(ctx: Context, of: StackSet, found: Targeting) -> list[StackInstance]:
    """The instances there are that a call is about: also those made for a unit that their account has left."""
    within = units_of_accounts(ctx.state, of.account, found.units)
    return [
        it
        for it in instances_of(ctx.state, of)
        if it.place in found.regions and found.takes(it.target, it.target in within or it.unit in found.units)
    ]
