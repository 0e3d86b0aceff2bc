"""Analyzers and their archive rules. What an analyzer finds is `agents.analyzers`'s.

Access Analyzer API Reference, CreateAnalyzer, CreateArchiveRule and their kin; IAM User Guide, "IAM Access Analyzer
quotas".
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.analysis import proofs
from locum.core.actors import on_behalf_of
from locum.core.arn import Arn, iam_arn
from locum.core.calls import Ask, Effect, ServiceCall
from locum.core.identifiers import request_id
from locum.core.system_tags import is_refused
from locum.services.accessanalyzer import filters
from locum.services.accessanalyzer.faults import conflict, invalid, not_found, over_quota, unprocessable, unsupported
from locum.services.asking import Asking, asking
from locum.services.pagination import Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import Event, Role, State, put, remove
from locum.state.analyzers import AccessFinding, AnalyzedResource, Analyzer, ArchiveRule
from locum.state.arns import entity_by_arn
from locum.state.autoscaling import regional
from locum.state.service_linked_roles import linked_service

SERVICE: Final = "access-analyzer.amazonaws.com"
ACCOUNT: Final = "ACCOUNT"
_MOST: Final = 1
"""Analyzers of that type in a Region: "Maximum analyzers with an account zone of trust: 1"."""
_MOST_RULES: Final = 100
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,254}")
_REGION: Final = "us-east-1"  # of IAM
LISTS: Final = Pagination("maxResults", "nextToken", "nextToken", 100, lambda: invalid("nextToken", "It is not valid."))


# -- look-ups --------------------------------------------------------------------------------------------


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
    table = state.table(AccessFinding, analyzer.account).values()
    return [it for it in table if (it.region, it.analyzer) == (analyzer.region, analyzer.name)]


def resources_of(state: State, analyzer: Analyzer) -> list[AnalyzedResource]:
    """All resources that an analyzer has analyzed."""
    table = state.table(AnalyzedResource, analyzer.account).values()
    return [it for it in table if (it.region, it.analyzer) == (analyzer.region, analyzer.name)]


# -- analyzers -------------------------------------------------------------------------------------------


def create_analyzer(ctx: Context, params: Params) -> Asking:
    """access-analyzer:CreateAnalyzer. It is refused where nothing could be analyzed."""
    name, kind = params["analyzerName"], params["type"]
    if not _NAME.fullmatch(name):
        raise invalid("analyzerName", "A name begins with a letter, and has letters, digits, and _ . - only.")
    if kind != ACCOUNT:
        raise unsupported(f"analyzers of the type {kind}")
    try:
        proofs.check_installed()
    except proofs.SolverMissing as error:
        raise unprocessable(str(error)) from error
    if ctx.state.get(Analyzer, ctx.account, regional(ctx.region, name)) is not None:
        raise conflict("analyzer", name)
    here = [it for it in ctx.state.table(Analyzer, ctx.account).values() if it.region == ctx.region]
    if len(here) >= _MOST:
        message = f"You have reached the limit of {_MOST} analyzers of the type {kind} in this Region."
        raise over_quota("analyzer", name, message)
    rules = _rules(ctx, params.get("archiveRules") or ())
    role, effects = yield from _service_role(ctx)
    made = Analyzer(
        account=ctx.account,
        region=ctx.region,
        name=name,
        type=kind,
        role=role,
        created=ctx.now,
        rules=rules,
        configuration=dict(params.get("configuration") or {}),
        tags=_tags(params.get("tags") or {}),
    )
    return Outcome({"arn": made.arn}, (put(made),), effects)


def _service_role(ctx: Context) -> Generator[Ask, Mapping[str, Any], tuple[str, tuple[Effect, ...]]]:
    """The service-linked role, and the call of the caller that makes it where it is not there."""
    linked = linked_service(SERVICE)
    assert linked is not None
    arn = iam_arn(ctx.account, "role", linked.path, linked.role)
    if entity_by_arn(ctx.state, Role, arn, ctx.account) is not None:
        return arn, ()
    actor = on_behalf_of(ctx.caller, SERVICE)
    create = ServiceCall(actor, "iam", "CreateServiceLinkedRole", {"AWSServiceName": SERVICE}, _REGION)
    yield Ask(create, decided_only=True)
    return arn, (Effect(request_id(ctx.entropy), create, awaited=True),)


def get_analyzer(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetAnalyzer."""
    return Outcome({"analyzer": shown(analyzer_named(ctx, params["analyzerName"]))})


