"""IAM Access Analyzer: analyzers with their archive rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.table import Call, Each, Listing, Name, Row, Shown, Tags, provider

_ARN: Final = {"resourceArn": "{id}"}
_RULE: Final = {"analyzerName": "{attr.AnalyzerName}", "ruleName": "{item.ruleName}"}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """An archive rule as the API has it: the criteria of its filter by their keys."""
    criteria = {
        it["Property"]: {name.lower(): value for name, value in it.items() if name != "Property"}
        for it in rule["Filter"]
    }
    return {"ruleName": rule["RuleName"], "filter": criteria}


def _shaped(properties: Properties) -> Properties:
    rules = properties.get("ArchiveRules")
    return properties if rules is None else {**properties, "ArchiveRules": [_rule(rule) for rule in rules]}


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
        Call("GetAnalyzer", {"analyzerName": "{attr.AnalyzerName}"}),
        "analyzer",
        hides="ArchiveRules",
        lists=Listing(Call("ListAnalyzers"), "analyzers", "{item.arn}"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::AccessAnalyzer::Analyzer": provider(_ANALYZERS)}
