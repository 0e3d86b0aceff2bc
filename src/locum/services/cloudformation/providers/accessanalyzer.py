"""IAM Access Analyzer: analyzers with their archive rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.table import (
    Call,
    Change,
    Each,
    Listing,
    Name,
    Part,
    Row,
    Shown,
    Tags,
    provider,
)

_ARN: Final = {"resourceArn": "{id}"}
_RULE: Final = {"analyzerName": "{attr.AnalyzerName}", "ruleName": "{item.ruleName}"}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """An archive rule as the API has it: the criteria of its filter by their keys."""
    criteria = {
        it["Property"]: {name.lower(): value for name, value in it.items() if name != "Property"}
        for it in rule["Filter"]
    }
    return {"ruleName": rule["RuleName"], "filter": criteria}


def _configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    """An AnalyzerConfiguration as the API has it. A rule that is not there (any more) takes nothing."""
    found = {name.removesuffix("Configuration"): it for name, it in _members(given, str.lower).items()}
    if "unusedAccess" in found:
        rule = found["unusedAccess"].get("analysisRule") or {"exclusions": []}
        tagged = [_with_tags(it, _map) for it in rule["exclusions"]]
        found["unusedAccess"]["analysisRule"] = {**rule, "exclusions": tagged}
    if "internalAccess" in found:
        rule = found["internalAccess"].get("internalAccessAnalysisRule") or {"inclusions": []}
        found["internalAccess"] = {"analysisRule": rule}
    return found


def _of_template(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """An AnalyzerConfiguration as a template has it."""
    found = {f"{name}Configuration": dict(it) for name, it in configuration.items()}
    rule = found.get("unusedAccessConfiguration", {}).get("analysisRule")
    if rule is not None:
        tagged = [_with_tags(it, _pairs) for it in rule["exclusions"]]
        found["unusedAccessConfiguration"]["analysisRule"] = {**rule, "exclusions": tagged}
    rule = found.get("internalAccessConfiguration", {}).get("analysisRule")
    if rule is not None:
        found["internalAccessConfiguration"] = {"internalAccessAnalysisRule": rule}
    return dict(_members(found, str.upper))


def _map(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {it["key"]: it["value"] for it in pairs}


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _with_tags(criterion: Mapping[str, Any], shaped: Callable[[Any], Any]) -> dict[str, Any]:
    """A criterion with its lists of tags shaped."""
    tags = [shaped(pairs) for pairs in criterion.get("resourceTags") or ()]
    return {**criterion, **({"resourceTags": tags} if tags else {})}


def _members(value: Any, cased: Callable[[str], str]) -> Any:
    """A value with other first letters of the names of members."""
    if isinstance(value, Mapping):
        return {cased(name[0]) + name[1:]: _members(it, cased) for name, it in value.items()}
    return [_members(it, cased) for it in value] if isinstance(value, list) else value


def _shaped(properties: Properties) -> Properties:
    found = dict(properties)
    if "ArchiveRules" in found:
        found["ArchiveRules"] = [_rule(rule) for rule in found["ArchiveRules"]]
    if "AnalyzerConfiguration" in found:
        found["AnalyzerConfiguration"] = _configuration(found["AnalyzerConfiguration"])
    return found


_ANALYZERS: Final = Row(
    service="accessanalyzer",
    create=Call("CreateAnalyzer", takes="configuration=AnalyzerConfiguration Type ArchiveRules"),
    name=Name("AnalyzerName", 255, member="analyzerName"),
    tags=Tags(
        add=Call("TagResource", {**_ARN, "tags": "{tags}"}),
        remove=Call("UntagResource", {**_ARN, "tagKeys": "{keys}"}),
        member="tags",
        form="map",
    ),
    physical="{c.arn}",
    attributes={"Arn": "{id}", "AnalyzerName": "{name}"},
    settings=(
        Change(
            Call("UpdateAnalyzer", {"analyzerName": "{attr.AnalyzerName}"}, takes="configuration=AnalyzerConfiguration")
        ),
    ),
    items=(
        Each(
            "ArchiveRules",
            Call("CreateArchiveRule", {**_RULE, "filter": "{item.filter}"}),
            Call("DeleteArchiveRule", _RULE),
            key="{item.ruleName}",
            apart=False,
            replaced=True,
        ),
    ),
    deletes=(Call("DeleteAnalyzer", {"analyzerName": "{attr.AnalyzerName}"}),),
    exists=frozenset({"ConflictException"}),
    shaped=_shaped,
    shown=Shown(
        Call("GetAnalyzer", {"analyzerName": "{name}"}),
        "analyzer",
        id="arn:{partition}:access-analyzer:{place}:{owner}:analyzer/{name}",
        parts=(Part("AnalyzerConfiguration", path="analyzer.configuration", item=_of_template),),
        hides="ArchiveRules",
        lists=Listing(Call("ListAnalyzers"), "analyzers", "{item.arn}"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::AccessAnalyzer::Analyzer": provider(_ANALYZERS)}
