"""A recommendation about a finding of unused permissions: policies that keep what is used, in the place of others.

IAM User Guide, "Resolve IAM Access Analyzer findings": each policy of the user or role that grants more is detached,
after one without the unused actions was created, unless nothing of it is used. What its recorded calls took is kept,
also where a call took it beside its own action. The policies of a user's groups are others' as well: none is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from locum.agents.analyzers.job import Job
from locum.analysis import unused as rules
from locum.analysis.refining import refined
from locum.calls.activity import Taken, taken
from locum.core.clock import DAY
from locum.services.accessanalyzer.exclusions import age_of
from locum.services.verbs import LastUse
from locum.state import Policy, Role, State, User, managed
from locum.state.analyzers import AccessFinding, Analyzer, FindingRecommendation
from locum.state.arns import entity_by_arn, entity_of
from locum.state.attachments import Attachment, identity_policies
from locum.state.autoscaling import regional


class Recommending(Job[FindingRecommendation]):
    """One recommendation."""

    broken = "The recommendation could not be worked out."

    async def made(self) -> FindingRecommendation:
        """The recommendation, from the policies and uses as they are now."""
        it, runtime = self._it, self._runtime
        state, now = runtime.ledger.state, runtime.clock()
        analyzer = state.get(Analyzer, it.account, regional(it.region, it.analyzer))
        entity = entity_of(state, it.resource)
        finding = state.get(AccessFinding, it.account, it.key)
        if analyzer is None or finding is None or finding.status == "RESOLVED" or not isinstance(entity, User | Role):
            return self.failed("RESOURCE_NOT_FOUND_ERROR", f"There is nothing unused of {it.resource} any more.")
        since = now - age_of(analyzer.configuration) * DAY
        uses = await runtime.ledger.read(lambda: runtime.usage.uses(entity.account, entity.id))
        calls = await taken(runtime, Taken(entity.arn, max(since, entity.created), None))
        if calls["truncated"]:  # what the others took is not known, and would be taken away
            return self.failed("SERVICE_ERROR", "There are more different calls than can be looked at.")
        needed = frozenset(row[0] for row in calls["permissions"])
        steps = await asyncio.to_thread(_steps, state, entity, uses, since, needed)
        return replace(it, status="SUCCEEDED", steps=steps)


def _steps(
    state: State, entity: User | Role, uses: Sequence[LastUse], since: float, needed: frozenset[str]
) -> tuple[dict[str, Any], ...]:
    """The steps for each policy that grants more than what is used or `needed`, as the API has them."""
    policies = list(identity_policies(state, entity))
    found = rules.services([it.document for it in policies], uses, since)
    kept = needed | {f"{it.namespace}:{name}" for it in found for name in it.used}
    return tuple(step for it in policies if it.owner == entity for step in _steps_of(state, it, kept))


def _steps_of(state: State, attached: Attachment, kept: frozenset[str]) -> Iterator[dict[str, Any]]:
    change = refined(attached.document, kept)
    if not change.wider:
        return
    about: dict[str, Any] = {"existingPolicyId": attached.arn or attached.name}
    updated = _updated(state, attached)
    if updated:
        about["policyUpdatedAt"] = updated
    for document in change.documents:
        yield {"recommendedAction": "CREATE_POLICY", "recommendedPolicy": document, **about}
    yield {"recommendedAction": "DETACH_POLICY", **about}


def _updated(state: State, attached: Attachment) -> float:
    """When a managed policy was updated; 0 for an inline one, which has no such time."""
    if not attached.arn:
        return 0.0
    found = entity_by_arn(state, Policy, attached.arn, attached.owner.account) or managed.get(attached.arn)
    return 0.0 if found is None else float(found.updated)
