"""Instance profile associations: which profile an instance wears.

Rules (EC2 API, AssociateIamInstanceProfile and its neighbours; EC2 User Guide, "IAM roles for Amazon EC2"):
1. An instance has at most one live association; a terminated instance has none.
2. A profile can be attached to a running or a stopped instance.
3. Replace is for a running instance, and its answer is a new association.
4. The profile is one of the caller's own account, and holds a role.

A change takes effect with the call: what the answers call `associating` is `associated` for the next reader.
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
from locum.services.ec2.lookup import bond, instance
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, InstanceProfile, ProfileAssociation, put, remove
from locum.state.arns import entity_by_arn

_ATTACHABLE: Final = ("pending", "running", "stopping", "stopped")
_LEAST_RESULTS: Final = 5

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
    if bond(ctx, it) is not None:
        raise Fault("IncorrectState", f"There is an existing association for instance {it.id}")
    made = tie(ctx, it, profile)
    return Outcome({"IamInstanceProfileAssociation": shape(made, "associating")}, (put(made),))


def disassociate_iam_instance_profile(ctx: Context, params: Params) -> Outcome:
    """ec2:DisassociateIamInstanceProfile."""
    association = _association(ctx, params["AssociationId"])
    return Outcome({"IamInstanceProfileAssociation": shape(association, "disassociating")}, (remove(association),))


def replace_iam_instance_profile_association(ctx: Context, params: Params) -> Outcome:
    """ec2:ReplaceIamInstanceProfileAssociation. On a stopped instance EC2 wants a disassociate and an associate."""
    association = _association(ctx, params["AssociationId"])
    profile = named_profile(ctx, params["IamInstanceProfile"])
    it = instance(ctx, association.instance)
    if it.state not in ("pending", "running"):
        raise Fault("IncorrectState", f"The association {association.id} is not the active association")
    made = tie(ctx, it, profile)
    return Outcome({"IamInstanceProfileAssociation": shape(made, "associating")}, (remove(association), put(made)))


def describe_iam_instance_profile_associations(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeIamInstanceProfileAssociations."""
    ids = params.get("AssociationIds")
    if ids:
        found = [_association(ctx, text) for text in dict.fromkeys(ids)]
    else:
        found = [a for a in ctx.state.table(ProfileAssociation, ctx.account).values() if a.region == ctx.region]
    chosen = matching(found, params.get("Filters"), _FILTERS)
    shown = page(chosen, lambda a: f"{a.since:012d}/{a.id}", params, _LEAST_RESULTS, "AssociationIds")
    return shown.outcome("IamInstanceProfileAssociations", lambda found: shape(found, found.state))


def named_profile(ctx: Context, given: Mapping[str, str]) -> InstanceProfile:
    """The profile of an `IamInstanceProfileSpecification`. Raises Fault where there is none, or it holds no role."""
    name, arn = given.get("Name"), given.get("Arn")
    if name and arn:
        raise invalid_combination(
            "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'"
        )
    if name:
        profile = ctx.state.get(InstanceProfile, ctx.account, name.lower())
        # IAM keeps names apart from one another without regard to case, but finds them only as they are spelt.
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


def tie(ctx: Context, it: Instance, profile: InstanceProfile) -> ProfileAssociation:
    """A new association of `it` and `profile`."""
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
        "IamInstanceProfile": worn_shape(association),
        "State": state,
        "Timestamp": association.since,
    }


def worn_shape(association: ProfileAssociation) -> dict[str, str]:
    """An `IamInstanceProfile`."""
    return {"Arn": association.profile_arn, "Id": association.profile_id}


def _association(ctx: Context, association_id: str) -> ProfileAssociation:
    association = ctx.state.get(ProfileAssociation, ctx.account, association_id)
    if association is None or association.region != ctx.region:
        raise no_such_association(association_id)
    return association
