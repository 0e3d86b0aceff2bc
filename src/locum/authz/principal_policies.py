"""The policies that apply to a principal: identity policies, permissions boundary, session policies.

They are cached by identity of the immutable values that they are computed from: the entity itself, and its account's
policies and groups. A change makes other values, so that the next call sees it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from locum.core.identifiers import INSTANCE_IDENTITY_ROLE
from locum.core.principal import Caller, Principal, PrincipalKind, Session
from locum.policy import CompiledPolicy, PolicyKind
from locum.policy.stored import compiled, not_found_policy
from locum.state import Group, PasswordPolicy, Policy, Role, State, User
from locum.state.attachments import Attachment, Identity, identity_policies, managed_document

Level = tuple[CompiledPolicy, ...]

_CACHE_SIZE: Final = 16_384
"""The number of principals in the cache."""


class PrincipalPolicies(NamedTuple):
    """The policies of a principal. `scopes` are its scope down policies. `deleted`: its user or role is gone."""

    identity: Level = ()
    boundary: CompiledPolicy | None = None
    session: Level | None = None
    scopes: Level = ()
    deleted: bool = False


_NONE: Final = PrincipalPolicies()
_DELETED: Final = PrincipalPolicies(deleted=True)

_SELF_SERVICE: Final = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow",'
    ' "Action": ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"], "Resource": "*"}}'
)
"""IAM API Reference, AllowUsersToChangePassword: "Gives IAM users permissions to iam:ChangePassword for only their user
and to the iam:GetAccountPasswordPolicy action. This option does not attach a permissions policy to each user, rather
the permissions are applied at the account-level for all users by IAM." ChangePassword is only for the caller's own."""


class _Entry(NamedTuple):
    entity: User | Role
    policies: Mapping[str, Policy]
    groups: Mapping[str, Group]
    passwords: Mapping[str, PasswordPolicy]
    resolved: PrincipalPolicies

    def holds(self, state: State, entity: User | Role) -> bool:
        """Whether nothing that `resolved` was made of has changed."""
        account = entity.account
        return (
            self.entity is entity
            and self.policies is state.table(Policy, account)
            and self.groups is state.table(Group, account)
            and self.passwords is state.table(PasswordPolicy, account)
        )


_CACHE: OrderedDict[str, _Entry] = OrderedDict()


class _View(NamedTuple):
    """The principals looked up in one state, for which the cached values need not be compared again."""

    state: State | None
    found: dict[tuple[str, str], PrincipalPolicies]


class _Latest:
    """The view of the state that was used last, in any thread."""

    view = _View(None, {})


_USER: Final = PrincipalKind.USER


def principal_policies(state: State, caller: Caller) -> PrincipalPolicies:
    """The policies of `caller` in `state`."""
    principal, session = caller.principal, caller.session
    arn = _holder(principal)
    # of those without, only sessions of AssumeRoot have a policy: the session policy of their task
    found = _of_entity(state, principal.account, arn, principal.unique_id) if arn else _NONE
    if session is None or found.deleted:
        return found
    if session.scopes:
        name = f"scope down policy of {session.name}"
        found = found._replace(scopes=tuple(compiled(text, PolicyKind.SESSION, name) for text in session.scopes))
    if session.policy is None and not session.policy_arns:
        return found
    return found._replace(session=_session_policies(state, session))


def unresolved_policies(state: State, caller: Caller) -> tuple[str, ...]:
    """The texts of the policies of the user or role of `caller`, unless they were looked up as they are now."""
    principal = caller.principal
    arn, view = _holder(principal), _Latest.view
    if not arn or (view.state is state and (arn, principal.unique_id) in view.found):
        return ()
    entity = _entity(state, principal.account, arn, principal.unique_id)
    if entity is None or _cached(state, entity) is not None:
        return ()
    return tuple(found.document for found in identity_policies(state, entity))


def _holder(principal: Principal) -> str:
    """The ARN of the user or role whose policies a principal has: its own, or who made its session; else empty."""
    kind = principal.kind
    if kind is _USER:
        return principal.arn
    if kind is PrincipalKind.ROLE_SESSION or kind is PrincipalKind.FEDERATED_USER:
        return "" if principal.issuer_arn.endswith(":root") else principal.issuer_arn
    return ""


