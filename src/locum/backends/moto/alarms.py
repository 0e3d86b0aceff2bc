"""Alarms: their evaluation as metric data comes, and what they do when their state changes.

moto keeps alarms and metric data, and does nothing with them. An alarm that has changed its state, by SetAlarmState or
by data, acts by calls that are decided on and recorded (`Delivery`): it publishes to topics, invokes functions and
executes the policies of Auto Scaling. CloudWatch User Guide, "Using Amazon CloudWatch alarms".
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.backends.moto import internals
from locum.backends.moto.deliveries import Collected, Request, Source, collector
from locum.core.arn import Arn
from locum.core.clock import iso8601_ms

ALARM, OK = "ALARM", "OK"

LATEST: Final = 10_000
"""The data of a backend, in all its metrics, that an evaluation looks at."""

_BREACHES: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_WORDS: Final[Mapping[str, str]] = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
_OF_FUNCTIONS: Final = "lambda.alarms.cloudwatch.amazonaws.com"
_AUTO_SCALING: Final = "autoscaling.amazonaws.com"
_ACTIONS: Final = {ALARM: "alarm_actions", OK: "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}


class Change(NamedTuple):
    """The change of an alarm's state, at `at` (epoch seconds)."""

    alarm: Any
    before: str
    at: float

    @property
    def arn(self) -> Arn:
        """The ARN of the alarm."""
        return Arn.parse(self.alarm.alarm_arn)


def divert() -> None:
    """Have moto's alarms act, and be evaluated when there is data. Idempotent."""
    internals.divert_alarms(_changed, _measured)


def _changed(alarm: Any, before: str) -> None:
    """Act on the change of an alarm's state from `before`."""
    collected = collector(alarm.alarm_arn)
    if collected is None or alarm.state_value == before or not alarm.actions_enabled:
        return
    change = Change(alarm, before, collected.call.origin.at)
    for action in getattr(alarm, _ACTIONS.get(alarm.state_value, ""), None) or ():
        arn = Arn.find(action)
        if arn is not None:
            _act(collected, change, arn)


def _act(collected: Collected, change: Change, target: Arn) -> None:
    alarm, account = change.alarm.alarm_arn, change.arn.account
    if target.service == "sns":
        text, subject = _message(change), f'{change.alarm.state_value}: "{change.alarm.name}" in {change.arn.region}'
        params: dict[str, Any] = {"TopicArn": str(target), "Subject": subject[:100], "Message": text}
        request, service = Request("sns", "Publish", params), _CLOUDWATCH
    elif target.service == "lambda":
        params = {"FunctionName": str(target), "InvocationType": "Event", "Payload": _event(change).encode()}
        request, service = Request("lambda", "Invoke", params), _OF_FUNCTIONS
    elif target.service == "autoscaling" and target.resource.startswith("scalingPolicy:"):
        params = {"PolicyName": str(target), **_breach(change.alarm)}
        request, service = Request("autoscaling", "ExecutePolicy", params), _AUTO_SCALING
    else:
        return
    collected.add(Source(service, alarm, account), target.account, target.region, request)


def _breach(alarm: Any) -> dict[str, float]:
    """MetricValue and BreachThreshold: the last data point that the state's reason has, or the threshold itself.

    CloudWatch API Reference, SetAlarmState, StateReasonData: "for EC2 Auto Scaling [...] alarm actions, the Auto
    Scaling policy uses the information in this field to take the correct action."
    """
    threshold = float(alarm.threshold or 0)
    try:
        points = json.loads(alarm.state_reason_data or "{}")["recentDatapoints"]
        value = float(points[-1])
    except (ValueError, TypeError, LookupError):
        return {"BreachThreshold": threshold, "MetricValue": threshold}
    return {"BreachThreshold": threshold, "MetricValue": value}


def _message(change: Change) -> str:
    """The text of the message to a topic."""
    alarm = change.alarm
    told = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": change.arn.account,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": iso8601_ms(change.at).replace("Z", "+0000"),
        "Region": change.arn.region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": change.before,
        "OKActions": alarm.ok_actions or [],
        "AlarmActions": alarm.alarm_actions or [],
        "InsufficientDataActions": alarm.insufficient_data_actions or [],
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": (alarm.statistic or "").upper(),
            "Unit": alarm.unit,
            "Dimensions": [{"value": it.value, "name": it.name} for it in alarm.dimensions],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }
    return json.dumps(told)


