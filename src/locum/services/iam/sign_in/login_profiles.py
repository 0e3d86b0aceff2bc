"""Login profiles: the console passwords of users, stored as digests.

Only AssumeRoot's task IAMCreateRootUserPassword creates a profile for the root user: without a password, which the
account's owner then sets by e-mail. AWS returns it without a UserName.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.principal import PrincipalKind
from locum.credentials.passwords import matches_any, new_digest
from locum.services.iam.faults import (
    access_denied,
    already_exists,
    invalid_user_type,
    no_such_entity,
    password_policy_violation,
    validation_error,
)
from locum.services.iam.kinds import USER
from locum.services.iam.limits import PASSWORDS_REMEMBERED
from locum.services.iam.sign_in import owners
from locum.services.iam.sign_in.password_policy import check_password, policy_of
from locum.services.verbs import Context, Operation, Outcome, Params, digests_passwords, reads, writes
from locum.state import LoginProfile, PasswordPolicy, put, remove


def create_login_profile(context: Context, params: Params) -> Outcome:
    """CreateLoginProfile."""
    owner = _owner(context, params)
    if _find(context, owner) is not None:
        whose = f"user {owner.name}" if owner.name else f"account {context.account}"
        raise already_exists(f"Login Profile for {whose} already exists.")
    now = int(context.now)
    profile = LoginProfile(
        account=context.account,
        user=owner.key,
        digest=_first_digest(context, owner, params.get("Password")),
        created=now,
        changed=now,
        reset_required=params.get("PasswordResetRequired", False),
    )
    return Outcome({"LoginProfile": _shown(owner, profile)}, (put(profile),))


def get_login_profile(context: Context, params: Params) -> Outcome:
    """GetLoginProfile."""
    owner = _owner(context, params)
    return Outcome({"LoginProfile": _shown(owner, _profile(context, owner))})


def update_login_profile(context: Context, params: Params) -> Outcome:
    """UpdateLoginProfile: members that are absent do not change."""
    profile = _profile(context, _owner(context, params))
    if "Password" in params:
        profile = _with_password(context, profile, params["Password"])
    changed = replace(profile, reset_required=params.get("PasswordResetRequired", profile.reset_required))
    return Outcome({}, (put(changed),))


def delete_login_profile(context: Context, params: Params) -> Outcome:
    """DeleteLoginProfile: removes the password and the remembered ones."""
    return Outcome({}, (remove(_profile(context, _owner(context, params))),))


def change_password(context: Context, params: Params) -> Outcome:
    """ChangePassword, of the calling user only.

    An expired password can be changed: HardExpiry prevents that only on the console.
    """
    caller = context.caller.principal
    if caller.kind is not PrincipalKind.USER:
        raise invalid_user_type("Only IAM Users can change their own password.")
    user = USER.named(context, caller.name)
    profile = _profile(context, owners.Owner(user.key, user.name))
    if not matches_any(params["OldPassword"], (profile.digest,), context.password_digests):
        raise access_denied("The old password was incorrect.")
    if params["NewPassword"] == params["OldPassword"]:
        raise _reused()
    changed = _with_password(context, profile, params["NewPassword"])
    return Outcome({}, (put(replace(changed, reset_required=False)),))


def _owner(context: Context, params: Params) -> owners.Owner:
    """The owner of the profile in `params`: the root user only in AssumeRoot sessions.

    Raises NoSuchEntity, ValidationError.
    """
    session = context.caller.session
    if "UserName" not in params and session is not None and session.assumed_root:
        return owners.ROOT
    return owners.user(context, params)


def _find(context: Context, owner: owners.Owner) -> LoginProfile | None:
    return context.state.get(LoginProfile, context.account, owner.key)


def _profile(context: Context, owner: owners.Owner) -> LoginProfile:
    """The profile of `owner`. Raises NoSuchEntity."""
    profile = _find(context, owner)
    if profile is None:
        # AWS's text: "Login Profile for User null cannot be found."
        raise no_such_entity(f"Login Profile for User {owner.name or 'null'} cannot be found.")
    return profile


def _shown(owner: owners.Owner, profile: LoginProfile) -> dict[str, Any]:
    name = {"UserName": owner.name} if owner.name else {}
    return {**name, "CreateDate": profile.created, "PasswordResetRequired": profile.reset_required}


def _first_digest(context: Context, owner: owners.Owner, password: str | None) -> str:
    """The digest of a new profile's password, empty for root. Raises ValidationError, PasswordPolicyViolation.

    IAM API Reference, Password: "must be omitted when you make the request with an AssumeRoot session. It is required
    in all other cases."
    """
    if not owner.name:
        if password is not None:
            raise validation_error("Password must not be specified when calling with an AssumeRoot session")
        return ""
    if password is None:
        raise validation_error(
            "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null"
        )
    check_password(policy_of(context), password)
    return new_digest(password, context.entropy, digests=context.password_digests)


def _with_password(context: Context, profile: LoginProfile, password: str) -> LoginProfile:
    """`profile` with a new password. Raises PasswordPolicyViolation."""
    policy = policy_of(context)
    check_password(policy, password)
    known = (profile.digest, *profile.previous)
    if matches_any(password, known[: _remembered(policy)], context.password_digests):
        raise _reused()
    digest = new_digest(password, context.entropy, profile.digest, context.password_digests)
    kept = known[: PASSWORDS_REMEMBERED - 1]
    return replace(profile, digest=digest, previous=kept, changed=int(context.now))


def _remembered(policy: PasswordPolicy | None) -> int:
    return 0 if policy is None else policy.reuse_prevention


def _reused() -> Exception:
    return password_policy_violation(
        "Policy constraint violation with password reuse prevention during password change."
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateLoginProfile": digests_passwords(create_login_profile),
    "GetLoginProfile": reads(get_login_profile),
    "UpdateLoginProfile": digests_passwords(update_login_profile),
    "DeleteLoginProfile": writes(delete_login_profile),
    "ChangePassword": digests_passwords(change_password),
}
