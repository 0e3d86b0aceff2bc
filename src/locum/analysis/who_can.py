"""Who can do this: the principals that could make a call, and under which conditions.

Every candidate is decided on by `authz.decide` (`openly`). Those with the same policies, of the same account, that no
policy of the resource names, are decided on alike as far as the decision asked for no key that tells them apart; where
it did, those are that have the same values of it. So ten thousand roles with the same policies take one decision.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from locum import authz
from locum.analysis import candidates, key_grants
from locum.analysis.asked import Asked, owned
from locum.analysis.candidates import ELSEWHERE, Candidate, Mentions
from locum.analysis.openly import Answer, Clause, Condition, answer_json
from locum.analysis.openly import answer as answer_of
from locum.authz import Authorization, Call, FactsOf, Plan, Presumed, Ruling, Supposition
from locum.authz.call import STATE_SERVICES, Value, service_of
from locum.authz.deciding import no_facts
from locum.authz.open_conditions import Unsaid, own_value
from locum.authz.principal_policies import principal_policies
from locum.core.arn import Arn
from locum.core.partial_arn import PartialArn
from locum.core.principal import ANONYMOUS, Caller, Principal, PrincipalKind
from locum.policy import CompiledPolicy, PolicyType
from locum.policy.compile import CompiledStatement
from locum.policy.evaluate import ALWAYS_ALLOWED
from locum.state import State

_BY_PROVIDER: Final = {
    "sts:AssumeRoleWithSAML": PrincipalKind.SAML,
    "sts:AssumeRoleWithWebIdentity": PrincipalKind.WEB_IDENTITY,
}
"""Actions whose callers sign nothing: an identity provider says who they are."""

_UNSIGNED: Final = frozenset({"s3"})
"""The services, by botocore's names, whose calls may come without a signature (`gateway.authenticate`)."""

_OF_ITS_ACCOUNT: Final = "policies of its own account"


class Found(NamedTuple):
    """A principal that can, always or under conditions. `kind` is that of a `Candidate`."""

    principal: str
    kind: str
    account: str
    answer: Answer


class WhoCan(NamedTuple):
    """All principals that can, by account, kind and ARN. `note` tells what the answer takes for granted.

    `decisions` is how many decisions it took, for `candidates` principals.
    """

    found: tuple[Found, ...]
    note: str
    decisions: int
    candidates: int


@dataclass(slots=True)
class _Node:
    """What is known of candidates that are alike: an answer, or the key that tells them apart, and what follows."""

    key: str = ""
    answer: Answer | None = None
    by_value: dict[Value | Unsaid | None, _Node] = field(default_factory=dict)


def who_can(state: State, asking: Asked, facts: FactsOf = no_facts) -> WhoCan:
    """The principals of `state`, and others that the resource's policy lets, that could make the call.

    `facts` are those of the resource. Raises ConfigurationError where it is not known whose it is.
    """
    note = owned(asking, facts)
    named = mentioned(state, asking, facts)
    return Search(candidates.with_others(state, named), asking, facts, named).run(state, note)


