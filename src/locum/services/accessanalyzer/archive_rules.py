"""Archive rules of analyzers.

Access Analyzer API Reference, CreateArchiveRule, UpdateArchiveRule, ApplyArchiveRule and their kin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.services.accessanalyzer import filters
from locum.services.accessanalyzer.faults import conflict, not_found, over_quota
from locum.services.accessanalyzer.lookups import LISTS, analyzer_named, check_name, findings_of
from locum.services.accessanalyzer.zones import enabled_at
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Event, put
from locum.state.analyzers import Analyzer, ArchiveRule

_MOST: Final = 100


def create_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:CreateArchiveRule. It is for findings to come."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    return _with_rules(analyzer, rules(ctx, analyzer.type, [params], analyzer.rules))


def update_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:UpdateArchiveRule."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    before = _rule_named(analyzer, params["ruleName"])
    made = replace(_rule(ctx, analyzer.type, before.name, params["filter"]), created=before.created)
    return _with_rules(analyzer, [made if rule is before else rule for rule in analyzer.rules])


def delete_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:DeleteArchiveRule."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    gone = _rule_named(analyzer, params["ruleName"])
    return _with_rules(analyzer, [rule for rule in analyzer.rules if rule is not gone])


def get_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetArchiveRule."""
    rule = _rule_named(analyzer_named(ctx, params["analyzerName"]), params["ruleName"])
    return Outcome({"archiveRule": _shown(rule)})


def list_archive_rules(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListArchiveRules."""
    there = analyzer_named(ctx, params["analyzerName"]).rules
    return LISTS.page(params, there, lambda rule: rule.name).outcome("archiveRules", _shown)


def apply_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ApplyArchiveRule: to the findings that there are."""
    analyzer = enabled_at(ctx, params["analyzerArn"])
    rule = _rule_named(analyzer, params["ruleName"])
    active = [it for it in findings_of(ctx.state, analyzer) if it.status == "ACTIVE" and filters.meets(it, rule.filter)]
    return Outcome({}, tuple(put(replace(it, status="ARCHIVED", updated=ctx.now)) for it in active))


def rules(
    ctx: Context, kind: str, given: Sequence[Params], there: Sequence[ArchiveRule] = ()
) -> tuple[ArchiveRule, ...]:
    """The rules of an analyzer of the type `kind`: those that are `there`, and those that are `given`. Raises Fault."""
    found = list(there)
    for it in given:
        name = it["ruleName"]
        if any(rule.name == name for rule in found):
            raise conflict("archive-rule", name)
        if len(found) >= _MOST:
            raise over_quota("archive-rule", name, f"An analyzer has at most {_MOST} archive rules.")
        found.append(_rule(ctx, kind, name, it["filter"]))
    return tuple(found)


def _rule(ctx: Context, kind: str, name: str, wanted: filters.Filter) -> ArchiveRule:
    check_name("ruleName", name)
    filters.check(wanted, kind, of_rule=True)
    plain = {key: dict(criterion) for key, criterion in wanted.items()}
    return ArchiveRule(name=name, filter=plain, created=ctx.now, updated=ctx.now)


def _rule_named(analyzer: Analyzer, name: str) -> ArchiveRule:
    for rule in analyzer.rules:
        if rule.name == name:
            return rule
    raise not_found("archive-rule", name)


def _with_rules(analyzer: Analyzer, rules: Sequence[ArchiveRule]) -> Outcome:
    event: Event = put(replace(analyzer, rules=tuple(rules)))
    return Outcome({}, (event,))


def _shown(rule: ArchiveRule) -> dict[str, Any]:
    return {"ruleName": rule.name, "filter": rule.filter, "createdAt": rule.created, "updatedAt": rule.updated}


OPERATIONS: Final[dict[str, Operation]] = {
    "ApplyArchiveRule": writes(apply_archive_rule),
    "CreateArchiveRule": writes(create_archive_rule),
    "DeleteArchiveRule": writes(delete_archive_rule),
    "GetArchiveRule": reads(get_archive_rule),
    "ListArchiveRules": reads(list_archive_rules),
    "UpdateArchiveRule": writes(update_archive_rule),
}
