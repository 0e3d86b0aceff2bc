"""The methods by which a principal makes itself, or one that it can become, an administrator: a table.

Of the Service Authorization Reference: actions of IAM of the access level "Permissions management".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.analysis.escalation.methods import ADMINISTRATOR, NAME, Act, Method, iam


def _raising(name: str, binds: str, *acts: Act) -> Method:
    return Method(name, acts, binds, raises=True)


def _of_kind(kind: str, name: str, binds: str) -> Iterable[Method]:
    """The methods that change the policies of a user or a role."""
    who = {f"{kind}Name": name}
    inline = iam(f"Put{kind}Policy", "inline", **who, PolicyName=NAME, PolicyDocument="{everything}")
    attach = iam(f"Attach{kind}Policy", "attach", **who, PolicyArn=ADMINISTRATOR)
    unbound = iam(f"Delete{kind}PermissionsBoundary", "unbound", **who)
    wider = iam(f"Put{kind}PermissionsBoundary", "wider", **who, PermissionsBoundary=ADMINISTRATOR)
    return (
        _raising(f"iam:Put{kind}Policy", binds, inline),
        _raising(f"iam:Attach{kind}Policy", binds, attach),
        _raising(f"iam:Delete{kind}PermissionsBoundary", f"bound-{binds}", unbound),
        _raising(f"iam:Put{kind}PermissionsBoundary", f"bound-{binds}", wider),
        *(
            _raising(f"iam:{lift.operation} and iam:{act.operation}", f"bound-{binds}", lift, act)
            for lift in (unbound, wider)
            for act in (inline, attach)
        ),
        _raising(
            f"iam:Delete{kind}Policy",
            f"{binds}-with-denying-inline",
            iam(f"Delete{kind}Policy", "not-inline", **who, PolicyName="{policy_name}"),
        ),
        _raising(
            f"iam:Detach{kind}Policy",
            f"{binds}-with-denying-policy",
            iam(f"Detach{kind}Policy", "detach", **who, PolicyArn="{policy}"),
        ),
    )


_VERSION: Final = iam(
    "CreatePolicyVersion", "version", PolicyArn="{policy}", PolicyDocument="{everything}", SetAsDefault=True
)

RAISING: Final = (
    *_of_kind("User", "{user}", "user"),
    *_of_kind("Role", "{role_name}", "role"),
    _raising(
        "iam:PutGroupPolicy",
        "own-group",
        iam("PutGroupPolicy", "group-inline", GroupName="{group}", PolicyName=NAME, PolicyDocument="{everything}"),
    ),
    _raising(
        "iam:AttachGroupPolicy",
        "own-group",
        iam("AttachGroupPolicy", "group-attach", GroupName="{group}", PolicyArn=ADMINISTRATOR),
    ),
    _raising(
        "iam:AddUserToGroup", "other-group", iam("AddUserToGroup", "join", GroupName="{group}", UserName="{user}")
    ),
    _raising("iam:CreatePolicyVersion", "policy-with-room", _VERSION),
    _raising(
        "iam:DeletePolicyVersion and iam:CreatePolicyVersion",
        "policy-without-room",
        iam("DeletePolicyVersion", PolicyArn="{policy}", VersionId="{version}"),
        _VERSION,
    ),
    _raising(
        "iam:SetDefaultPolicyVersion",
        "policy-version",
        iam("SetDefaultPolicyVersion", "default", PolicyArn="{policy}", VersionId="{version}"),
    ),
)
"""Methods by which a principal makes itself, or one that it can become, an administrator."""