class Search:
    """One question, on one state: `run` for all candidates, `answer` for one."""

    def __init__(self, state: State, asking: Asked, facts: FactsOf, named: Mentions) -> None:
        self._asking = asking
        self._named = named
        self._state = state
        self._facts = facts
        self.made = 0
        self._known: dict[Hashable, _Node] = {}
        self._sessions: dict[str, list[str]] = {}
        of_key = service_of(asking.check.resource) == "kms"
        self._within = list(key_grants.within(facts(asking.check.resource), asking.operation)) if of_key else []

    def run(self, state: State, note: str) -> WhoCan:
        """The answer for all candidates."""
        found: list[Found] = []
        answers: dict[str, Answer | None] = {}
        count = 0
        for candidate in self._candidates(state):
            if candidate.arn in answers:  # an account has two names
                continue
            count += 1
            answer = self.answer(candidate)
            answers[candidate.arn] = answer
            if candidate.of:
                self._sessions.setdefault(candidate.of, []).append(candidate.arn)
            if answer is not None and not (candidate.of and answer == answers.get(candidate.of)):
                found.append(Found(candidate.arn, candidate.kind, candidate.account, answer))
        found = [one._replace(answer=self._beside_sessions(one, answers)) for one in found]
        found.sort(key=lambda one: (one.account, one.kind, one.principal))
        return WhoCan(tuple(found), note, self.made, count)

    def _candidates(self, state: State) -> Iterator[Candidate]:
        now, kind = self._asking.now, _BY_PROVIDER.get(self._asking.check.action)
        named = self._named
        if kind is None:
            yield from candidates.of_state(state, named)
            yield from candidates.named_sessions(state, named, now)
            named = named._replace(providers=named.providers if _is_of_trust(self._asking) else frozenset())
        arn = Arn.find(self._asking.check.resource)
        account = "" if arn is None else arn.account
        provider, unsigned = kind or PrincipalKind.WEB_IDENTITY, self._asking.service in _UNSIGNED
        for one in candidates.others(state, named, now, provider, account, unsigned=unsigned):
            if kind is None or one.kind == "provider":
                yield one

    @property
    def action(self) -> str:
        """The action that is asked about."""
        return self._asking.check.action

    def on(self, state: State) -> None:
        """Go on in another state. What is remembered has to be forgotten unless it holds there as well."""
        self._state = state

    def forget(self) -> None:
        """Remember no answers."""
        self._known.clear()

    def tells_apart(self, candidate: Candidate) -> bool:
        """Whether an answer that is remembered depends on a key that tells `candidate` from those alike."""
        known = self._known.get(candidate.alike)
        return known is not None and bool(known.key)

    def allows(self, candidate: Candidate, context: Mapping[str, str | None]) -> bool:
        """Whether a candidate can with these values of condition keys; None: without the key."""
        given = {key: value for key, value in context.items() if value is not None}
        absent = frozenset(key for key, value in context.items() if value is None)
        asking = self._asking
        supposed = Supposition(
            {**asking.given, **given},
            asking.absent | absent,
            tags_open=candidate.tags_open,
            unidentified=candidate.unidentified,
        )
        return self._answered(asking.call(candidate.caller(asking.now)), supposed) is not None

    def answer(self, candidate: Candidate) -> Answer | None:
        """The answer for one candidate; None where it cannot."""
        if candidate.alike is not None:
            known = self._known.get(candidate.alike)
            if known is not None and not known.key:
                return known.answer
        call = self._asking.call(candidate.caller(self._asking.now))
        supposed = Supposition(
            self._asking.given,
            self._asking.absent,
            tags_open=candidate.tags_open,
            unidentified=candidate.unidentified,
        )
        if candidate.alike is None:
            return _elsewhere(candidate, self._decided(call, supposed))
        node = known
        while node is not None and node.key:
            value = own_value(self._state, call, supposed, node.key)
            node = node.by_value.get(value)
        if node is not None:
            return node.answer
        read: dict[str, Value | Unsaid | None] = {}
        if self._has_nothing(call.caller, candidate):
            self._remember(candidate.alike, read, None)
            return None
        answer = _of_all_alike(self._decided(call, supposed._replace(read=read)))
        self._remember(candidate.alike, read, answer)
        return answer

    def _decided(self, call: Call, supposed: Supposition) -> Answer | None:
        answer, ways = self._answered(call, supposed), list[tuple[Clause, Answer]]()
        for params, clause in self._within if answer is None or answer.when else ():
            found = self._answered(call._replace(params=params), supposed)
            if found is not None and found != answer:
                ways.append((clause, found))
        return key_grants.beside(answer, ways)

    def _answered(self, call: Call, supposed: Supposition) -> Answer | None:
        def rule_on(presumed: Presumed) -> Ruling | None:
            self.made += 1
            return ruling_of(self._state, call, self._asking, self._facts, supposed, presumed)

        return answer_of(rule_on)

    def _has_nothing(self, caller: Caller, candidate: Candidate) -> bool:
        """Whether no Allow of the candidate's identity policies can be about the action and the resource.

        Then it is denied whatever else there is, but for a resource's policy that names it, or everyone.
        """
        named, action = self._named, self._asking.check.action.lower()
        if named.everyone or action in ALWAYS_ALLOWED or candidate.alike is None:
            return False
        if candidate.own:
            return False
        resource = self._asking.check.resource
        start = resource.beginning if isinstance(resource, PartialArn) else resource
        allows = (policy.select(action)[1] for policy in principal_policies(self._state, caller).identity)
        return not any(
            _can_be_about(statement, start, partly=isinstance(resource, PartialArn))
            for found in allows
            if found is not None
            for statement in found.statements
        )

    def _remember(self, alike: Hashable, read: dict[str, Value | Unsaid | None], answer: Answer | None) -> None:
        """Note an answer by the keys that were read for it: in their order, which follows from the values before."""
        node = self._known.setdefault(alike, _Node())
        for key, value in read.items():
            node.key = key
            node = node.by_value.setdefault(value, _Node())
        node.answer = answer

    def _beside_sessions(self, one: Found, answers: dict[str, Answer | None]) -> Answer:
        """The answer of a role, of which sessions that are named may be denied what others may do."""
        sessions = self._sessions.get(one.principal, ()) if one.kind == "role" else ()
        denied = [arn for arn in sessions if not _is_more(answers.get(arn), one.answer)]
        if not denied:
            return one.answer
        condition = Condition("Principal", "", tuple(denied))
        clause = Clause(str(PolicyType.RESOURCE), "sessions that are named", "", 0, "", (condition,))
        return one.answer._replace(verdict="conditional", unless=(*one.answer.unless, clause))