def _of_entity(state: State, account: str, arn: str, unique_id: str) -> PrincipalPolicies:
    """The policies of the user or role `arn`: `_DELETED` where there is none with this unique id."""
    view = _Latest.view
    if view.state is not state or len(view.found) > _CACHE_SIZE:
        view = _Latest.view = _View(state, {})
    found = view.found.get((arn, unique_id))
    if found is None:
        found = view.found[arn, unique_id] = _looked_up(state, account, arn, unique_id)
    return found


def _entity(state: State, account: str, arn: str, unique_id: str) -> User | Role | None:
    kind: type[User] | type[Role] = Role if arn.split(":", 5)[-1].startswith("role/") else User
    entity = state.get(kind, account, arn.rsplit("/", 1)[-1].lower())
    return None if entity is None or entity.id != unique_id else entity


def _cached(state: State, entity: User | Role) -> PrincipalPolicies | None:
    """The policies of `entity`, if they were looked up as they are."""
    entry = _CACHE.get(entity.id)
    return entry.resolved if entry is not None and entry.holds(state, entity) else None


def _looked_up(state: State, account: str, arn: str, unique_id: str) -> PrincipalPolicies:
    entity = _entity(state, account, arn, unique_id)
    if entity is None:
        return _NONE if arn.endswith(f":role/{INSTANCE_IDENTITY_ROLE}") else _DELETED
    found = _cached(state, entity)
    if found is not None:
        return found
    resolved = _resolve(state, entity)
    policies, groups = state.table(Policy, account), state.table(Group, account)
    _CACHE.pop(unique_id, None)  # so that it comes last, whatever another thread does meanwhile
    _CACHE[unique_id] = _Entry(entity, policies, groups, state.table(PasswordPolicy, account), resolved)
    if len(_CACHE) > _CACHE_SIZE:
        _CACHE.popitem(last=False)
    return resolved


def _resolve(state: State, entity: User | Role) -> PrincipalPolicies:
    held = held_policies(state, entity)
    return PrincipalPolicies(tuple([one.policy for one in held]), boundary_of(state, entity))


class Held(NamedTuple):
    """An identity policy of an identity. `attachment` is None for that of `_password_policy_permissions`."""

    policy: CompiledPolicy
    attachment: Attachment | None = None


def held_policies(state: State, identity: Identity) -> tuple[Held, ...]:
    """The identity policies of a user, group or role, each once: its own, of a user's groups and of its account."""
    attached = (Held(_identity(found), found) for found in identity_policies(state, identity))
    held = {one.policy.source: one for one in (*attached, *_password_policy_permissions(state, identity))}
    return tuple(held.values())


def _password_policy_permissions(state: State, identity: Identity) -> tuple[Held, ...]:
    """The permissions that the account's password policy gives to its users."""
    rules = state.get(PasswordPolicy, identity.account, identity.account) if isinstance(identity, User) else None
    if rules is None or not rules.users_may_change:
        return ()
    return (Held(compiled(_SELF_SERVICE, PolicyKind.IDENTITY, "account password policy")),)


def _identity(found: Attachment) -> CompiledPolicy:
    if found.arn:
        return compiled(found.document, PolicyKind.IDENTITY, f"managed policy {found.name}", found.arn)
    owner = found.owner
    where = f'inline policy "{found.name}" of {owner.arn_kind} {owner.name}'
    return compiled(found.document, PolicyKind.IDENTITY, where, owner.arn)


def boundary_of(state: State, identity: Identity) -> CompiledPolicy | None:
    """The permissions boundary of a user or role, or None. A boundary that no longer exists allows nothing."""
    if isinstance(identity, Group) or not identity.boundary:
        return None
    arn = identity.boundary
    return _managed(state, identity.account, arn, PolicyKind.BOUNDARY) or not_found_policy(
        PolicyKind.BOUNDARY, arn, arn
    )


def _managed(state: State, account: str, arn: str, kind: PolicyKind) -> CompiledPolicy | None:
    text = managed_document(state, account, arn)
    return None if text is None else compiled(text, kind, f"managed policy {arn.rsplit('/', 1)[-1]}", arn)


def _session_policies(state: State, session: Session) -> Level:
    """The session policies of `session`. A managed one that no longer exists allows nothing."""
    inline = () if session.policy is None else (session.policy,)
    return (
        *(compiled(text, PolicyKind.SESSION, f"session policy of {session.name}") for text in inline),
        *(
            _managed(state, session.account, arn, PolicyKind.IDENTITY)
            or not_found_policy(PolicyKind.IDENTITY, arn, arn)
            for arn in session.policy_arns
        ),
    )