def list_analyzers(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListAnalyzers."""
    here = [it for it in ctx.state.table(Analyzer, ctx.account).values() if it.region == ctx.region]
    wanted = [it for it in here if params.get("type") in (None, it.type)]
    return LISTS.page(params, wanted, lambda it: it.name).outcome("analyzers", shown)


def delete_analyzer(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:DeleteAnalyzer, with its findings."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    gone = (*findings_of(ctx.state, analyzer), *resources_of(ctx.state, analyzer))
    return Outcome({}, (remove(analyzer), *(remove(it) for it in gone)))


def update_analyzer(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:UpdateAnalyzer. The configurations of the analyzers that there are have nothing to change."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    if params.get("configuration"):
        raise invalid("configuration", f"Analyzers of the type {analyzer.type} have no configuration.")
    return Outcome({})


def shown(analyzer: Analyzer) -> dict[str, Any]:
    """An AnalyzerSummary."""
    found: dict[str, Any] = {
        "arn": analyzer.arn,
        "name": analyzer.name,
        "type": analyzer.type,
        "createdAt": analyzer.created,
        "status": "ACTIVE",
        "tags": dict(analyzer.tags),
    }
    if analyzer.last_resource:
        found |= {"lastResourceAnalyzed": analyzer.last_resource, "lastResourceAnalyzedAt": analyzer.last_at}
    return found | ({"configuration": analyzer.configuration} if analyzer.configuration else {})


# -- archive rules ---------------------------------------------------------------------------------------


def create_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:CreateArchiveRule. It is for findings to come."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    return _with_rules(analyzer, _rules(ctx, [params], analyzer.rules))


def update_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:UpdateArchiveRule."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    before = _rule_named(analyzer, params["ruleName"])
    made = replace(_rule(ctx, before.name, params["filter"]), created=before.created)
    return _with_rules(analyzer, [made if rule is before else rule for rule in analyzer.rules])


def delete_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:DeleteArchiveRule."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    gone = _rule_named(analyzer, params["ruleName"])
    return _with_rules(analyzer, [rule for rule in analyzer.rules if rule is not gone])


def get_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetArchiveRule."""
    rule = _rule_named(analyzer_named(ctx, params["analyzerName"]), params["ruleName"])
    return Outcome({"archiveRule": _rule_shown(rule)})


def list_archive_rules(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListArchiveRules."""
    rules = analyzer_named(ctx, params["analyzerName"]).rules
    return LISTS.page(params, rules, lambda rule: rule.name).outcome("archiveRules", _rule_shown)


def apply_archive_rule(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ApplyArchiveRule: to the findings that there are."""
    analyzer = analyzer_at(ctx, params["analyzerArn"])
    rule = _rule_named(analyzer, params["ruleName"])
    active = [it for it in findings_of(ctx.state, analyzer) if it.status == "ACTIVE" and filters.meets(it, rule.filter)]
    return Outcome({}, tuple(put(replace(it, status="ARCHIVED", updated=ctx.now)) for it in active))


def _rules(ctx: Context, given: Sequence[Params], there: Sequence[ArchiveRule] = ()) -> tuple[ArchiveRule, ...]:
    """The rules that are `there`, and those that are `given`. Raises Fault."""
    rules = list(there)
    for it in given:
        name = it["ruleName"]
        if any(rule.name == name for rule in rules):
            raise conflict("archive-rule", name)
        if len(rules) >= _MOST_RULES:
            raise over_quota("archive-rule", name, f"An analyzer has at most {_MOST_RULES} archive rules.")
        rules.append(_rule(ctx, name, it["filter"]))
    return tuple(rules)


def _rule(ctx: Context, name: str, wanted: filters.Filter) -> ArchiveRule:
    if not _NAME.fullmatch(name):
        raise invalid("ruleName", "A name begins with a letter, and has letters, digits, and _ . - only.")
    filters.check(wanted)
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


def _rule_shown(rule: ArchiveRule) -> dict[str, Any]:
    return {"ruleName": rule.name, "filter": rule.filter, "createdAt": rule.created, "updatedAt": rule.updated}


# -- tags ------------------------------------------------------------------------------------------------


def tag_resource(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:TagResource."""
    analyzer = analyzer_at(ctx, params["resourceArn"], "resourceArn")
    return Outcome({}, (put(replace(analyzer, tags={**analyzer.tags, **_tags(params["tags"])})),))


def untag_resource(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:UntagResource."""
    analyzer = analyzer_at(ctx, params["resourceArn"], "resourceArn")
    kept = {key: value for key, value in analyzer.tags.items() if key not in params["tagKeys"]}
    return Outcome({}, (put(replace(analyzer, tags=kept)),))


def list_tags_for_resource(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListTagsForResource."""
    return Outcome({"tags": dict(analyzer_at(ctx, params["resourceArn"], "resourceArn").tags)})


def _tags(given: Mapping[str, str]) -> dict[str, str]:
    for key in given:
        if is_refused(key):
            raise invalid("tags", "Tag keys cannot begin with aws:.")
    return dict(given)


OPERATIONS: Final[dict[str, Operation]] = {
    "ApplyArchiveRule": writes(apply_archive_rule),
    "CreateAnalyzer": asks_and_writes(asking(create_analyzer)),
    "CreateArchiveRule": writes(create_archive_rule),
    "DeleteAnalyzer": writes(delete_analyzer),
    "DeleteArchiveRule": writes(delete_archive_rule),
    "GetAnalyzer": reads(get_analyzer),
    "GetArchiveRule": reads(get_archive_rule),
    "ListAnalyzers": reads(list_analyzers),
    "ListArchiveRules": reads(list_archive_rules),
    "ListTagsForResource": reads(list_tags_for_resource),
    "TagResource": writes(tag_resource),
    "UntagResource": writes(untag_resource),
    "UpdateAnalyzer": writes(update_analyzer),
    "UpdateArchiveRule": writes(update_archive_rule),
}