def _can_be_about(statement: CompiledStatement, start: str, *, partly: bool) -> bool:
    """Whether a statement can match a resource that is, or where it is known `partly` begins with, `start`."""
    if statement.resource is None or statement.statement.not_resources is not None:
        return True
    prefixes = (pattern.prefix for pattern in statement.resources)
    return any(start.startswith(prefix) or (partly and prefix.startswith(start)) for prefix in prefixes)


def _is_more(answer: Answer | None, other: Answer) -> bool:
    """Whether an answer lets at least what `other` does: a name in a policy only adds statements of one effect."""
    if answer is None or answer.verdict == "allowed":
        return answer is not None
    return other.verdict == "conditional" and set(answer.unless) <= set(other.unless)


def mentioned(state: State, asking: Asked, facts: FactsOf) -> Mentions:
    """Whom the policies of the resource name: its own, what stands beside it, and its account's RCPs."""
    check, policies, nothing = asking.check, dict[int, CompiledPolicy](), Supposition({}, closed=True)
    arn = Arn.find(check.resource)
    account = (arn.account if arn is not None else "") or _owner(check.resource, facts)
    for caller in (Caller(ANONYMOUS), *([Caller(Principal.root(account))] if account else ())):
        for ruling in decided(state, asking.call(caller), asking, facts, nothing).rulings:
            found = (ruling.policies.resource, *(it for level in ruling.policies.rcps for it in level))
            policies.update((id(policy), policy) for policy in found if policy is not None)
    return candidates.mentions(policies.values(), check.action, _grantees(check.resource, facts))


def decided(
    state: State, call: Call, asking: Asked, facts: FactsOf, supposed: Supposition, presumed: Presumed | None = None
) -> Authorization:
    """The decision on what is asked about, as `call`, under a supposition."""
    return authz.decide(state, call, Plan((asking.check,)), facts, supposed.asking(presumed))


def ruling_of(
    state: State, call: Call, asking: Asked, facts: FactsOf, supposed: Supposition, presumed: Presumed
) -> Ruling | None:
    """The ruling of `decided`; None where the call is refused without one."""
    made = decided(state, call, asking, facts, supposed, presumed)
    return made.rulings[-1] if made.rulings and made.allowed is made.rulings[-1].decision.allowed else None


def _owner(resource: str, facts: FactsOf) -> str:
    known = service_of(resource) and service_of(resource) not in STATE_SERVICES
    return (facts(resource).account or "") if known else ""


def _grantees(resource: str, facts: FactsOf) -> Iterator[str]:
    return key_grants.grantees(facts(resource)) if service_of(resource) == "kms" else iter(())


def _is_of_trust(asking: Asked) -> bool:
    return asking.check.action.startswith("sts:") and ":role/" in asking.check.resource


def _of_all_alike(answer: Answer | None) -> Answer | None:
    """An answer without the name of the one principal that it was found for: inline policies have it in theirs."""
    if answer is None or answer.verdict == "allowed":
        return answer
    when = tuple(tuple(tuple(_unowned(clause) for clause in requirement) for requirement in way) for way in answer.when)
    return answer._replace(when=when, unless=tuple(map(_unowned, answer.unless)))


def _unowned(clause: Clause) -> Clause:
    name, _, _ = clause.policy.partition('" of role ')
    name, _, _ = name.partition('" of user ')
    inline = clause.policy.startswith("inline policy") and name != clause.policy
    return clause._replace(policy=f'{name}"') if inline else clause


def _elsewhere(candidate: Candidate, answer: Answer | None) -> Answer | None:
    """The answer for one of another plane's accounts: whatever it is, its own account's policies have to allow it."""
    if answer is None or candidate.kind != ELSEWHERE:
        return answer
    own = (Clause(str(PolicyType.IDENTITY), _OF_ITS_ACCOUNT, "", 0, "", ()),)
    ways = answer.when or ((),)
    return Answer("conditional", tuple((own, *way) for way in ways), answer.unless)


def as_json(found: WhoCan) -> dict[str, Any]:
    """The answer as JSON values: principals with the same answer together."""
    groups: dict[Answer, list[dict[str, str]]] = {}
    same: dict[int, list[dict[str, str]]] = {}  # what many share is one object, and may be large
    for one in found.found:
        if id(one.answer) not in same:
            same[id(one.answer)] = groups.setdefault(one.answer, [])
        same[id(one.answer)].append({"arn": one.principal, "kind": one.kind, "account": one.account})
    return {
        "groups": [{"principals": principals, **answer_json(of)} for of, principals in groups.items()],
        "note": found.note,
        "candidates": found.candidates,
        "decisions": found.decisions,
    }
