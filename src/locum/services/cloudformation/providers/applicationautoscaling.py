"""Application Auto Scaling: what is scaled, and the policies by which it is."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.steps import lenient
from locum.services.cloudformation.providers.table import Call, Change, Each, Name, Row, Tags, provider

_SERVICE: Final = "application-autoscaling"
_KEYS: Final = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_OF: Final = {name: f"{{p.{name}}}" for name in _KEYS}
_ID: Final = "{p.ResourceId}|{p.ScalableDimension}|{p.ServiceNamespace}"
_GONE: Final = "ObjectNotFoundException"

_AT: Final = ("EndTime", "ScalableTargetAction", "Schedule", "ScheduledActionName", "StartTime", "Timezone")
_ACTION: Final = {**_OF, "ScheduledActionName": "{item.ScheduledActionName}"}
_TARGET: Final = Row(
    _SERVICE,
    Call(
        "RegisterScalableTarget",
        takes="MaxCapacity MinCapacity ResourceId RoleARN ScalableDimension ServiceNamespace SuspendedState",
    ),
    _ID,
    (Call("DeregisterScalableTarget", _OF),),
    attributes={"Id": "{id}", "ScalableTargetARN": "{c.ScalableTargetARN|attr.ScalableTargetARN}"},
    tags=Tags(
        Call("TagResource", {"ResourceARN": "{attr.ScalableTargetARN}", "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceARN": "{attr.ScalableTargetARN}", "TagKeys": "{keys}"}),
        form="map",
    ),
    settings=(Change(Call("RegisterScalableTarget", _OF, "MaxCapacity MinCapacity RoleARN SuspendedState")),),
    items=(
        Each(
            "ScheduledActions",
            Call("PutScheduledAction", {**_OF, **{name: f"{{item.{name}}}" for name in _AT}}),
            Call("DeleteScheduledAction", _ACTION),
            key="{item.ScheduledActionName}",
        ),
    ),
)


def _split(properties: Properties) -> Properties:
    """The properties of a policy, with those of its target in place of the target's id."""
    target = str(properties.get("ScalingTargetId", ""))
    parts = target.split("|")
    return {**properties, **dict(zip(_KEYS, parts, strict=True))} if len(parts) == len(_KEYS) else properties


_BY: Final = (
    "PredictiveScalingPolicyConfiguration StepScalingPolicyConfiguration TargetTrackingScalingPolicyConfiguration"
)
_POLICY: Final = Row(
    _SERVICE,
    Call("PutScalingPolicy", takes=f"PolicyType ResourceId ScalableDimension ServiceNamespace {_BY}"),
    "{c.PolicyARN}",
    (Call("DeleteScalingPolicy", {**_OF, "PolicyName": "{p.PolicyName}"}),),
    attributes={"Arn": "{id}"},
    name=Name("PolicyName", 256),
    settings=(Change(Call("PutScalingPolicy", {**_OF, "PolicyName": "{p.PolicyName}"}, f"PolicyType {_BY}")),),
    shaped=_split,
    unused=frozenset({"ScalingTargetId"}),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": lenient(provider(_TARGET), _GONE),
    "AWS::ApplicationAutoScaling::ScalingPolicy": lenient(provider(_POLICY), _GONE),
}
