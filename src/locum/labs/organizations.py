"""The other account of a lab: a member that is created in the learner's organization.

The learner's account becomes the management account of an organization for that where it has none. Afterwards the
member is emptied and removed from the organization, and the organization deleted where the lab made it.
"""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError

from locum.core.clock import system_entropy
from locum.labs.sweeping import sweep_identities
from locum.labs.world import Broken, World

SCP: Final = "SERVICE_CONTROL_POLICY"
_MADE: Final = "organization.made"
_ENABLED: Final = "organization.enabled"
_MEMBER: Final = "organization.member"
_NONE: Final = "AWSOrganizationsNotInUseException"
_LINKED_ROLE: Final = "AWSServiceRoleForOrganizations"


def obstacle(world: World) -> str:
    """Why the account can have no other one beside it; empty where it can."""
    organization = _organization(world)
    if organization and organization["MasterAccountId"] != world.account:
        return "this account is a member of one, whose management account alone can do the lab"
    if organization and organization["FeatureSet"] != "ALL":
        return "that of this account has not all features"
    return ""


def member(world: World) -> str:
    """The id of a new account in the learner's organization, which is noted as `account`."""
    if not _organization(world):
        world.note(_MADE, "yes")
        world.do("organizations", "create_organization", FeatureSet="ALL")
    name = world.name("account")
    address = f"{name}-{system_entropy(4).hex()}@example.com"
    asked = world.do(
        "organizations", "create_account", AccountName=name, Email=address, Tags=world.tags
    )["CreateAccountStatus"]["Id"]  # fmt: skip
    made = world.do("organizations", "describe_create_account_status", CreateAccountRequestId=asked)
    status = made["CreateAccountStatus"]
    if "AccountId" not in status:
        raise Broken(f"the other account was not made: {status['State']} {status.get('FailureReason', '')}")
    world.note(_MEMBER, status["AccountId"])
    return world.note("account", status["AccountId"])


def guard(world: World, suffix: str, account: str, content: str) -> str:
    """The id of a new service control policy that is attached to `account`."""
    root = world.do("organizations", "list_roots")["Roots"][0]
    if SCP not in {each["Type"] for each in root["PolicyTypes"]}:
        world.note(_ENABLED, root["Id"])
        world.do("organizations", "enable_policy_type", RootId=root["Id"], PolicyType=SCP)
    made = world.do(
        "organizations", "create_policy",
        Name=world.name(suffix), Description="of a lab", Type=SCP, Content=content, Tags=world.tags,
    )["Policy"]["PolicySummary"]["Id"]  # fmt: skip
    world.do("organizations", "attach_policy", PolicyId=made, TargetId=account)
    return world.note(suffix, str(made))


def leave(world: World) -> list[str]:
    """Take all of that back, guardrails first; what is left, each with the reason."""
    if not _organization(world):
        return []
    for each in world.pages("organizations", "list_policies", "Policies", Filter=SCP):
        if each["Name"].startswith(world.prefix):
            _remove_policy(world, each["Id"])
    if left := _empty(world):
        return left
    if _MEMBER in world.notes and world.notes[_MEMBER] in _members(world):
        world.do("organizations", "remove_account_from_organization", AccountId=world.notes[_MEMBER])
    if _MADE in world.notes:
        return _delete(world)
    if _ENABLED in world.notes:
        world.do("organizations", "disable_policy_type", RootId=world.notes[_ENABLED], PolicyType=SCP)
    return []


def _organization(world: World) -> dict[str, str]:
    """The organization of the account; empty where it is in none."""
    try:
        found: dict[str, str] = world.do("organizations", "describe_organization")["Organization"]
    except ClientError as error:
        if error.response["Error"]["Code"] != _NONE:
            raise
        return {}
    return found


def _members(world: World) -> set[str]:
    return {each["Id"] for each in world.pages("organizations", "list_accounts", "Accounts")}


def _empty(world: World) -> list[str]:
    """Remove what the lab and its learner made in the member; what is left."""
    account = world.notes.get(_MEMBER, "")
    if account not in _members(world):
        return []
    with world.administrator(account) as key:
        return sweep_identities(world.seen_by(key)).left


def _remove_policy(world: World, policy: str) -> None:
    for target in world.pages("organizations", "list_targets_for_policy", "Targets", PolicyId=policy):
        world.do("organizations", "detach_policy", PolicyId=policy, TargetId=target["TargetId"])
    world.do("organizations", "delete_policy", PolicyId=policy)


def _delete(world: World) -> list[str]:
    """Delete the organization that the lab made, unless the learner has others in it by now; what is left."""
    others = _members(world) - {world.account}
    if others:
        return [f"the organization, which has {', '.join(sorted(others))} in it"]
    world.do("organizations", "delete_organization")
    world.do("iam", "delete_service_linked_role", RoleName=_LINKED_ROLE)
    return []
