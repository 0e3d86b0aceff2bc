"""A recommendation about a finding of unused permissions: policies that keep what is used, in the place of others.

IAM User Guide, "Resolve IAM Access Analyzer findings": each policy of the user or role that grants more is detached,
after one without the unused actions was created, unless nothing of it is used. What its recorded calls took is kept,
also where a call took it beside its own action. The policies of a user's groups are others' as well: none is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.analysis import unused as rules
from locum.analysis.refining import refined
from locum.calls import Runtime
from locum.calls.activity import Taken, taken
from locum.core.clock import DAY
from locum.core.errors import StorageError
from locum.services.accessanalyzer.exclusions import age_of
from locum.services.verbs import LastUse, Outcome
from locum.state import Policy, Role, State, User, managed, put
from locum.state.analyzers import AccessFinding, Analyzer, FindingRecommendation
from locum.state.arns import entity_by_arn, entity_of
from locum.state.attachments import Attachment, identity_policies
from locum.state.autoscaling import regional

_log: Final = logging.getLogger("locum.agents")


class Recommending:
    """One recommendation."""

    def __init__(self, runtime: Runtime, it: FindingRecommendation) -> None:
        self._runtime = runtime
        self._it = it

    async def run(self) -> None:
        """Work it out, and commit it unless its finding or its analyzer is gone."""
        it = self._it
        try:
            made = await self._made()
        except (StorageError, OSError):  # storage that does not work at the moment, say
            raise
        except Exception:  # a fault barrier: a recommendation that breaks fails, and does not stay under way
            _log.exception("the recommendation about the finding %s fails", it.id)
            made = _failure(it, "SERVICE_ERROR", "The recommendation could not be worked out.")

        def commit(state: State) -> Outcome:
            there = state.get(FindingRecommendation, it.account, it.key)
            if there is None or not there.under_way or there.started != it.started:
                return Outcome({})
            return Outcome({}, (put(replace(made, ended=self._runtime.clock())),))

        await self._runtime.ledger.transact(commit, lambda _outcome: ())

    async def _made(self) -> FindingRecommendation:
        """The recommendation, from the policies and uses as they are now."""
        it, runtime = self._it, self._runtime
        state, now = runtime.ledger.state, runtime.clock()
        analyzer = state.get(Analyzer, it.account, regional(it.region, it.analyzer))
        entity = entity_of(state, it.resource)
        finding = state.get(AccessFinding, it.account, it.key)
        if analyzer is None or finding is None or finding.status == "RESOLVED" or not isinstance(entity, User | Role):
            return _failure(it, "RESOURCE_NOT_FOUND_ERROR", f"There is nothing unused of {it.resource} any more.")
        since = now - age_of(analyzer.configuration) * DAY
        uses = await runtime.ledger.read(lambda: runtime.usage.uses(entity.account, entity.id))
        calls = await taken(runtime, Taken(entity.arn, max(since, entity.created), None))
        if calls["truncated"]:  # what the others took is not known, and would be taken away
            return _failure(it, "SERVICE_ERROR", "There are more different calls than can be looked at.")
        needed = frozenset(row[0] for row in calls["permissions"])
        steps = await asyncio.to_thread(_steps, state, entity, uses, since, needed)
        return replace(it, status="SUCCEEDED", steps=steps)


def _failure(it: FindingRecommendation, code: str, message: str) -> FindingRecommendation:
    return replace(it, status="FAILED", code=code, message=message)


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
