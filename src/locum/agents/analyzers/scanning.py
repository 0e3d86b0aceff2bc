"""One analyzer: which resources are to be looked at, and what becomes of its findings.

IAM User Guide, "How IAM Access Analyzer works": a policy that was changed is analyzed soon, and all of them once a day.
Here a change is seen in the event history.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.agents.analyzers.resources import ROLE, Make, Named, changed, every
from locum.analysis import proofs
from locum.calls import Runtime
from locum.calls.carrying import facts_of
from locum.core.actors import ServiceRole
from locum.core.arn import Arn
from locum.core.clock import DAY
from locum.core.identifiers import request_id
from locum.core.principal import Source
from locum.core.resources import UNKNOWN
from locum.policy import MalformedPolicy, PolicyKind
from locum.services.accessanalyzer import filters
from locum.services.accessanalyzer.analyzers import SERVICE, findings_of, resources_of
from locum.services.verbs import Outcome
from locum.state import Event, Role, State, put, remove
from locum.state.analyzers import AccessFinding, AnalyzedResource, Analyzer
from locum.state.arns import entity_by_arn
from locum.state.autoscaling import regional

EVERY: Final = 5.0
"""Seconds between two looks at the event history."""
_POLICIES: Final = 1_000
"""The policies whose analysis is remembered."""
_SESSION: Final = "AccessAnalyzer"
_PAGE: Final = 1_000
_AT_ONCE: Final = 100
"""Resources whose findings are committed together."""
_ERROR: Final = "INTERNAL_ERROR"
_AGAIN: Final = 3_600.0
"""Seconds after which everything is looked at again where a type of resource could not be listed."""
_KEPT: Final = 90 * DAY
"""User Guide: "resolved findings are deleted 90 days after the last update"."""

_log: Final = logging.getLogger("locum.agents")


class Analysis(NamedTuple):
    """What is known of a resource: whether it is there, who has it, who else may do what, or why that is not known."""

    resource: Named
    there: bool
    owner: str = ""
    access: tuple[proofs.ExternalAccess, ...] = ()
    error: str = ""


async def scan(runtime: Runtime, make: Make, analyzer: Analyzer) -> float:
    """Have an analyzer analyze what is due; when to look again (epoch seconds)."""
    now = runtime.clock()
    due = not analyzer.scanned or now - analyzer.scanned >= DAY or now < analyzer.scanned
    position, resources = await _changes(runtime, analyzer, now)
    everything = await _everything(runtime, make, analyzer) if due else None
    scanned = None
    if everything is not None:
        resources += everything[0]
        scanned = now if everything[1] else now - DAY + _AGAIN
    behind = bool(analyzer.position) and position - analyzer.position >= _PAGE
    if not (everything or resources or behind or analyzer.asked):
        return now + EVERY
    left = list(dict.fromkeys(resources))
    while left:
        part, left = left[:_AT_ONCE], left[_AT_ONCE:]
        found = [await _analyzed(runtime, analyzer, it) for it in part]
        await _commit(runtime, analyzer, partial(_of_part, found=found, now=now))

    def done(state: State, it: Analyzer) -> list[Event]:
        asked = tuple(arn for arn in it.asked if arn not in analyzer.asked)
        made = replace(it, position=position, asked=asked, scanned=scanned or it.scanned)
        return [put(made), *_outdated(state, analyzer, now)]

    await _commit(runtime, analyzer, done)
    return now if behind else now + EVERY


async def _commit(runtime: Runtime, analyzer: Analyzer, events: Callable[[State, Analyzer], list[Event]]) -> None:
    """Commit events, if the analyzer is still there: they are made with what it is now."""

    def handler(state: State) -> Outcome:
        it = state.get(Analyzer, analyzer.account, analyzer.key)
        there = it is not None and it.created == analyzer.created
        return Outcome({}, tuple(events(state, it)) if it is not None and there else ())

    await runtime.ledger.transact(handler, lambda _outcome: ())


async def _everything(runtime: Runtime, make: Make, analyzer: Analyzer) -> tuple[list[Named], bool] | None:
    """All resources that there are, and those that were analyzed before, and whether each type could be listed.

    None where the role is not there (yet).
    """
    state = runtime.ledger.state
    if entity_by_arn(state, Role, analyzer.role, analyzer.account) is None:
        return None
    role = ServiceRole(SERVICE, analyzer.role, _SESSION, Source(analyzer.account, analyzer.arn))
    found, complete = await every(runtime, make, role, analyzer.region)
    return [*found, *(Named(it.type, it.arn) for it in resources_of(state, analyzer))], complete


async def _changes(runtime: Runtime, analyzer: Analyzer, now: float) -> tuple[int, list[Named]]:
    """The position of the last event that was read, and the resources that somebody changed or asks about."""
    history = runtime.history
    asked = _own(analyzer, analyzer.asked)
    if not analyzer.position:
        return await runtime.ledger.read(lambda: history.position_at(now)), asked
    read = await runtime.ledger.read(lambda: history.after(analyzer.position, _PAGE))
    arns = [
        resource.arn
        for _, record in read
        if not record.read_only and not record.error_code and record.management
        for resource in record.resources
        if resource.account in ("", analyzer.account)
    ]
    return (read[-1][0] if read else analyzer.position), [*asked, *_own(analyzer, arns)]


def _own(analyzer: Analyzer, arns: Iterable[str]) -> list[Named]:
    """The resources that ARNs are of that may be in the account and the region of an analyzer, each once.

    The ARNs of buckets and roles do not say where they are.
    """
    named = [(it, Arn.parse(it.arn)) for it in changed(arns)]
    account, region = ("", analyzer.account), ("", analyzer.region)
    return [it for it, arn in named if arn.account in account and arn.region in region]


# -- one resource ----------------------------------------------------------------------------------------


async def _analyzed(runtime: Runtime, analyzer: Analyzer, resource: Named) -> Analysis:
    """Analyze a resource as it is now."""
    owner = analyzer.account
    try:
        policy, owner, there = await _policy_of(runtime, analyzer, resource)
        if not there or owner != analyzer.account:
            return Analysis(resource, there=False)
        access = await asyncio.to_thread(_access, resource.type, policy, owner) if policy else ()
    except (proofs.NotDecided, proofs.SolverMissing, MalformedPolicy) as error:
        _log.warning("the policy of %s is not analyzed: %s", resource.arn, error)
        return Analysis(resource, there=True, owner=owner, error=_ERROR)
    except OSError:  # no descriptor is left, say
        raise
    except Exception:  # a fault barrier: a resource that breaks has a finding that says so, and no other
        _log.exception("%s is not analyzed", resource.arn)
        return Analysis(resource, there=True, owner=owner, error=_ERROR)
    return Analysis(resource, there=True, owner=owner, access=tuple(access))


async def _policy_of(runtime: Runtime, analyzer: Analyzer, resource: Named) -> tuple[str, str, bool]:
    """The policy of a resource (empty: none), the account that has it, and whether it is there."""
    if resource.type == ROLE:
        role = entity_by_arn(runtime.ledger.state, Role, resource.arn, analyzer.account)
        return ("", "", False) if role is None else (role.trust, role.account, True)
    facts = (await facts_of(runtime, [resource.arn], analyzer.account, analyzer.region))[resource.arn]
    if facts is UNKNOWN or facts.attributes.get("absent"):
        return "", "", False
    return facts.policy or "", facts.account or analyzer.account, True


@lru_cache(maxsize=_POLICIES)
def _access(kind: str, text: str, owner: str) -> Sequence[proofs.ExternalAccess]:
    """What others may do by a policy: many calls change a resource, and few its policy, which may take seconds."""
    role = kind == ROLE
    document = proofs.read_policy(text, PolicyKind.TRUST if role else PolicyKind.RESOURCE)
    return proofs.external_access(document, proofs.TRUST_POLICY if role else kind, owner)


# -- findings --------------------------------------------------------------------------------------------


def _of_part(state: State, analyzer: Analyzer, found: Sequence[Analysis], now: float) -> list[Event]:
    """The events that bring the findings about some resources in line with what was found."""
    known: dict[str, dict[str, AccessFinding]] = {each.resource.arn: {} for each in found}
    for it in findings_of(state, analyzer):
        if it.resource in known:
            known[it.resource][it.id] = it
    made = replace(analyzer, last_resource=found[-1].resource.arn, last_at=now)
    events = (_events(state, analyzer, each, known[each.resource.arn], now) for each in found)
    return [put(made), *chain.from_iterable(events)]


def _events(
    state: State, analyzer: Analyzer, found: Analysis, before: Mapping[str, AccessFinding], now: float
) -> list[Event]:
    """The events that bring the findings about a resource, `before`, in line with what was found.

    Where it could not be analyzed, what was found before stays: it is not known to be gone.
    """
    made = {it.id: it for it in _findings(analyzer, found, now)}
    gone = [it for it in before.values() if it.id not in made and it.status != "RESOLVED" and not found.error]
    return [
        *(put(_merged(analyzer, before.get(it.id), it)) for it in made.values()),
        *(put(replace(it, status="RESOLVED", analyzed=now, updated=now)) for it in gone),
        *_resource(state, analyzer, found, now),
    ]


def _findings(analyzer: Analyzer, found: Analysis, now: float) -> list[AccessFinding]:
    common: dict[str, Any] = {
        "account": analyzer.account,
        "region": analyzer.region,
        "analyzer": analyzer.name,
        "resource": found.resource.arn,
        "type": found.resource.type,
        "owner": found.owner,
        "status": "ACTIVE",
        "created": now,
        "analyzed": now,
        "updated": now,
    }
    if found.error:
        return [AccessFinding(**common, id=_identity(analyzer, found.resource, {}, {}), error=found.error)]
    merged: dict[str, AccessFinding] = {}
    for it in found.access:
        principal, conditions = dict(it.principal), dict(it.conditions)
        identity = _identity(analyzer, found.resource, principal, conditions)
        known = merged.get(identity)
        actions = dict.fromkeys([*(known.actions if known else ()), *_actions(it)])
        merged[identity] = AccessFinding(
            **common,
            id=identity,
            principal=principal,
            conditions=conditions,
            actions=tuple(actions),
            public=it.public or bool(known and known.public),
        )
    return list(merged.values())


def _actions(access: proofs.ExternalAccess) -> Sequence[str]:
    """The actions of a statement as it has them; of one that lists those it is not about, the one that was found."""
    return access.statement.actions or (access.request.action,)


def _identity(analyzer: Analyzer, resource: Named, principal: Mapping[str, str], conditions: Mapping[str, str]) -> str:
    """The id of a finding, which is the same whenever it is found."""
    parts = [analyzer.arn, str(analyzer.created), resource.arn, sorted(principal.items()), sorted(conditions.items())]
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return request_id(lambda octets: digest[:octets])


def _merged(analyzer: Analyzer, before: AccessFinding | None, made: AccessFinding) -> AccessFinding:
    """A finding as it is now: one that is new, or there again, is archived where a rule says so."""
    if before is not None and before.status != "RESOLVED":
        same = replace(made, created=before.created, status=before.status, updated=before.updated)
        return same if _content(same) == _content(before) else replace(same, updated=made.updated)
    archived = any(filters.meets(made, rule.filter) for rule in analyzer.rules)
    created = made.created if before is None else before.created
    return replace(made, created=created, status="ARCHIVED" if archived else "ACTIVE")


def _content(finding: AccessFinding) -> tuple[object, ...]:
    return finding.actions, finding.public, finding.error


def _resource(state: State, analyzer: Analyzer, found: Analysis, now: float) -> list[Event]:
    key = regional(analyzer.region, analyzer.name, found.resource.arn)
    before = state.get(AnalyzedResource, analyzer.account, key)
    if not found.there:
        return [] if before is None else [remove(before)]
    actions = dict.fromkeys(action for it in found.access for action in _actions(it))
    public = any(it.public for it in found.access)
    if found.error and before is not None:
        actions, public = dict.fromkeys(before.actions), before.public
    same = before is not None and (before.actions, before.public) == (tuple(actions), public)
    return [
        put(
            AnalyzedResource(
                account=analyzer.account,
                region=analyzer.region,
                analyzer=analyzer.name,
                arn=found.resource.arn,
                type=found.resource.type,
                owner=found.owner,
                created=now if before is None else before.created,
                analyzed=now,
                updated=before.updated if before is not None and same else now,
                actions=tuple(actions),
                public=public,
                error=found.error,
            )
        )
    ]


def _outdated(state: State, analyzer: Analyzer, now: float) -> list[Event]:
    """The events that delete findings that were resolved long ago."""
    old = now - _KEPT
    return [remove(it) for it in findings_of(state, analyzer) if it.status == "RESOLVED" and it.updated < old]
