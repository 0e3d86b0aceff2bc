"""Who could make a call: the principals of the state, and those that a resource's policy names."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from locum.analysis import identities
from locum.analysis.identities import caller_of
from locum.core.arn import Arn, is_service_linked, root_arn
from locum.core.identifiers import ACCOUNT_ID
from locum.core.principal import ANONYMOUS, Caller, Principal, PrincipalKind
from locum.policy import CompiledPolicy, PolicyKind, Principals
from locum.policy.compile import SOURCE_KEYS
from locum.policy.grammar import ROOT_ARN
from locum.policy.stored import compiled
from locum.state import Account, Role, State, User, change, put

ANY_SESSION: Final = "*"
"""In place of a session's name: no session is called so, and no policy can name it."""

ANY_SERVICE: Final = "any.amazonaws.com"
ELSEWHERE: Final = "elsewhere"
"""The kind of candidates that stand for principals of accounts that the plane does not have."""

_NO_NAMES: Final[frozenset[str]] = frozenset()
_USER_ID: Final = frozenset({"aws:userid"})
_ORGANIZATION: Final = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_WITHIN_ACCOUNT: Final = (
    frozenset({"aws:principalarn", "aws:principaltype", "aws:userid", "aws:username"}) | _ORGANIZATION
)
_ANYBODY: Final = _WITHIN_ACCOUNT | {"aws:principalaccount"}
_EVERYTHING: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
_TAGGING: Final = "sts:tagsession"


class Candidate(NamedTuple):
    """A caller, with the keys that it leaves open. A user or a role `acts` as itself, or in any session.

    `arn` is how it is told, `kind` one of `root`, `user`, `role`, `session`, `federated-user`, `service`, `provider`,
    `public` and `elsewhere`. `own`: the resource's policies name it. `alike`: what candidates have in common of
    which those with the same keys are decided on alike; None where there is no other like it. `of` is the role of a
    session.
    """

    acts: Caller | User | Role
    arn: str
    kind: str
    account: str
    tags_open: bool = False
    unidentified: frozenset[str] = frozenset()
    alike: Hashable = None
    of: str = ""
    own: bool = False

    def caller(self, now: float) -> Caller:
        """The caller at `now`."""
        return self.acts if isinstance(self.acts, Caller) else caller_of(self.acts, ANY_SESSION, now)


class Mentions(NamedTuple):
    """The principals that the policies of a resource name: AWS's names, those of its Allow statements, services ...

    `everyone`: whether one allows everyone, `services`: whether it does so for services as well.
    """

    names: frozenset[str]
    allowed: frozenset[str]
    services: frozenset[str]
    providers: frozenset[str]
    everyone: bool = False
    any_service: bool = False


def mentions(policies: Iterable[CompiledPolicy], action: str, grantees: Iterable[str] = ()) -> Mentions:
    """The principals that `policies` name in statements about `action`, and `grantees`, who are allowed otherwise."""
    names, allowed = set(grantees), set(grantees)
    services, providers = set[str](), set[str]()
    everyone = any_service = False
    for policy in policies:
        for candidates in policy.select(action.lower()):
            for statement in candidates.statements if candidates is not None else ():
                of = statement.statement
                listed = of.principals or of.not_principals or Principals(everyone=False)
                names.update(listed.aws)
                if not of.allows or of.principals is None:
                    continue
                allowed.update(listed.aws)
                services.update(listed.service)
                providers.update(listed.federated)
                public = listed.anyone
                everyone = everyone or public
                any_service = any_service or (public and any(it.key in SOURCE_KEYS for it in statement.conditions))
    return Mentions(
        frozenset(names), frozenset(allowed), frozenset(services), frozenset(providers), everyone, any_service
    )


def of_state(state: State, named: Mentions) -> Iterator[Candidate]:
    """The root user, the users and the roles (any session that has no session policy) of every account."""
    names = named.names
    for account in state.every(Account):
        yield Candidate(Caller(Principal.root(account.account)), account.arn, "root", account.account)
    for user in state.every(User):
        yield of_user(user, names)
    for role in state.every(Role):
        yield of_role(role, names)


def of_user(user: User, names: frozenset[str] = _NO_NAMES) -> Candidate:
    """A user, whom a resource's policies name if its ARN or id is among `names`."""
    arn = user.arn
    own = arn if arn in names or user.id in names else ""
    alike = (User, user.account, tuple(user.inline.items()), user.attached, user.groups, user.boundary, own)
    return Candidate(user, arn, "user", user.account, alike=alike, own=bool(own))


def of_role(role: Role, names: frozenset[str] = _NO_NAMES) -> Candidate:
    """Any session of a role that has no session policy."""
    arn, tags = role.arn, allows_tags(role.trust)
    own = arn if arn in names or role.id in names else ""
    linked = is_service_linked(arn)
    alike = (Role, role.account, tuple(role.inline.items()), role.attached, role.boundary, tags, linked, own)
    return Candidate(role, arn, "role", role.account, tags, _USER_ID, alike, own=bool(own))


