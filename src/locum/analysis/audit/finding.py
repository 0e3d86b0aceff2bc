"""Findings of an audit, and the table of the rules that they break."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

SEVERITIES: Final = ("high", "medium", "low")


class Fix(NamedTuple):
    """A call that mends what was found: botocore's names of service and operation, the input, and the region.

    It is to be made in the account of the finding.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    region: str = ""


class Rule(NamedTuple):
    """A rule: its severity, what it is about, why it matters, what to do, and the page of AWS that says so."""

    severity: str
    title: str
    why: str
    todo: str
    page: str


class Finding(NamedTuple):
    """Something that breaks a rule. `id` stays the same as long as it is there. `resource` is an ARN, or a file.

    `fixes` are the calls that mend it, in their order; none where only a person can say what is needed. `steps` are
    those of a path.
    """

    id: str
    rule: str
    severity: str
    account: str
    resource: str
    what: str
    why: str
    todo: str
    fixes: tuple[Fix, ...] = ()
    steps: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """It as JSON values."""
        return {**self._asdict(), "fixes": [fix._asdict() for fix in self.fixes], "steps": list(self.steps)}


_IAM: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
_EC2: Final = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide"
_UNUSED: Final = f"{_IAM}/best-practices.html"

RULES: Final[Mapping[str, Rule]] = {
    "escalation-path": Rule(
        "high",
        "A principal can become an administrator",
        "Whoever has its credentials can do everything in the account, whatever its own policies say.",
        "Take one of the permissions of the path away; the call denies the first of them.",
        f"{_IAM}/access_policies_boundaries.html",
    ),
    "administrators-of-another-account": Rule(
        "medium",
        "The administrators of one account are those of another one",
        "Whoever takes over the first account has the second one, too.",
        "Name in the trust policy who needs it, or accept the finding with a reason.",
        f"{_IAM}/tutorial_cross-account-with-roles.html",
    ),
    "long-lived-key": Rule(
        "high",
        "An access key with its secret where a role belongs",
        "Whoever can read it has it for good: nothing rotates it, and its use elsewhere is hard to tell.",
        "Give the application a role, deactivate the key, and remove it from there.",
        f"{_IAM}/best-practices.html#bp-workloads-use-roles",
    ),
    "trust-of-anyone": Rule(
        "high",
        "A role that anybody can assume",
        "The trust policy lets in every AWS account, and no condition says which.",
        "Name the accounts, users or roles that need it.",
        f"{_IAM}/reference_policies_elements_principal.html",
    ),
    "trust-of-stranger": Rule(
        "high",
        "A role that an account outside of the organization can assume",
        "What happens in that account is not under this organization's policies, nor in its record.",
        "If nobody knows that account, take it from the trust policy; else accept the finding with a reason.",
        f"{_IAM}/id_roles_common-scenarios_third-party.html",
    ),
    "trust-without-external-id": Rule(
        "medium",
        "A third party can be made to use the role for somebody else",
        "Another customer of the third party can tell it the ARN of this role: the confused deputy.",
        "Agree on an external id, and ask for it in the trust policy.",
        f"{_IAM}/confused-deputy.html",
    ),
    "service-trust-without-source": Rule(
        "low",
        "A service can be made to use the role for another account",
        "AWS recommends that roles of this service say for whose resources it may assume them.",
        "Ask for aws:SourceAccount, or aws:SourceArn, in the trust policy.",
        f"{_IAM}/confused-deputy.html#cross-service-confused-deputy-prevention",
    ),
    "root-access-key": Rule(
        "high",
        "The root user has an access key",
        "No policy of the account limits it.",
        "Deactivate it, and delete it once nothing misses it.",
        f"{_IAM}/root-user-best-practices.html",
    ),
    "password-without-mfa": Rule(
        "medium",
        "A console password without a second factor",
        "Who learns the password is the user.",
        "Assign an MFA device (CreateVirtualMFADevice, EnableMFADevice), or delete the password.",
        f"{_IAM}/id_credentials_mfa.html",
    ),
    "old-access-key": Rule(
        "medium",
        "An access key that was not rotated",
        "The longer a key is in use, the more places have it.",
        "Make a second key, have the application use it, and deactivate this one.",
        f"{_IAM}/id-credentials-access-keys-update.html",
    ),
    "imdsv1-allowed": Rule(
        "medium",
        "An instance whose metadata is given without a session token",
        "A request that an application can be made to send (SSRF) is enough to get the role's credentials.",
        "Require session tokens (IMDSv2).",
        f"{_EC2}/configuring-IMDS-existing-instances.html",
    ),
    "all-actions": Rule(
        "medium",
        "A policy that allows all actions",
        "Whoever has it is an administrator.",
        "Write what is needed: `locum policy from-activity` does, from the calls that were made.",
        f"{_IAM}/best-practices.html#grant-least-privilege",
    ),
    "all-actions-of-a-service": Rule(
        "low",
        "A policy that allows all actions of a service on everything",
        "It allows more with each action that AWS adds.",
        "Write what is needed: `locum policy from-activity` does, from the calls that were made.",
        f"{_IAM}/best-practices.html#grant-least-privilege",
    ),
    "writes-on-everything": Rule(
        "low",
        "A policy that allows changes of everything of a kind",
        "It reaches what belongs to other applications of the account.",
        "Name the resources.",
        f"{_IAM}/best-practices.html#grant-least-privilege",
    ),
    "shared-role": Rule(
        "medium",
        "One role for different applications",
        "Each of them has the permissions of all, and the record cannot tell them apart.",
        "Make a role for each application.",
        f"{_IAM}/best-practices.html#bp-workloads-use-roles",
    ),
    "unused-role": Rule(
        "medium",
        "A role that nobody uses",
        "It can still be assumed, and nobody would miss what it is used for.",
        "Delete it; or accept the finding, if it is for emergencies.",
        _UNUSED,
    ),
    "unused-user": Rule(
        "medium",
        "A user that nobody uses",
        "Its credentials still work, and nobody watches them.",
        "Deactivate its keys and delete its password; delete the user once nothing misses it.",
        _UNUSED,
    ),
    "unused-access-key": Rule(
        "medium",
        "An access key that nobody uses",
        "It still works, wherever it is.",
        "Deactivate it, and delete it once nothing misses it.",
        _UNUSED,
    ),
    "unused-password": Rule(
        "medium",
        "A password that nobody uses",
        "It still works.",
        "Delete it.",
        _UNUSED,
    ),
    "unused-profile": Rule(
        "low",
        "An instance profile that no instance wears",
        "Whoever may launch instances and pass its role gets the role's permissions.",
        "Delete it.",
        _UNUSED,
    ),
    "profile-without-role": Rule(
        "low",
        "An instance profile without a role",
        "An instance that wears it has no credentials.",
        "Delete it, or add a role.",
        f"{_IAM}/id_roles_use_switch-role-ec2_instance-profiles.html",
    ),
    "unused-permissions": Rule(
        "low",
        "Permissions that were not used",
        "They are of use to nobody but to somebody who should not be there.",
        "Write what is needed: `locum policy from-activity` does, from the calls that were made.",
        f"{_IAM}/access-analyzer-findings.html",
    ),
}
"""The rules by their ids."""


def finding(
    rule: str,
    account: str,
    resource: str,
    what: str,
    *,
    key: str = "",
    severity: str = "",
    fixes: tuple[Fix, ...] = (),
    steps: tuple[str, ...] = (),
) -> Finding:
    """A finding of `rule`. `key` tells it from others on the same resource."""
    entry = RULES[rule]
    digest = hashlib.sha256("\n".join((rule, account, resource, key)).encode()).hexdigest()[:16]
    told = (severity or entry.severity, account, resource, what, entry.why, entry.todo)
    return Finding(f"{rule}:{digest}", rule, *told, fixes, steps)
