"""Parts of the rows of IAM's types: tags, inline policies, attached policies."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.table import Call, Each, Part, Tags

EXISTS: Final = frozenset({"EntityAlreadyExists"})


def tags(noun: str, member: str) -> Tags:
    """The tags of what operation names call `noun`, known by `member`.

    Locum's IAM refuses tags of AWS's own from everyone.
    """
    thing = {member: "{id}"}
    return Tags(
        add=Call(f"Tag{noun}", {**thing, "Tags": "{tags}"}),
        remove=Call(f"Untag{noun}", {**thing, "TagKeys": "{keys}"}),
        reserved=False,
    )


def inline(noun: str) -> Each:
    """The property `Policies` of a role, user or group."""
    policy = {f"{noun}Name": "{id}", "PolicyName": "{item.PolicyName}"}
    put = Call(f"Put{noun}Policy", {**policy, "PolicyDocument": "{item.PolicyDocument}"})
    return Each("Policies", put, Call(f"Delete{noun}Policy", policy), key="{item.PolicyName}")


def attached(noun: str) -> Each:
    """The property `ManagedPolicyArns` of a role, user or group."""
    policy = {f"{noun}Name": "{id}", "PolicyArn": "{item}"}
    return Each("ManagedPolicyArns", Call(f"Attach{noun}Policy", policy), Call(f"Detach{noun}Policy", policy))


def told(noun: str) -> tuple[Part, ...]:
    """How `inline` and `attached` are told."""
    thing = {f"{noun}Name": "{id}"}
    document = Call(f"Get{noun}Policy", {**thing, "PolicyName": "{item}"})
    policy = {"PolicyName": "{item}", "PolicyDocument": "{o.PolicyDocument}"}
    return (
        Part("Policies", Call(f"List{noun}Policies", thing), "PolicyNames", policy, document),
        Part("ManagedPolicyArns", Call(f"ListAttached{noun}Policies", thing), "AttachedPolicies", "{item.PolicyArn}"),
    )


def boundary() -> dict[str, str]:
    """How the permissions boundary is told."""
    return {"PermissionsBoundary": "{it.PermissionsBoundary.PermissionsBoundaryArn}"}
