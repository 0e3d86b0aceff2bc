"""The callers that policies can tell apart, as finitely many classes.

A caller that a policy names is a class of its own; of each account that it mentions there are a user, a role and the
root user that it does not name; of all other accounts one stands for all; and there are nobody, services and identity
providers. Within a class, aws:PrincipalArn, aws:userid and aws:username may be open: then they are texts like the
values of other condition keys. Sessions of GetFederationToken are classes where they are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from locum.analysis.proofs.globs import Element, Glob, Reads, literal
from locum.core.principal import ANONYMOUS, Principal, PrincipalKind
from locum.policy.context import (
    DERIVED_KEYS,
    PRINCIPAL_ACCOUNT,
    PRINCIPAL_ARN,
    USER_ID,
    USER_NAME,
    derived_context,
)
from locum.policy.document import Document, Principals
from locum.policy.grammar import ACCOUNT, IAM_PRINCIPAL, ROOT_ARN, UNIQUE_ID

_ANY: Final[tuple[Element, ...]] = (Reads.ONE, Reads.MANY)
_ID: Final[tuple[Element, ...]] = (Reads.ONE_OF_FIELD, Reads.MANY_OF_FIELD)
_SPARE_ACCOUNTS: Final = ("999999999999", "888888888888", "777777777777", "666666666666")
_SESSION: Final = re.compile(r"arn:(aws[a-z-]*):sts::([^:]*):assumed-role/([^/]+)/(.+)")
_ACCOUNT_KEYS: Final = frozenset({PRINCIPAL_ACCOUNT, PRINCIPAL_ARN})
_WHOLE: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_PARTLY: Final = re.compile(r"(?<![0-9])[0-9]{1,11}[*?]|[*?][0-9]{1,11}(?![0-9])")

Derived = Mapping[str, tuple[Glob, ...] | str | None]
"""The condition keys that follow from a caller: a value, patterns of what it can be, or None where it is absent."""


class Caller(NamedTuple):
    """A class of callers. `sample` is one of them, as which the Principal elements are asked; `unnamed`: open.

    `provider` is the identity provider of a federated caller, `canonical_user` S3's id of its account.
    """

    name: str
    sample: Principal
    derived: Derived
    provider: str = ""
    canonical_user: str = ""
    unnamed: bool = False


def _exact(name: str, principal: Principal, **changes: tuple[Glob, ...]) -> Caller:
    context = derived_context(principal)
    derived: dict[str, tuple[Glob, ...] | str | None] = {}
    for key in DERIVED_KEYS:
        value = context.get(key)
        derived[key] = value if isinstance(value, str) else None
    derived.update({_KEYWORDS[word]: globs for word, globs in changes.items()})
    return Caller(name, principal, derived)


_KEYWORDS: Final = {"arn": PRINCIPAL_ARN, "user_id": USER_ID, "user_name": USER_NAME}


def _unnamed_user(account: str, partition: str = "aws") -> Caller:
    principal = Principal.user(account, f"arn:{partition}:iam::{account}:user/unnamed", "AIDAUNNAMED", "unnamed")
    arn = Glob((*f"arn:{partition}:iam::{account}:user/", *_ANY))
    made = _exact(
        f"user {partition} {account}", principal, arn=(arn,), user_id=(Glob((*"AIDA", *_ID)),), user_name=(Glob(_ANY),)
    )
    return made._replace(unnamed=True)


def _unnamed_role(account: str, partition: str = "aws") -> Caller:
    principal = Principal.role_session(f"arn:{partition}:iam::{account}:role/unnamed", "AROAUNNAMED", "unnamed-session")
    arn = Glob((*f"arn:{partition}:iam::{account}:role/", *_ANY))
    made = _exact(f"role {partition} {account}", principal, arn=(arn,), user_id=(_ROLE_ID,))
    return made._replace(unnamed=True)


_WITH_POLICIES: Final = frozenset({PrincipalKind.USER, PrincipalKind.ROLE_SESSION})
_ROLE_ID: Final = Glob((*"AROA", *_ID, ":", *_ANY))


def _named(arn: str, of_ids: str) -> Iterator[Caller]:
    """The classes of a name in a Principal element: the ARN of a user, a role or a session, or a unique id.

    `of_ids` is the account of unique ids, which do not tell theirs.
    """
    fields = arn.split(":", 5)
    if UNIQUE_ID.fullmatch(arn):
        yield from _by_id(arn, of_ids)
    elif len(fields) < 6:
        return
    elif fields[5].startswith("user/"):
        name = fields[5].rsplit("/", 1)[-1]
        user_id = Glob((*"AIDA", *_ID))
        yield _exact(arn, Principal.user(fields[4], arn, "AIDANAMED", name), user_id=(user_id,))
    elif fields[5].startswith("role/"):
        yield _exact(arn, Principal.role_session(arn, "AROANAMED", "unnamed-session"), user_id=(_ROLE_ID,))
    elif fields[5].startswith("federated-user/"):
        name = fields[5].partition("/")[2]
        issuer = f"arn:{fields[1]}:iam::{fields[4]}:user/unnamed"
        yield _exact(arn, Principal.federated_user(fields[4], name, issuer, "AIDAUNNAMED"))
    elif session := _SESSION.fullmatch(arn):
        yield from _session(arn, *session.groups())


def _session(arn: str, partition: str, account: str, role: str, name: str) -> Iterator[Caller]:
    """A session, of a role with any path: the ARN of a session does not have it."""
    role_arn = f"arn:{partition}:iam::{account}:role/{role}"
    pathed = Glob((*f"arn:{partition}:iam::{account}:role/", *_ANY, *f"/{role}"))
    user_id = Glob((*"AROA", *_ID, *f":{name}"))
    principal = Principal.role_session(role_arn, "AROANAMED", name)
    yield _exact(arn, principal, arn=(literal(role_arn), pathed), user_id=(user_id,))


def _by_id(unique_id: str, account: str) -> Iterator[Caller]:
    if unique_id.startswith("AIDA"):
        principal = Principal.user(account, f"arn:aws:iam::{account}:user/named", unique_id, "named")
        arn = Glob((*f"arn:aws:iam::{account}:user/", *_ANY))
        yield _exact(unique_id, principal, arn=(arn,), user_name=(Glob(_ANY),))
        return
    principal = Principal.role_session(f"arn:aws:iam::{account}:role/named", unique_id, "unnamed-session")
    arn = Glob((*f"arn:aws:iam::{account}:role/", *_ANY))
    yield _exact(unique_id, principal, arn=(arn,), user_id=(Glob((*unique_id, ":", *_ANY)),))


class Mentioned(NamedTuple):
    """What policies mention of callers. `partly`: an account of which a pattern has some of the digits.

    `reserved` are accounts that are not to stand for others, though no policy mentions them.
    """

    names: tuple[str, ...]
    accounts: tuple[str, ...]
    partitions: tuple[str, ...]
    services: tuple[str, ...]
    providers: tuple[str, ...]
    canonical: tuple[str, ...]
    partly: bool
    reserved: frozenset[str] = frozenset()


def mentioned(documents: Iterable[Document]) -> Mentioned:
    """What `documents` mention of callers: in Principal elements, and in conditions on who calls."""
    names: dict[str, None] = {}
    accounts: dict[str, None] = {}
    services: dict[str, None] = {}
    providers: dict[str, None] = {}
    canonical: dict[str, None] = {}
    in_conditions: list[str] = []
    for document in documents:
        for statement in document.statements:
            for listed in (statement.principals, statement.not_principals):
                if listed is not None:
                    names.update(dict.fromkeys(listed.aws))
                    services.update(dict.fromkeys(listed.service))
                    providers.update(dict.fromkeys(listed.federated))
                    canonical.update(dict.fromkeys(listed.canonical))
            for condition in statement.conditions:
                key = condition.key.lower()
                if key in _ACCOUNT_KEYS:
                    in_conditions += condition.values
                    names.update(dict.fromkeys(filter(IAM_PRINCIPAL.fullmatch, condition.values)))
    for name in names:
        root = ROOT_ARN.fullmatch(name)
        account = root.group(2) if root else name if ACCOUNT.fullmatch(name) else (name.split(":") + [""] * 5)[4]
        if account and not _wild(account):
            accounts[account] = None
    in_conditions += filter(_wild, names)
    accounts.update({account: None for text in in_conditions for account in _WHOLE.findall(text)})
    partly = any(_PARTLY.search(":".join(text.split(":", 5)[:5])) for text in in_conditions)
    partitions = {"aws": None, **{name.split(":")[1]: None for name in names if name.count(":") >= 5}}
    return Mentioned(
        names=_plain(names),
        accounts=tuple(accounts),
        partitions=_plain(partitions),
        services=_plain(services),
        providers=_plain(providers),
        canonical=tuple(canonical),
        partly=partly,
    )


def _plain(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if not _wild(text))


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


def spare_account(known: Mentioned) -> str:
    """An account that the policies do not mention: it stands for all of them."""
    return next(_spare(known, _SPARE_ACCOUNTS[1:]))


def _account_of_ids(known: Mentioned) -> str:
    """An account that the policies do not mention either: it stands for those of unique ids."""
    other = spare_account(known)
    return next(account for account in _spare(known, _SPARE_ACCOUNTS) if account != other)


def _spare(known: Mentioned, first: Sequence[str]) -> Iterator[str]:
    """Accounts that are free to stand for others: those that are `first` given, and more."""
    taken = known.reserved.union(known.accounts)
    numbered = (f"{number:012}" for number in range(1, len(taken) + 3))
    return (account for account in (*first, *numbered) if account not in taken)


def strangers(known: Mentioned) -> Iterator[Caller]:
    """The callers that no policy knows: nobody, and users and roles of an account that is not mentioned."""
    account = spare_account(known)
    yield _exact("anonymous", ANONYMOUS)
    yield _unnamed_user(account)
    yield _unnamed_role(account)


def identities(known: Mentioned) -> Iterator[Caller]:
    """The users and roles that identity policies can be attached to."""
    of_ids = _account_of_ids(known)
    for name in known.names:
        yield from (caller for caller in _named(name, of_ids) if caller.sample.kind in _WITH_POLICIES)
    for account in (*known.accounts, spare_account(known)):
        yield _unnamed_user(account)
        yield _unnamed_role(account)


def everybody(known: Mentioned) -> Iterator[Caller]:
    """All classes of callers, for resource policies."""
    seen: set[str] = set()
    of_ids = _account_of_ids(known)
    for name in known.names:
        for caller in _named(name, of_ids):
            if caller.name not in seen:
                seen.add(caller.name)
                yield caller
    for account in (*known.accounts, spare_account(known)):
        for partition in known.partitions:
            yield _unnamed_user(account, partition)
            yield _unnamed_role(account, partition)
        yield _exact(f"root {account}", Principal.root(account))
    yield _exact("anonymous", ANONYMOUS)
    for service in (*known.services, "unnamed.amazonaws.com"):
        yield _exact(service, Principal.service(service))
    for provider in (*known.providers, "unnamed.example.com"):
        yield provided(provider)
    for canonical in known.canonical:
        role = _unnamed_role(spare_account(known))
        yield role._replace(name=f"canonical {canonical}", canonical_user=canonical)


def provided(provider: str) -> Caller:
    """The callers that `provider` authenticated."""
    kind = PrincipalKind.SAML if ":saml-provider/" in provider else PrincipalKind.WEB_IDENTITY
    principal = Principal.federated(kind, provider, _SPARE_ACCOUNTS[1], "unnamed", "unnamed")
    return _exact(provider, principal)._replace(provider=provider)


def realized(caller: Caller, values: Mapping[str, str]) -> Principal:
    """A principal of the class, with these values of the keys that are open in it."""
    sample = caller.sample
    arn = values.get(PRINCIPAL_ARN, sample.principal_arn)
    user_id = values.get(USER_ID, sample.user_id)
    if sample.kind is PrincipalKind.USER:
        name = values.get(USER_NAME, arn.rsplit("/", 1)[-1])
        if USER_NAME in values and arn.rsplit("/", 1)[-1] != name and caller.unnamed:
            arn = f"{arn.split('/', 1)[0]}/{name}"
        return Principal.user(sample.account, arn, user_id, name)
    if sample.kind is PrincipalKind.ROLE_SESSION:
        role_id, _, session = user_id.partition(":")
        return Principal.role_session(arn, role_id, session)
    return sample


def wildcards(principals: Principals) -> list[str]:
    """The AWS principals with wildcards in them, which reference policies may have."""
    return [name for name in principals.aws if name != "*" and _wild(name)]
