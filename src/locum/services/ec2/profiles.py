"""Associations of instance profiles with instances.

Rules (EC2 API, AssociateIamInstanceProfile and related operations; EC2 User Guide, "IAM roles for Amazon EC2"):
1. An instance has at most one active association; a terminated instance has none.
2. A profile can be associated with a running or a stopped instance.
3. Replacing requires a running instance and makes a new association.
4. The profile is in the caller's account and has a role.

A change takes effect with the call: an association that is `associating` in the answer is `associated` afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.core.identifiers import hex_id
from locum.services.ec2.faults import (
    bad_value,
    incorrect_instance_state,
    invalid_combination,
    invalid_value,
    missing_parameter,
    no_such_association,
)
from locum.services.ec2.filters import Values, matching, page
from locum.services.ec2.lookup import instance
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, InstanceProfile, ProfileAssociation, put, remove
from locum.state.arns import entity_by_arn
from locum.state.associations import association_of

_ATTACHABLE: Final = ("pending", "running", "stopping", "stopped")
_MIN_RESULTS: Final = 5

_FILTERS: Final[Mapping[str, Values[ProfileAssociation]]] = {
    "instance-id": lambda a: (a.instance,),
    "state": lambda a: (a.state,),
}


def associate_iam_instance_profile(ctx: Context, params: Params) -> Outcome:
    """ec2:AssociateIamInstanceProfile."""
    it = instance(ctx, params["InstanceId"])
    profile = named_profile(ctx, params["IamInstanceProfile"])
    if it.state not in _ATTACHABLE:
        raise incorrect_instance_state(f"The instance '{it.id}' is not in the 'running' or 'stopped' states.")
    if association_of(ctx.state, it) is not None:
        raise Fault("IncorrectState", f"There is an existing association for instance {it.id}")
    made = new_association(ctx, it, profile)
    return Outcome({"IamInstanceProfileAssociation": shape(made, "associating")}, (put(made),))


def disassociate_iam_instance_profile(ctx: Context, params: Params) -> Outcome:
    """ec2:DisassociateIamInstanceProfile."""
    association = _association(ctx, params["AssociationId"])
    return Outcome({"IamInstanceProfileAssociation": shape(association, "disassociating")}, (remove(association),))


def replace_iam_instance_profile_association(ctx: Context, params: Params) -> Outcome:
    """ec2:ReplaceIamInstanceProfileAssociation. On EC2, it is not possible for a stopped instance."""
    association = _association(ctx, params["AssociationId"])
    profile = named_profile(ctx, params["IamInstanceProfile"])
    it = instance(ctx, association.instance)
    if it.state not in ("pending", "running"):
        raise Fault("IncorrectState", f"The association {association.id} is not the active association")
    made = new_association(ctx, it, profile)
    return Outcome({"IamInstanceProfileAssociation": shape(made, "associating")}, (remove(association), put(made)))


def describe_iam_instance_profile_associations(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeIamInstanceProfileAssociations."""
    ids = params.get("AssociationIds")
    if ids:
        found = [_association(ctx, text) for text in dict.fromkeys(ids)]
    else:
        found = [a for a in ctx.state.table(ProfileAssociation, ctx.account).values() if a.region == ctx.region]
    chosen = matching(found, params.get("Filters"), _FILTERS)
    result = page(chosen, lambda a: f"{a.since:012d}/{a.id}", params, _MIN_RESULTS, "AssociationIds")
    return result.outcome("IamInstanceProfileAssociations", lambda found: shape(found, found.state))


def named_profile(ctx: Context, given: Mapping[str, str]) -> InstanceProfile:
    """The profile of an `IamInstanceProfileSpecification`. Raises Fault where there is none, or it has no role."""
    name, arn = given.get("Name"), given.get("Arn")
    if name and arn:
        raise invalid_combination(
            "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'"
        )
    if name:
        profile = ctx.state.get(InstanceProfile, ctx.account, name.lower())
        # Names in IAM are unique without regard to case, but are looked up with regard to case.
        if profile is None or profile.name != name:
            raise bad_value(name, "iamInstanceProfile.name", "Invalid IAM Instance Profile name")
    elif arn:
        profile = entity_by_arn(ctx.state, InstanceProfile, arn, ctx.account)
        if profile is None:
            raise bad_value(arn, "iamInstanceProfile.arn", "Invalid IAM Instance Profile ARN")
    else:
        raise missing_parameter("iamInstanceProfile.name")
    if not profile.roles:
        raise invalid_value(f'IAM Instance Profile "{profile.arn}" has no associated IAM Roles')
    return profile


def new_association(ctx: Context, it: Instance, profile: InstanceProfile) -> ProfileAssociation:
    """Make an association of `it` with `profile`."""
    return ProfileAssociation(
        account=it.account,
        id=hex_id("iip-assoc", ctx.entropy),
        region=it.region,
        instance=it.id,
        profile=profile.key,
        profile_id=profile.id,
        profile_arn=profile.arn,
        since=int(ctx.now),
    )


def shape(association: ProfileAssociation, state: str) -> dict[str, Any]:
    """An `IamInstanceProfileAssociation`."""
    return {
        "AssociationId": association.id,
        "InstanceId": association.instance,
        "IamInstanceProfile": profile_shape(association),
        "State": state,
        "Timestamp": association.since,
    }


def profile_shape(association: ProfileAssociation) -> dict[str, str]:
    """An `IamInstanceProfile`."""
    return {"Arn": association.profile_arn, "Id": association.profile_id}


def _association(ctx: Context, association_id: str) -> ProfileAssociation:
    association = ctx.state.get(ProfileAssociation, ctx.account, association_id)
    if association is None or association.region != ctx.region:
        raise no_such_association(association_id)
    return association
