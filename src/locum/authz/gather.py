"""Which policies apply to a principal.

Resolved once and kept by identity of the immutable values that it followed from: the entity itself, and its
account's policies and groups. A change makes other values, so that the next call sees it, without any event.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

from locum.authz.documents import compiled
from locum.core.principal import Caller, PrincipalKind, Session
from locum.policy import CompiledPolicy, PolicyKind
from locum.state import Group, Policy, Role, State, User, managed

Level = tuple[CompiledPolicy, ...]

_KEPT: Final = 16_384
"""Principals kept resolved."""

_NOTHING: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'


class Standing(NamedTuple):
    """What a principal's own policies are. `gone`: the credentials speak for a user or role that is no more."""

    identity: Level = ()
    boundary: CompiledPolicy | None = None
    session: Level | None = None
    gone: bool = False


_NONE: Final = Standing()
_GONE: Final = Standing(gone=True)


class _Entry(NamedTuple):
    entity: User | Role
    policies: Mapping[str, Policy]
    groups: Mapping[str, Group]
    standing: Standing


_CACHE: OrderedDict[str, _Entry] = OrderedDict()


class _View:
    """The principals already looked up in one state: while it stands, nothing has to be compared again."""

    state: State | None = None
    found: ClassVar[dict[tuple[str, str], Standing]] = {}


def standing(state: State, caller: Caller) -> Standing:
    """The policies of `caller`, as they are in `state`."""
    principal, session = caller.principal, caller.session
    kind = principal.kind
    if kind is PrincipalKind.USER or kind is PrincipalKind.ROLE_SESSION:
        arn = principal.arn if kind is PrincipalKind.USER else principal.issuer_arn
        found = _of_entity(state, principal.account, arn, principal.unique_id)
    elif kind is PrincipalKind.FEDERATED_USER:
        found = _of_federating(state, caller)
    else:
        return _NONE
    if session is None or found.gone or (session.policy is None and not session.policy_arns):
        return found
    return found._replace(session=_session_policies(state, session))


def _of_federating(state: State, caller: Caller) -> Standing:
    """A federated user has the permissions of the user who made it, under its session policies; or root's."""
    principal = caller.principal
    if principal.issuer_arn.endswith(":root"):
        return _NONE
    return _of_entity(state, principal.account, principal.issuer_arn, principal.unique_id)


def _of_entity(state: State, account: str, arn: str, unique_id: str) -> Standing:
    """Of the user or role `arn`; gone where it is no more, or is another one by the same name."""
    if _View.state is not state or len(_View.found) > _KEPT:
        _View.state = state
        _View.found.clear()
    found = _View.found.get((arn, unique_id))
    if found is None:
        found = _View.found[arn, unique_id] = _looked_up(state, account, arn, unique_id)
    return found


def _looked_up(state: State, account: str, arn: str, unique_id: str) -> Standing:
    kind: type[User] | type[Role] = Role if ":role/" in arn else User
    entity = state.get(kind, account, arn.rsplit("/", 1)[-1].lower())
    if entity is None or entity.id != unique_id:
        return _GONE
    policies, groups = state.table(Policy, account), state.table(Group, account)
    entry = _CACHE.get(unique_id)
    if entry is not None and entry.entity is entity and entry.policies is policies and entry.groups is groups:
        return entry.standing
    resolved = _resolve(state, entity)
    _CACHE[unique_id] = _Entry(entity, policies, groups, resolved)
    _CACHE.move_to_end(unique_id)
    if len(_CACHE) > _KEPT:
        _CACHE.popitem(last=False)
    return resolved


def _resolve(state: State, entity: User | Role) -> Standing:
    identity = [*_inline(entity), *_attached(state, entity)]
    if isinstance(entity, User):
        for key in entity.groups:
            group = state.get(Group, entity.account, key)
            if group is not None:
                identity += [*_inline(group), *_attached(state, group)]
    return Standing(tuple(identity), _boundary(state, entity))


def _inline(entity: User | Role | Group) -> list[CompiledPolicy]:
    kind = entity.arn_kind
    return [
        compiled(text, PolicyKind.IDENTITY, f'inline policy "{name}" of {kind} {entity.name}', entity.arn)
        for name, text in entity.inline.items()
    ]


def _attached(state: State, entity: User | Role | Group) -> list[CompiledPolicy]:
    found = (_managed(state, entity.account, arn, PolicyKind.IDENTITY) for arn in entity.attached)
    return [policy for policy in found if policy is not None]


def _boundary(state: State, entity: User | Role) -> CompiledPolicy | None:
    """The boundary; one that is not there any more allows nothing: it is a limit, and a lost limit is no freedom."""
    if not entity.boundary:
        return None
    found = _managed(state, entity.account, entity.boundary, PolicyKind.BOUNDARY)
    return found or compiled(_NOTHING, PolicyKind.BOUNDARY, f"{entity.boundary} (not found)", entity.boundary)


def managed_document(state: State, account: str, arn: str) -> str | None:
    """The default version of a managed policy, the account's or AWS's own; None where there is none."""
    found: Policy | None = state.get(Policy, account, arn.rsplit("/", 1)[-1].lower())
    if found is None or found.arn != arn:
        found = managed.get(arn)
    return None if found is None else found.document


def _managed(state: State, account: str, arn: str, kind: PolicyKind) -> CompiledPolicy | None:
    text = managed_document(state, account, arn)
    return None if text is None else compiled(text, kind, f"managed policy {arn.rsplit('/', 1)[-1]}", arn)


def _session_policies(state: State, session: Session) -> Level:
    """The session's policies. One that is not there any more allows nothing."""
    inline = () if session.policy is None else (session.policy,)
    return (
        *(compiled(text, PolicyKind.SESSION, f"session policy of {session.name}") for text in inline),
        *(
            _managed(state, session.account, arn, PolicyKind.IDENTITY)
            or compiled(_NOTHING, PolicyKind.IDENTITY, f"{arn} (not found)", arn)
            for arn in session.policy_arns
        ),
    )
