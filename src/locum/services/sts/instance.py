"""The credentials of an instance: association -> profile -> role, assumed by ec2.amazonaws.com.

Amazon EC2 User Guide, "Retrieve security credentials from instance metadata": the session is named after the
instance; "we make new credentials available at least five minutes before the expiration of the old credentials".
IAM User Guide, "Troubleshoot IAM and Amazon EC2", for the codes where there are none:
- AssumeRoleUnauthorizedAccess: the role is gone, or its trust policy does not let ec2.amazonaws.com assume it;
- InstanceProfileNotFound: the profile is gone (one made again under the same name has another id).

A pure call. When to ask again is the caller's business, with `renew_at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from locum import policy
from locum.core.clock import Entropy, iso8601
from locum.core.principal import Principal, PrincipalKind, Session
from locum.credentials import KeyRing, issue
from locum.policy.stored import compiled
from locum.services.sts.guardrails import resource_controls, source_context
from locum.services.verbs import Settings
from locum.state import Instance, InstanceProfile, ProfileAssociation, Role, State
from locum.state.indexes import ASSOCIATIONS_OF_INSTANCE, scoped

LIFETIME: Final = 6 * 3600
"""Seconds that the credentials of an instance last, where the settings say nothing."""

SUCCESS: Final = "Success"
TYPE: Final = "AWS-HMAC"
UNAUTHORIZED: Final = "AssumeRoleUnauthorizedAccess"
PROFILE_NOT_FOUND: Final = "InstanceProfileNotFound"

_EC2: Final = Principal.service("ec2.amazonaws.com")
_ASSUME_ROLE: Final = "sts:AssumeRole"
_HELP: Final = (
    "Please see documentation at "
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
)


class AttachedProfile(NamedTuple):
    """What an instance wears. `profile` is None where the profile is gone, `role` where it holds none."""

    association: ProfileAssociation
    profile: InstanceProfile | None
    role: Role | None


@dataclass(frozen=True, slots=True)
class InstanceCredentials:
    """What IMDS answers under iam/security-credentials/. Times are epoch seconds.

    `code` is "Success", or AWS's code for the reason why there are none, which `message` tells; then the
    credentials are empty. `profile_arn` and `profile_id` are those of the association (iam/info).
    """

    code: str
    last_updated: int
    role_name: str
    profile_arn: str
    profile_id: str
    message: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    token: str = ""
    expiration: int = 0
    type: str = TYPE

    @property
    def succeeded(self) -> bool:
        """Whether there are credentials."""
        return self.code == SUCCESS

    def __repr__(self) -> str:
        return f"InstanceCredentials(code={self.code!r}, role_name={self.role_name!r}, expiration={self.expiration})"


def attached_profile(state: State, instance: Instance) -> AttachedProfile | None:
    """What `instance` wears, or None: no association, or an instance that is not running."""
    if instance.state not in ("running", "pending"):
        return None
    bonds = state.find(ASSOCIATIONS_OF_INSTANCE, scoped(instance.account, instance.id))
    association = next((a for a in bonds if isinstance(a, ProfileAssociation) and a.state == "associated"), None)
    if association is None:
        return None
    profile = state.get(InstanceProfile, instance.account, association.profile)
    if profile is None or profile.id != association.profile_id:
        return AttachedProfile(association, None, None)
    role = state.get(Role, instance.account, profile.roles[0]) if profile.roles else None
    return AttachedProfile(association, profile, role)


def instance_credentials(
    state: State,
    keyring: KeyRing,
    instance: Instance,
    now: float,
    entropy: Entropy,
    settings: Settings,
    delivery: str = "2.0",
) -> InstanceCredentials | None:
    """Fresh credentials of `instance`, or the reason why there are none; None where no role is attached at all.

    `delivery` is the condition key ec2:RoleDelivery: by which version of the metadata service they are fetched.
    """
    attached = attached_profile(state, instance)
    if attached is None:
        return None
    if attached.profile is None:
        association = attached.association
        message = f"Instance Profile with id {association.profile_id} cannot be found. {_HELP}"
        return _failure(attached, PROFILE_NOT_FOUND, message, now)
    if attached.role is None:
        return None
    if not _trusts_ec2(state, attached.role, instance, now):
        return _failure(attached, UNAUTHORIZED, f"EC2 cannot assume the role {attached.role.name}.  {_HELP}", now)
    return _success(
        attached, attached.role, keyring, _session(attached.role, instance, now, settings, delivery), entropy
    )


def renew_at(issued: float, expires: float) -> float:
    """The instant (epoch seconds) from which the next set is handed out: half-way.

    So it is there five minutes ahead of the expiry for every lifetime from ten minutes up, and ahead in
    proportion for one of seconds.
    """
    return issued + (expires - issued) / 2


def _session(role: Role, instance: Instance, now: float, settings: Settings, delivery: str) -> Session:
    lifetime = LIFETIME if settings.credential_seconds is None else settings.credential_seconds
    return Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=role.account,
        name=instance.id,
        issuer_arn=role.arn,
        issuer_id=role.id,
        issued_at=int(now),
        expires_at=int(now) + lifetime,
        instance_id=instance.id,
        context={"ec2:roledelivery": delivery},
    )


def _success(
    attached: AttachedProfile, role: Role, keyring: KeyRing, session: Session, entropy: Entropy
) -> InstanceCredentials:
    issued = issue(keyring, session, entropy)
    return InstanceCredentials(
        code=SUCCESS,
        last_updated=session.issued_at,
        role_name=role.name,
        profile_arn=attached.association.profile_arn,
        profile_id=attached.association.profile_id,
        access_key_id=issued.access_key_id,
        secret_access_key=issued.secret_access_key,
        token=issued.session_token,
        expiration=issued.expiration,
    )


def _failure(attached: AttachedProfile, code: str, message: str, now: float) -> InstanceCredentials:
    role_name = attached.role.name if attached.role is not None else ""
    association = attached.association
    return InstanceCredentials(code, int(now), role_name, association.profile_arn, association.profile_id, message)


def _trusts_ec2(state: State, role: Role, instance: Instance, now: float) -> bool:
    """Whether the role's trust policy lets ec2.amazonaws.com assume it for this instance, and no RCP keeps it off."""
    trust = compiled(role.trust, policy.PolicyKind.TRUST, f"trust policy of {role.arn}", role.arn)
    request = policy.Request(
        principal=_EC2,
        action=_ASSUME_ROLE,
        resource=role.arn,
        resource_account=role.account,
        context={
            "aws:currenttime": iso8601(now),
            "aws:epochtime": str(int(now)),
            "aws:principalisawsservice": "true",
            "aws:principalservicename": _EC2.arn,
            "aws:securetransport": "true",
            "aws:sourceaccount": instance.account,
            "aws:sourcearn": instance.arn,
            "sts:rolesessionname": instance.id,
            **source_context(state, instance.account),
        },
    )
    policies = policy.Policies(resource=trust, rcps=resource_controls(state, role.account))
    return policy.evaluate(request, policies).allowed
