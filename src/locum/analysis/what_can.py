"""What a principal can do: the actions of the Service Authorization Reference, with resources and conditions.

It is what its own policies let it do: identity policies within the permissions boundary and the SCPs of its account, on
resources of its account, whose RCPs count. What policies of resources give, or deny, beside that is a question about
the resource (`who_can`). The resources are the patterns of its own Allow statements; each is decided on as an ARN with
missing parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from locum import authz
from locum.analysis.arn_forms import can_be_of, complete, forms_of
from locum.analysis.asked import keys_of
from locum.analysis.candidates import Candidate
from locum.analysis.openly import Answer, answer, answer_json
from locum.authz import Call, Check, Presumed, Ruling, Supposition
from locum.authz import service_reference as reference
from locum.authz.limits import limit
from locum.authz.open_conditions import OpenConditions
from locum.authz.organizations import organization_context, rcps_apply
from locum.authz.supposed import Given, Supposed
from locum.core.errors import ConfigurationError
from locum.core.partial_arn import UNKNOWN_RESOURCE, with_missing
from locum.core.principal import Caller
from locum.core.resources import UNKNOWN
from locum.policy import CompiledPolicy, Open, Policies, PolicyKind
from locum.policy.evaluate import ALWAYS_ALLOWED
from locum.policy.patterns import Variable, Wild, scan
from locum.policy.stored import compiled
from locum.state import Role, State, User
from locum.state.arns import entity_of

EVERYTHING: Final = "*"
LEVELS: Final = ("List", "Read", "Write", "Permissions management", "Tagging")
_ACCOUNT: Final = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "*",'
    ' "Resource": "*"}}'
)
"""The policy of a resource that leaves all to the identity policies of its account, as roles and keys need one."""


class Granted(NamedTuple):
    """Actions of one service and access level that are allowed on the same resources, under the same conditions.

    `of` is how many actions the service has of this level.
    """

    service: str
    level: str
    actions: tuple[str, ...]
    of: int
    resources: tuple[str, ...]
    answer: Answer


class Doer(NamedTuple):
    """Who is asked about: the caller, its user or role (None for a root user), and what is supposed of it."""

    caller: Caller
    entity: User | Role | None
    supposed: Supposition


def doer(state: State, who: Candidate, given: Iterable[tuple[str, str]], absent: Iterable[str], now: float) -> Doer:
    """Who is asked about, with the condition keys that are `given` or `absent`.

    Raises ConfigurationError where it is no user, role, session of one, or root user.
    """
    if who.kind == "federated-user":
        raise ConfigurationError(f"{who.arn} has no policies of its own: ask for the user who made it")
    entity = who.acts if isinstance(who.acts, User | Role) else entity_of(state, who.of)
    values, lacking = keys_of(given, absent)
    supposed = Supposition(values, lacking, tags_open=who.tags_open, unidentified=who.unidentified)
    return Doer(who.caller(now), entity if isinstance(entity, User | Role) else None, supposed)


def what_can(state: State, doer: Doer, services: Iterable[str], region: str, now: float) -> list[Granted]:
    """What `doer` can do in `services` (prefixes; all where there are none), by service, level and actions.

    Raises ConfigurationError where there is no such service.
    """
    known, chosen = reference.services(), [name.lower() for name in services]
    for name in chosen:
        if name not in known:
            raise ConfigurationError(f"the Service Authorization Reference has no service {name}")
    search = _Search(state, doer, region, now)
    return [row for prefix in chosen or known for row in search.of_service(prefix)]


class _Search:
    """One question. Actions that the same statements select are decided on together."""

    def __init__(self, state: State, doer: Doer, region: str, now: float) -> None:
        self._state, self._doer = state, doer
        self._call = Call("", "", {}, doer.caller, region, now, source_ip="")
        self._policies = _policies(state, doer)
        own = organization_context(state, doer.caller.principal.account)
        self._with_rcps = self._policies._replace(rcps=own.rcps, resource_in_management_account=own.management)
        self._known: dict[tuple[object, ...], Mapping[Answer, tuple[str, ...]]] = {}

    def of_service(self, prefix: str) -> Iterator[Granted]:
        """The rows of one service."""
        entries = reference.actions(prefix)
        found: dict[tuple[str, Answer, tuple[str, ...]], list[str]] = {}
        levels: dict[str, int] = {}
        for entry in entries.values():
            level = str(entry["accessLevel"])
            levels[level] = levels.get(level, 0) + 1
            for allowed, resources in self._answers(prefix, entry).items():
                found.setdefault((level, allowed, resources), []).append(str(entry["name"]))
        order = sorted(found.items(), key=lambda item: (_rank(item[0][0]), sorted(item[1]), item[0][2]))
        for (level, allowed, resources), actions in order:
            yield Granted(prefix, level, tuple(sorted(actions)), levels[level], resources, allowed)

    def _answers(self, prefix: str, entry: Mapping[str, Any]) -> Mapping[Answer, tuple[str, ...]]:
        """The answers for one action, each with its resources."""
        action, plain = f"{prefix}:{entry['name']}", not entry["resourceTypes"]
        if limit(self._call._replace(service=prefix, operation=str(entry["name"]))) is not None:
            return {}
        selected = tuple(_selected(it, action) for it in _every(self._with_rcps))
        kinds = tuple(str(kind["name"]) for kind in entry["resourceTypes"])
        key = (action if action.lower() in ALWAYS_ALLOWED else prefix, kinds, selected)
        if key not in self._known:
            self._known[key] = self._decided(action, forms_of(prefix, kinds), plain=plain)
        return self._known[key]

    def _decided(self, action: str, forms: Sequence[str], *, plain: bool) -> Mapping[Answer, tuple[str, ...]]:
        answers: dict[Answer, list[str]] = {}
        for shown, resource in {EVERYTHING: EVERYTHING}.items() if plain else self._patterns(action):
            if not plain and not can_be_of(resource, forms):
                continue
            found = answer(partial(self._ruling, Check(action, self._resource(resource, plain=plain))))
            if found is not None:
                answers.setdefault(found, []).append(shown)
        for found, patterns in answers.items():
            if EVERYTHING in patterns and found.verdict == "allowed":
                return {found: (EVERYTHING,)}
        return {found: tuple(sorted(patterns)) for found, patterns in answers.items()}

    def _patterns(self, action: str) -> Iterable[tuple[str, str]]:
        """The resources of the Allow statements of identity policies; all, where one excepts some.

        Each as it is written, and with a `*` in place of variables whose values are not known.
        """
        if self._doer.entity is None or action.lower() in ALWAYS_ALLOWED:
            return [(EVERYTHING, EVERYTHING)]
        found: dict[str, str] = {}
        for one in self._policies.identity:
            allows = one.select(action.lower())[1]
            for statement in allows.statements if allows is not None else ():
                for text in statement.statement.resources or (EVERYTHING,):
                    shown, pattern = self._without_variables(text) if one.document.variables else (text, text)
                    if pattern is not None:
                        found[shown] = pattern
        return found.items()

    def _without_variables(self, text: str) -> tuple[str, str | None]:
        """A Resource pattern to be shown, and with the values of its variables; None where one has none.

        Then it matches nothing. Where a value is open, it is shown as it is written.
        """
        context = self._context(Check("", EVERYTHING))
        parts: list[str] = []
        shown = ""
        for token in scan(text, variables=True):
            if isinstance(token, Variable):
                try:
                    value = context.get(token.key, token.default)
                except Open:
                    value, shown = EVERYTHING, text
                if not isinstance(value, str):
                    return text, None
                parts.append(value)
            else:
                parts.append(token.value if isinstance(token, Wild) else token)
        return shown or "".join(parts), "".join(parts)

    def _resource(self, pattern: str, *, plain: bool) -> str:
        if pattern == EVERYTHING:
            return EVERYTHING if plain else UNKNOWN_RESOURCE
        return with_missing(complete(pattern).replace("?", "*"))

    def _context(self, check: Check) -> OpenConditions:
        account = self._doer.caller.principal.account
        return OpenConditions(self._state, self._call, check, UNKNOWN, account, self._doer.supposed)

    def _ruling(self, check: Check, presumed: Presumed) -> Ruling:
        principal = self._doer.caller.principal
        policies = self._with_rcps if rcps_apply(check.action, check.resource) else self._policies
        return Supposed(principal, policies, self._context(check)).rule(check, principal.account, presumed)


def _policies(state: State, doer: Doer) -> Policies:
    principal, entity = doer.caller.principal, doer.entity
    stored = authz.governing(state, principal.account) if entity is None else authz.gathered(state, entity)
    resource = compiled(_ACCOUNT % principal.account, PolicyKind.RESOURCE, "policy of the resource")
    context = doer.supposed.given
    return authz.suppose(principal, context, stored, Given(resource=resource)).policies


def _every(policies: Policies) -> Iterator[CompiledPolicy]:
    yield from policies.identity
    if policies.boundary is not None:
        yield policies.boundary
    yield from (it for level in (*policies.scps, *policies.rcps) for it in level)


def _selected(found: CompiledPolicy, action: str) -> tuple[int, ...]:
    """The statements of a policy that are about an action."""
    both = found.select(action.lower())
    return tuple(it.reference.number for candidates in both if candidates is not None for it in candidates.statements)


def _rank(level: str) -> int:
    first = level.partition(",")[0]
    return LEVELS.index(first) if first in LEVELS else len(LEVELS)


def as_json(found: Iterable[Granted]) -> list[dict[str, Any]]:
    """The answer as JSON values."""
    return [
        {
            "service": row.service,
            "accessLevel": row.level,
            "actions": list(row.actions),
            "actionsOfLevel": row.of,
            "resources": list(row.resources),
            **answer_json(row.answer),
        }
        for row in found
    ]
