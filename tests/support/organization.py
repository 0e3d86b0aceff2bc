"""A small organization for tests: the management account, a unit with a unit in it, and a member in that.

root  r-ab12
 +- MANAGEMENT
 +- unit Dev  ou-ab12-11111111
     +- unit Team  ou-ab12-22222222
         +- MEMBER
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from locum.state import AnyEntity, Member, Organization, OrganizationPolicy, Unit
from support.authority import AWAY, HOME

MANAGEMENT = "999988887777"
MEMBER = HOME
STRANGER = AWAY
ID, ROOT, DEV, TEAM = "o-abcdef1234", "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"
PATH = f"{ID}/{ROOT}/{DEV}/{TEAM}/"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"
IAM = "iam.amazonaws.com"


def organization(**fields: Any) -> Organization:
    given: dict[str, Any] = {"policy_types": (SCP, RCP), "created": 1, **fields}
    return Organization(account=MANAGEMENT, id=ID, root=ROOT, **given)


def unit(id_: str = DEV, parent: str = ROOT, **fields: Any) -> Unit:
    return Unit(account=MANAGEMENT, id=id_, name={DEV: "Dev", TEAM: "Team"}.get(id_, id_), parent=parent, **fields)


def member(account: str = MEMBER, parent: str = TEAM, **fields: Any) -> Member:
    given: dict[str, Any] = {"name": f"a{account[:4]}", "email": f"{account}@example.com", "joined": 1, **fields}
    return Member(account=MANAGEMENT, id=account, parent=parent, **given)


def scp(id_: str, *statements: Mapping[str, Any]) -> OrganizationPolicy:
    return _policy(SCP, id_, statements)


def rcp(id_: str, *statements: Mapping[str, Any]) -> OrganizationPolicy:
    return _policy(RCP, id_, tuple({"Principal": "*", **statement} for statement in statements))


def _policy(kind: str, id_: str, statements: tuple[Mapping[str, Any], ...]) -> OrganizationPolicy:
    content = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return OrganizationPolicy(account=MANAGEMENT, id=id_, type=kind, name=id_.removeprefix("p-"), content=content)


def tree(**fields: Any) -> list[AnyEntity]:
    """The whole of it; `fields` are those of the organization."""
    return [organization(**fields), unit(), unit(TEAM, DEV), member(MANAGEMENT, ROOT), member()]


def policy_arn(id_: str, kind: str = "service_control_policy") -> str:
    return f"arn:aws:organizations::{MANAGEMENT}:policy/{ID}/{kind}/{id_}"
