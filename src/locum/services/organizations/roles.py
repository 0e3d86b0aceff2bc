"""The roles that Organizations creates in accounts.

User Guide, "Accessing member accounts": the role of CreateAccount (OrganizationAccountAccessRole) "grants the
management account administrative permissions"; "AWS Organizations and service-linked roles":
AWSServiceRoleForOrganizations is created in every account of an organization with all features.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from locum.core.arn import root_arn
from locum.core.identifiers import ROLE_ID, unique_id
from locum.services.verbs import Context
from locum.state import Event, Role, put
from locum.state.service_linked_roles import PATH, PREFIX

ACCESS_ROLE: Final = "OrganizationAccountAccessRole"
_SERVICE: Final = "organizations.amazonaws.com"
_SERVICE_ROLE: Final = f"{PREFIX}Organizations"
_ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
_SERVICE_POLICY: Final = "arn:aws:iam::aws:policy/aws-service-role/AWSOrganizationsServiceTrustPolicy"


def access_role(context: Context, account: str, management: str, name: str) -> Event:
    """The event that creates the access role of the management account in `account`."""
    made = Role(
        account=account,
        name=name,
        id=unique_id(ROLE_ID, context.entropy),
        created=int(context.now),
        trust=_trust_policy("AWS", root_arn(management)),
        attached=(_ADMINISTRATOR,),
    )
    return put(made)


def service_role(context: Context, account: str) -> Iterator[Event]:
    """The events that create Organizations' service-linked role in `account`, unless it exists."""
    if context.state.get(Role, account, _SERVICE_ROLE.lower()) is None:
        made = Role(
            account=account,
            name=_SERVICE_ROLE,
            path=f"{PATH}{_SERVICE}/",
            id=unique_id(ROLE_ID, context.entropy),
            created=int(context.now),
            description="Service-linked role used by AWS Organizations to enable integration of other AWS services "
            "with Organizations.",
            trust=_trust_policy("Service", _SERVICE),
            attached=(_SERVICE_POLICY,),
        )
        yield put(made)


def _trust_policy(kind: str, principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {kind: principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
