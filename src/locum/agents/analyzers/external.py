"""External access: who outside of the zone of trust may do something with a resource, proven from its policy.

IAM User Guide, "How IAM Access Analyzer works", "IAM Access Analyzer resource types for external access".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from locum.agents.analyzers.resources import ROLE, Make, Named, changed, every
from locum.agents.analyzers.upkeep import Analysis, common, failed, identity
from locum.analysis import proofs
from locum.calls import Runtime
from locum.calls.carrying import facts_of
from locum.core.actors import ServiceRole
from locum.core.arn import Arn
from locum.core.principal import Source
from locum.core.resources import UNKNOWN
from locum.policy import MalformedPolicy, PolicyKind
from locum.services.accessanalyzer.lookups import resources_of
from locum.services.accessanalyzer.zones import SERVICE
from locum.state import Role, State
from locum.state.analyzers import AccessFinding, Analyzer
from locum.state.arns import entity_by_arn

_POLICIES: Final = 1_000
"""The policies whose analysis is remembered."""
_SESSION: Final = "AccessAnalyzer"

_log: Final = logging.getLogger("locum.agents")


async def everything(runtime: Runtime, make: Make, analyzer: Analyzer) -> tuple[list[Named], bool] | None:
    """All resources that there are, and those that were analyzed before, and whether each type could be listed.

    None where the role is not there (yet).
    """
    state = runtime.ledger.state
    if entity_by_arn(state, Role, analyzer.role, analyzer.account) is None:
        return None
    role = ServiceRole(SERVICE, analyzer.role, _SESSION, Source(analyzer.account, analyzer.arn))
    found, complete = await every(runtime, make, role, analyzer.region)
    return [*found, *(Named(it.type, it.arn) for it in resources_of(state, analyzer))], complete


def concerned(_state: State, analyzer: Analyzer, arns: Iterable[str]) -> list[Named]:
    """The resources that ARNs are of that may be in the account and the region of an analyzer, each once.

    The ARNs of buckets and roles do not say where they are.
    """
    named = [(it, Arn.parse(it.arn)) for it in changed(arns)]
    account, region = ("", analyzer.account), ("", analyzer.region)
    return [it for it, arn in named if arn.account in account and arn.region in region]


async def analyzed(runtime: Runtime, analyzer: Analyzer, resource: Named, now: float) -> Analysis:
    """Analyze a resource as it is now."""
    owner = analyzer.account
    try:
        policy, owner, there = await _policy_of(runtime, analyzer, resource)
        if not there or owner != analyzer.account:
            return Analysis(resource, there=False)
        findings = await found_by(analyzer, resource, owner, policy, now)
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
    analyzer: Analyzer, resource: Named, owner: str, policy: str, now: float
) -> tuple[AccessFinding, ...]:
    """The findings about a resource with that policy (empty: none).

    Raises NotDecided, SolverMissing, MalformedPolicy.
    """
    access = await asyncio.to_thread(_access, resource.type, policy, owner) if policy else ()
    return _findings(analyzer, resource, owner, access, now)


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


def _findings(
    analyzer: Analyzer, resource: Named, owner: str, access: Iterable[proofs.ExternalAccess], now: float
) -> tuple[AccessFinding, ...]:
    """The findings of some access: one for a principal and its conditions."""
    merged: dict[str, AccessFinding] = {}
    for it in access:
        principal, conditions = dict(it.principal), dict(it.conditions)
        named = identity(analyzer, resource, principal, conditions)
        known = merged.get(named)
        actions = dict.fromkeys([*(known.actions if known else ()), *_actions(it)])
        merged[named] = AccessFinding(
            **common(analyzer, resource, owner, now),
            id=named,
            principal=principal,
            conditions=conditions,
            actions=tuple(actions),
            public=it.public or bool(known and known.public),
        )
    return tuple(merged.values())


def _actions(access: proofs.ExternalAccess) -> Sequence[str]:
    """The actions of a statement as it has them; of one that lists those it is not about, the one that was found."""
    return access.statement.actions or (access.request.action,)
