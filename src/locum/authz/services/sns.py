"""Amazon SNS: the topic of a subscription, and roles that are passed in attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values, as_values
from locum.core.arn import PARTITION
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def _topic_of_subscription(state: State, call: Call, values: Values) -> Iterable[str]:
    """The topic of the subscription arn:aws:sns:region:account:topic:id."""
    arn = values[0] or ""
    if arn.count(":") == 6:
        return (arn.rsplit(":", 1)[0],)
    return (arn_of(f"arn:{PARTITION}:sns:{call.region}:{call.caller.account}:", UNKNOWN),)


def _attribute_roles(state: State, call: Call) -> Iterator[Check]:
    """iam:PassRole for roles in attributes: `HTTPSuccessFeedbackRoleArn`, `SubscriptionRoleArn` and the like."""
    attributes = dict(call.params.get("Attributes") or {})
    attributes[call.params.get("AttributeName", "")] = call.params.get("AttributeValue")
    for name, value in attributes.items():
        if value and name.endswith("RoleArn"):
            yield Check("iam:PassRole", value, "role", {"iam:passedtoservice": f"{call.service}.amazonaws.com"})


def _source_owner(state: State, call: Call, check: Check) -> list[str]:
    """aws:SourceOwner: the account for which a service publishes.

    SNS Developer Guide, "aws:SourceAccount versus aws:SourceOwner": "each set by some AWS services when they publish to
    an Amazon SNS topic". Topics have a policy with it when they are made.
    """
    source = call.caller.source
    return [] if source is None else as_values(source.account)


FUNCTIONS: Final = Functions(
    planners={"attribute_roles": _attribute_roles},
    resolvers={"sns_topic_of_subscription": _topic_of_subscription},
    keys={"source_owner": _source_owner},
)
