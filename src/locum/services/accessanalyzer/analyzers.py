"""Analyzers. What an analyzer finds is `agents.analyzers`'s.

Access Analyzer API Reference, CreateAnalyzer and its kin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any, Final

from msgspec.structs import replace

from locum.analysis import proofs
from locum.core.system_tags import is_refused
from locum.services.accessanalyzer import archive_rules, zones
from locum.services.accessanalyzer.configurations import configured
from locum.services.accessanalyzer.faults import conflict, invalid, over_quota, unprocessable, unsupported
from locum.services.accessanalyzer.kinds import EXTERNAL, KINDS
from locum.services.accessanalyzer.lookups import (
    LISTS,
    analyzer_at,
    analyzer_named,
    check_name,
    findings_of,
    previews_of,
    recommendations_of,
    resources_of,
)
from locum.services.accessanalyzer.zones import SERVICE, check_zone
from locum.services.asking import Asking, asking
from locum.services.linked_roles import linked_role, linked_role_arn
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import State, put, remove
from locum.state.analyzers import Analyzer
from locum.state.autoscaling import regional
from locum.state.organizations import managed_since, organization_of

# -- analyzers -------------------------------------------------------------------------------------------


def create_analyzer(ctx: Context, params: Params) -> Asking:
    """access-analyzer:CreateAnalyzer. It is refused where nothing could be analyzed."""
    name, kind = params["analyzerName"], params["type"]
    check_name("analyzerName", name)
    if kind not in KINDS:
        raise unsupported(f"analyzers of the type {kind}")
    if KINDS[kind].analysis == EXTERNAL:
        check_solver()
    organization = check_zone(ctx, kind)
    configuration = configured(kind, ctx.account, params.get("configuration") or {})
    if ctx.state.get(Analyzer, ctx.account, regional(ctx.region, name)) is not None:
        raise conflict("analyzer", name)
    most = KINDS[kind].most
    if sum((it.region, it.type) == (ctx.region, kind) for it in _counted(ctx, kind)) >= most:
        message = f"You have reached the limit for analyzers of the type {kind} in this Region: {most}."
        raise over_quota("analyzer", name, message)
    rules = archive_rules.rules(ctx, kind, params.get("archiveRules") or ())
    effects = yield from linked_role(ctx, SERVICE)
    made = Analyzer(
        account=ctx.account,
        region=ctx.region,
        name=name,
        type=kind,
        role=linked_role_arn(ctx.account, SERVICE),
        created=ctx.now,
        rules=rules,
        configuration=configuration,
        tags=_tags(params.get("tags") or {}),
        organization=organization,
    )
    return Outcome({"arn": made.arn}, (put(made),), effects)


def _counted(ctx: Context, kind: str) -> Iterable[Analyzer]:
    """The analyzers among which those of the type are counted: the account's, or the organization's."""
    organization = organization_of(ctx.state, ctx.account) if KINDS[kind].together else None
    accounts = (ctx.account,) if organization is None else managed_since(ctx.state, organization.account)
    return chain.from_iterable(ctx.state.table(Analyzer, account).values() for account in accounts)


def check_solver() -> None:
    """Raise Fault UnprocessableEntityException where nothing can be proven here."""
    try:
        proofs.check_installed()
    except proofs.SolverMissing as error:
        raise unprocessable(str(error)) from error


def get_analyzer(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetAnalyzer."""
    return Outcome({"analyzer": shown(ctx.state, analyzer_named(ctx, params["analyzerName"]))})


def list_analyzers(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListAnalyzers."""
    here = [it for it in ctx.state.table(Analyzer, ctx.account).values() if it.region == ctx.region]
    wanted = [it for it in here if params.get("type") in (None, it.type)]
    return LISTS.page(params, wanted, lambda it: it.name).outcome("analyzers", partial(shown, ctx.state))


def delete_analyzer(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:DeleteAnalyzer, with its findings and access previews."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    state = ctx.state
    gone = (
        *findings_of(state, analyzer),
        *resources_of(state, analyzer),
        *previews_of(state, analyzer),
        *recommendations_of(state, analyzer),
    )
    return Outcome({}, (remove(analyzer), *(remove(it) for it in gone)))


def update_analyzer(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:UpdateAnalyzer: of what is not external access. All is looked at anew."""
    analyzer = analyzer_named(ctx, params["analyzerName"])
    given = params.get("configuration") or {}
    if KINDS[analyzer.type].analysis == EXTERNAL:
        if given:
            raise invalid("configuration", f"Analyzers of the type {analyzer.type} have no configuration.")
        return Outcome({})
    made = configured(analyzer.type, analyzer.account, given, analyzer.configuration)
    if made == analyzer.configuration:
        return Outcome({"configuration": made})
    return Outcome({"configuration": made}, (put(replace(analyzer, configuration=made, scanned=0.0)),))


def shown(state: State, analyzer: Analyzer) -> dict[str, Any]:
    """An AnalyzerSummary."""
    reason = zones.reason(state, analyzer)
    found: dict[str, Any] = {
        "arn": analyzer.arn,
        "name": analyzer.name,
        "type": analyzer.type,
        "createdAt": analyzer.created,
        "status": "DISABLED" if reason else "ACTIVE",
        "tags": dict(analyzer.tags),
    }
    if reason:
        found["statusReason"] = {"code": reason}
    if analyzer.last_resource:
        found |= {"lastResourceAnalyzed": analyzer.last_resource, "lastResourceAnalyzedAt": analyzer.last_at}
    return found | ({"configuration": analyzer.configuration} if analyzer.configuration else {})


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
    "CreateAnalyzer": asks_and_writes(asking(create_analyzer)),
    "DeleteAnalyzer": writes(delete_analyzer),
    "GetAnalyzer": reads(get_analyzer),
    "ListAnalyzers": reads(list_analyzers),
    "ListTagsForResource": reads(list_tags_for_resource),
    "TagResource": writes(tag_resource),
    "UntagResource": writes(untag_resource),
    "UpdateAnalyzer": writes(update_analyzer),
}
