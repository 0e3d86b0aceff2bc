"""Whether resource control policies restrict access to a resource. They take no part in what is found.

Access Analyzer API Reference, ExternalAccessDetails: "There is an RCP present in the organization but IAM Access
Analyzer does not include it in the evaluation of effective permissions".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from locum.analysis import proofs
from locum.authz.service_reference import resource_controlled
from locum.policy import MalformedPolicy, PolicyKind, parse
from locum.state import State
from locum.state.organizations import RESOURCE_CONTROL, is_management, organization_of, policies_in_force

RESTRICTION: Final = "resourceControlPolicyRestriction"
_APPLICABLE: Final = "APPLICABLE"
_NOT_APPLICABLE: Final = "NOT_APPLICABLE"
_POLICIES: Final = 1_000
"""The policies of which it is remembered whether they concern a service."""


def restriction(state: State, account: str, kind: str) -> str:
    """How these policies restrict access to a resource of a type, by the API's names: whether any concerns its service.

    They do not restrict access to the resources of the management account.
    """
    service, organization = proofs.service_of(kind), organization_of(state, account)
    if organization is None or is_management(organization, account) or service not in resource_controlled():
        return _NOT_APPLICABLE
    texts = (it.document for level in policies_in_force(state, account, RESOURCE_CONTROL) for it in level)
    return _APPLICABLE if any(_concerns(text, service) for text in texts) else _NOT_APPLICABLE


@lru_cache(maxsize=_POLICIES)
def _concerns(text: str, service: str) -> bool:
    """Whether a policy denies something of a service. One that cannot be read denies everything."""
    try:
        document = parse(text, PolicyKind.RCP)
    except MalformedPolicy:
        return True
    return any(
        not it.allows and (it.actions is None or any(_prefix(action) in ("*", service) for action in it.actions))
        for it in document.statements
    )


def _prefix(action: str) -> str:
    return action.partition(":")[0].lower()
