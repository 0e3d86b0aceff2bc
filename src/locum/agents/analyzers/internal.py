"""Internal access: which users and roles of the zone of trust may do something with the resources that are chosen.

IAM User Guide, "Understand how IAM Access Analyzer findings work", "Internal access findings".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from locum.agents.analyzers import internal_memory as memory
from locum.agents.analyzers.internal_findings import About, analysis, failed
from locum.agents.analyzers.internal_memory import Basis, Facts
from locum.agents.analyzers.resources import INTERNAL_KINDS, Make, Named, of_kinds, reading_role
from locum.agents.analyzers.upkeep import Analysis
from locum.analysis.internal_access import Reach, questions, ungoverned
from locum.authz import Plan
from locum.calls import Runtime
from locum.calls.carrying import facts_of
from locum.core.arn import Arn
from locum.core.resources import UNKNOWN
from locum.services.accessanalyzer import inclusions
from locum.services.accessanalyzer.lookups import resources_of
from locum.services.accessanalyzer.zones import SERVICE, accounts, of_organization
from locum.services.linked_roles import has_linked_role
from locum.state import State
from locum.state.analyzers import Analyzer
from locum.state.organizations import suspended

_log: Final = logging.getLogger("locum.agents")


def concerned(state: State, analyzer: Analyzer, arns: Iterable[str]) -> list[Named]:
    """The resources that ARNs are of, and those that were looked at when principals or their policies were others."""
    zone = accounts(state, analyzer)
    if not zone:
        return []
    memory.forget(state.every(Analyzer))
    known, on = resources_of(state, analyzer), _basis(state, analyzer)
    here = {it.arn for it in known}
    return [
        *(it for it in _named(arns) if it.arn in here or _may_be_taken(analyzer, it, zone)),
        *(Named(it.type, it.arn) for it in known if memory.is_stale(analyzer, it, on)),
    ]


def _named(arns: Iterable[str]) -> list[Named]:
    """The resources of types that are looked at that ARNs are of."""
    return [Named(*found) for found in map(inclusions.resource_at, arns) if found is not None]


def _may_be_taken(analyzer: Analyzer, resource: Named, zone: frozenset[str]) -> bool:
    """Whether a resource may be in the zone and the Region: the ARNs of buckets do not say where they are."""
    arn = Arn.parse(resource.arn)
    if (arn.account and arn.account not in zone) or arn.region not in ("", analyzer.region):
        return False
    return inclusions.may_take(analyzer.configuration, resource.type, resource.arn)


def _basis(state: State, analyzer: Analyzer) -> Basis:
    return memory.basis(state, "" if of_organization(analyzer.type) else analyzer.account)


async def everything(runtime: Runtime, make: Make, analyzer: Analyzer) -> tuple[list[Named], bool] | None:
    """All resources that inclusions take, and those that were analyzed before, and whether each type could be listed.

    None where the role is not there (yet), or the organization may not be looked at.
    """
    state = runtime.ledger.state
    zone = accounts(state, analyzer)
    if not has_linked_role(state, analyzer.account, SERVICE) or not zone:
        return None
    named, complete = _named(inclusions.named_arns(analyzer.configuration)), True
    found = [it for it in named if _may_be_taken(analyzer, it, zone)]
    for account in sorted(zone - suspended(state)):
        listed, all_of = await _listed(runtime, make, analyzer, account)
        found, complete = [*found, *listed], complete and all_of
    return [*found, *(Named(it.type, it.arn) for it in resources_of(state, analyzer))], complete


async def _listed(runtime: Runtime, make: Make, analyzer: Analyzer, account: str) -> tuple[list[Named], bool]:
    """The resources of one account, of the types that inclusions take as a whole."""
    types = set(inclusions.listed_types(analyzer.configuration, account))
    if not types:
        return [], True
    role = await reading_role(runtime, make, analyzer, account)
    if role is None:
        return [], False
    return await of_kinds(runtime, make, role, analyzer.region, [it for it in INTERNAL_KINDS if it.type in types])


async def analyzed(runtime: Runtime, analyzer: Analyzer, resource: Named, now: float) -> Analysis:
    """Analyze a resource as it is now."""
    state = runtime.ledger.state
    owner, on = Arn.parse(resource.arn).account or analyzer.account, _basis(state, analyzer)
    about = About(analyzer, resource, owner, state, now)
    try:
        facts = await _facts(runtime, about)
        is_told = facts[resource.arn] != UNKNOWN or _tells(runtime, resource)
        about = about._replace(owner=_owner(resource, facts) if is_told else owner)
        zone = accounts(state, analyzer) - suspended(state)
        if about.owner not in zone or not inclusions.takes(analyzer.configuration, *resource, about.owner):
            return Analysis(resource, there=False)
        found = await _found(about, sorted(zone), on, facts) if is_told else failed(about)
    except OSError:  # no descriptor is left, say
        raise
    except Exception:  # a fault barrier: a resource that breaks has a finding that says so, and no other
        _log.exception("%s is not analyzed", resource.arn)
        found = failed(about)
    memory.looked(analyzer, resource, now, on)
    return found


async def _facts(runtime: Runtime, about: About) -> Facts:
    """What backends know of a resource, and of what is in it."""
    analyzer, resource = about.analyzer, about.resource
    asked = questions(resource.type, resource.arn, analyzer.region, about.now)
    wanted = {*Plan(tuple(it.check for it in asked)).resources, resource.arn}
    return await facts_of(runtime, sorted(wanted), analyzer.account, analyzer.region)


def _tells(runtime: Runtime, resource: Named) -> bool:
    """Whether the backend would tell of a resource that is there: one that is asked by HTTP knows of no policy."""
    return runtime.backends.of(Arn.parse(resource.arn).service).forgets


def _owner(resource: Named, facts: Facts) -> str:
    """The account that has a resource; empty where it is not there."""
    known = facts[resource.arn]
    return "" if known.attributes.get("absent") else known.account or ""


async def _found(about: About, zone: Iterable[str], on: Basis, facts: Facts) -> Analysis:
    """What is found, with the answers that are remembered, which no thread touches: each analyzer has a task."""
    analyzer, resource = about.analyzer, about.resource
    known = memory.reach(analyzer, resource, on, facts)
    reach, found = await asyncio.to_thread(_decided, about, zone, known, facts)
    memory.keep(analyzer, resource, on, facts, reach)
    return found


def _decided(about: About, zone: Iterable[str], known: Reach | None, facts: Facts) -> tuple[Reach, Analysis]:
    """What is found, by answers that are known or new ones; it may take long."""
    analyzer, resource = about.analyzer, about.resource
    if known is None:
        state = about.state if of_organization(analyzer.type) else ungoverned(about.state)
        asked = questions(resource.type, resource.arn, analyzer.region, about.now)
        known = Reach(state, asked, lambda arn: facts.get(arn, UNKNOWN))
    return known, analysis(about, zone, known)