def by_name(state: State, account: str, name: str, now: float) -> Candidate:
    """A user, a role, one of its sessions, a federated user or a root user, by its ARN; or by its name in `account`.

    Raises ConfigurationError where there is none, or are two.
    """
    arn, named = Arn.find(name), Mentions(frozenset({name}), _NO_NAMES, _NO_NAMES, _NO_NAMES)
    if arn is not None and arn.resource == "root" and state.get(Account, arn.account, arn.account) is not None:
        return Candidate(Caller(Principal.root(arn.account)), name, "root", arn.account)
    for session in named_sessions(state, named, now):
        return session
    found = identities.named(state, account, name)
    return of_role(found) if isinstance(found, Role) else of_user(found)


@lru_cache(maxsize=65_536)
def allows_tags(trust: str) -> bool:
    """Whether a trust policy lets anybody pass tags of a session: else a session has the role's tags alone."""
    return compiled(trust, PolicyKind.TRUST, "trust policy").select(_TAGGING)[1] is not None


def named_sessions(state: State, named: Mentions, now: float) -> Iterator[Candidate]:
    """The sessions of roles of the plane, and federated users, that are named one by one."""
    for name in sorted(named.names):
        arn = Arn.find(name)
        kind, _, rest = ("", "", "") if arn is None or arn.service != "sts" else arn.resource.partition("/")
        if arn is None or state.get(Account, arn.account, arn.account) is None:
            continue
        if kind == "assumed-role":
            role_name, _, session = rest.partition("/")
            role = state.get(Role, arn.account, role_name.lower())
            if role is not None and role.name == role_name:
                caller = caller_of(role, session, now)
                tags = allows_tags(role.trust)
                yield Candidate(caller, name, "session", role.account, tags, of=role.arn)
        elif kind == "federated-user":
            principal = Principal.federated_user(arn.account, rest, root_arn(arn.account), "")
            yield Candidate(Caller(principal), name, "federated-user", arn.account, tags_open=True)


def others(
    state: State, named: Mentions, now: float, kind: PrincipalKind, account: str, *, unsigned: bool
) -> Iterator[Candidate]:
    """Services, identity providers (authenticating callers of `kind`), other accounts, and if calls may be `unsigned`,
    the public."""
    for name in sorted(named.services):
        yield Candidate(Caller(Principal.service(name)), name, "service", "")
    if named.any_service:
        yield Candidate(Caller(Principal.service(ANY_SERVICE)), "any AWS service", "service", "")
    for name in sorted(named.providers):
        caller = Caller(Principal.federated(kind, name, account, "", ""))
        yield Candidate(caller, name, "provider", "", tags_open=True)
    if named.everyone:
        if unsigned:
            yield Candidate(Caller(ANONYMOUS), "anybody, without signing", "public", "")
        told = "any principal of an account that is not in this plane"
        yield Candidate(_somebody(""), told, ELSEWHERE, "", tags_open=True, unidentified=_ANYBODY)
    for name in sorted(named.allowed):
        found = _elsewhere(state, name, now)
        if found is not None:
            yield found


def _elsewhere(state: State, name: str, now: float) -> Candidate | None:
    """The candidate for a name of an account that the plane does not have; None for any other name."""
    match, arn = ROOT_ARN.fullmatch(name), Arn.find(name)
    account = match.group(2) if match else name if ACCOUNT_ID.fullmatch(name) else arn.account if arn else ""
    if not ACCOUNT_ID.fullmatch(account) or state.get(Account, account, account) is not None:
        return None
    entity = _entity(name)
    if entity is None:
        told = root_arn(account) if arn is None or match else name
        return Candidate(_somebody(account), told, ELSEWHERE, account, tags_open=True, unidentified=_WITHIN_ACCOUNT)
    session = name.rsplit("/", 1)[-1] if ":assumed-role/" in name else ANY_SESSION
    caller = caller_of(entity, session, now)
    return Candidate(caller, name, ELSEWHERE, account, tags_open=True, unidentified=_ORGANIZATION | _USER_ID)


def _somebody(account: str) -> User:
    """Any principal of an account: a user whom no policy can name."""
    name, inline = ANY_SESSION, {"of its account": _EVERYTHING}
    return User(account=account, name=name, id=f"AIDA {name}{account}", created=0, inline=inline)


def with_others(state: State, named: Mentions) -> State:
    """`state` with those of other accounts whom policies let, each with all permissions of its own."""
    others: list[User | Role] = [_somebody("")] if named.everyone else []
    for name in named.allowed:
        candidate = _elsewhere(state, name, 0)
        if candidate is not None:
            others.append(_entity(name) or _somebody(candidate.account))
    return change(state, [put(entity) for entity in others])


def _entity(name: str) -> User | Role | None:
    """A user or role as it might be in its account."""
    arn = Arn.find(name)
    kind, _, rest = ("", "", "") if arn is None else arn.resource.partition("/")
    if arn is None or kind not in ("user", "role", "assumed-role"):
        return None
    path, slash, last = f"/{rest}".rpartition("/")
    if kind == "assumed-role":
        path, slash, last = "/", "", rest.partition("/")[0]
    where, inline = path + slash, {"of its account": _EVERYTHING}
    if kind == "user":
        return User(account=arn.account, name=last, path=where, id=f"AIDA {name}", created=0, inline=inline)
    return Role(account=arn.account, name=last, path=where, id=f"AROA {name}", created=0, trust="", inline=inline)
