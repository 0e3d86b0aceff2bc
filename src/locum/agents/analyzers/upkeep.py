"""What becomes of the findings of an analyzer, when it has looked at a resource."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.agents.analyzers.resources import Named
from locum.core.clock import DAY
from locum.core.identifiers import request_id
from locum.services.accessanalyzer import filters
from locum.services.accessanalyzer.lookups import findings_of
from locum.state import Event, State, put, remove
from locum.state.analyzers import EXTERNAL_ACCESS, AccessFinding, AnalyzedResource, Analyzer, FindingRecommendation
from locum.state.autoscaling import regional

INTERNAL_ERROR: Final = "INTERNAL_ERROR"
"""The error of what could not be analyzed."""
_KEPT: Final = 90 * DAY
"""User Guide: "resolved findings are deleted 90 days after the last update"."""


class Analysis(NamedTuple):
    """What is known of a resource: whether it is there, who has it, and its findings, or why they are not known.

    `findings` have ids that are the same whenever they are found (`identity`). `listed`: it is told as an analyzed
    resource, as users and roles of whom unused access is found are not.
    """

    resource: Named
    there: bool
    owner: str = ""
    findings: tuple[AccessFinding, ...] = ()
    error: str = ""
    listed: bool = True


def identity(analyzer: Analyzer, resource: Named, *parts: Mapping[str, str]) -> str:
    """The id of a finding, which follows from what it is about and from `parts`, which tell it from others."""
    told = [analyzer.arn, str(analyzer.created), resource.arn, *(sorted(part.items()) for part in parts)]
    digest = hashlib.sha256(repr(told).encode()).digest()
    return request_id(lambda octets: digest[:octets])


def common(analyzer: Analyzer, resource: Named, owner: str, now: float) -> dict[str, Any]:
    """The fields of a finding that is found `now` that all findings of a resource have."""
    return {
        "account": analyzer.account,
        "region": analyzer.region,
        "analyzer": analyzer.name,
        "resource": resource.arn,
        "type": resource.type,
        "owner": owner,
        "status": "ACTIVE",
        "created": now,
        "analyzed": now,
        "updated": now,
    }


def failed(
    analyzer: Analyzer, resource: Named, owner: str, now: float, finding_type: str = EXTERNAL_ACCESS
) -> Analysis:
    """The analysis of a resource that could not be analyzed: a finding with an error says so."""
    about = {**common(analyzer, resource, owner, now), "finding_type": finding_type}
    finding = AccessFinding(**about, id=identity(analyzer, resource, {}, {}), error=INTERNAL_ERROR)
    return Analysis(resource, there=True, owner=owner, findings=(finding,), error=INTERNAL_ERROR)


def in_line(state: State, analyzer: Analyzer, found: Sequence[Analysis], now: float) -> list[Event]:
    """The events that bring the findings about some resources in line with what was found."""
    known: dict[str, dict[str, AccessFinding]] = {each.resource.arn: {} for each in found}
    for it in findings_of(state, analyzer):
        if it.resource in known:
            known[it.resource][it.id] = it
    made = replace(analyzer, last_resource=found[-1].resource.arn, last_at=now)
    events = (_events(state, analyzer, each, known[each.resource.arn], now) for each in found)
    return [put(made), *chain.from_iterable(events)]


def outdated(state: State, analyzer: Analyzer, now: float) -> list[Event]:
    """The events that delete findings that were resolved long ago, and what was recommended about them."""
    old = now - _KEPT
    gone = [it for it in findings_of(state, analyzer) if it.status == "RESOLVED" and it.updated < old]
    told = (state.get(FindingRecommendation, it.account, it.key) for it in gone)
    return [*(remove(it) for it in gone), *(remove(it) for it in told if it is not None)]


def _events(
    state: State, analyzer: Analyzer, found: Analysis, before: Mapping[str, AccessFinding], now: float
) -> list[Event]:
    """The events that bring the findings about a resource, `before`, in line with what was found."""
    return [*map(put, outcome(analyzer, found, before, now)), *_resource(state, analyzer, found, now)]


def outcome(
    analyzer: Analyzer, found: Analysis, before: Mapping[str, AccessFinding], now: float
) -> list[AccessFinding]:
    """The findings about a resource after it was analyzed: what was found, and what is resolved of those `before`.

    Where it could not be analyzed, what was found before stays: it is not known to be gone. So it does where that is so
    of its principal, or of principals that are not told.
    """
    made = {it.id: it for it in found.findings}
    broken = [it.principal for it in found.findings if it.error]
    stays = bool(found.error) or {} in broken
    gone = [
        it
        for it in before.values()
        if it.id not in made and it.status != "RESOLVED" and not stays and it.principal not in broken
    ]
    return [
        *(_merged(analyzer, before.get(it.id), it) for it in made.values()),
        *(replace(it, status="RESOLVED", analyzed=now, updated=now) for it in gone),
    ]


def is_unchanged(before: AccessFinding, after: AccessFinding) -> bool:
    """Whether a finding says after an analysis what it said before."""
    return before.status == after.status and _content(before) == _content(after)


def _merged(analyzer: Analyzer, before: AccessFinding | None, made: AccessFinding) -> AccessFinding:
    """A finding as it is now: one that is new, or there again, is archived where a rule says so."""
    if before is not None and before.status != "RESOLVED":
        same = replace(made, created=before.created, status=before.status, updated=before.updated)
        return same if _content(same) == _content(before) else replace(same, updated=made.updated)
    archived = any(filters.meets(made, rule.filter) for rule in analyzer.rules)
    created = made.created if before is None else before.created
    return replace(made, created=created, status="ARCHIVED" if archived else "ACTIVE")


def _content(finding: AccessFinding) -> tuple[object, ...]:
    return finding.actions, finding.public, finding.error, finding.more, finding.details


def _resource(state: State, analyzer: Analyzer, found: Analysis, now: float) -> list[Event]:
    key = regional(analyzer.region, analyzer.name, found.resource.arn)
    before = state.get(AnalyzedResource, analyzer.account, key)
    if not found.listed:
        return []
    if not found.there:
        return [] if before is None else [remove(before)]
    actions, public = _actions(found.findings), any(it.public for it in found.findings)
    if found.error and before is not None:
        actions, public = before.actions, before.public
    same = before is not None and (before.actions, before.public) == (actions, public)
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
                actions=actions,
                public=public,
                error=found.error,
            )
        )
    ]


def _actions(findings: Iterable[AccessFinding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(action for it in findings for action in it.actions))
