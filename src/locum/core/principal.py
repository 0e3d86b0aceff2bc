"""Callers: the principal, and what its credentials say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from locum.core.arn import assumed_role_arn, federated_user_arn, is_service_linked, root_arn


class PrincipalKind(StrEnum):
    """The kinds of principal that a policy tells apart."""

    ROOT = "root"
    USER = "user"
    ROLE_SESSION = "role-session"
    FEDERATED_USER = "federated-user"
    WEB_IDENTITY = "web-identity"
    SAML = "saml"
    SERVICE = "service"
    ANONYMOUS = "anonymous"


FEDERATED: Final = frozenset({PrincipalKind.WEB_IDENTITY, PrincipalKind.SAML})
"""Principals authenticated by an identity provider, in the call that gives them a session."""

_OUTSIDERS: Final = frozenset({PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS, *FEDERATED})

ContextValue = str | tuple[str, ...]
"""The value of a condition key: a tuple where the key is multivalued."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, in the terms of a policy.

    `arn` is what GetCallerIdentity answers; for a service its name (`ec2.amazonaws.com`), for nobody "*", for a
    federated principal its identity provider, as a trust policy names it under Federated. `account` has 12
    digits; empty for a service and for nobody. `user_id` is aws:userid: AIDA..., the account for root,
    AROA...:session, account:name for a federated user. `unique_id` is the stored id of the user or role (AIDA...,
    AROA...). `name` is the user's, the session's or the federated name. `issuer_arn` is the role of a role session,
    with its path, or the user behind a federated one.
    """

    kind: PrincipalKind
    arn: str
    account: str = ""
    user_id: str = ""
    unique_id: str = ""
    name: str = ""
    issuer_arn: str = ""

    @classmethod
    def root(cls, account: str) -> Principal:
        """The root user of `account`."""
        return cls(PrincipalKind.ROOT, root_arn(account), account, account, account)

    @classmethod
    def user(cls, account: str, arn: str, unique_id: str, name: str) -> Principal:
        """An IAM user."""
        return cls(PrincipalKind.USER, arn, account, unique_id, unique_id, name)

    @classmethod
    def role_session(cls, role_arn: str, role_id: str, session_name: str) -> Principal:
        """A session of the role `role_arn` (with its path)."""
        account = role_arn.split(":", 5)[4]
        role_name = role_arn.rsplit("/", 1)[-1]
        return cls(
            PrincipalKind.ROLE_SESSION,
            assumed_role_arn(account, role_name, session_name),
            account,
            f"{role_id}:{session_name}",
            role_id,
            session_name,
            role_arn,
        )

    @classmethod
    def federated_user(cls, account: str, name: str, user_arn: str, unique_id: str) -> Principal:
        """A GetFederationToken session called `name`, made by the user `user_arn` or by root."""
        return cls(
            PrincipalKind.FEDERATED_USER,
            federated_user_arn(account, name),
            account,
            f"{account}:{name}",
            unique_id,
            name,
            user_arn,
        )

    @classmethod
    def service(cls, name: str) -> Principal:
        """An AWS service, such as `ec2.amazonaws.com`."""
        return cls(PrincipalKind.SERVICE, name)

    @classmethod
    def federated(cls, kind: PrincipalKind, provider: str, account: str, principal_id: str, name: str) -> Principal:
        """One of `FEDERATED`, authenticated by `provider` (its ARN, or `accounts.google.com` ...).

        `account` is that of the role asked for. `principal_id` and `name` are CloudTrail's principalId and userName.
        """
        return cls(kind, provider, account, principal_id, "", name)

    @property
    def principal_arn(self) -> str:
        """The condition key aws:PrincipalArn: of a role session, the role's ARN; empty for nobody and for a service."""
        if self.kind is PrincipalKind.ROLE_SESSION:
            return self.issuer_arn
        return "" if self.kind in _OUTSIDERS else self.arn

    @property
    def service_linked(self) -> bool:
        """Whether it is a session of a service-linked role."""
        return self.kind is PrincipalKind.ROLE_SESSION and is_service_linked(self.issuer_arn)

    @property
    def provider(self) -> str:
        """The identity provider of a federated principal; empty for every other."""
        return self.arn if self.kind in FEDERATED else ""


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS, "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The content of temporary credentials, sealed into their session token. Times are epoch seconds.

    `kind` is the kind of principal that the credentials speak for: a role session, a federated user, or
    (GetSessionToken) a user or root. `issuer_arn`, `issuer_id` name the role, or the user behind the
    session. `policy` is the inline session policy as passed, `policy_arns` the managed ones. `chained`:
    the session was assumed with the credentials of another role session. `instance_id` is set on
    credentials that IMDS delivered. `mfa_at` is when a second factor was shown. `context` holds further
    condition keys that the session fixes (claims). `delegate` is the account to which the principal delegated
    these credentials. `scopes` are the scope down policies of GetScopedCredentials, each of which limits it, and
    `padding` makes the session token as long as was asked for. `from_console`: somebody signed in to the console.
    `sequence` is the journal's entry up to which the issuing node had seen all (0 in those of an older Locum).
    """

    kind: PrincipalKind
    account: str
    name: str
    issuer_arn: str
    issuer_id: str
    issued_at: int
    expires_at: int
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""
    mfa_at: int | None = None
    chained: bool = False
    instance_id: str = ""
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    delegate: str = ""
    scopes: tuple[str, ...] = ()
    padding: str = ""
    from_console: bool = False
    sequence: int = 0

    @property
    def assumed_root(self) -> bool:
        """Whether AssumeRoot gave it: the one root session that is under a policy."""
        return self.kind is PrincipalKind.ROOT and bool(self.policy_arns)


def principal_of(session: Session) -> Principal:
    """The principal that temporary credentials speak for."""
    if session.kind is PrincipalKind.ROLE_SESSION:
        return Principal.role_session(session.issuer_arn, session.issuer_id, session.name)
    if session.kind is PrincipalKind.FEDERATED_USER:
        return Principal.federated_user(session.account, session.name, session.issuer_arn, session.issuer_id)
    if session.kind is PrincipalKind.ROOT:
        return Principal.root(session.account)
    return Principal.user(session.account, session.issuer_arn, session.issuer_id, session.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedClaims:
    """The verified claims of an identity provider about a caller.

    `context` holds condition keys (lower-case) for the trust policy, `lasting` those that the session keeps. `tags`,
    `transitive_tag_keys` and `source_identity` are what it sets of the session. `ends_at` (epoch seconds) is when
    the session may last to at most, None where it does not say. `answer` are members of the operation's output.
    """

    context: Mapping[str, ContextValue] = field(default_factory=dict)
    lasting: Mapping[str, ContextValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""
    ends_at: int | None = None
    answer: Mapping[str, str] = field(default_factory=dict)

    def as_params(self) -> dict[str, Any]:
        """The same as if the caller had asked for it in parameters of AssumeRole: what permissions it takes."""
        params: dict[str, Any] = {}
        if self.tags:
            params["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        if self.transitive_tag_keys:
            params["TransitiveTagKeys"] = list(self.transitive_tag_keys)
        if self.source_identity:
            params["SourceIdentity"] = self.source_identity
        return params


@dataclass(frozen=True, slots=True)
class Source:
    """The resource on whose behalf a service makes a call: the condition keys aws:SourceAccount and aws:SourceArn.

    `session_context` holds condition keys (lower-case) that a session assumed for the resource carries.
    """

    account: str
    arn: str = ""
    session_context: Mapping[str, ContextValue] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The certificate whose key signed a call, and those that came with it, in DER. It is not verified by itself."""

    leaf: bytes
    chain: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return "ClientCertificate()"


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a call: the principal, the access key it signed with, and its session where it has one.

    `federated_claims` is there where `principal` is one of `FEDERATED`. `source` is there where it is a service
    principal that acts for a resource. `via` are the services that make the call with this caller's permissions
    (forward access sessions), the first one first: the condition key aws:CalledVia. `certificate` is there where the
    call was signed with the key of one (IAM Roles Anywhere): the principal is then the service, for its trust anchor.
    """

    principal: Principal
    access_key_id: str = ""
    session: Session | None = None
    federated_claims: FederatedClaims | None = None
    source: Source | None = None
    via: tuple[str, ...] = ()
    certificate: ClientCertificate | None = None

    @property
    def account(self) -> str:
        """The caller's account; of a service principal, the account that it acts for."""
        return self.principal.account or (self.source.account if self.source is not None else "")


NOBODY = Caller(ANONYMOUS)
