"""Tags of accounts, units, the root, policies and the resource policy.

User Guide, "Tagging AWS Organizations resources": tag keys are case sensitive; "aws:" is reserved.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.core.system_tags import RESERVED, is_refused
from locum.services.organizations import limits
from locum.services.organizations.access import Scope, administered_reads, administered_writes
from locum.services.organizations.faults import (
    constraint_violation,
    immutable_policy,
    invalid_input,
    target_not_found,
)
from locum.services.organizations.pagination import listed
from locum.services.organizations.shapes import tag_list
from locum.services.verbs import Operation, Outcome, Params
from locum.state import Event, Member, Organization, OrganizationPolicy, Unit, put
from locum.state.entities import Tags
from locum.state.organizations import node_of, policy_of

Tagged = Organization | Unit | Member | OrganizationPolicy


def given(params: Params) -> Tags:
    """The tags in `params`. Raises InvalidInputException, ConstraintViolationException."""
    pairs = params.get("Tags", ())
    tags = {pair["Key"]: pair["Value"] for pair in pairs}
    _check_keys(tags)
    if len(tags) != len(pairs):
        raise invalid_input("DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags attached to the same entity.")
    return _within_limit(tags)


def tag_resource(scope: Scope, params: Params) -> Outcome:
    """TagResource."""
    new = given(params)
    tagged, tags = _found(scope, params["ResourceId"])
    return Outcome({}, (_with(scope, params["ResourceId"], tagged, _within_limit({**tags, **new})),))


def untag_resource(scope: Scope, params: Params) -> Outcome:
    """UntagResource."""
    _check_keys(params["TagKeys"])
    tagged, tags = _found(scope, params["ResourceId"])
    left = {key: value for key, value in tags.items() if key not in params["TagKeys"]}
    return Outcome({}, () if left == tags else (_with(scope, params["ResourceId"], tagged, left),))


def list_tags_for_resource(scope: Scope, params: Params) -> Outcome:
    """ListTagsForResource."""
    _, tags = _found(scope, params["ResourceId"])
    return listed(params, "Tags", tag_list(tags), lambda tag: str(tag["Key"]), lambda tag: tag, limits.TAGS)


def _check_keys(keys: Tags | list[str]) -> None:
    if any(is_refused(key) for key in keys):
        raise invalid_input(
            "INVALID_SYSTEM_TAGS_PARAMETER",
            "You specified a tag key that is a system tag. You can't add, edit, or delete system tag keys because "
            "they're reserved for AWS use.",
        )


def _within_limit(tags: Tags) -> Tags:
    if sum(not key.startswith(RESERVED) for key in tags) > limits.TAGS:
        raise constraint_violation(
            "MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource."
        )
    return tags


def _found(scope: Scope, identifier: str) -> tuple[Tagged, Tags]:
    """The resource with the id `identifier`, and its tags. Raises TargetNotFoundException."""
    state, organization = scope.context.state, scope.organization
    if identifier.startswith("rp-") and identifier == organization.resource_policy_id:
        return organization, organization.resource_policy_tags
    found = node_of(state, organization, identifier) or policy_of(state, organization, identifier)
    if found is None:
        raise target_not_found()
    return found, found.root_tags if isinstance(found, Organization) else found.tags


def _with(scope: Scope, identifier: str, tagged: Tagged, tags: Tags) -> Event:
    if isinstance(tagged, OrganizationPolicy) and tagged.aws_managed:
        raise immutable_policy()
    if not isinstance(tagged, Organization):
        return put(replace(tagged, tags=tags))
    if identifier == scope.organization.resource_policy_id:
        return put(replace(tagged, resource_policy_tags=tags))
    return put(replace(tagged, root_tags=tags))


OPERATIONS: Final[dict[str, Operation]] = dict(
    (
        administered_writes("TagResource", tag_resource),
        administered_writes("UntagResource", untag_resource),
        administered_reads("ListTagsForResource", list_tags_for_resource),
    )
)
