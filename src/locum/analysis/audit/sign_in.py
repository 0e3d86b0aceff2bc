"""Checks of keys and passwords: IAM User Guide, "Security best practices in IAM", and the AWS account root user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.analysis.audit.evidence import Evidence
from locum.analysis.audit.finding import Finding, finding
from locum.analysis.audit.unused import deactivation
from locum.core.arn import root_arn
from locum.core.clock import DAY
from locum.state import AccessKey, Account, LoginProfile, User
from locum.state.indexes import MFA_OF_USER, scoped


def old_keys(evidence: Evidence) -> Iterator[Finding]:
    """Active access keys of users that are older, and that somebody uses: others are unused."""
    for key in evidence.state.every(AccessKey):
        user = evidence.state.get(User, key.account, key.user) if key.user else None
        if user is None or not key.active or key.created >= evidence.since:
            continue
        if evidence.last_use(user.id, key.id) >= evidence.since:
            age = int((evidence.now - key.created) // DAY)
            what = f"The access key {key.id} of {user.name} is {age} days old, and in use."
            fixes = (deactivation(key, user.name),)
            yield finding("old-access-key", key.account, user.arn, what, key=key.id, fixes=fixes)


def root_keys(evidence: Evidence) -> Iterator[Finding]:
    """Active access keys of root users. That of the account that an installation begins with is its own."""
    for key in evidence.state.every(AccessKey):
        if key.user or not key.active:
            continue
        account = evidence.state.get(Account, key.account, key.account)
        founding = account is not None and account.founding
        what = f"The root user of {key.account} has the access key {key.id}"
        what += ", the one that `locum up` made: give people and programs keys of their own." if founding else "."
        yield finding(
            "root-access-key",
            key.account,
            root_arn(key.account),
            what,
            key=key.id,
            severity="low" if founding else "",
            fixes=() if founding else (deactivation(key),),
        )


def passwords_without_mfa(evidence: Evidence) -> Iterator[Finding]:
    """Users with a console password and no MFA device."""
    for profile in evidence.state.every(LoginProfile):
        user = evidence.state.get(User, profile.account, profile.user) if profile.user else None
        if user is not None and not evidence.state.count(MFA_OF_USER, scoped(user.account, user.key)):
            what = f"The user {user.name} signs in with a password alone."
            yield finding("password-without-mfa", user.account, user.arn, what)


CHECKS: Final = (old_keys, root_keys, passwords_without_mfa)
