"""External access: who outside of the zone of trust may do something with a resource, proven from its policy.

IAM User Guide, "How IAM Access Analyzer works", "IAM Access Analyzer resource types for external access".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from locum.agents.analyzers.kept import Kept, policy_of, with_names
from locum.agents.analyzers.resources import BUCKET, ROLE, Make, Named, changed, every, reading_role
from locum.agents.analyzers.restrictions import RESTRICTION, restriction
from locum.agents.analyzers.upkeep import Analysis, common, failed, identity
from locum.analysis import proofs
from locum.calls import Runtime
from locum.core.arn import Arn
from locum.policy import MalformedPolicy, PolicyKind
from locum.services.accessanalyzer import zones
from locum.services.accessanalyzer.lookups import resources_of
from locum.state import Role, State
from locum.state.analyzers import AccessFinding, Analyzer
from locum.state.arns import entity_by_arn

_POLICIES: Final = 1_000
"""The policies whose analysis is remembered."""

_log: Final = logging.getLogger("locum.agents")


async def everything(runtime: Runtime, make: Make, analyzer: Analyzer) -> tuple[list[Named], bool] | None:
    """All resources that there are, and those that were analyzed before, and whether each type could be listed.

    None where the role is not there (yet). The roles of other accounts are made here.
    """
    state = runtime.ledger.state
    if entity_by_arn(state, Role, analyzer.role, analyzer.account) is None:
        return None
    found: list[Named] = []
    complete = True
    for account in sorted(zones.accounts(state, analyzer)):
        role = await reading_role(runtime, make, analyzer, account)
        listed, whole = ([], False) if role is None else await every(runtime, make, role, analyzer.region)
        found, complete = [*found, *listed], complete and whole
    return [*found, *(Named(it.type, it.arn) for it in resources_of(state, analyzer))], complete


def concerned(state: State, analyzer: Analyzer, arns: Iterable[str]) -> list[Named]:
    """The resources that ARNs are of that may be in the zone and the region of an analyzer, each once.

    The ARNs of buckets and roles do not say where they are. Where the zone has changed, those of the accounts are
    concerned whose findings may be others.
    """
    named = [(it, Arn.parse(it.arn)) for it in changed(arns)]
    accounts, region = ("", *zones.accounts(state, analyzer)), ("", analyzer.region)
    found = [it for it, arn in named if arn.account in accounts and arn.region in region]
    others = zones.changed(analyzer.zone, zones.outline(state, analyzer)) if analyzer.scanned else frozenset()
    known = resources_of(state, analyzer) if others else ()
    return [*found, *(Named(it.type, it.arn) for it in known if it.owner in others)]


async def analyzed(runtime: Runtime, analyzer: Analyzer, resource: Named, now: float) -> Analysis:
    """Analyze a resource as it is now."""
    owner, state = analyzer.account, runtime.ledger.state
    try:
        it = await policy_of(runtime, analyzer, resource)
        if it is None or not zones.covers(state, analyzer, it.owner):
            return Analysis(resource, there=False)
        owner = it.owner
        findings = await found_by(state, analyzer, resource, it, now)
    except (proofs.NotDecided, proofs.SolverMissing, MalformedPolicy) as error:
        _log.warning("the policy of %s is not analyzed: %s", resource.arn, error)
        return failed(analyzer, resource, owner, now)
    except OSError:  # no descriptor is left, say
        raise
    except Exception:  # a fault barrier: a resource that breaks has a finding that says so, and no other
        _log.exception("%s is not analyzed", resource.arn)
        return failed(analyzer, resource, owner, now)
    return Analysis(resource, there=True, owner=owner, findings=findings)


async def found_by(
    state: State, analyzer: Analyzer, resource: Named, it: Kept, now: float
) -> tuple[AccessFinding, ...]:
    """The findings about a resource with a policy. Raises NotDecided, SolverMissing, MalformedPolicy."""
    found = await asyncio.to_thread(_access_within, state, analyzer, it, resource.type)
    return _findings(analyzer, resource, it, found, restriction(state, it.owner, resource.type), now)


def _access_within(state: State, analyzer: Analyzer, it: Kept, kind: str) -> Sequence[proofs.ExternalAccess]:
    """What those outside of the zone of trust may do by the policy of a resource."""
    zone = proofs.Zone(zones.trusted(state, analyzer), analyzer.organization)
    return _access(kind, with_names(state, it.policy), zone) if it.policy else ()


@lru_cache(maxsize=_POLICIES)
def _access(kind: str, text: str, zone: proofs.Zone) -> Sequence[proofs.ExternalAccess]:
    """What others may do by a policy: many calls change a resource, and few its policy, which may take seconds."""
    role = kind == ROLE
    document = proofs.read_policy(text, PolicyKind.TRUST if role else PolicyKind.RESOURCE)
    return proofs.external_access(document, proofs.TRUST_POLICY if role else kind, zone)


def _findings(
    analyzer: Analyzer,
    resource: Named,
    it: Kept,
    found: Iterable[proofs.ExternalAccess],
    restricted: str,
    now: float,
) -> tuple[AccessFinding, ...]:
    """The findings of some access: one for a principal and its conditions. `restricted` is how RCPs restrict it."""
    merged: dict[str, AccessFinding] = {}
    for access in found:
        principal, conditions = dict(access.principal), dict(access.conditions)
        named = identity(analyzer, resource, principal, conditions)
        known = merged.get(named)
        actions = dict.fromkeys([*(known.actions if known else ()), *access.actions])
        sources = [*(known.more.get("sources", ()) if known else ()), it.source(access.statement.number)]
        merged[named] = AccessFinding(
            **common(analyzer, resource, it.owner, now),
            id=named,
            principal=principal,
            conditions=conditions,
            actions=tuple(actions),
            public=access.public or bool(known and known.public),
            more={RESTRICTION: restricted, **_sources(resource, sources)},
        )
    return tuple(merged.values())


def _sources(resource: Named, sources: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The sources of a finding, each once: "populated for Amazon S3 bucket findings"."""
    return {"sources": [it for i, it in enumerate(sources) if it not in sources[:i]]} if resource.type == BUCKET else {}
