"""The versions of a managed policy: at most five, of which the default one is in force."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.iam import documents, managed, shapes
from locum.services.iam.faults import delete_conflict, limit_exceeded, no_such_entity
from locum.services.iam.limits import VERSIONS_PER_POLICY
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Policy, PolicyVersion, put

_NUMBERS: Final = 10**12
"""A number larger than any version's: the difference sorts the newest first."""


def create_policy_version(context: Context, params: Params) -> Outcome:
    """CreatePolicyVersion. Version numbers are never reused."""
    policy = managed.to_change(context, params["PolicyArn"], "CreatePolicyVersion")
    document = documents.managed(params["PolicyDocument"])
    if len(policy.versions) >= VERSIONS_PER_POLICY:
        raise limit_exceeded(
            f"A managed policy can have up to {VERSIONS_PER_POLICY} versions."
            " Before you create a new version, you must delete an existing version."
        )
    number = policy.next_number
    version = PolicyVersion(number=number, document=document, created=int(context.now))
    changed = replace(
        policy,
        versions=(*policy.versions, version),
        default=number if params.get("SetAsDefault", False) else policy.default,
        next_number=number + 1,
        updated=version.created,
    )
    return Outcome({"PolicyVersion": shapes.listed_version(changed, version)}, (put(changed),))


def get_policy_version(context: Context, params: Params) -> Outcome:
    """GetPolicyVersion, with the document."""
    policy, version = _version(params, managed.find(context, params["PolicyArn"]))
    return Outcome({"PolicyVersion": shapes.whole_version(policy, version)})


def list_policy_versions(context: Context, params: Params) -> Outcome:
    """ListPolicyVersions, newest first, without the documents."""
    policy = managed.of(context, params["PolicyArn"])
    found = page(params, policy.versions, newest_first)
    return found.outcome("Versions", lambda version: shapes.listed_version(policy, version))


def set_default_policy_version(context: Context, params: Params) -> Outcome:
    """SetDefaultPolicyVersion. It takes effect at once wherever the policy is attached."""
    policy, version = _version(params, managed.own_to_change(context, params["PolicyArn"], "SetDefaultPolicyVersion"))
    return Outcome({}, (put(replace(policy, default=version.number)),))


def delete_policy_version(context: Context, params: Params) -> Outcome:
    """DeletePolicyVersion. The default version cannot be deleted."""
    policy, version = _version(params, managed.own_to_change(context, params["PolicyArn"], "DeletePolicyVersion"))
    if version.number == policy.default:
        raise delete_conflict("Cannot delete the default version of a policy.")
    left = tuple(other for other in policy.versions if other.number != version.number)
    return Outcome({}, (put(replace(policy, versions=left)),))


def newest_first(version: PolicyVersion) -> str:
    """The sort key of lists of versions."""
    return f"{_NUMBERS - version.number:012}"


def _version(params: Params, policy: Policy | None) -> tuple[Policy, PolicyVersion]:
    """`policy` and its version VersionId. Raises NoSuchEntity where either does not exist."""
    if policy is not None:
        for version in policy.versions:
            if shapes.version_id(version.number) == params["VersionId"]:
                return policy, version
    raise no_such_entity(
        f"Policy {params['PolicyArn']} version {params['VersionId']} does not exist or is not attachable."
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "CreatePolicyVersion": writes(create_policy_version),
    "GetPolicyVersion": reads(get_policy_version),
    "ListPolicyVersions": reads(list_policy_versions),
    "SetDefaultPolicyVersion": writes(set_default_policy_version),
    "DeletePolicyVersion": writes(delete_policy_version),
}
