"""Look-ups of analyzers, of what they have analyzed and of their findings."""

from __future__ import annotations

import re
from typing import Final, TypeVar

from locum.core.arn import Arn
from locum.services.accessanalyzer.faults import invalid, not_found
from locum.services.pagination import Pagination
from locum.services.verbs import Context
from locum.state import State
from locum.state.analyzers import AccessFinding, AccessPreview, AnalyzedResource, Analyzer, FindingRecommendation
from locum.state.autoscaling import regional

_Made = TypeVar("_Made", AccessFinding, AccessPreview, AnalyzedResource, FindingRecommendation)
"""What there is of an analyzer."""

LISTS: Final = Pagination("maxResults", "nextToken", "nextToken", 100, lambda: invalid("nextToken", "It is not valid."))
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,254}")


def check_name(member: str, name: str) -> None:
    """Check the name of an analyzer or an archive rule, which `member` has. Raises Fault ValidationException."""
    if not _NAME.fullmatch(name):
        raise invalid(member, "A name begins with a letter, and has letters, digits, and _ . - only.")


def analyzer_named(ctx: Context, name: str) -> Analyzer:
    """The analyzer with that name in the account and region. Raises Fault ResourceNotFoundException."""
    found = ctx.state.get(Analyzer, ctx.account, regional(ctx.region, name))
    if found is None:
        raise not_found("analyzer", name)
    return found


def analyzer_at(ctx: Context, arn: str, member: str = "analyzerArn") -> Analyzer:
    """The analyzer with the ARN that a `member` has. Raises Fault: one of another account or region is not there."""
    parsed = Arn.find(arn)
    if parsed is None or parsed.service != "access-analyzer" or not parsed.resource.startswith("analyzer/"):
        raise invalid(member, "It is not the ARN of an analyzer.")
    if (parsed.account, parsed.region) != (ctx.account, ctx.region):
        raise not_found("analyzer", arn)
    return analyzer_named(ctx, parsed.resource.removeprefix("analyzer/"))


def findings_of(state: State, analyzer: Analyzer) -> list[AccessFinding]:
    """All findings of an analyzer."""
    return _all_of(state, analyzer, AccessFinding)


def resources_of(state: State, analyzer: Analyzer) -> list[AnalyzedResource]:
    """All resources that an analyzer has analyzed."""
    return _all_of(state, analyzer, AnalyzedResource)


def recommendations_of(state: State, analyzer: Analyzer) -> list[FindingRecommendation]:
    """All recommendations about findings of an analyzer."""
    return _all_of(state, analyzer, FindingRecommendation)


def previews_of(state: State, analyzer: Analyzer) -> list[AccessPreview]:
    """All access previews of an analyzer."""
    return _all_of(state, analyzer, AccessPreview)


def _all_of(state: State, analyzer: Analyzer, kind: type[_Made]) -> list[_Made]:
    table = state.table(kind, analyzer.account).values()
    return [it for it in table if (it.region, it.analyzer) == (analyzer.region, analyzer.name)]