def _event(change: Change) -> str:
    """The event that a function is invoked with."""
    alarm, at = change.alarm, iso8601_ms(change.at).replace("Z", "+0000")
    state = {"value": alarm.state_value, "reason": alarm.state_reason, "timestamp": at}
    told = {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.alarm_arn,
        "accountId": change.arn.account,
        "time": at,
        "region": change.arn.region,
        "alarmData": {"alarmName": alarm.name, "state": state, "previousState": {"value": change.before}},
    }
    return json.dumps(told)


# -- evaluation ----------------------------------------------------------------------------------------------


def _measured(backend: Any, namespace: str, names: Iterable[str]) -> None:
    """Evaluate the alarms on metrics for which data has come."""
    wanted = set(names)
    for alarm in list(backend.alarms.values()):
        if alarm.namespace == namespace and alarm.metric_name in wanted and not alarm.rule:
            _evaluate(alarm, backend.metric_data[-LATEST:])


def _evaluate(alarm: Any, data: Sequence[Any]) -> None:
    """Give `alarm` the state that the latest periods with data say. User Guide, "Evaluating an alarm"."""
    breaches, periods = _BREACHES.get(alarm.comparison_operator), int(alarm.evaluation_periods or 1)
    points = _points(alarm, data) if breaches is not None and alarm.statistic and alarm.period else {}
    if not points or breaches is None:
        return
    newest, threshold = max(points), float(alarm.threshold)
    oldest = newest - (periods - 1) * int(alarm.period)
    there = [points[start] for start in sorted(points) if start >= oldest]  # of periods there may be any number
    missing = periods - len(there) if alarm.treat_missing_data == "breaching" else 0
    breaching = [value for value in there if breaches(value, threshold)]
    state = ALARM if len(breaching) + missing >= int(alarm.datapoints_to_alarm or periods) else OK
    if alarm.state_value == state:
        return
    was = "was" if state == ALARM else "was not"
    told = ", ".join(str(value) for value in there)
    reason = (
        f"Threshold Crossed: {len(there)} datapoints [{told}] {was} {_WORDS[alarm.comparison_operator]} the threshold"
    )
    reason_data = {"version": "1.0", "recentDatapoints": there, "threshold": threshold, "period": alarm.period}
    alarm.update_state(f"{reason} ({threshold}).", json.dumps(reason_data), state)


def _points(alarm: Any, data: Sequence[Any]) -> dict[int, float]:
    """The statistic of the alarm's metric for each period with data, by its beginning (epoch seconds)."""
    wanted = {(it.name, it.value) for it in alarm.dimensions}
    by_period: dict[int, list[tuple[float, float, float, float]]] = {}
    for datum in data:
        same = datum.namespace == alarm.namespace and datum.name == alarm.metric_name
        if same and wanted == {(it.name, it.value) for it in datum.dimensions} and alarm.unit in (None, "", datum.unit):
            at = int(datum.timestamp.timestamp())
            by_period.setdefault(at - at % int(alarm.period), []).append(_parts(datum))
    values = ((start, _statistic(alarm.statistic, parts)) for start, parts in by_period.items())
    return {start: value for start, value in values if value is not None}


def _parts(datum: Any) -> tuple[float, float, float, float]:
    """Sum, number, minimum and maximum of a datum."""
    value = getattr(datum, "value", None)
    if value is not None:
        return float(value), 1.0, float(value), float(value)
    return float(datum.sum), float(datum.sample_count), float(datum.min), float(datum.max)


def _statistic(name: str, parts: Sequence[tuple[float, float, float, float]]) -> float | None:
    total, number = (sum(each) for each in _columns(parts, 0, 1))
    least, most = _columns(parts, 2, 3)
    known = {"Sum": total, "SampleCount": number, "Minimum": min(least), "Maximum": max(most)}
    return total / number if name == "Average" and number else known.get(name)


def _columns(parts: Sequence[tuple[float, ...]], *positions: int) -> Iterator[list[float]]:
    return ([part[position] for part in parts] for position in positions)
