"""ListPoliciesGrantingServiceAccess: the policies of a user, group or role that grant access to a service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.analysis.granted import Grants
from locum.services.iam.pagination import page
from locum.services.iam.reports import access_subjects
from locum.services.iam.shapes import Shape
from locum.services.verbs import Context, Operation, Outcome, Params, looks_up
from locum.state.attachments import Attachment, identity_policies


def list_policies_granting_service_access(context: Context, params: Params) -> Outcome:
    """ListPoliciesGrantingServiceAccess: the services are in the order of the request."""
    identity = access_subjects.identity(context, params["Arn"])
    policies = list(identity_policies(context.state, identity))
    places = enumerate(params["ServiceNamespaces"])
    found = page(params, places, lambda place: f"{place[0]:03}")
    return found.outcome(
        "PoliciesGrantingServiceAccess",
        lambda place: {"ServiceNamespace": place[1], "Policies": list(_granting(policies, place[1].lower()))},
    )


def _granting(policies: list[Attachment], namespace: str) -> Iterator[Shape]:
    """The policies that each grant access to the service; one attached to several groups is listed once."""
    seen: set[str] = set()
    for policy in policies:
        if policy.arn in seen or not Grants([policy.document]).service(namespace):
            continue
        if policy.arn:
            seen.add(policy.arn)
        yield _shown(policy)


def _shown(policy: Attachment) -> Shape:
    if policy.arn:
        return {"PolicyName": policy.name, "PolicyType": "MANAGED", "PolicyArn": policy.arn}
    kind = policy.owner.arn_kind.upper()
    return {"PolicyName": policy.name, "PolicyType": "INLINE", "EntityType": kind, "EntityName": policy.owner.name}


OPERATIONS: Final[dict[str, Operation]] = {
    "ListPoliciesGrantingServiceAccess": looks_up(list_policies_granting_service_access),
}
