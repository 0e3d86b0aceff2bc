"""Identities of callers in records, and their conversion from and to callers."""

from __future__ import annotations

import msgspec

from locum.core.principal import Caller, Principal, PrincipalKind, Session, principal_of


class Identity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The caller of a call. It is the same for all calls with the same credentials, so that it can be cached.

    `kind` is a `PrincipalKind`.
    `issuer_*` are the role or user who issued temporary credentials; `issued_at` is their creation in epoch
    seconds (0: not temporary). `delivery` is ec2:RoleDelivery (`1.0` or `2.0`). `provider` is the identity
    provider of a federated caller, or behind a role session. `delegate` is the account that the credentials were
    delegated to. The fields from `expires_at` on are those of `core.principal.Session`: what the call was decided with.
    """

    kind: str
    arn: str
    account: str = ""
    user_id: str = ""
    name: str = ""
    access_key_id: str = ""
    issuer_arn: str = ""
    issuer_id: str = ""
    issued_at: int = 0
    mfa: bool = False
    source_identity: str = ""
    instance_id: str = ""
    delivery: str = ""
    provider: str = ""
    delegate: str = ""
    expires_at: int = 0
    mfa_at: int | None = None
    chained: bool = False
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    transitive_tag_keys: tuple[str, ...] = ()
    context: dict[str, str | tuple[str, ...]] = {}
    scopes: tuple[str, ...] = ()
    from_console: bool = False

    @property
    def assumed_root(self) -> bool:
        """Whether it is a session of AssumeRoot, of a root user who was assumed by a caller of another account."""
        return self.kind == PrincipalKind.ROOT and bool(self.issued_at) and self.issuer_arn != self.arn

    @property
    def principal_arn(self) -> str:
        """The ARN of the entity that has the policies: the role of a role session, else the caller itself."""
        return self.issuer_arn if self.kind == PrincipalKind.ROLE_SESSION else self.arn

    @property
    def username(self) -> str:
        """The Username of LookupEvents: `root` for the root user, the session name for a role session."""
        return "root" if self.kind == PrincipalKind.ROOT else self.name


def identify(caller: Caller) -> Identity:
    """The identity of an authenticated caller."""
    principal, session = caller.principal, caller.session
    if session is None:
        return Identity(
            principal.kind.value,
            principal.arn,
            principal.account,
            principal.user_id,
            principal.name,
            caller.access_key_id,
            provider=principal.provider,
        )
    return Identity(
        principal.kind.value,
        principal.arn,
        principal.account,
        principal.user_id,
        principal.name,
        caller.access_key_id,
        session.issuer_arn,
        session.issuer_id,
        session.issued_at,
        session.mfa_at is not None,
        session.source_identity,
        session.instance_id,
        str(session.context.get("ec2:roledelivery", "2.0")) if session.instance_id else "",
        str(session.context.get("aws:federatedprovider", "")),
        session.delegate,
        session.expires_at,
        session.mfa_at,
        session.chained,
        session.policy,
        session.policy_arns,
        dict(session.tags),
        session.transitive_tag_keys,
        dict(session.context),
        session.scopes,
        session.from_console,
    )


def caller_of(identity: Identity) -> Caller:
    """The caller that `identity` was made of, without the claims of an identity provider."""
    kind = PrincipalKind(identity.kind)
    if not identity.issued_at:
        unique_id = identity.user_id if kind in (PrincipalKind.USER, PrincipalKind.ROOT) else ""
        principal = Principal(kind, identity.arn, identity.account, identity.user_id, unique_id, identity.name)
        return Caller(principal, identity.access_key_id)
    session = Session(
        kind=kind,
        account=identity.account,
        name=identity.name,
        issuer_arn=identity.issuer_arn,
        issuer_id=identity.issuer_id,
        issued_at=identity.issued_at,
        expires_at=identity.expires_at,
        policy=identity.policy,
        policy_arns=identity.policy_arns,
        tags=identity.tags,
        transitive_tag_keys=identity.transitive_tag_keys,
        source_identity=identity.source_identity,
        mfa_at=identity.mfa_at,
        chained=identity.chained,
        instance_id=identity.instance_id,
        context=identity.context,
        delegate=identity.delegate,
        scopes=identity.scopes,
        from_console=identity.from_console,
    )
    return Caller(principal_of(session), identity.access_key_id, session)
