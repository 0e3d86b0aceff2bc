"""Alarms and dashboards of CloudWatch."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.guards import named, new_only
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_SERVICE: Final = "cloudwatch"
_ACTIONS: Final = "ActionConfiguration ActionsEnabled AlarmActions AlarmDescription InsufficientDataActions OKActions"


def _tags(arn: str) -> Tags:
    return Tags(
        Call("TagResource", {"ResourceARN": arn, "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceARN": arn, "TagKeys": "{keys}"}),
    )


def _alarm(operation: str, kind: str, takes: str) -> Row:
    """A kind of alarms, which one call makes and changes."""
    return Row(
        _SERVICE,
        Call(operation, takes=f"{_ACTIONS} {takes}"),
        "{name}",
        (Call("DeleteAlarms", {"AlarmNames": ["{id}"]}),),
        attributes={"Arn": f"{{r.{kind}s.0.AlarmArn}}"},
        name=Name("AlarmName", 255),
        tags=_tags("{attr.Arn}"),
        read=Call("DescribeAlarms", {"AlarmNames": ["{id}"], "AlarmTypes": [kind]}),
        settings=(Change(Call(operation, {"AlarmName": "{id}"}, f"{_ACTIONS} {takes}")),),
        shown=Shown(
            parts=(Part("Tags", Call("ListTagsForResource", {"ResourceARN": "{it.AlarmArn}"}), "Tags"),),
            lists=Listing(Call("DescribeAlarms", {"AlarmTypes": [kind]}), f"{kind}s", "{item.AlarmName}"),
        ),
    )


_METRIC: Final = _alarm(
    "PutMetricAlarm",
    "MetricAlarm",
    "ComparisonOperator DatapointsToAlarm Dimensions EvaluateLowSampleCountPercentile EvaluationCriteria "
    "EvaluationInterval EvaluationPeriods EvaluationWindow ExtendedStatistic MetricName Metrics Namespace Period "
    "Statistic Threshold ThresholdMetricId TreatMissingData Unit WarmUpConfiguration",
)
_COMPOSITE: Final = _alarm(
    "PutCompositeAlarm",
    "CompositeAlarm",
    "ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod AlarmRule",
)

_DASHBOARD: Final = Row(
    _SERVICE,
    Call("PutDashboard", takes="DashboardBody"),
    "{name}",
    (Call("DeleteDashboards", {"DashboardNames": ["{id}"]}),),
    name=Name("DashboardName", 255),
    tags=Tags(),
    settings=(Change(Call("PutDashboard", {"DashboardName": "{id}"}, "DashboardBody")),),
    shown=Shown(
        Call("GetDashboard", {"DashboardName": "{id}"}),
        "",
        lists=Listing(Call("ListDashboards"), "DashboardEntries", "{item.DashboardName}"),
    ),
)


def _alarms(row: Row, kind: str) -> Provider:
    """Alarms of a kind. The call that makes one would change one of that name that is there."""
    look = named(_SERVICE, "DescribeAlarms", "AlarmNames[]", "AlarmName", AlarmTypes=[kind])
    return new_only(provider(row), look, at=f"{kind}s")


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::CloudWatch::Alarm": _alarms(_METRIC, "MetricAlarm"),
    "AWS::CloudWatch::CompositeAlarm": _alarms(_COMPOSITE, "CompositeAlarm"),
    "AWS::CloudWatch::Dashboard": new_only(
        provider(_DASHBOARD), named(_SERVICE, "GetDashboard", "DashboardName", "DashboardName")
    ),
}
