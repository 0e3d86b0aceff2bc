"""The organization of a decision case: its levels of SCPs and RCPs, as entities around the accounts of the case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from locum.authz.organizations import rcps_apply
from locum.policy import cases
from locum.state import AnyEntity, Member, Organization, OrganizationPolicy, Unit

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
MANAGEMENT: Final = "333333333333"
FULL: Final = "p-FullAWSAccess"
KEYS: Final = ("aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:resourceorgpaths")
_ROOT: Final = "r-case"


def out_of_reach(raw: Mapping[str, Any], case: cases.Case, home: str) -> bool:
    """Whether no organization makes the situation of the case, but for what its documents ask of it."""
    flags = {name for name, value in (raw.get("flags") or {}).items() if value}
    if not raw.get("scps") and not raw.get("rcps"):
        return bool(flags)
    if not flags <= {"principal_in_management_account", "resource_in_management_account"}:
        return True
    owner = case.request.resource_account
    # Of one account both are true, or neither; and an RCP is in force for what RCPs speak of.
    if owner == home and raw.get("rcps") and flags == {"principal_in_management_account"}:
        return True
    return bool(raw.get("rcps")) and not rcps_apply(
        case.request.action, "*" if case.request.wildcard_only else case.request.resource
    )


def entities(raw: Mapping[str, Any], case: cases.Case, home: str) -> list[AnyEntity]:
    """The organization with the levels of the case; none where it has none."""
    scps, rcps = raw.get("scps") or [], raw.get("rcps") or []
    if not scps and not rcps:
        return []
    bound = home if scps else case.request.resource_account
    manages = any((raw.get("flags") or {}).values())
    management = bound if manages else MANAGEMENT
    kind, levels = (SCP, scps) if scps else (RCP, rcps)
    policies = [
        [
            OrganizationPolicy(
                account=management,
                id=f"p-{number}x{place}",
                type=kind,
                name=f"{number}-{place}",
                content=json.dumps(document),
            )
            for place, document in enumerate(level)
        ]
        for number, level in enumerate(levels)
    ]
    ids = [tuple(policy.id for policy in level) for level in policies]
    # An account has a level of its own, below the root's.
    ids = ids if len(ids) > 1 else [*ids, (FULL,)]
    organization = Organization(
        account=management,
        id="o-ofthecase1",
        root=_ROOT,
        created=1,
        policy_types=(kind,),
        root_policies=ids[0],
    )
    units = [
        Unit(
            account=management,
            id=f"ou-case-{number}",
            name=f"unit{number}",
            parent=f"ou-case-{number - 1}" if number > 1 else _ROOT,
            policies=level,
        )
        for number, level in enumerate(ids[1:-1], 1)
    ]
    parent = units[-1].id if units else _ROOT
    member = Member(
        account=management, id=bound, parent=parent, name="bound", email="b@example.com", joined=1, policies=ids[-1]
    )
    return [organization, *units, member, *(policy for level in policies for policy in level)]
